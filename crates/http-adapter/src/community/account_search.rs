//! Finding the one account that a name leads to.

use super::answer::{Answer, shown};
use super::asked::Asked;
use super::error::{Problem, Violation};
use super::schema::{Failures, SearchTerms};
use super::user::UserWithStatusJson;
use crate::query::Query;
use lethe_domain::{Act, Email, ExtId, Operation, Username};
use lethe_ports::outbound::UserQuery;

/// Finds a user by exactly one of username, email and `ext_id`. For admins.
#[utoipa::path(
    get,
    path = "/api/v2/account/search/",
    tag = "accounts",
    operation_id = "find_account",
    params(SearchTerms),
    responses((status = 200, body = UserWithStatusJson), Failures)
)]
pub(super) async fn find(asked: Asked) -> Answer {
    let query = asked.unless_refused(&Act::by_admin(Operation::Read), user_query(&asked.context.query())).await?;
    let user = asked.services().accounts.find(&asked.caller, query).await?;
    Ok(shown(UserWithStatusJson::from(user)))
}

/// A text that can be no such name leads to nobody.
fn user_query(query: &Query) -> Result<UserQuery, Problem> {
    let term = |name| query.given(name);
    let read = match (term("username"), term("email"), term("ext_id")) {
        (Some(text), None, None) => Username::parse(text).map(UserQuery::Username),
        (None, Some(text), None) => Email::parse(text).map(UserQuery::Email),
        (None, None, Some(text)) => ExtId::parse(text).map(UserQuery::ExtId),
        _ => return Err(Violation::invalid("Give exactly one of username, email and ext_id.").of_no_field().into()),
    };
    read.map_err(|_| Problem::UserNotFound)
}
