//! Shapes that exist in the API document alone: bodies, which are read member by member, paths, queries, and the failures that operations
//! share.
#![expect(dead_code, reason = "shapes for the API document; no code builds them")]

use super::error::ProblemJson;
use utoipa::{IntoParams, IntoResponses, ToSchema};

/// Which part of a list is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Slicing {
    /// Entries at the most: 20 unless said.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next` of the part before.
    cursor: Option<String>,
}

/// Which user a path leads to.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfUser {
    /// A user's id, or `me`.
    user: String,
}

/// Which preference a path leads to.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfKey {
    /// A user's id, or `me`.
    user: String,
    /// The preference's key, percent-encoded: one segment.
    #[param(max_length = 255)]
    key: String,
}

/// Changes that are to be made as one.
#[derive(ToSchema)]
#[schema(as = Batch)]
pub(super) struct BatchBody {
    /// Whether the first operation that is refused undoes all. It does unless said.
    atomic: Option<bool>,
    #[schema(max_items = 100)]
    operations: Vec<OperationBody>,
}

/// One of several changes.
#[derive(ToSchema)]
#[schema(as = BatchOperation)]
struct OperationBody {
    #[schema(inline)]
    op: OperationWord,
    #[schema(max_length = 255)]
    key: String,
    /// The value, or the merge patch.
    value: Option<serde_json::Value>,
    /// Entity tags, as in a header.
    if_match: Option<String>,
    /// Entity tags, as in a header.
    if_none_match: Option<String>,
}

/// What is to be done to a key.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum OperationWord {
    Put,
    Merge,
    Delete,
}

/// What is to be as it was.
#[derive(ToSchema)]
#[schema(as = Reversion)]
pub(super) struct ReversionBody {
    /// As it was at this revision; 0 is before anything.
    #[schema(minimum = 0)]
    to: i64,
    /// This key alone.
    key: Option<String>,
}

/// What can be in the way of something that is done to a preference.
#[derive(IntoResponses)]
pub(super) enum KeyFailures {
    /// A precondition does not hold.
    #[response(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(ProblemJson<'static>),
    /// The key is none, or the value breaks a rule or a limit.
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(ProblemJson<'static>),
}

/// What can be in the way of a patch.
#[derive(IntoResponses)]
pub(super) enum PatchFailures {
    /// A test failed.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemJson<'static>),
}

/// What can be in the way of something that is done to a set.
#[derive(IntoResponses)]
pub(super) enum SetFailures {
    /// The revision is too long ago, or the user was erased.
    #[response(status = 410, content_type = "application/problem+json")]
    Gone(ProblemJson<'static>),
    /// A precondition does not hold.
    #[response(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(ProblemJson<'static>),
    /// The revision is not reached yet, or something breaks a rule or a limit.
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(ProblemJson<'static>),
}

/// What can be in the way of reading the log.
#[derive(IntoResponses)]
pub(super) enum LogFailures {
    /// The log does not reach back so far, or the user was erased.
    #[response(status = 410, content_type = "application/problem+json")]
    Gone(ProblemJson<'static>),
    /// The revision is negative.
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(ProblemJson<'static>),
}

/// What can be in the way of following the log.
#[derive(IntoResponses)]
pub(super) enum WatchFailures {
    /// Too many follow this user already.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(ProblemJson<'static>),
}

/// Which hold a path leads to.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfHold {
    /// A user's id, or `me`.
    user: String,
    /// The hold's id.
    id: i64,
}

/// Which delivery a path leads to.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfDelivery {
    /// The delivery's id.
    id: String,
}

/// The id in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Entry {
    /// The entry's id.
    id: i64,
}

/// A user who is to be added.
#[derive(ToSchema)]
#[schema(as = NewAccount)]
pub(super) struct NewAccountBody {
    /// Letters, digits and `_ - . @ +`. Unique, whatever the case of its letters.
    #[schema(min_length = 1, max_length = 255)]
    username: String,
    /// The id in another system. Unique.
    #[schema(min_length = 1, max_length = 255)]
    ext_id: Option<String>,
    #[schema(max_length = 255)]
    real_name: Option<String>,
    #[schema(max_length = 255)]
    email: Option<String>,
}

/// A hold that is to be placed.
#[derive(ToSchema)]
#[schema(as = NewHold)]
pub(super) struct NewHoldBody {
    /// Why.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// When it ends by itself; when it is lifted unless said.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// What can go wrong with any request.
#[derive(IntoResponses)]
pub(super) enum Failures {
    /// The query, a header or the body is malformed.
    #[response(status = 400, content_type = "application/problem+json")]
    BadRequest(ProblemJson<'static>),
    /// There is no token, or it is not honoured.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthorized(ProblemJson<'static>),
    /// It is known who asks, and whoever it is may not do this.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemJson<'static>),
    /// A defect. The log has the cause under the request's id.
    #[response(status = 500, content_type = "application/problem+json")]
    Failed(ProblemJson<'static>),
    /// It may or may not have happened; try again.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemJson<'static>),
}

/// What can go wrong with a request about a user.
#[derive(IntoResponses)]
pub(super) enum UserFailures {
    /// There never was such a user, or there is nothing of that id.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemJson<'static>),
    /// The user was erased.
    #[response(status = 410, content_type = "application/problem+json")]
    Gone(ProblemJson<'static>),
}

/// What can go wrong with a request about something that is no user.
#[derive(IntoResponses)]
pub(super) enum EntryFailures {
    /// There is nothing of that id.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemJson<'static>),
}

/// What can be in the way of a new user.
#[derive(IntoResponses)]
pub(super) enum Conflicts {
    /// A name is taken, or reserved.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemJson<'static>),
}

/// What can be in the way of a deletion.
#[derive(IntoResponses)]
pub(super) enum DeletionFailures {
    /// The user is soft deleted already, or is on hold.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemJson<'static>),
    /// What the plan counted has changed.
    #[response(status = 412, content_type = "application/problem+json")]
    PlanChanged(ProblemJson<'static>),
}

/// What can go wrong with a body.
#[derive(IntoResponses)]
pub(super) enum BodyFailures {
    /// The body did not arrive in time.
    #[response(status = 408, content_type = "application/problem+json")]
    TimedOut(ProblemJson<'static>),
    /// The body has too many bytes.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemJson<'static>),
    /// The body is of another kind than JSON, or is compressed.
    #[response(status = 415, content_type = "application/problem+json")]
    Unsupported(ProblemJson<'static>),
    /// A member of the body breaks a rule.
    #[response(status = 422, content_type = "application/problem+json")]
    Unprocessable(ProblemJson<'static>),
}
