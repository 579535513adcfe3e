//! Users: looking at them, changing a profile, and deleting an account.

use super::answer::{Answer, PageJson, done, page, shown};
use super::asked::Asked;
use super::error::{Errors, FieldProblem, Problem, Violation};
use super::form::Fields;
use super::schema::{BodyFailures, Failures, ListFilters, OfUser, Paging, ProfileBody, PublicFailures};
use super::user::{MeJson, UserJson};
use crate::query::Query;
use crate::request::Context;
use actix_web::web;
use lethe_domain::account::DeletionMode;
use lethe_domain::{Act, Gender, Operation, ProfileUpdate, UserId};
use lethe_ports::inbound::DeletionRequest;
use lethe_ports::outbound::{UserFilter, UserOrder};

/// Lists the users of the community. Deleted users are not in it.
#[utoipa::path(
    get,
    path = "/api/v2/user/",
    tag = "users",
    operation_id = "list_users",
    params(ListFilters, Paging),
    responses((status = 200, body = PageJson<UserJson>), Failures)
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let query = asked.context.query();
    let filter = asked.unless_refused(&Act::by_member(Operation::Read), filter(&query).map_err(Problem::from)).await?;
    let found = asked.services().accounts.list(&asked.caller, filter, query.page()).await?;
    Ok(page(&asked.context, query.page(), found, UserJson::from))
}

/// Searches the users of the community: the same as the list of users.
#[utoipa::path(
    get,
    path = "/api/v2/user/search/",
    tag = "users",
    operation_id = "search_users",
    params(ListFilters, Paging),
    responses((status = 200, body = PageJson<UserJson>), Failures)
)]
pub(super) async fn search(asked: Asked) -> Answer {
    list(asked).await
}

/// Shows the calling user.
#[utoipa::path(get, path = "/api/v2/user/me/", tag = "users", operation_id = "get_me", responses((status = 200, body = MeJson), Failures))]
pub(super) async fn me(asked: Asked) -> Answer {
    let user = asked.services().accounts.me(&asked.caller).await?;
    Ok(shown(MeJson::from(user)))
}

/// Shows any user, deleted softly or not. Needs no token.
#[utoipa::path(
    get,
    path = "/api/v2/user/{user_id}/",
    tag = "users",
    operation_id = "get_user",
    params(("user_id" = i64, Path, description = "A user's id")),
    security(()),
    responses((status = 200, body = UserJson), PublicFailures)
)]
pub(super) async fn get(context: Context) -> Answer {
    let id = UserId::parse(context.segment("user_id")).ok_or(Problem::UserNotFound)?;
    let user = context.services().accounts.get(id).await?;
    Ok(shown(UserJson::from(user)))
}

/// Changes a profile: fields that are absent stay as they are.
#[utoipa::path(
    patch,
    path = "/api/v2/user/{user_id}/",
    tag = "users",
    operation_id = "update_user",
    params(OfUser),
    request_body(content((ProfileBody = "application/json"), (ProfileBody = "application/x-www-form-urlencoded"))),
    responses((status = 200, body = UserJson), Failures, BodyFailures)
)]
pub(super) async fn update(asked: Asked, body: web::Payload) -> Answer {
    let id = asked.user().await?;
    let update = asked.fields(body, &Act::on(Operation::Update, id), profile_update).await?;
    let user = asked.services().accounts.update_profile(&asked.caller, id, update).await?;
    Ok(shown(UserJson::from(user)))
}

/// Changes a profile, the same as `PATCH`.
#[utoipa::path(
    put,
    path = "/api/v2/user/{user_id}/",
    tag = "users",
    operation_id = "replace_user",
    params(OfUser),
    request_body(content((ProfileBody = "application/json"), (ProfileBody = "application/x-www-form-urlencoded"))),
    responses((status = 200, body = UserJson), Failures, BodyFailures)
)]
pub(super) async fn replace(asked: Asked, body: web::Payload) -> Answer {
    update(asked, body).await
}

/// Deletes a user. Softly, so that it is hidden and its names stay reserved, or hard, so that nothing of it remains.
#[utoipa::path(
    delete,
    path = "/api/v2/user/{user_id}/",
    tag = "users",
    operation_id = "delete_user",
    params(
        OfUser,
        ("hard" = Option<String>, Query, description = "`1` deletes hard, anything else softly")
    ),
    responses((status = 204, description = "Deleted"), (status = 409, description = "The user is on hold", body = Errors<'static>), Failures)
)]
pub(super) async fn delete(asked: Asked) -> Answer {
    let id = asked.user().await?;
    let mode = DeletionMode::from_hard_parameter(asked.context.query().last("hard"));
    asked.services().accounts.delete(&asked.caller, id, DeletionRequest::unplanned(mode)).await?;
    Ok(done())
}

/// The filter that a query asks for, over all states; which states are shown is for the use case to say.
pub(super) fn filter(query: &Query) -> Result<UserFilter, FieldProblem> {
    let text = |name| query.given(name).map(str::to_owned);
    let gender = query.given("gender").map(Gender::parse).transpose().map_err(|error| Violation::from(error).of("gender"))?;
    Ok(UserFilter {
        statuses: Vec::new(),
        search: text("search"),
        username: text("username"),
        real_name: text("real_name"),
        location: text("location"),
        description: text("description"),
        gender,
        order: query.given("ordering").map_or_else(UserOrder::default, order),
    })
}

/// The order of that name. An unknown name is as good as none.
pub(super) fn order(name: &str) -> UserOrder {
    match name {
        "username" => UserOrder::Username,
        "-username" => UserOrder::UsernameDescending,
        "date_joined" => UserOrder::DateJoined,
        "-date_joined" => UserOrder::DateJoinedDescending,
        _ => UserOrder::Id,
    }
}

fn profile_update(fields: &Fields<'_>) -> Result<ProfileUpdate, Problem> {
    let mut problems = Vec::new();
    let mut line = |name| kept(&mut problems, fields.optional(name, |given| given.text(ProfileUpdate::line)));
    let (real_name, location, website) = (line("real_name"), line("location"), line("website"));
    let mut paragraph = |name| kept(&mut problems, fields.optional(name, |given| given.text(ProfileUpdate::paragraph)));
    let (bio, description) = (paragraph("bio"), paragraph("description"));
    let gender = kept(&mut problems, fields.optional("gender", |given| given.text(Gender::parse)));
    if problems.is_empty() { Ok(ProfileUpdate { real_name, bio, location, description, gender, website }) } else { Err(Problem::Fields(problems)) }
}

/// What was read, with any problem put aside.
pub(super) fn kept<T>(problems: &mut Vec<FieldProblem>, read: Result<Option<T>, FieldProblem>) -> Option<T> {
    read.unwrap_or_else(|problem| {
        problems.push(problem);
        None
    })
}
