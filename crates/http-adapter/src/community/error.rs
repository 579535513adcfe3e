//! What can go wrong, as the community dialect words it. This is the only place of the dialect that knows a status code of a failure.
//!
//! [`Problem::row`] is the table. Above it each failure of the ports finds its problem, with no case left out.

use crate::body::BodyError;
use crate::caller::CallerError;
use crate::conditions::MalformedCondition;
use crate::dialect::{Refusal, failure};
use crate::fault::Fault;
use crate::idempotency::ask_again;
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use lethe_domain::account::TransitionError;
use lethe_domain::limits::QuotaError;
use lethe_domain::profile::FieldError;
use lethe_domain::{KeyError, ValueError};
use lethe_ports::inbound::{AccessError, AccountError, ContentError, CreateUserError, DeleteUserError, PreferenceError};
use lethe_ports::outbound::StoreError;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;
use utoipa::ToSchema;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    NoCredentials,
    BadToken,
    CallerGone,
    Forbidden,
    UserNotFound,
    NotFound,
    MethodNotAllowed(Method),
    UserSoftDeleted,
    AlreadySoftDeleted,
    OnHold,
    /// The body does not follow its syntax.
    Malformed(String),
    /// A header that decides whether something is done cannot be read.
    MalformedHeader(&'static str),
    /// What is there is not what the request says that it must be.
    PreconditionFailed,
    AttemptRunning,
    AttemptReused,
    AttemptExpired,
    /// The body is no object.
    NotAnObject,
    /// Single fields, or parameters of the query, are wrong.
    Fields(Vec<FieldProblem>),
    BodyTooLarge {
        limit: usize,
    },
    Unsupported(String),
    BodyTimedOut,
    Fault(Fault),
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldProblem {
    pub(crate) field: &'static str,
    pub(crate) violation: Violation,
}

/// A rule that a field breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    code: &'static str,
    message: String,
}

/// The name that stands for "no field in particular".
const NO_FIELD: &str = "non_field_errors";

impl Violation {
    pub(super) fn required() -> Self {
        Self { code: "required", message: "This field is required.".into() }
    }

    pub(super) fn required_any(names: &[&str]) -> Self {
        Self { code: "required", message: format!("At least one of {} is required.", names.join(", ")) }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { code: "invalid", message: message.into() }
    }

    pub(super) fn not_a_string() -> Self {
        Self::invalid("Not a valid string.")
    }

    fn unique(message: impl Into<String>) -> Self {
        Self { code: "unique", message: message.into() }
    }

    /// The violation of a field.
    pub(super) fn of(self, field: &'static str) -> FieldProblem {
        FieldProblem { field, violation: self }
    }

    /// The violation of no field in particular.
    pub(super) fn of_no_field(self) -> FieldProblem {
        self.of(NO_FIELD)
    }
}

impl From<KeyError> for Violation {
    fn from(error: KeyError) -> Self {
        let code = match error {
            KeyError::Blank => "blank",
            KeyError::TooLong { .. } => "max_length",
            KeyError::ControlCharacter | KeyError::OuterBlank | KeyError::DotSegment => "invalid",
        };
        Self { code, message: error.to_string() }
    }
}

impl From<ValueError> for Violation {
    fn from(error: ValueError) -> Self {
        let code = match error {
            ValueError::Syntax(_) | ValueError::LoneSurrogate => "invalid",
            ValueError::TooLarge { .. } => "max_length",
            ValueError::TooDeep { .. } => "max_depth",
        };
        Self { code, message: error.to_string() }
    }
}

impl From<FieldError> for Violation {
    fn from(error: FieldError) -> Self {
        let code = match error {
            FieldError::Blank => "blank",
            FieldError::TooLong { .. } => "max_length",
            FieldError::Malformed(_) => "invalid",
        };
        Self { code, message: error.to_string() }
    }
}

impl From<FieldProblem> for Problem {
    fn from(problem: FieldProblem) -> Self {
        Self::Fields(vec![problem])
    }
}

impl From<CallerError> for Problem {
    fn from(error: CallerError) -> Self {
        match error {
            CallerError::NoCredentials => Self::NoCredentials,
            CallerError::BadToken => Self::BadToken,
            CallerError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit } => Self::BodyTooLarge { limit },
            BodyError::Encoded(encoding) => Self::Unsupported(format!("Unsupported content encoding \"{encoding}\" in request.")),
            BodyError::TimedOut => Self::BodyTimedOut,
            BodyError::NotUtf8 => Self::Malformed("the text is not UTF-8".into()),
            BodyError::Broken => Self::Malformed("the body is incomplete".into()),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::MethodNotAllowed(method) => Self::MethodNotAllowed(method),
            Refusal::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::CallerGone => Self::CallerGone,
            AccessError::TokenExpired => Self::BadToken,
            AccessError::Forbidden => Self::Forbidden,
            AccessError::NoSuchUser | AccessError::UserErased => Self::UserNotFound,
            AccessError::UserSoftDeleted => Self::UserSoftDeleted,
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

impl From<QuotaError> for Problem {
    fn from(error: QuotaError) -> Self {
        Violation { code: "limit_exceeded", message: error.to_string() }.of_no_field().into()
    }
}

impl From<TransitionError> for Problem {
    fn from(error: TransitionError) -> Self {
        match error {
            TransitionError::AlreadySoftDeleted => Self::AlreadySoftDeleted,
            TransitionError::Erased => Self::UserNotFound,
            TransitionError::OnHold => Self::OnHold,
        }
    }
}

impl From<PreferenceError> for Problem {
    fn from(error: PreferenceError) -> Self {
        match error {
            PreferenceError::Access(error) => error.into(),
            PreferenceError::NotFound => Self::NotFound,
            PreferenceError::Unmet(_) => Self::PreconditionFailed,
            PreferenceError::KeyTaken => Violation::unique("The user has a preference with this key already.").of("key").into(),
            PreferenceError::Quota(error) => error.into(),
            PreferenceError::Store(error) => error.into(),
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Access(error) => error.into(),
            AccountError::Store(error) => error.into(),
        }
    }
}

impl From<CreateUserError> for Problem {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::Access(error) => error.into(),
            CreateUserError::Taken(name, _) => Violation::unique(format!("A user with this {} exists already.", name.name())).of(name.name()).into(),
            CreateUserError::Store(error) => error.into(),
        }
    }
}

impl From<DeleteUserError> for Problem {
    fn from(error: DeleteUserError) -> Self {
        match error {
            DeleteUserError::Access(error) => error.into(),
            DeleteUserError::Transition(error) => error.into(),
            // Nobody can name a plan here.
            DeleteUserError::PlanChanged => Self::Fault(Fault::Failed(error.to_string())),
            DeleteUserError::Store(error) => error.into(),
        }
    }
}

impl From<ContentError> for Problem {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Access(error) => error.into(),
            ContentError::NotFound => Self::NotFound,
            ContentError::Store(error) => error.into(),
        }
    }
}

/// The body of every failure.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Errors<'a> {
    errors: Vec<ErrorEntry<'a>>,
}

/// One thing that is wrong: with the request as a whole, or with one field.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum ErrorEntry<'a> {
    Whole(ErrorMessage<'a>),
    Field { field: &'static str, messages: [ErrorMessage<'a>; 1] },
}

/// A code for programs and a message for people.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorMessage<'a> {
    code: &'static str,
    message: Cow<'a, str>,
}

impl Problem {
    /// Whether it is the body that is wrong, and not who asks, or what for.
    pub(super) const fn is_about_the_body(&self) -> bool {
        match self {
            Self::Malformed(_) | Self::NotAnObject | Self::Fields(_) | Self::BodyTooLarge { .. } | Self::Unsupported(_) | Self::BodyTimedOut => true,
            Self::NoCredentials
            | Self::BadToken
            | Self::CallerGone
            | Self::Forbidden
            | Self::UserNotFound
            | Self::NotFound
            | Self::MethodNotAllowed(_)
            | Self::UserSoftDeleted
            | Self::AlreadySoftDeleted
            | Self::OnHold
            | Self::MalformedHeader(_)
            | Self::PreconditionFailed
            | Self::AttemptRunning
            | Self::AttemptReused
            | Self::AttemptExpired
            | Self::Fault(_) => false,
        }
    }

    /// The table: status, code and message of each problem.
    fn row(&self) -> (StatusCode, &'static str, Cow<'_, str>) {
        match self {
            Self::Malformed(detail) => (StatusCode::BAD_REQUEST, "parse_error", format!("JSON parse error - {detail}").into()),
            Self::MalformedHeader(name) => (StatusCode::BAD_REQUEST, "invalid", format!("The header {name} cannot be read.").into()),
            Self::NotAnObject => (StatusCode::BAD_REQUEST, "invalid", "Invalid data. Expected a JSON object.".into()),
            Self::Fields(_) => (StatusCode::BAD_REQUEST, "invalid", "Invalid input.".into()),
            Self::UserSoftDeleted => (StatusCode::BAD_REQUEST, "invalid", "The user has been soft deleted".into()),
            Self::AlreadySoftDeleted => (StatusCode::BAD_REQUEST, "invalid", "The user has already been soft deleted".into()),
            Self::NoCredentials => (StatusCode::UNAUTHORIZED, "not_authenticated", "Authentication credentials were not provided.".into()),
            Self::BadToken => (StatusCode::UNAUTHORIZED, "token_not_valid", "Given token not valid for any token type".into()),
            Self::CallerGone => (StatusCode::UNAUTHORIZED, "user_inactive", "User is inactive".into()),
            Self::Forbidden => (StatusCode::FORBIDDEN, "permission_denied", "You do not have permission to perform this action.".into()),
            Self::UserNotFound => (StatusCode::NOT_FOUND, "not_found", "User not found".into()),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "Not found.".into()),
            Self::MethodNotAllowed(method) => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", format!("Method \"{method}\" not allowed.").into()),
            Self::BodyTimedOut => (StatusCode::REQUEST_TIMEOUT, "request_timeout", "The request body did not arrive in time.".into()),
            Self::OnHold => (StatusCode::CONFLICT, "on_hold", "The user is on hold and cannot be hard deleted".into()),
            Self::AttemptRunning => (StatusCode::CONFLICT, "idempotency_key_in_use", "The same request is being served, try again later.".into()),
            Self::AttemptExpired => {
                (StatusCode::GONE, "idempotency_outcome_expired", "The request was served before. What came of it is no longer known.".into())
            }
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "precondition_failed", "The preference has changed.".into()),
            Self::AttemptReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "The idempotency key was used for another request.".into()),
            Self::BodyTooLarge { limit } => {
                (StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", format!("The request body may have at most {limit} bytes.").into())
            }
            Self::Unsupported(what) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", what.into()),
            Self::Fault(Fault::Failed(_)) => (StatusCode::INTERNAL_SERVER_ERROR, "error", "A server error occurred.".into()),
            Self::Fault(Fault::Unavailable(_)) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Service temporarily unavailable, try again later.".into()),
        }
    }

    fn entries(&self) -> Vec<ErrorEntry<'_>> {
        if let Self::Fields(fields) = self {
            return fields.iter().map(FieldProblem::entry).collect();
        }
        let (_, code, message) = self.row();
        vec![ErrorEntry::Whole(ErrorMessage { code, message })]
    }
}

impl FieldProblem {
    fn entry(&self) -> ErrorEntry<'_> {
        let message = ErrorMessage { code: self.violation.code, message: self.violation.message.as_str().into() };
        ErrorEntry::Field { field: self.field, messages: [message] }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.row().2)
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
        let mut response = failure(self.status_code()).json(Errors { errors: self.entries() });
        if *self == Self::AttemptRunning {
            ask_again(&mut response);
        }
        response
    }
}
