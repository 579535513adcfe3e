//! Holds: what keeps a user from being hard deleted. For admins.

use super::answer::{Answer, ListJson, created, done, shown, whole};
use super::asked::Asked;
use super::error::Problem;
use super::fields::{Fields, time};
use super::schema::{BodyFailures, Failures, NewHoldBody, OfHold, OfUser, UserFailures};
use super::violations::Violations;
use actix_web::web;
use lethe_domain::{Act, Hold, HoldId, HoldReason, NewHold, Operation, Timestamp, UserId};
use lethe_ports::inbound::{AccessError, LookUpError};
use serde::Serialize;
use utoipa::ToSchema;

/// A hold.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Hold)]
struct HoldJson {
    id: i64,
    reason: String,
    #[schema(value_type = String, format = DateTime)]
    placed_at: Timestamp,
    /// The admin who placed it.
    placed_by: i64,
    /// When it ends by itself; `null`: when it is lifted.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

impl From<Hold> for HoldJson {
    fn from(hold: Hold) -> Self {
        Self {
            id: hold.id.get(),
            reason: hold.terms.reason.as_str().to_owned(),
            placed_at: hold.placed_at,
            placed_by: hold.placed_by.get(),
            expires_at: hold.terms.expires_at,
        }
    }
}

/// Places a hold on a user, also on one whose content is being removed: that stops. For admins.
#[utoipa::path(
    post,
    path = "/v1/users/{user}/holds",
    tag = "holds (v1)",
    operation_id = "place_hold_v1",
    params(OfUser),
    request_body = NewHoldBody,
    responses(
        (status = 201, body = HoldJson, headers(("Location" = String, description = "Where the hold can be lifted"))),
        Failures,
        UserFailures,
        BodyFailures
    )
)]
pub(super) async fn place(asked: Asked, body: web::Payload) -> Answer {
    let user = asked.user(Operation::Create).await?;
    let new = asked.members(asked.text(body).await, new_hold);
    let new = unless_refused(&asked, Operation::Create, user, new).await?;
    let hold = asked.services().holds.place(&asked.caller, user, new).await?;
    Ok(created(format!("/v1/users/{user}/holds/{}", hold.id), HoldJson::from(hold)))
}

/// Lists the holds on a user, in force or over. For admins.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/holds",
    tag = "holds (v1)",
    operation_id = "list_holds_v1",
    params(OfUser),
    responses((status = 200, body = ListJson<HoldJson>), Failures, UserFailures)
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let user = asked.user(Operation::Read).await?;
    let holds = asked.services().holds.list(&asked.caller, user).await?;
    Ok(shown(whole(holds, HoldJson::from)))
}

/// Lifts a hold. What it stopped goes on by itself. For admins.
#[utoipa::path(
    delete,
    path = "/v1/users/{user}/holds/{id}",
    tag = "holds (v1)",
    operation_id = "lift_hold_v1",
    params(OfHold),
    responses((status = 204, description = "Lifted"), Failures, UserFailures)
)]
pub(super) async fn lift(asked: Asked) -> Answer {
    let user = asked.user(Operation::Delete).await?;
    let id = HoldId::parse(asked.context.segment("id")).ok_or(Problem::NotFound);
    let hold = unless_refused(&asked, Operation::Delete, user, id).await?;
    asked.services().holds.lift(&asked.caller, user, hold).await?;
    Ok(done())
}

/// What was read from a request about a user's holds, or the problem that comes first. There can be holds on users of every state, so it is
/// the holds that know which user is there.
async fn unless_refused<T>(asked: &Asked, operation: Operation, user: UserId, read: Result<T, Problem>) -> Result<T, Problem> {
    let problem = match read {
        Ok(value) => return Ok(value),
        Err(problem) => problem,
    };
    asked.services().access.check(&asked.caller, &Act::by_admin(operation)).await?;
    match asked.services().holds.list(&asked.caller, user).await {
        Err(LookUpError::Access(error @ (AccessError::NoSuchUser | AccessError::UserErased))) => Err(error.into()),
        Ok(_) | Err(LookUpError::Access(_) | LookUpError::NotFound | LookUpError::Store(_)) => Err(problem),
    }
}

fn new_hold(fields: &Fields<'_>) -> Result<NewHold, Problem> {
    let mut wrong = Violations::default();
    let reason = wrong.keep(fields.required("reason", HoldReason::parse));
    let expires_at = wrong.keep(fields.optional("expires_at", time)).flatten();
    match reason {
        Some(reason) if wrong.is_empty() => Ok(NewHold { reason, expires_at }),
        Some(_) | None => Err(Problem::Unprocessable(wrong)),
    }
}
