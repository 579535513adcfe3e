//! Shapes that exist in the API document alone: bodies, which are read field by field, queries, and the failures that operations share.
#![expect(dead_code, reason = "shapes for the API document; no code builds them")]

use super::error::Errors;
use utoipa::{IntoParams, IntoResponses, ToSchema};

/// Which part of a list is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Paging {
    /// Entries of a page: 20 unless said, 100 at the most.
    limit: Option<u32>,
    /// Entries to skip.
    offset: Option<u64>,
}

/// Whose data a path leads to.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfUser {
    /// A user's id, or `me`.
    user_id: String,
}

/// Which kind of post a path leads to.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct OfKind {
    #[param(inline)]
    kind: KindWord,
}

/// A kind of post.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
enum KindWord {
    Post,
    Discussion,
    Status,
}

/// What can be in the way of something that is done under conditions.
#[derive(IntoResponses)]
pub(super) enum ConditionFailures {
    /// It is not what it must be.
    #[response(status = 412)]
    PreconditionFailed(Errors<'static>),
}

/// The id at the end of a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Entry {
    /// The entry's id.
    id: i64,
}

/// Which users are listed. A text finds the users whose field contains it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListFilters {
    /// In the username or the real name.
    search: Option<String>,
    /// In the username.
    username: Option<String>,
    /// In the real name.
    real_name: Option<String>,
    /// In the location.
    location: Option<String>,
    /// In the description.
    description: Option<String>,
    /// `Male`, `Female` or `Unspecified`.
    gender: Option<String>,
    /// `username`, `-username`, `date_joined`, `-date_joined`; by id unless said.
    ordering: Option<String>,
}

/// Which users a moderator sees; further filters are those of the list of users.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ModerationFilters {
    /// `a`, `b`, `d` or `u`; users of all states unless said.
    status: Option<String>,
    /// In the username or the real name.
    search: Option<String>,
    /// `username`, `-username`, `date_joined`, `-date_joined`; by id unless said.
    order_by: Option<String>,
}

/// By what an account is found. Exactly one of the first three.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchTerms {
    /// Whatever the case of its letters.
    username: Option<String>,
    /// A mail address.
    email: Option<String>,
    /// The id in another system.
    ext_id: Option<String>,
    /// Ignored: there is one other system.
    provider: Option<String>,
}

/// A preference that is to be created, or to replace another.
#[derive(ToSchema)]
#[schema(as = NewPreference)]
pub(super) struct NewPreferenceBody {
    /// 1 to 255 characters without control characters; blanks at either end are dropped.
    #[schema(min_length = 1)]
    key: String,
    /// Any JSON value. In a form, what is not JSON stands for its own text.
    value: serde_json::Value,
}

/// A change to a preference: at least one of both.
#[derive(ToSchema)]
#[schema(as = PreferenceUpdate)]
pub(super) struct PreferenceUpdateBody {
    #[schema(min_length = 1, nullable = false)]
    key: Option<String>,
    /// Any JSON value, also `null`.
    #[schema(required = false)]
    value: serde_json::Value,
}

/// A change to a profile. Fields that are absent stay as they are.
#[derive(ToSchema)]
#[schema(as = ProfileUpdate)]
pub(super) struct ProfileBody {
    #[schema(max_length = 255, nullable = false)]
    real_name: Option<String>,
    #[schema(max_length = 10_000, nullable = false)]
    bio: Option<String>,
    #[schema(max_length = 255, nullable = false)]
    location: Option<String>,
    #[schema(max_length = 10_000, nullable = false)]
    description: Option<String>,
    /// `Male`, `Female` or `Unspecified`.
    #[schema(nullable = false)]
    gender: Option<String>,
    #[schema(max_length = 255, nullable = false)]
    website: Option<String>,
}

/// A user who is to be created.
#[derive(ToSchema)]
#[schema(as = Signup)]
pub(super) struct SignupBody {
    /// Letters, digits and `_ - . @ +`. Unique, whatever the case of its letters.
    #[schema(min_length = 1, max_length = 255)]
    username: String,
    /// The id in another system, a text or an integer. Unique.
    ext_id: Option<String>,
    #[schema(max_length = 255)]
    real_name: Option<String>,
    email: Option<String>,
    /// `admin`, `moderator`, `editor` or `publisher`. It is shown; what a user may do is in its tokens.
    role: Option<String>,
}

/// A post that is to be published.
#[derive(ToSchema)]
#[schema(as = NewPost)]
pub(super) struct NewPostBody {
    #[schema(max_length = 255)]
    title: Option<String>,
    #[schema(min_length = 1, max_length = 50_000)]
    text: String,
}

/// What can go wrong with any request that needs a token.
#[derive(IntoResponses)]
pub(super) enum Failures {
    /// The request breaks a rule; the fields that do are named.
    #[response(status = 400)]
    BadRequest(Errors<'static>),
    /// There is no token, or it is not honoured.
    #[response(status = 401)]
    Unauthorized(Errors<'static>),
    /// The caller is known and may not do this.
    #[response(status = 403)]
    Forbidden(Errors<'static>),
    /// The user, or what the path leads to, does not exist.
    #[response(status = 404)]
    NotFound(Errors<'static>),
    /// A defect. The log has the cause under the request's id.
    #[response(status = 500)]
    Failed(Errors<'static>),
    /// It may or may not have happened; try again.
    #[response(status = 503)]
    Unavailable(Errors<'static>),
}

/// What can go wrong with a body as a whole.
#[derive(IntoResponses)]
pub(super) enum BodyFailures {
    /// The body did not arrive in time.
    #[response(status = 408)]
    TimedOut(Errors<'static>),
    /// The body has too many bytes.
    #[response(status = 413)]
    TooLarge(Errors<'static>),
    /// The body is compressed, or of a kind that is not read.
    #[response(status = 415)]
    Unsupported(Errors<'static>),
}

/// What can go wrong with a request that needs no token.
#[derive(IntoResponses)]
pub(super) enum PublicFailures {
    /// There is no such user.
    #[response(status = 404)]
    NotFound(Errors<'static>),
    /// A defect. The log has the cause under the request's id.
    #[response(status = 500)]
    Failed(Errors<'static>),
    /// Try again.
    #[response(status = 503)]
    Unavailable(Errors<'static>),
}
