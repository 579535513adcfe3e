//! What happened to a user's preferences, and to one of them.

use super::answer::{Answer, ListJson, part, shown};
use super::asked::Asked;
use super::error::Problem;
use super::parameters::{Parameters, number, revision};
use super::schema::{Failures, KeyFailures, LogFailures, OfKey, OfUser, Slicing, UserFailures};
use super::violations::Rule;
use crate::query::Query;
use lethe_domain::{Act, Change, JsonText, Operation, PageRequest, Revision, Timestamp, UserId};
use lethe_ports::inbound::KeyedError;
use serde::Serialize;
use utoipa::ToSchema;

/// A change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Change)]
pub(super) struct ChangeJson {
    /// The user's revision that it took.
    revision: i64,
    key: String,
    /// `put` or `delete`.
    op: &'static str,
    /// The value that was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    value: Option<JsonText>,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The user who did it.
    actor: i64,
}

impl From<Change> for ChangeJson {
    fn from(change: Change) -> Self {
        Self {
            revision: change.revision.get(),
            key: change.key.to_string(),
            op: change.kind.name(),
            value: change.kind.value().cloned(),
            at: change.at,
            actor: change.actor.get(),
        }
    }
}

/// A part of the change log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Changes)]
struct ChangesJson {
    /// Complete and in order.
    changes: Vec<ChangeJson>,
    /// The present revision. If it is less than what was asked for, something was lost here: read the whole set.
    revision: i64,
    /// Whether there are more.
    more: bool,
}

/// Where somebody who is too far behind can begin anew.
pub(super) fn resync(owner: UserId) -> String {
    format!("/v1/users/{owner}/preferences")
}

/// Lists what happened after a revision, oldest first. For the user itself and admins.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/changes",
    tag = "preferences (v1)",
    operation_id = "list_changes_v1",
    params(
        OfUser,
        ("since" = Option<i64>, Query, description = "The last revision that is known; 0 unless said"),
        ("limit" = Option<u32>, Query, description = "Changes at the most: 100 unless said", minimum = 1, maximum = 100)
    ),
    responses((status = 200, body = ChangesJson), Failures, UserFailures, LogFailures)
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let owner = asked.user(Operation::Read).await?;
    let (since, limit) = asked.unless_refused(&Act::on(Operation::Read, owner), wanted(&asked.context.query())).await?;
    let page = asked.services().keyed.changes(&asked.caller, owner, since.unwrap_or(Revision::ZERO), limit).await.map_err(|error| of_log(owner, error))?;
    let last = page.changes.last().map(|change| change.revision);
    let more = last.is_some_and(|last| last < page.latest);
    Ok(shown(ChangesJson { changes: page.changes.into_iter().map(ChangeJson::from).collect(), revision: page.latest.get(), more }))
}

pub(super) fn of_log(owner: UserId, error: KeyedError) -> Problem {
    match error {
        KeyedError::Forgotten => Problem::CursorExpired(resync(owner)),
        other => other.into(),
    }
}

/// Since when, and how many.
pub(super) fn wanted(query: &Query) -> Result<(Option<Revision>, u32), Problem> {
    let (since, limit) =
        Parameters::of(query, |parameters| (parameters.optional("since", revision, "Give a revision."), parameters.limit(PageRequest::MAX_LIMIT)))?;
    match since {
        Some(since) if since < 0 => Err(Rule::invalid("Give a revision from 0 on.").of_parameter("since").into()),
        since => Ok((since.map(Revision::new), limit)),
    }
}

/// Lists what happened to one preference, newest first, as far as it is kept. For the user itself and admins.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/history/{key}",
    tag = "preferences (v1)",
    operation_id = "list_history_v1",
    params(OfKey, Slicing),
    responses((status = 200, body = ListJson<ChangeJson>), Failures, UserFailures, KeyFailures)
)]
pub(super) async fn history(asked: Asked) -> Answer {
    let owner = asked.user(Operation::Read).await?;
    let read = asked.key_in_path().and_then(|key| Ok((key, Parameters::of(&asked.context.query(), |parameters| parameters.slice(number))?)));
    let (key, slice) = asked.unless_refused(&Act::on(Operation::Read, owner), read).await?;
    let changes = asked.services().keyed.history(&asked.caller, owner, &key, slice.after.map(Revision::new), slice.sought()).await?;
    Ok(shown(part(changes, slice.limit, |change| change.revision.get(), ChangeJson::from)))
}
