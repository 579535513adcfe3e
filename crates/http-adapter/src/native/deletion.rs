//! Deleting a user.

use super::answer::{Answer, done};
use super::asked::Asked;
use super::error::Problem;
use super::parameters::mode;
use super::plan_tags::required_plan;
use super::prefer::{PREFERENCE_APPLIED, REPRESENTATION, representation};
use super::schema::{DeletionFailures, Failures, OfUser, UserFailures};
use crate::request::Context;
use crate::tokens::{SigningKey, issue_ticket};
use actix_web::HttpResponse;
use lethe_domain::{AccountState, Act, Operation, Timestamp, UserId};
use lethe_ports::Errand;
use lethe_ports::inbound::{Deletion, DeletionRequest};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// How long a ticket is good when nothing ends it earlier.
const TICKET_TTL: Duration = Duration::from_hours(30 * 24);

/// What became of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Deletion)]
struct DeletionJson {
    /// `deleted` or `erased`.
    status: &'static str,
    /// When it falls due to be hard deleted by itself; `null`: it does not.
    #[schema(value_type = Option<String>, format = DateTime)]
    purge_at: Option<Timestamp>,
    /// Takes this soft delete back, once, whoever sends it. Good until `purge_at`, or for 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    restore_token: Option<String>,
    /// The removal of what the user left behind, after a hard delete.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    erasure: Option<ErasureLinkJson>,
    /// Shows that erasure, whoever sends it, and nothing else. Good for 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    erasure_token: Option<String>,
}

/// Where an erasure can be followed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasureLink)]
struct ErasureLinkJson {
    id: i64,
    #[schema(format = "uri-reference")]
    href: String,
}

impl DeletionJson {
    /// What became of a user, with tickets if there is a key to sign them with.
    fn new(deletion: &Deletion, key: Option<&SigningKey>) -> Self {
        let account = &deletion.account;
        let erasure = deletion.erasure.as_ref().map(|erasure| ErasureLinkJson::to(erasure.user));
        let plain = Self { status: account.status().word(), purge_at: None, restore_token: None, erasure, erasure_token: None };
        match account.state {
            AccountState::Live(_) => plain,
            AccountState::SoftDeleted { at, purge_at, was: _ } => {
                let errand = Errand::Restore { user: account.id, epoch: account.deletion_epoch };
                Self { purge_at, restore_token: key.and_then(|key| ticket(key, errand, purge_at, at)), ..plain }
            }
            AccountState::Erased { at } => {
                let errand = Errand::FollowErasure { user: account.id };
                Self { erasure_token: key.and_then(|key| ticket(key, errand, None, at)), ..plain }
            }
        }
    }
}

impl ErasureLinkJson {
    fn to(user: UserId) -> Self {
        Self { id: user.get(), href: format!("/v1/erasures/{user}") }
    }
}

/// A ticket that was good from the deletion on. The deletion is made by now, so a ticket that cannot be is left out.
fn ticket(key: &SigningKey, errand: Errand, until: Option<Timestamp>, deleted_at: Timestamp) -> Option<String> {
    let until = until.unwrap_or_else(|| deleted_at.after(TICKET_TTL));
    issue_ticket(key, errand, until, deleted_at).inspect_err(|error| tracing::error!(%error, "no ticket could be made")).ok()
}

/// Deletes a user. Softly, so that it is hidden, keeps its names and can be restored, or hard, so that nothing of it remains.
#[utoipa::path(
    delete,
    path = "/v1/users/{user}",
    tag = "accounts (v1)",
    operation_id = "delete_user_v1",
    params(
        OfUser,
        ("mode" = String, Query, description = "`soft` or `hard`"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of a deletion plan that must still be true: one strong tag, or `*` for whichever"),
        ("Prefer" = Option<String>, Header, description = "`return=representation` asks to be shown what became of the user, and for the tokens that go with it")
    ),
    responses(
        (status = 204, description = "Deleted"),
        (status = 200, body = DeletionJson, headers(("Preference-Applied" = String, description = "`return=representation`"))),
        Failures,
        UserFailures,
        DeletionFailures
    )
)]
pub(super) async fn delete(asked: Asked) -> Answer {
    let user = asked.user(Operation::Delete).await?;
    let request = asked.unless_refused_in_any_state(&Act::on(Operation::Delete, user), request(&asked.context)).await?;
    let deletion = asked.services().accounts.delete(&asked.caller, user, request).await?;
    Ok(answer(&asked.context, &deletion))
}

fn request(context: &Context) -> Result<DeletionRequest, Problem> {
    Ok(DeletionRequest { mode: mode(&context.query())?, plan: required_plan(context.http.headers())? })
}

fn answer(context: &Context, deletion: &Deletion) -> HttpResponse {
    if !representation(context.http.headers()) {
        return done();
    }
    HttpResponse::Ok().insert_header((PREFERENCE_APPLIED, REPRESENTATION)).json(DeletionJson::new(deletion, context.signing_key()))
}
