//! Users for moderators: those of every state, the deleted ones too.

use super::answer::{Answer, PageJson, page};
use super::asked::Asked;
use super::error::{FieldProblem, Problem, Violation};
use super::schema::{Failures, ModerationFilters, Paging};
use super::user::UserWithStatusJson;
use super::users;
use crate::query::Query;
use lethe_domain::{Act, Operation, UserStatus};
use lethe_ports::outbound::UserFilter;

/// Lists users of all states, or of one. For admins.
#[utoipa::path(
    get,
    path = "/api/v2/moderation/user/",
    tag = "moderation",
    operation_id = "list_users_for_moderation",
    params(ModerationFilters, Paging),
    responses((status = 200, body = PageJson<UserWithStatusJson>), Failures)
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let query = asked.context.query();
    let filter = asked.unless_refused(&Act::by_admin(Operation::Read), filter(&query).map_err(Problem::from)).await?;
    let found = asked.services().accounts.moderate(&asked.caller, filter, query.page()).await?;
    Ok(page(&asked.context, query.page(), found, UserWithStatusJson::from))
}

fn filter(query: &Query) -> Result<UserFilter, FieldProblem> {
    let statuses = match query.given("status") {
        Some(letter) => vec![UserStatus::from_letter(letter).ok_or_else(|| Violation::invalid("Choose one of a, b, d, u.").of("status"))?],
        None => UserStatus::ALL.to_vec(),
    };
    let filter = users::filter(query)?;
    Ok(UserFilter { statuses, order: query.given("order_by").map_or(filter.order, users::order), ..filter })
}
