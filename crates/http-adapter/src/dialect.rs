//! Which dialect answers for a path, and the refusals that no handler makes: those of the router and of the guard around each handler.

use crate::fault::Fault;
use crate::{community, native, settings};
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};

/// A way of wording answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/api/v2`, and everything that belongs to nobody.
    Community,
    /// `/settings`.
    Settings,
    /// `/v1`, and the pages on its problems.
    Native,
}

/// What begins with one of these is of another dialect than the community's.
const ROOTS: [(&str, Dialect); 3] = [("/settings", Dialect::Settings), ("/v1", Dialect::Native), ("/problems", Dialect::Native)];

/// Seconds after which a request that could not be served may be sent again.
pub(crate) const RETRY_AFTER_SECONDS: u32 = 1;

/// Why a request got no answer from a handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nothing is at that path.
    NotFound,
    /// Something is, but not for that method.
    MethodNotAllowed(Method),
    /// The handler did not come to its end.
    Fault(Fault),
}

impl Dialect {
    /// The dialect of a path.
    pub(crate) fn of(path: &str) -> Self {
        let is_below = |root| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        ROOTS.into_iter().find(|(root, _)| is_below(*root)).map_or(Self::Community, |(_, dialect)| dialect)
    }

    /// Words a refusal.
    pub(crate) fn refuse(self, refusal: Refusal) -> HttpResponse {
        match self {
            Self::Community => community::Problem::from(refusal).error_response(),
            Self::Settings => settings::Problem::from(refusal).error_response(),
            Self::Native => native::Problem::from(refusal).error_response(),
        }
    }
}

/// Begins the answer to a failure, with the header that HTTP asks for at that status.
pub(crate) fn failure(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"api\""));
    } else if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((RETRY_AFTER, RETRY_AFTER_SECONDS));
    } else if matches!(status, StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT) {
        // The rest of the body is still on its way, and the library would read it to its end, however far off that is.
        response.force_close();
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_path_decides() {
        for path in ["/settings", "/settings/", "/settings/user", "/settings/user/", "/settings/x"] {
            assert_eq!(Dialect::of(path), Dialect::Settings, "{path}");
        }
        for path in ["/v1", "/v1/", "/v1/users", "/v1/x", "/problems", "/problems/forbidden"] {
            assert_eq!(Dialect::of(path), Dialect::Native, "{path}");
        }
        for path in ["/", "/api/v2/user/", "/settingsx", "/x/settings/user", "/v10", "/v1.1", "/api/v1", "/problemsx", "*", ""] {
            assert_eq!(Dialect::of(path), Dialect::Community, "{path}");
        }
    }
}
