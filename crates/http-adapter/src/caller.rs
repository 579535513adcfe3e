//! Who sends a request: from the `Authorization` header to a caller. Nothing else of a request says who sends it.

use crate::fault::Fault;
use crate::tokens::{TokenError, Verifier, Vigil};
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use lethe_ports::Caller;
use lethe_ports::inbound::Bearer;

/// Words before a token; `Token` is what some clients send in place of `Bearer`.
const SCHEMES: [&str; 2] = ["Bearer", "Token"];

/// Why nobody is known to have sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallerError {
    /// No token was sent.
    NoCredentials,
    /// What was sent is no token that is honoured.
    BadToken,
    /// Whether what was sent is honoured cannot be told yet.
    Fault(Fault),
}

/// The caller whose token the headers carry.
pub(crate) fn authenticate(headers: &HeaderMap, verifier: &Verifier) -> Result<Caller, CallerError> {
    verifier.verify(token(headers)?).map_err(|error| refused(&error))
}

/// The caller or the ticket whose token the headers carry.
pub(crate) fn authenticate_bearer(headers: &HeaderMap, verifier: &Verifier) -> Result<Bearer, CallerError> {
    verifier.verify_bearer(token(headers)?).map_err(|error| refused(&error))
}

/// Watches over the token that the headers carry.
pub(crate) fn watch_over(headers: &HeaderMap, verifier: &Verifier) -> Result<Vigil, CallerError> {
    verifier.vigil(token(headers)?).map_err(|error| refused(&error))
}

fn refused(error: &TokenError) -> CallerError {
    match error {
        TokenError::Unready => CallerError::Fault(Fault::Unavailable(error.to_string())),
        TokenError::TooLarge
        | TokenError::Malformed(_)
        | TokenError::TooComplex(_)
        | TokenError::UnknownKey(_)
        | TokenError::BadSignature
        | TokenError::NotOurs(_)
        | TokenError::Revoked
        | TokenError::Expired
        | TokenError::Sealed
        | TokenError::NothingToNarrow => {
            tracing::debug!(%error, "a token was refused");
            CallerError::BadToken
        }
    }
}

fn token(headers: &HeaderMap) -> Result<&str, CallerError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let value = values.next().ok_or(CallerError::NoCredentials)?;
    if values.next().is_some() {
        return Err(CallerError::BadToken);
    }
    let text = value.to_str().map_err(|_| CallerError::BadToken)?.trim();
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) { Ok(token.trim_start()) } else { Err(CallerError::NoCredentials) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn of(values: &[&[u8]]) -> Result<String, CallerError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).map_err(|_| CallerError::BadToken)?);
        }
        token(&headers).map(str::to_owned)
    }

    #[test]
    fn both_schemes_in_any_case_carry_a_token() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc", "Token abc", "tOKEN abc "] {
            assert_eq!(of(&[value.as_bytes()]), Ok("abc".into()), "{value:?}");
        }
    }

    #[test]
    fn what_carries_no_token_of_ours_is_told_apart_from_a_bad_one() {
        assert_eq!(of(&[]), Err(CallerError::NoCredentials));
        for value in ["", "Basic dTpw", "abc", "Bearerabc"] {
            assert_eq!(of(&[value.as_bytes()]), Err(CallerError::NoCredentials), "{value:?}");
        }
        assert_eq!(of(&[b"Bearer"]), Ok(String::new()), "an empty token, which no key has signed");
        assert_eq!(of(&[b"Bearer a", b"Bearer b"]), Err(CallerError::BadToken));
        assert_eq!(of(&["Bearer \u{e9}".as_bytes()]), Err(CallerError::BadToken));
    }
}
