//! One preference: shown, replaced, patched, removed.

use super::answer::{Answer, done};
use super::asked::Asked;
use super::error::Problem;
use super::items::{Current, ItemJson};
use super::schema::{BodyFailures, Failures, KeyFailures, OfKey, PatchFailures, UserFailures};
use crate::conditions::{Conditions, precondition_to_read, tag_of};
use actix_web::http::StatusCode;
use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, web};
use lethe_domain::draft::Item;
use lethe_domain::{Act, KeyAction, KeyOutcome, Operation, Unmet};

/// Shows a preference. For the user itself and admins.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/preferences/{key}",
    tag = "preferences (v1)",
    operation_id = "get_preference_v1",
    params(OfKey, Conditions),
    responses(
        (status = 200, body = ItemJson, headers(("ETag" = String, description = "Its revision"))),
        (status = 304, description = "It is known"),
        Failures,
        UserFailures,
        KeyFailures
    )
)]
pub(super) async fn show(asked: Asked) -> Answer {
    let owner = asked.user(Operation::Read).await?;
    let key = asked.key(&Act::on(Operation::Read, owner)).await?;
    let item = asked.services().keyed.show(&asked.caller, owner, &key).await?;
    let precondition = precondition_to_read(asked.context.http.headers())?;
    match precondition.check(Some(item.revision)) {
        Ok(()) => Ok(shown(StatusCode::OK, item)),
        Err(Unmet::NoneMatch) => Ok(HttpResponse::NotModified().insert_header((ETAG, tag_of(item.revision))).finish()),
        Err(Unmet::Match) => Err(Problem::PreconditionFailed(Box::new(Current::Item(Some(item.into()))))),
    }
}

/// Gives a preference a value. The body is the value itself.
#[utoipa::path(
    put,
    path = "/v1/users/{user}/preferences/{key}",
    tag = "preferences (v1)",
    operation_id = "put_preference_v1",
    params(OfKey, Conditions),
    request_body(content = serde_json::Value, content_type = "application/json"),
    responses(
        (status = 200, description = "It was there before", body = ItemJson, headers(("ETag" = String, description = "Its revision"))),
        (status = 201, description = "It was not", body = ItemJson, headers(("ETag" = String, description = "Its revision"))),
        Failures,
        UserFailures,
        BodyFailures,
        KeyFailures
    )
)]
pub(super) async fn put(asked: Asked, body: web::Payload) -> Answer {
    let owner = asked.user(Operation::Update).await?;
    let body = asked.text(body).await;
    let change = asked.change(Act::on(Operation::Update, owner), asked.value(body).map(KeyAction::Put)).await?;
    Ok(changed(asked.services().keyed.change(&asked.caller, owner, change).await?))
}

/// Changes a part of a preference's value: by a merge patch (RFC 7396) or a JSON patch (RFC 6902).
#[utoipa::path(
    patch,
    path = "/v1/users/{user}/preferences/{key}",
    tag = "preferences (v1)",
    operation_id = "patch_preference_v1",
    params(OfKey, Conditions),
    request_body(content((serde_json::Value = "application/merge-patch+json"), (Vec<serde_json::Value> = "application/json-patch+json"))),
    responses(
        (status = 200, body = ItemJson, headers(("ETag" = String, description = "Its revision"))),
        Failures,
        UserFailures,
        BodyFailures,
        KeyFailures,
        PatchFailures
    )
)]
pub(super) async fn patch(asked: Asked, body: web::Payload) -> Answer {
    let owner = asked.user(Operation::Update).await?;
    let body = asked.text(body).await;
    let change = match asked.change(Act::on(Operation::Update, owner), asked.patch(body).map(KeyAction::Patch)).await {
        Ok(change) => change,
        Err(problem) => return Err(asked.unless_missing(owner, problem).await),
    };
    Ok(changed(asked.services().keyed.change(&asked.caller, owner, change).await?))
}

/// Removes a preference.
#[utoipa::path(
    delete,
    path = "/v1/users/{user}/preferences/{key}",
    tag = "preferences (v1)",
    operation_id = "delete_preference_v1",
    params(OfKey, Conditions),
    responses((status = 204, description = "Removed"), Failures, UserFailures, KeyFailures)
)]
pub(super) async fn delete(asked: Asked) -> Answer {
    let owner = asked.user(Operation::Delete).await?;
    let change = match asked.change(Act::on(Operation::Delete, owner), Ok(KeyAction::Delete)).await {
        Ok(change) => change,
        Err(problem) => return Err(asked.unless_missing(owner, problem).await),
    };
    asked.services().keyed.change(&asked.caller, owner, change).await?;
    Ok(done())
}

fn changed(outcome: KeyOutcome) -> HttpResponse {
    match outcome {
        KeyOutcome::Created(item) => shown(StatusCode::CREATED, item),
        KeyOutcome::Changed(item) | KeyOutcome::Unchanged(item) => shown(StatusCode::OK, item),
        KeyOutcome::Removed(_) => done(),
    }
}

fn shown(status: StatusCode, item: Item) -> HttpResponse {
    HttpResponse::build(status).insert_header((ETAG, tag_of(item.revision))).json(ItemJson::from(item))
}
