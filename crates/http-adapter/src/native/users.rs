//! Users: adding one, and looking at them.

use super::answer::{Answer, ListJson, created, part, shown};
use super::asked::Asked;
use super::error::Problem;
use super::fields::Fields;
use super::parameters::Parameters;
use super::schema::{BodyFailures, Conflicts, Failures, NewAccountBody, OfUser, Slicing, UserFailures};
use super::violations::Violations;
use actix_web::web;
use lethe_domain::profile::{NewUser, Person};
use lethe_domain::{AccountState, Act, Email, ExtId, Operation, Profile, ProfileUpdate, Role, StatusSet, Timestamp, User, UserId, UserStatus, Username};
use serde::Serialize;
use utoipa::ToSchema;

/// A user. Of an erased one only the id is left.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct UserJson {
    id: i64,
    username: Option<String>,
    ext_id: Option<String>,
    real_name: Option<String>,
    email: Option<String>,
    /// `admin`, `moderator`, `editor`, `publisher` or none. It is shown only: what a request may do is decided by its token.
    role: Option<&'static str>,
    /// `active`, `blocked`, `deleted` or `erased`.
    status: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    #[serde(flatten)]
    #[schema(value_type = EndJson)]
    end: Option<EndJson>,
}

/// How the user's account ends. Only admins are shown this.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountEnd)]
#[expect(clippy::struct_field_names, reason = "as they are on the wire")]
struct EndJson {
    /// When it was soft deleted, if it is.
    #[schema(value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
    /// When it falls due to be hard deleted by itself, if it does.
    #[schema(value_type = Option<String>, format = DateTime)]
    purge_at: Option<Timestamp>,
    /// When it was hard deleted, if it was.
    #[schema(value_type = Option<String>, format = DateTime)]
    erased_at: Option<Timestamp>,
}

impl From<AccountState> for EndJson {
    fn from(state: AccountState) -> Self {
        match state {
            AccountState::Live(_) => Self { deleted_at: None, purge_at: None, erased_at: None },
            AccountState::SoftDeleted { at, purge_at, was: _ } => Self { deleted_at: Some(at), purge_at, erased_at: None },
            AccountState::Erased { at } => Self { deleted_at: None, purge_at: None, erased_at: Some(at) },
        }
    }
}

impl UserJson {
    /// The user as admins see it.
    fn to_admin(user: User) -> Self {
        Self { end: Some(user.state.into()), ..Self::to_itself(user) }
    }

    /// The user as it sees itself.
    fn to_itself(user: User) -> Self {
        let (id, status) = (user.id.get(), user.status().word());
        let nobody = Self { id, username: None, ext_id: None, real_name: None, email: None, role: None, status, created_at: None, end: None };
        match user.person {
            Some(person) => nobody.with(person),
            None => nobody,
        }
    }

    fn with(self, person: Person) -> Self {
        let Person { username, ext_id, profile, counts: _ } = person;
        Self {
            username: Some(username.to_string()),
            ext_id: ext_id.map(|id| id.to_string()),
            real_name: Some(profile.real_name),
            email: profile.email.map(|email| email.to_string()),
            role: profile.role.map(Role::word),
            created_at: Some(profile.date_joined),
            ..self
        }
    }
}

/// Adds a user. For admins.
#[utoipa::path(
    post,
    path = "/v1/users",
    tag = "accounts (v1)",
    operation_id = "create_user_v1",
    request_body = NewAccountBody,
    responses(
        (status = 201, body = UserJson, headers(("Location" = String, description = "Where the user is"))),
        Failures,
        Conflicts,
        BodyFailures
    )
)]
pub(super) async fn create(asked: Asked, body: web::Payload) -> Answer {
    let new = asked.read(body, &Act::by_admin(Operation::Create), |body| asked.members(body, new_user)).await?;
    let user = asked.services().accounts.create(&asked.caller, new).await?;
    Ok(created(format!("/v1/users/{}", user.id), UserJson::to_admin(user)))
}

/// Lists users by id. Deleted and erased ones are listed when `status` asks for them. For admins.
#[utoipa::path(
    get,
    path = "/v1/users",
    tag = "accounts (v1)",
    operation_id = "list_users_v1",
    params(
        ("status" = Option<String>, Query, description = "`active`, `blocked`, `deleted` or `erased`; active and blocked ones unless said"),
        Slicing
    ),
    responses((status = 200, body = ListJson<UserJson>), Failures)
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let asked_for = Parameters::of(&asked.context.query(), |parameters| {
        let status = parameters.optional("status", UserStatus::from_word, "Choose one of active, blocked, deleted, erased.");
        (status.map_or_else(|| StatusSet::LISTED.states().to_vec(), |status| vec![status]), parameters.slice(UserId::parse))
    });
    let (statuses, slice) = asked.unless_refused(&Act::by_admin(Operation::Read), asked_for).await?;
    let found = asked.services().accounts.walk(&asked.caller, &statuses, slice.after, slice.sought()).await?;
    Ok(shown(part(found, slice.limit, |user| user.id.get(), UserJson::to_admin)))
}

/// Shows a user who is not erased. For the user itself and admins, who see more.
#[utoipa::path(
    get,
    path = "/v1/users/{user}",
    tag = "accounts (v1)",
    operation_id = "get_user_v1",
    params(OfUser),
    responses((status = 200, body = UserJson), Failures, UserFailures)
)]
pub(super) async fn get(asked: Asked) -> Answer {
    let id = asked.user(Operation::Read).await?;
    let user = asked.services().accounts.show(&asked.caller, id).await?;
    Ok(shown(if asked.caller.actor.admin { UserJson::to_admin(user) } else { UserJson::to_itself(user) }))
}

fn new_user(fields: &Fields<'_>) -> Result<NewUser, Problem> {
    let mut wrong = Violations::default();
    let username = wrong.keep(fields.required("username", Username::parse));
    let ext_id = wrong.keep(fields.optional("ext_id", ExtId::parse)).flatten();
    let real_name = wrong.keep(fields.optional("real_name", ProfileUpdate::line)).flatten().unwrap_or_default();
    let email = wrong.keep(fields.optional("email", Email::parse)).flatten();
    match username {
        // The use case says when the user joined.
        Some(username) if wrong.is_empty() => Ok(NewUser { username, ext_id, profile: Profile { real_name, email, ..Profile::new(Timestamp::EPOCH) } }),
        Some(_) | None => Err(Problem::Unprocessable(wrong)),
    }
}
