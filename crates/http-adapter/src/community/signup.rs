//! New users. Another system has made sure who they are; Lethe keeps no credentials.

use super::answer::{Answer, created};
use super::asked::Asked;
use super::error::{Problem, Violation};
use super::form::Fields;
use super::schema::{BodyFailures, Failures, SignupBody};
use super::users::kept;
use actix_web::web;
use lethe_domain::profile::{NewUser, Person};
use lethe_domain::{Act, Email, ExtId, Operation, Profile, ProfileUpdate, Role, Timestamp, User, Username};
use serde::Serialize;
use utoipa::ToSchema;

/// A user who was just created.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewUser)]
pub(super) struct NewUserJson {
    id: i64,
    ext_id: Option<String>,
    username: Option<String>,
    role: Option<&'static str>,
    tags: Vec<String>,
    avatar: Option<String>,
}

impl From<User> for NewUserJson {
    fn from(user: User) -> Self {
        let of = |person: Person| (person.ext_id.map(|id| id.to_string()), Some(person.username.to_string()), person.profile.role.map(Role::word));
        let (ext_id, username, role) = user.person.map(of).unwrap_or_default();
        Self { id: user.id.get(), ext_id, username, role, tags: Vec::new(), avatar: None }
    }
}

/// Creates a user. For admins.
#[utoipa::path(
    post,
    path = "/api/v2/sso/signup/",
    tag = "accounts",
    operation_id = "sign_up",
    request_body(content((SignupBody = "application/json"), (SignupBody = "application/x-www-form-urlencoded"))),
    responses((status = 201, body = NewUserJson), Failures, BodyFailures)
)]
pub(super) async fn sign_up(asked: Asked, body: web::Payload) -> Answer {
    let new = asked.fields(body, &Act::by_admin(Operation::Create), new_user).await?;
    let user = asked.services().accounts.create(&asked.caller, new).await?;
    Ok(created(NewUserJson::from(user)))
}

fn new_user(fields: &Fields<'_>) -> Result<NewUser, Problem> {
    let mut problems = Vec::new();
    let username = kept(&mut problems, fields.required("username", |given| given.text(Username::parse)).map(Some));
    let ext_id = kept(&mut problems, fields.nullable("ext_id", |given| given.text_or_integer(ExtId::parse)));
    let real_name = kept(&mut problems, fields.or_blank("real_name", |given| given.text(ProfileUpdate::line)).map(Some));
    let email = kept(&mut problems, fields.nullable("email", |given| given.text(Email::parse)));
    let role = kept(&mut problems, fields.nullable("role", |given| given.text(Role::parse)));
    if fields.has("password") {
        problems.push(Violation::invalid("Lethe keeps no passwords. Leave this field out.").of("password"));
    }
    match username {
        Some(username) if problems.is_empty() => {
            // The use case says when the user joined.
            let profile = Profile { real_name: real_name.unwrap_or_default(), email, role, ..Profile::new(Timestamp::EPOCH) };
            Ok(NewUser { username, ext_id, profile })
        }
        _ => Err(Problem::Fields(problems)),
    }
}
