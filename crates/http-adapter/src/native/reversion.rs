//! Making the set, or one preference, what it was.

use super::answer::Answer;
use super::asked::Asked;
use super::error::Problem;
use super::schema::{BodyFailures, Failures, OfUser, ReversionBody, SetFailures, UserFailures};
use super::sets::{SetOutcomeJson, changed};
use super::violations::{Rule, Violations};
use crate::conditions::Conditions;
use actix_web::web;
use lethe_domain::{Act, Limits, Operation, PreferenceKey, Revision};
use lethe_ports::inbound::Reversion;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Makes the set, or one preference, what it was at a revision. That takes new revisions: nothing that happened is undone in the log.
#[utoipa::path(
    post,
    path = "/v1/users/{user}/revert",
    tag = "preferences (v1)",
    operation_id = "revert_preferences_v1",
    params(OfUser, Conditions),
    request_body = ReversionBody,
    responses(
        (status = 200, body = SetOutcomeJson, headers(("ETag" = String, description = "The revision of the set"))),
        Failures,
        UserFailures,
        BodyFailures,
        SetFailures
    )
)]
pub(super) async fn revert(asked: Asked, body: web::Payload) -> Answer {
    let owner = asked.user(Operation::Update).await?;
    let read = asked.members(asked.text(body).await, |fields| Ok((reversion(fields.members(), asked.limits())?, asked.precondition()?)));
    let (reversion, precondition) = asked.unless_refused(&Act::on(Operation::Update, owner), read).await?;
    Ok(changed(asked.services().keyed.revert(&asked.caller, owner, reversion, precondition).await?))
}

fn reversion(members: &HashMap<String, &RawValue>, limits: &Limits) -> Result<Reversion, Problem> {
    let mut wrong = Violations::default();
    let to = members.get("to").ok_or_else(Rule::required).and_then(|raw| revision(raw)).map_err(|rule| rule.of_member("to"));
    let to = wrong.keep(to);
    let key = members.get("key").map(|raw| key(raw, limits)).transpose().map_err(|rule| rule.of_member("key"));
    let key = wrong.keep(key).flatten();
    match to {
        Some(to) if wrong.is_empty() => Ok(Reversion { to, key }),
        Some(_) | None => Err(Problem::Unprocessable(wrong)),
    }
}

fn revision(raw: &RawValue) -> Result<Revision, Rule> {
    let number: i64 = serde_json::from_str(raw.get()).map_err(|_| Rule::invalid("Give a revision: a whole number."))?;
    if number < 0 { Err(Rule::ahead()) } else { Ok(Revision::new(number)) }
}

fn key(raw: &RawValue, limits: &Limits) -> Result<PreferenceKey, Rule> {
    let text: String = serde_json::from_str(raw.get()).map_err(|_| Rule::not_a_string())?;
    Ok(PreferenceKey::parse_exact(&text, limits)?)
}
