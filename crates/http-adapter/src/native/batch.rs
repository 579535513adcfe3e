//! Several changes as one.

use super::answer::Answer;
use super::asked::Asked;
use super::error::Problem;
use super::schema::{BatchBody, BodyFailures, Failures, OfUser, SetFailures, UserFailures};
use super::violations::{Rule, Violation, Violations};
use crate::conditions::{Conditions, matching, none_matching, tag_of};
use crate::json::members;
use actix_web::http::StatusCode;
use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, ResponseError, web};
use lethe_domain::draft::MOST_CHANGES;
use lethe_domain::{Act, JsonText, KeyAction, KeyChange, KeyRefusal, Limits, Operation, Precondition, PreferenceKey, Tags};
use lethe_ports::inbound::{Atomicity, Batch, BatchOutcome, BatchStep};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use utoipa::ToSchema;

/// What a batch came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchOutcome)]
struct BatchJson {
    /// The revision of the set by now.
    revision: i64,
    /// What each operation came to, in their order.
    results: Vec<ResultJson>,
}

/// What an operation came to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchResult)]
struct ResultJson {
    key: String,
    /// As of a request of its own.
    status: u16,
    /// The revision of the preference, or the one that its removal took.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    revision: Option<i64>,
    /// Which kind of problem it is, if it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    r#type: Option<String>,
}

/// Makes up to 100 changes in their order, and as one: others see all of them or none. An atomic batch is undone by the first operation that is
/// refused; another one does what can be done.
#[utoipa::path(
    post,
    path = "/v1/users/{user}/batch",
    tag = "preferences (v1)",
    operation_id = "batch_preferences_v1",
    params(OfUser, Conditions),
    request_body = BatchBody,
    responses(
        (status = 200, body = BatchJson, headers(("ETag" = String, description = "The revision of the set"))),
        Failures,
        UserFailures,
        BodyFailures,
        SetFailures
    )
)]
pub(super) async fn make(asked: Asked, body: web::Payload) -> Answer {
    let owner = asked.user(Operation::Update).await?;
    let read = asked.members(asked.text(body).await, |fields| read(fields.members(), asked.limits(), || asked.precondition()));
    let Read { batch, misread } = asked.unless_refused(&Act::on(Operation::Update, owner), read).await?;
    let keys: Vec<_> = batch.changes.iter().map(|change| change.key.to_string()).collect();
    let outcome = asked.services().keyed.batch(&asked.caller, owner, batch).await?;
    Ok(HttpResponse::Ok().insert_header((ETAG, tag_of(outcome.revision))).json(shown(outcome, keys, misread)))
}

/// A batch, and the operations that are none: by their places, with the keys that they named.
struct Read {
    batch: Batch,
    misread: Vec<(usize, String, Problem)>,
}

fn shown(outcome: BatchOutcome, keys: Vec<String>, misread: Vec<(usize, String, Problem)>) -> BatchJson {
    let mut results: Vec<_> = outcome.results.into_iter().zip(keys).map(|(result, key)| result_json(key, result)).collect();
    for (place, key, problem) in misread {
        results.insert(place.min(results.len()), refused(key, &problem));
    }
    BatchJson { revision: outcome.revision.get(), results }
}

fn result_json(key: String, result: Result<BatchStep, KeyRefusal>) -> ResultJson {
    let (status, revision) = match result {
        Ok(BatchStep::Created(revision)) => (StatusCode::CREATED, revision),
        Ok(BatchStep::Kept(revision)) => (StatusCode::OK, revision),
        Ok(BatchStep::Removed(revision)) => (StatusCode::NO_CONTENT, revision),
        Err(refusal) => return refused(key, &refusal.into()),
    };
    ResultJson { key, status: status.as_u16(), revision: Some(revision.get()), r#type: None }
}

fn refused(key: String, problem: &Problem) -> ResultJson {
    ResultJson { key, status: problem.status_code().as_u16(), revision: None, r#type: Some(problem.kind().row().address()) }
}

fn read(members: &HashMap<String, &RawValue>, limits: &Limits, precondition: impl FnOnce() -> Result<Precondition, Problem>) -> Result<Read, Problem> {
    let atomicity = atomicity(members)?;
    let given = members.get("operations").ok_or_else(|| Rule::required().of_member("operations"))?;
    let operations: Vec<&RawValue> = serde_json::from_str(given.get()).map_err(|_| Rule::invalid("This must be a list.").of_member("operations"))?;
    if operations.len() > MOST_CHANGES {
        return Err(Rule::invalid(format!("Give at most {MOST_CHANGES} operations.")).of_member("operations").into());
    }
    let (mut changes, mut misread) = (Vec::with_capacity(operations.len()), Vec::new());
    for (place, raw) in operations.into_iter().enumerate() {
        match (read_operation(raw, place, limits), atomicity) {
            (Ok(change), _) => changes.push(change),
            (Err((_, wrong)), Atomicity::AllOrNothing) => return Err(Problem::InBatch(place, Box::new(Problem::Unprocessable(wrong)))),
            (Err((key, wrong)), Atomicity::EachForItself) => misread.push((place, key, Problem::Unprocessable(wrong))),
        }
    }
    Ok(Read { batch: Batch { atomicity, changes, precondition: precondition()? }, misread })
}

fn atomicity(members: &HashMap<String, &RawValue>) -> Result<Atomicity, Problem> {
    match members.get("atomic").map(|raw| raw.get()) {
        None | Some("true") => Ok(Atomicity::AllOrNothing),
        Some("false") => Ok(Atomicity::EachForItself),
        Some(_) => Err(Rule::invalid("Give true or false.").of_member("atomic").into()),
    }
}

/// Reads one operation. Of one that is none, the key that it names, if it names one, and what is wrong with it.
fn read_operation(raw: &RawValue, place: usize, limits: &Limits) -> Result<KeyChange, (String, Violations)> {
    let at = |name: &str| format!("/operations/{place}{name}");
    let Ok(fields) = members(raw.get()) else {
        return Err((String::new(), Rule::invalid("This must be an object.").of_pointer(at("")).into()));
    };
    let text = |name: &str| fields.get(name).map(|raw| serde_json::from_str::<String>(raw.get()).map_err(|_| Rule::not_a_string()));
    let required = |name: &str| text(name).unwrap_or_else(|| Err(Rule::required()));
    let name = required("key");
    let shown_key = name.clone().unwrap_or_default();
    let mut wrong = Violations::default();
    let key = name.and_then(|name| PreferenceKey::parse_exact(&name, limits).map_err(Rule::from)).map_err(|rule| rule.of_pointer(at("/key")));
    let key = wrong.keep(key);
    let action = wrong.keep(action(required("op"), fields.get("value").copied(), &at, limits));
    let must = |name: &'static str, read: fn(&str) -> Option<Tags>| {
        let read = |text: String| read(&text).ok_or_else(|| Rule::invalid("Give an entity tag in quotes, or *."));
        text(name).map(|text| text.and_then(read)).transpose().map_err(|rule| rule.of_pointer(at(&format!("/{name}"))))
    };
    let matching = wrong.keep(must("if_match", matching)).flatten();
    let none_matching = wrong.keep(must("if_none_match", none_matching)).flatten();
    match (key, action) {
        (Some(key), Some(action)) if wrong.is_empty() => Ok(KeyChange { key, action, precondition: Precondition { matching, none_matching } }),
        _ => Err((shown_key, wrong)),
    }
}

fn action(op: Result<String, Rule>, value: Option<&RawValue>, at: &impl Fn(&str) -> String, limits: &Limits) -> Result<KeyAction, Violation> {
    let value = || {
        let given = value.ok_or_else(Rule::required);
        given.and_then(|raw| JsonText::parse(raw.get(), limits).map_err(Rule::from)).map_err(|rule| rule.of_pointer(at("/value")))
    };
    let op = op.map_err(|rule| rule.of_pointer(at("/op")))?;
    match op.as_str() {
        "put" => value().map(KeyAction::Put),
        "merge" => value().map(KeyAction::Merge),
        "delete" => Ok(KeyAction::Delete),
        _ => Err(Rule::invalid("Choose one of put, merge, delete.").of_pointer(at("/op"))),
    }
}
