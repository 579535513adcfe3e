//! What can go wrong, as the settings dialect words it. This is the only place of the dialect that knows a status code of a failure.
//!
//! [`Problem::row`] is the table. Above it each failure of the ports finds its problem, with no case left out.

use crate::body::BodyError;
use crate::caller::CallerError;
use crate::conditions::MalformedCondition;
use crate::dialect::{Refusal, failure};
use crate::fault::Fault;
use crate::idempotency::ask_again;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use lethe_ports::inbound::{AccessError, SettingsError};
use lethe_ports::outbound::StoreError;
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The body is not what the operation takes. The message is the operation's own.
    Refused {
        message: &'static str,
        detail: String,
    },
    /// A header that decides whether something is done cannot be read.
    MalformedHeader(&'static str),
    /// The settings are not what the request says that they must be.
    PreconditionFailed,
    AttemptRunning,
    AttemptReused,
    AttemptExpired,
    /// The body names no keys to delete. The page documents this answer to the letter, so nothing is added to it.
    NoKeys,
    Unauthorized,
    Forbidden,
    UserNotFound,
    NotFound,
    MethodNotAllowed,
    BodyTimedOut,
    BodyTooLarge {
        limit: usize,
    },
    Unsupported(String),
    Fault(Fault),
}

impl Problem {
    /// The problem of an operation that answers a bad body with `message`.
    pub(super) fn of(message: &'static str) -> impl Fn(SettingsError) -> Self {
        move |error| match error {
            SettingsError::Access(error) => error.into(),
            SettingsError::Document(error) => Self::Refused { message, detail: error.to_string() },
            SettingsError::Unmet(_) => Self::PreconditionFailed,
            SettingsError::Quota(error) => Self::Refused { message, detail: error.to_string() },
            SettingsError::Store(error) => error.into(),
        }
    }

    /// The problem of a body that cannot be read, by an operation that refuses a bad body in this way.
    pub(super) fn of_body(refused: impl Fn(&str) -> Self) -> impl Fn(BodyError) -> Self {
        move |error| match error {
            BodyError::TooLarge { limit } => Self::BodyTooLarge { limit },
            BodyError::Encoded(encoding) => Self::Unsupported(encoding),
            BodyError::TimedOut => Self::BodyTimedOut,
            BodyError::NotUtf8 => refused("The body is not UTF-8."),
            BodyError::Broken => refused("The body is incomplete."),
        }
    }
}

impl From<CallerError> for Problem {
    fn from(error: CallerError) -> Self {
        match error {
            CallerError::NoCredentials | CallerError::BadToken => Self::Unauthorized,
            CallerError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::CallerGone | AccessError::TokenExpired => Self::Unauthorized,
            AccessError::Forbidden => Self::Forbidden,
            // Settings are the caller's own, so the user can only have been deleted while the request was on its way.
            AccessError::NoSuchUser | AccessError::UserErased | AccessError::UserSoftDeleted => Self::UserNotFound,
            AccessError::AttemptMalformed => Self::MalformedHeader("Idempotency-Key"),
            AccessError::AttemptRunning => Self::AttemptRunning,
            AccessError::AttemptReused => Self::AttemptReused,
            AccessError::AttemptExpired => Self::AttemptExpired,
            AccessError::Undecided => Self::Fault(Fault::Unavailable(error.to_string())),
            AccessError::Store(error) => error.into(),
        }
    }
}

impl From<MalformedCondition> for Problem {
    fn from(condition: MalformedCondition) -> Self {
        Self::MalformedHeader(condition.header)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::MethodNotAllowed(_) => Self::MethodNotAllowed,
            Refusal::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// The body of every failure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingsError)]
pub(super) struct ErrorJson<'a> {
    /// Always `false`.
    success: bool,
    message: &'static str,
    /// What exactly is wrong, when that helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl Problem {
    /// The table: status and message of each problem.
    fn row(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Refused { message, .. } => (StatusCode::BAD_REQUEST, message),
            Self::NoKeys => (StatusCode::BAD_REQUEST, "Keys array is required and must not be empty"),
            Self::MalformedHeader(_) => (StatusCode::BAD_REQUEST, "Malformed header"),
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Self::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::UserNotFound => (StatusCode::NOT_FOUND, "User not found"),
            Self::NotFound => (StatusCode::NOT_FOUND, "Not found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed"),
            Self::BodyTimedOut => (StatusCode::REQUEST_TIMEOUT, "Request timeout"),
            Self::AttemptRunning => (StatusCode::CONFLICT, "The same request is being served"),
            Self::AttemptExpired => (StatusCode::GONE, "The request was served before, and what came of it is no longer known"),
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "Settings have changed"),
            Self::AttemptReused => (StatusCode::UNPROCESSABLE_ENTITY, "Idempotency key was used for another request"),
            Self::BodyTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "Payload too large"),
            Self::Unsupported(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported content encoding"),
            Self::Fault(Fault::Failed(_)) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal server error"),
            Self::Fault(Fault::Unavailable(_)) => (StatusCode::SERVICE_UNAVAILABLE, "Service temporarily unavailable"),
        }
    }

    /// What a client may know beyond the message; never the cause of a failure of our own.
    fn detail(&self) -> Option<String> {
        match self {
            Self::Refused { detail, .. } => Some(detail.clone()),
            Self::BodyTooLarge { limit } => Some(format!("The body may have at most {limit} bytes.")),
            Self::Unsupported(encoding) => Some(format!("The content encoding \"{encoding}\" is not read.")),
            Self::MalformedHeader(name) => Some(format!("The header {name} cannot be read.")),
            Self::NoKeys
            | Self::PreconditionFailed
            | Self::AttemptRunning
            | Self::AttemptReused
            | Self::AttemptExpired
            | Self::Unauthorized
            | Self::Forbidden
            | Self::UserNotFound
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::BodyTimedOut
            | Self::Fault(_) => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().1)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.row().0
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Fault(fault) = self {
            fault.log();
        }
        let (status, message) = self.row();
        let mut response = failure(status).json(ErrorJson { success: false, message, error: self.detail().as_deref() });
        if *self == Self::AttemptRunning {
            ask_again(&mut response);
        }
        response
    }
}
