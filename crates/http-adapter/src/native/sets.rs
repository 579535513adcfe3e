//! The whole set of a user's preferences: listed, now or as it stood, and patched.

use super::answer::Answer;
use super::asked::Asked;
use super::error::Problem;
use super::items::{Current, ItemJson};
use super::parameters::{Parameters, revision};
use super::schema::{BodyFailures, Failures, OfUser, SetFailures, Slicing, UserFailures};
use super::violations::{Rule, Violations};
use crate::conditions::{Conditions, precondition_to_read, tag_of};
use crate::json::members;
use crate::query::Query;
use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lethe_domain::draft::Item;
use lethe_domain::{Act, JsonText, Limits, Operation, PreferenceKey, Revision, SetOutcome, SetPatch, Unmet, ValueError};
use lethe_ports::inbound::KeyedError;
use lethe_ports::outbound::KeyRange;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A part of a set.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PreferenceSet)]
pub(super) struct SetJson {
    /// Ordered by key.
    items: Vec<ItemJson>,
    /// The revision of the set.
    revision: i64,
    /// The cursor of the part after this one; `null`: this is the last.
    #[schema(required)]
    next: Option<String>,
}

/// What a change to the set came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SetChange)]
pub(super) struct SetOutcomeJson {
    /// The revision of the set by now.
    revision: i64,
    /// Keys that were given another value.
    changed: Vec<String>,
    /// Keys that were removed.
    removed: Vec<String>,
}

impl From<SetOutcome> for SetOutcomeJson {
    fn from(outcome: SetOutcome) -> Self {
        let texts = |keys: Vec<PreferenceKey>| keys.iter().map(ToString::to_string).collect();
        Self { revision: outcome.revision.get(), changed: texts(outcome.changed), removed: texts(outcome.removed) }
    }
}

/// The answer to a change of the set.
pub(super) fn changed(outcome: SetOutcome) -> HttpResponse {
    HttpResponse::Ok().insert_header((ETAG, tag_of(outcome.revision))).json(SetOutcomeJson::from(outcome))
}

/// What a list is to show.
struct Wanted {
    range: KeyRange,
    /// As it stood at this revision.
    at: Option<i64>,
}

/// Lists a user's preferences by key, as they are or as they stood at a revision. For the user itself and admins.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/preferences",
    tag = "preferences (v1)",
    operation_id = "list_preferences_v1",
    params(
        OfUser,
        ("prefix" = Option<String>, Query, description = "Only keys that begin with this"),
        ("at" = Option<i64>, Query, description = "The set as it stood at this revision; 0 is the empty one"),
        Slicing,
        Conditions
    ),
    responses(
        (status = 200, body = SetJson, headers(("ETag" = String, description = "The revision of the set"))),
        (status = 304, description = "It is known"),
        Failures,
        UserFailures,
        SetFailures
    )
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let owner = asked.user(Operation::Read).await?;
    let Wanted { range, at } = asked.unless_refused(&Act::on(Operation::Read, owner), wanted(&asked.context.query())).await?;
    let limit = range.limit - 1;
    let (revision, items): (_, Vec<Item>) = match at {
        None => {
            let part = asked.services().keyed.part(&asked.caller, owner, range).await?;
            (part.revision, part.preferences.into_iter().map(Item::from).collect())
        }
        Some(at) => {
            let at = Revision::new(at);
            let part = asked.services().keyed.as_of(&asked.caller, owner, at, range).await.map_err(of_past)?;
            (at, part.items)
        }
    };
    match precondition_to_read(asked.context.http.headers())?.check(Some(revision)) {
        Ok(()) => Ok(HttpResponse::Ok().insert_header((ETAG, tag_of(revision))).json(part(revision, items, limit))),
        Err(Unmet::NoneMatch) => Ok(HttpResponse::NotModified().insert_header((ETAG, tag_of(revision))).finish()),
        Err(Unmet::Match) => Err(Problem::PreconditionFailed(Box::new(Current::Revision { revision: revision.get() }))),
    }
}

fn of_past(error: KeyedError) -> Problem {
    match error {
        KeyedError::Ahead => Rule::ahead().of_parameter("at").into(),
        other => other.into(),
    }
}

/// One more than is shown is looked for: that tells whether there are more.
fn wanted(query: &Query) -> Result<Wanted, Problem> {
    let wanted = Parameters::of(query, |parameters| {
        let slice = parameters.slice(cursor);
        let prefix = parameters.optional("prefix", prefix, "Give the beginning of keys.").unwrap_or_default();
        let at = parameters.optional("at", revision, "Give a revision.");
        Wanted { range: KeyRange { prefix, after: slice.after.clone(), limit: slice.sought() }, at }
    })?;
    if wanted.at.is_some_and(|at| at < 0) { Err(Rule::ahead().of_parameter("at").into()) } else { Ok(wanted) }
}

/// No key has a control character, so none begins with one.
fn prefix(text: &str) -> Option<String> {
    (!text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn cursor(text: &str) -> Option<PreferenceKey> {
    let key = prefix(&String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?)?;
    (!key.is_empty()).then(|| PreferenceKey::from_store(key))
}

fn part(revision: Revision, mut items: Vec<Item>, limit: u32) -> SetJson {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_last = items.len() <= limit;
    items.truncate(limit);
    let next = items.last().filter(|_| !is_last).map(|last| URL_SAFE_NO_PAD.encode(last.key.as_str()));
    SetJson { items: items.into_iter().map(ItemJson::from).collect(), revision: revision.get(), next }
}

/// Merges a patch into the whole set (RFC 7396). Its members are keys; `null` removes one. All of it is done, or nothing.
#[utoipa::path(
    patch,
    path = "/v1/users/{user}/preferences",
    tag = "preferences (v1)",
    operation_id = "patch_preferences_v1",
    params(OfUser, Conditions),
    request_body(content = std::collections::HashMap<String, serde_json::Value>, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, body = SetOutcomeJson, headers(("ETag" = String, description = "The revision of the set"))),
        Failures,
        UserFailures,
        BodyFailures,
        SetFailures
    )
)]
pub(super) async fn patch(asked: Asked, body: web::Payload) -> Answer {
    let owner = asked.user(Operation::Update).await?;
    let body = asked.text(body).await;
    let read = asked.merge_patch(body).and_then(|text| Ok((set_patch(&text, asked.limits())?, asked.precondition()?)));
    let (patch, precondition) = asked.unless_refused(&Act::on(Operation::Update, owner), read).await?;
    Ok(changed(asked.services().keyed.patch(&asked.caller, owner, patch, precondition).await?))
}

fn set_patch(text: &str, limits: &Limits) -> Result<SetPatch, Problem> {
    let no_object = |error: serde_json::Error| if error.is_data() { "The body is no JSON object.".into() } else { error.to_string() };
    let members = members(text).map_err(|error| Problem::MalformedJson(no_object(error)))?;
    let (mut patch, mut wrong) = (BTreeMap::new(), Violations::default());
    for (name, raw) in members {
        let key = PreferenceKey::parse_exact(&name, limits).map_err(|error| Rule::from(error).of_key(&name));
        let value = match raw.get() {
            "null" => None,
            text => match JsonText::parse(text, limits) {
                Ok(value) => Some(value),
                Err(error @ (ValueError::TooLarge { .. } | ValueError::TooDeep { .. })) => {
                    wrong.push(Rule::from(error).of_key(&name));
                    continue;
                }
                Err(error @ (ValueError::Syntax(_) | ValueError::LoneSurrogate)) => return Err(Problem::MalformedJson(error.to_string())),
            },
        };
        if let Some(key) = wrong.keep(key) {
            patch.insert(key, value);
        }
    }
    if !wrong.is_empty() {
        return Err(Problem::Unprocessable(wrong));
    }
    SetPatch(patch).within(limits).map_err(|error| Problem::QuotaExceeded(error.to_string()))
}
