//! What can go wrong, as the native dialect words it. This is the only place of the dialect that knows a status code of a failure.
//!
//! [`Kind`] is the table: what clients and the pages on problems are told is in it, once. Below it each failure of the ports finds its
//! problem, and each problem its kind, with no case left out.

use super::items::{Current, ItemJson};
use super::violations::{Rule, Violation, Violations};
use crate::body::BodyError;
use crate::caller::CallerError;
use crate::conditions::MalformedCondition;
use crate::dialect::{RETRY_AFTER_SECONDS, Refusal, failure};
use crate::fault::Fault;
use crate::idempotency::ask_again;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use lethe_domain::account::TransitionError;
use lethe_domain::profile::UniqueName;
use lethe_domain::{KeyRefusal, PatchError};
use lethe_ports::inbound::{AccessError, AccountError, CreateUserError, DeleteUserError, KeyedError, LookUpError, Reservation, RestoreError};
use lethe_ports::outbound::StoreError;
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

/// The header that says which patches are known.
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// What is said of a kind of problem. The texts are put into pages as they are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) slug: &'static str,
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    /// What happened.
    pub(super) explanation: &'static str,
    /// What to do.
    pub(super) remedy: &'static str,
}

macro_rules! kinds {
    ($($kind:ident: $slug:literal, $status:ident, $title:literal, $explanation:literal, $remedy:literal;)+) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind {
            $($kind),+
        }

        impl Kind {
            /// All kinds.
            pub(super) const ALL: &[Self] = &[$(Self::$kind),+];

            /// The kind's row of the table.
            pub(super) const fn row(self) -> Row {
                match self {
                    $(Self::$kind => Row { slug: $slug, status: StatusCode::$status, title: $title, explanation: $explanation, remedy: $remedy },)+
                }
            }
        }
    };
}

kinds! {
    MalformedJson: "malformed-json", BAD_REQUEST, "The body is malformed",
        "The body could not be read as JSON in UTF-8, it ended early, or it is no object where it must be one.",
        "Send one JSON text. The detail says where reading stopped.";
    MalformedQuery: "malformed-query", BAD_REQUEST, "The query is malformed",
        "A parameter of the query is missing, is given twice, or has a value that it cannot have.",
        "Each entry of errors names a parameter and says what it takes. Take cursors from the next member of a list, as they are.";
    MalformedHeader: "malformed-header", BAD_REQUEST, "A header is malformed",
        "A header that decides whether something is done cannot be read, so nothing was done.",
        "Send If-Match and If-None-Match with ETags, quotes and all, or with an asterisk, and an Idempotency-Key of 1 to 255 visible characters. Of deletion plans only one can be named.";
    NotAuthenticated: "not-authenticated", UNAUTHORIZED, "Authentication is required",
        "The request carries no token.",
        "Send a token in the header Authorization, after the word Bearer and a blank.";
    TokenInvalid: "token-invalid", UNAUTHORIZED, "The token is not honoured",
        "The token is none of this service's, has expired, was revoked, was issued before its user was deleted or restored, or has been used and was good for one use.",
        "Get a new token. Sending the same one again will not help.";
    Forbidden: "forbidden", FORBIDDEN, "The token does not allow this",
        "It is known who asks, and whoever it is may not do this. Perhaps it takes an admin, or the token was narrowed to less.",
        "Ask with a token that allows it. This answer does not say whether what you asked about exists.";
    UserNotFound: "user-not-found", NOT_FOUND, "There is no such user",
        "No user ever had this id. Of a user who was erased you would be told so.",
        "Check the id. It is a positive number without leading zeros, or the word me.";
    NotFound: "not-found", NOT_FOUND, "There is nothing here",
        "Nothing is at this path, or what the id at its end belongs to does not exist.",
        "Check the path. The API's description at /docs lists all of them.";
    MethodNotAllowed: "method-not-allowed", METHOD_NOT_ALLOWED, "The method is not allowed here",
        "Something is at this path, but this cannot be done to it.",
        "The header Allow lists the methods that can be used.";
    BodyTimedOut: "body-timeout", REQUEST_TIMEOUT, "The body did not arrive in time",
        "The service waited for the rest of the body, and gave up. Nothing was done.",
        "Send the request again, without a pause.";
    UserDeleted: "user-deleted", CONFLICT, "The user is soft deleted",
        "As long as a user is soft deleted, nothing that belongs to it can be changed.",
        "Restore the user first.";
    AlreadyDeleted: "already-deleted", CONFLICT, "The user is soft deleted already",
        "A user can be soft deleted once. Nothing was changed.",
        "Nothing is left to do, unless the user is to be hard deleted: then ask for mode=hard.";
    OnHold: "on-hold", CONFLICT, "The user is on hold",
        "A hold keeps this user from being hard deleted. The request was refused, and is not remembered.",
        "Ask again when the last hold is lifted or has expired. The user's deletion plan lists the holds that are in force.";
    IdentifierTaken: "identifier-taken", CONFLICT, "A name is taken",
        "Another user has this username or ext_id. The member field says which of the two.",
        "Choose another one. Usernames are the same whatever the case of their letters.";
    IdentifierReserved: "identifier-reserved", CONFLICT, "A name is reserved",
        "A soft deleted user has this username or ext_id, and may come back to it. The member field says which of the two.",
        "Choose another one, restore that user, or hard delete it, which frees its names.";
    PatchTestFailed: "patch-test-failed", CONFLICT, "A test of the patch failed",
        "A test operation of the JSON patch found another value than it asked for. Nothing was changed.",
        "Read the value, and make a patch for it. The member operation says which test it was.";
    IdempotencyKeyInUse: "idempotency-key-in-use", CONFLICT, "The same request is being served",
        "A request with this Idempotency-Key is being served at this moment.",
        "Send it again after as many seconds as retry_after says, to be told what came of it.";
    CursorExpired: "cursor-expired", GONE, "The change log does not reach back so far",
        "What happened after the revision that was asked for is not kept any more.",
        "Read the whole set, at the address in the member resync, and go on from its revision.";
    RevisionExpired: "revision-expired", GONE, "The revision is too long ago",
        "The change log does not reach back to the revision that was asked for.",
        "Ask for a later one. The changes that are kept say which there are.";
    IdempotencyOutcomeExpired: "idempotency-outcome-expired", GONE, "What came of the request is no longer known",
        "A request with this Idempotency-Key was served before, and had its effect. It has no second one, and what it answered is forgotten.",
        "Take it as done, and read what is there now.";
    UserErased: "user-erased", GONE, "The user was erased",
        "There was such a user. It was hard deleted, and nothing of it is left but the id, which will not be used again.",
        "Forget the user. What remains to be removed can be followed as its erasure.";
    PlanChanged: "plan-changed", PRECONDITION_FAILED, "The deletion plan is out of date",
        "What the plan counted has changed since it was made, so that the deletion would do something else. Nothing was deleted.",
        "Get a new plan, look at it, and delete with its ETag.";
    PreconditionFailed: "precondition-failed", PRECONDITION_FAILED, "A precondition does not hold",
        "What is there now is not what If-Match or If-None-Match say that it must be. Nothing was changed.",
        "The member current shows what is there now. Make the change to that, and send it with its ETag.";
    BodyTooLarge: "body-too-large", PAYLOAD_TOO_LARGE, "The body is too large",
        "The body has more bytes than the service reads. Nothing was done.",
        "Send less. The detail says how much is read.";
    UnsupportedMediaType: "unsupported-media-type", UNSUPPORTED_MEDIA_TYPE, "The media type is not supported",
        "The body is of another kind than JSON, does not say what it is, or is compressed.",
        "Send JSON as it is, under Content-Type: application/json.";
    Unprocessable: "unprocessable", UNPROCESSABLE_ENTITY, "The body breaks a rule",
        "The request can be read, but a part of it is missing or has a value that it cannot have.",
        "Each entry of errors points at a part and says what is wrong with it.";
    PatchFailed: "patch-failed", UNPROCESSABLE_ENTITY, "The patch cannot be applied",
        "An operation of the JSON patch leads nowhere, or into itself. Nothing was changed.",
        "Read the value, and make a patch for it. The member operation says which one it was.";
    QuotaExceeded: "quota-exceeded", UNPROCESSABLE_ENTITY, "The user would keep too much",
        "A user may keep so many preferences, and so many bytes of them altogether. Nothing was changed.",
        "Remove what is not needed. How much is kept and how much is allowed can be asked for.";
    IdempotencyKeyReused: "idempotency-key-reused", UNPROCESSABLE_ENTITY, "The idempotency key was used for another request",
        "A request with this Idempotency-Key, to this path, asked for something else before. Nothing was done.",
        "Take a new key for each thing that is to be done, and send it with nothing else.";
    TooManyFollowers: "too-many-followers", TOO_MANY_REQUESTS, "Too many follow these changes",
        "This node tells as many clients of this user's changes as it has room for.",
        "Come back after as many seconds as retry_after says, or ask for the changes every now and then.";
    Failed: "failed", INTERNAL_SERVER_ERROR, "Something is broken",
        "The service has met a defect of its own.",
        "Tell whoever runs the service, and give them the X-Request-Id of the answer: it leads to the cause in the log.";
    Unavailable: "unavailable", SERVICE_UNAVAILABLE, "The service is not available",
        "Something that the service needs did not answer in time. Whether the request has had an effect is not known.",
        "Send the request again after as many seconds as retry_after says.";
}

impl Kind {
    /// The kind of that slug.
    pub(super) fn of_slug(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.row().slug == slug)
    }
}

/// Slug, status and title of every kind of problem.
#[cfg(test)]
pub(crate) fn problems() -> Vec<(&'static str, u16, &'static str)> {
    Kind::ALL.iter().map(|kind| kind.row()).map(|row| (row.slug, row.status.as_u16(), row.title)).collect()
}

impl Row {
    /// Where the page on it is. It is also what the kind is called in an answer.
    pub(super) fn address(&self) -> String {
        format!("/problems/{}", self.slug)
    }
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The body does not follow its syntax, or is no object.
    MalformedJson(String),
    MalformedQuery(Violations),
    MalformedHeader(Violation),
    NotAuthenticated,
    TokenInvalid,
    Forbidden,
    UserNotFound,
    NotFound,
    MethodNotAllowed(Method),
    BodyTimedOut,
    UserDeleted,
    AlreadyDeleted,
    OnHold,
    IdentifierTaken(UniqueName),
    IdentifierReserved(UniqueName),
    UserErased,
    PlanChanged,
    /// A condition does not hold for what is there now.
    PreconditionFailed(Box<Current>),
    /// An operation of a patch, by its place.
    PatchTestFailed(usize, String),
    PatchFailed(usize, String),
    QuotaExceeded(String),
    /// Where the whole set can be read.
    CursorExpired(String),
    RevisionExpired,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    IdempotencyOutcomeExpired,
    TooManyFollowers,
    /// One of several changes was refused, by its place.
    InBatch(usize, Box<Self>),
    BodyTooLarge {
        limit: usize,
    },
    UnsupportedMediaType(String),
    /// A patch of another kind than these.
    UnsupportedPatch(&'static str),
    /// Members of the body are missing, or break a rule.
    Unprocessable(Violations),
    Fault(Fault),
}

impl From<CallerError> for Problem {
    fn from(error: CallerError) -> Self {
        match error {
            CallerError::NoCredentials => Self::NotAuthenticated,
            CallerError::BadToken => Self::TokenInvalid,
            CallerError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit } => Self::BodyTooLarge { limit },
            BodyError::Encoded(encoding) => Self::UnsupportedMediaType(format!("The content encoding \"{encoding}\" is not read.")),
            BodyError::TimedOut => Self::BodyTimedOut,
            BodyError::NotUtf8 => Self::MalformedJson("The body is not UTF-8.".into()),
            BodyError::Broken => Self::MalformedJson("The body is incomplete.".into()),
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
            AccessError::CallerGone | AccessError::TokenExpired => Self::TokenInvalid,
            AccessError::Forbidden => Self::Forbidden,
            AccessError::NoSuchUser => Self::UserNotFound,
            AccessError::UserErased => Self::UserErased,
            AccessError::UserSoftDeleted => Self::UserDeleted,
            AccessError::AttemptMalformed => Self::MalformedHeader(Rule::invalid("Give 1 to 255 visible ASCII characters, once.").of_header("Idempotency-Key")),
            AccessError::AttemptRunning => Self::IdempotencyKeyInUse,
            AccessError::AttemptReused => Self::IdempotencyKeyReused,
            AccessError::AttemptExpired => Self::IdempotencyOutcomeExpired,
            AccessError::Undecided => Self::Fault(Fault::Unavailable(error.to_string())),
            AccessError::Store(error) => error.into(),
        }
    }
}

impl From<MalformedCondition> for Problem {
    fn from(condition: MalformedCondition) -> Self {
        Self::MalformedHeader(Rule::invalid("Give entity tags in quotes, or *.").of_header(condition.header))
    }
}

impl From<KeyRefusal> for Problem {
    fn from(refusal: KeyRefusal) -> Self {
        match refusal {
            KeyRefusal::NotFound => Self::NotFound,
            KeyRefusal::Quota(error) => Self::QuotaExceeded(error.to_string()),
            KeyRefusal::Unmet(_, item) => Self::PreconditionFailed(Box::new(Current::Item(item.map(|item| ItemJson::from(*item))))),
            KeyRefusal::Patch(PatchError::TestFailed { operation, path }) => Self::PatchTestFailed(operation, format!("There is another value at \"{path}\".")),
            KeyRefusal::Patch(PatchError::Impossible { operation, path, reason }) => Self::PatchFailed(operation, format!("{reason}, at \"{path}\"")),
            KeyRefusal::Patch(PatchError::Value(error)) | KeyRefusal::Value(error) => Rule::from(error).of_body().into(),
        }
    }
}

impl From<KeyedError> for Problem {
    fn from(error: KeyedError) -> Self {
        match error {
            KeyedError::Access(error) => error.into(),
            KeyedError::RefusedAt { operation, refusal } => Self::InBatch(operation, Box::new(refusal.into())),
            KeyedError::RefusedKey { key, refusal: KeyRefusal::Value(error) } => Rule::from(error).of_key(key.as_str()).into(),
            KeyedError::Refused(refusal) | KeyedError::RefusedKey { key: _, refusal } => refusal.into(),
            KeyedError::Unmet(_, revision) => Self::PreconditionFailed(Box::new(Current::Revision { revision: revision.get() })),
            KeyedError::Forgotten => Self::RevisionExpired,
            KeyedError::TooManyFollowers => Self::TooManyFollowers,
            KeyedError::Ahead => Rule::ahead().of_member("to").into(),
            KeyedError::Store(error) => error.into(),
        }
    }
}

impl From<Violation> for Problem {
    fn from(violation: Violation) -> Self {
        Self::Unprocessable(violation.into())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::Fault(error.into())
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

impl From<LookUpError> for Problem {
    fn from(error: LookUpError) -> Self {
        match error {
            LookUpError::Access(error) => error.into(),
            LookUpError::NotFound => Self::NotFound,
            LookUpError::Store(error) => error.into(),
        }
    }
}

impl From<RestoreError> for Problem {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Access(error) => error.into(),
            RestoreError::Store(error) => error.into(),
        }
    }
}

impl From<CreateUserError> for Problem {
    fn from(error: CreateUserError) -> Self {
        match error {
            CreateUserError::Access(error) => error.into(),
            CreateUserError::Taken(name, Reservation::InUse) => Self::IdentifierTaken(name),
            CreateUserError::Taken(name, Reservation::Reserved) => Self::IdentifierReserved(name),
            CreateUserError::Store(error) => error.into(),
        }
    }
}

impl From<TransitionError> for Problem {
    fn from(error: TransitionError) -> Self {
        match error {
            TransitionError::AlreadySoftDeleted => Self::AlreadyDeleted,
            TransitionError::Erased => Self::UserErased,
            TransitionError::OnHold => Self::OnHold,
        }
    }
}

impl From<DeleteUserError> for Problem {
    fn from(error: DeleteUserError) -> Self {
        match error {
            DeleteUserError::Access(error) => error.into(),
            DeleteUserError::Transition(error) => error.into(),
            DeleteUserError::PlanChanged => Self::PlanChanged,
            DeleteUserError::Store(error) => error.into(),
        }
    }
}

/// The body of every failure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemJson<'a> {
    /// Which kind of problem it is: the address of a page that explains it.
    #[schema(format = "uri-reference")]
    r#type: String,
    title: &'static str,
    status: u16,
    /// What exactly is wrong, when that helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    detail: Option<String>,
    /// Everything that is wrong with the query, a header, or the body.
    #[serde(skip_serializing_if = "<[Violation]>::is_empty")]
    #[schema(required = false)]
    errors: &'a [Violation],
    /// The name that is not free, `username` or `ext_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<&'static str>,
    /// What is there now: the preference, `null` for none, or the revision of the set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    current: Option<&'a Current>,
    /// The place of the operation that failed, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    operation: Option<usize>,
    /// Where the whole set can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    resync: Option<&'a str>,
    /// Seconds to wait before trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_after: Option<u32>,
}

impl Problem {
    /// Whether it is the form of the request that is wrong, and not who asks, or what for.
    pub(super) fn is_about_the_form(&self) -> bool {
        match self {
            Self::MalformedJson(_)
            | Self::MalformedQuery(_)
            | Self::MalformedHeader(_)
            | Self::BodyTimedOut
            | Self::BodyTooLarge { .. }
            | Self::UnsupportedMediaType(_)
            | Self::UnsupportedPatch(_)
            | Self::Unprocessable(_) => true,
            Self::InBatch(_, problem) => problem.is_about_the_form(),
            Self::NotAuthenticated
            | Self::TokenInvalid
            | Self::Forbidden
            | Self::UserNotFound
            | Self::NotFound
            | Self::MethodNotAllowed(_)
            | Self::UserDeleted
            | Self::AlreadyDeleted
            | Self::OnHold
            | Self::IdentifierTaken(_)
            | Self::IdentifierReserved(_)
            | Self::UserErased
            | Self::PlanChanged
            | Self::PreconditionFailed(_)
            | Self::PatchTestFailed(..)
            | Self::PatchFailed(..)
            | Self::QuotaExceeded(_)
            | Self::CursorExpired(_)
            | Self::RevisionExpired
            | Self::IdempotencyKeyInUse
            | Self::IdempotencyKeyReused
            | Self::IdempotencyOutcomeExpired
            | Self::TooManyFollowers
            | Self::Fault(_) => false,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::MalformedJson(_) => Kind::MalformedJson,
            Self::MalformedQuery(_) => Kind::MalformedQuery,
            Self::MalformedHeader(_) => Kind::MalformedHeader,
            Self::NotAuthenticated => Kind::NotAuthenticated,
            Self::TokenInvalid => Kind::TokenInvalid,
            Self::Forbidden => Kind::Forbidden,
            Self::UserNotFound => Kind::UserNotFound,
            Self::NotFound => Kind::NotFound,
            Self::MethodNotAllowed(_) => Kind::MethodNotAllowed,
            Self::BodyTimedOut => Kind::BodyTimedOut,
            Self::UserDeleted => Kind::UserDeleted,
            Self::AlreadyDeleted => Kind::AlreadyDeleted,
            Self::OnHold => Kind::OnHold,
            Self::IdentifierTaken(_) => Kind::IdentifierTaken,
            Self::IdentifierReserved(_) => Kind::IdentifierReserved,
            Self::UserErased => Kind::UserErased,
            Self::PlanChanged => Kind::PlanChanged,
            Self::PreconditionFailed(_) => Kind::PreconditionFailed,
            Self::PatchTestFailed(..) => Kind::PatchTestFailed,
            Self::PatchFailed(..) => Kind::PatchFailed,
            Self::QuotaExceeded(_) => Kind::QuotaExceeded,
            Self::CursorExpired(_) => Kind::CursorExpired,
            Self::RevisionExpired => Kind::RevisionExpired,
            Self::IdempotencyKeyInUse => Kind::IdempotencyKeyInUse,
            Self::IdempotencyKeyReused => Kind::IdempotencyKeyReused,
            Self::IdempotencyOutcomeExpired => Kind::IdempotencyOutcomeExpired,
            Self::TooManyFollowers => Kind::TooManyFollowers,
            Self::InBatch(_, problem) => problem.kind(),
            Self::BodyTooLarge { .. } => Kind::BodyTooLarge,
            Self::UnsupportedMediaType(_) | Self::UnsupportedPatch(_) => Kind::UnsupportedMediaType,
            Self::Unprocessable(_) => Kind::Unprocessable,
            Self::Fault(Fault::Failed(_)) => Kind::Failed,
            Self::Fault(Fault::Unavailable(_)) => Kind::Unavailable,
        }
    }

    /// The problem as it is shown; of a failure of our own never the cause.
    fn shown(&self) -> ProblemJson<'_> {
        let row = self.kind().row();
        let plain = ProblemJson {
            r#type: row.address(),
            title: row.title,
            status: row.status.as_u16(),
            detail: None,
            errors: &[],
            field: None,
            current: None,
            operation: None,
            resync: None,
            retry_after: None,
        };
        match self {
            Self::PreconditionFailed(current) => ProblemJson { current: Some(current.as_ref()), ..plain },
            Self::PatchTestFailed(operation, detail) | Self::PatchFailed(operation, detail) => {
                ProblemJson { operation: Some(*operation), detail: Some(detail.clone()), ..plain }
            }
            Self::UnsupportedPatch(known) => ProblemJson { detail: Some(format!("Send one of {known}.")), ..plain },
            Self::CursorExpired(address) => ProblemJson { resync: Some(address), ..plain },
            Self::InBatch(operation, problem) => ProblemJson { operation: Some(*operation), ..problem.shown() },
            Self::MalformedJson(detail) | Self::UnsupportedMediaType(detail) | Self::QuotaExceeded(detail) => {
                ProblemJson { detail: Some(detail.clone()), ..plain }
            }
            Self::MethodNotAllowed(method) => ProblemJson { detail: Some(format!("The method {method} is not allowed.")), ..plain },
            Self::BodyTooLarge { limit } => ProblemJson { detail: Some(format!("The body may have at most {limit} bytes.")), ..plain },
            Self::MalformedQuery(violations) | Self::Unprocessable(violations) => ProblemJson { errors: violations.as_slice(), ..plain },
            Self::MalformedHeader(violation) => ProblemJson { errors: std::slice::from_ref(violation), ..plain },
            Self::IdentifierTaken(name) | Self::IdentifierReserved(name) => ProblemJson { field: Some(name.name()), ..plain },
            Self::Fault(Fault::Unavailable(_)) | Self::IdempotencyKeyInUse | Self::TooManyFollowers => {
                ProblemJson { retry_after: Some(RETRY_AFTER_SECONDS), ..plain }
            }
            Self::NotAuthenticated
            | Self::TokenInvalid
            | Self::Forbidden
            | Self::UserNotFound
            | Self::NotFound
            | Self::BodyTimedOut
            | Self::UserDeleted
            | Self::AlreadyDeleted
            | Self::OnHold
            | Self::UserErased
            | Self::PlanChanged
            | Self::RevisionExpired
            | Self::IdempotencyKeyReused
            | Self::IdempotencyOutcomeExpired
            | Self::Fault(Fault::Failed(_)) => plain,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().row().title)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.kind().row().status
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Fault(fault) = self {
            fault.log();
        }
        let mut response = failure(self.status_code()).content_type("application/problem+json").json(self.shown());
        match self {
            Self::IdempotencyKeyInUse | Self::TooManyFollowers => ask_again(&mut response),
            // What can be sent instead, as RFC 5789, section 2.2, wants it.
            Self::UnsupportedPatch(known) => drop(response.headers_mut().insert(ACCEPT_PATCH, HeaderValue::from_static(known))),
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_can_be_put_into_pages_as_they_are() {
        for row in Kind::ALL.iter().map(|kind| kind.row()) {
            for text in [row.title, row.explanation, row.remedy] {
                assert!(!text.is_empty() && !text.contains(['<', '>', '&', '"']), "{text}");
            }
            assert!(!row.title.ends_with('.') && row.explanation.ends_with('.') && row.remedy.ends_with('.'), "{}", row.slug);
            assert!(row.status.is_client_error() || row.status.is_server_error());
            assert_eq!(Kind::of_slug(row.slug).map(|kind| kind.row().address()), Some(format!("/problems/{}", row.slug)));
        }
    }
}
