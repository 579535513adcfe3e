//! The audit log. For admins.

use super::answer::{Answer, ListJson, part, shown};
use super::asked::Asked;
use super::parameters::{Parameters, number};
use super::schema::{Failures, Slicing};
use lethe_domain::audit::{AuditAction, AuditEntry};
use lethe_domain::{Act, Operation, Timestamp, UserId};
use lethe_ports::outbound::AuditFilter;
use serde::Serialize;
use utoipa::ToSchema;

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct AuditEntryJson {
    /// Its number: 1, 2, 3, …
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `user.created`, `user.soft_deleted`, `user.restored`, `user.erasure_started`, `user.erased`, `hold.placed`, `hold.lifted`,
    /// `token.revoked` or `tokens.revoked`.
    action: &'static str,
    /// The user that it was done to.
    subject: Option<i64>,
    /// The user who did it; `null`: the service itself, or whoever runs it.
    actor: Option<i64>,
    /// The id of the hold or of the token that it was done with.
    reference: Option<String>,
    /// SHA-256 over the entry and the hash before it, in hexadecimal digits.
    hash: String,
}

impl From<AuditEntry> for AuditEntryJson {
    fn from(entry: AuditEntry) -> Self {
        let AuditEntry { seq, act, hash } = entry;
        Self {
            seq,
            at: act.at,
            action: act.action.name(),
            subject: act.subject.map(UserId::get),
            actor: act.actor.map(UserId::get),
            reference: act.reference,
            hash,
        }
    }
}

/// Lists what was done, newest first. For admins.
#[utoipa::path(
    get,
    path = "/v1/audit",
    tag = "audit (v1)",
    operation_id = "list_audit_v1",
    params(
        ("subject" = Option<i64>, Query, description = "Only what was done to this user"),
        ("action" = Option<String>, Query, description = "Only what was done in this way"),
        Slicing
    ),
    responses((status = 200, body = ListJson<AuditEntryJson>), Failures)
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let asked_for = Parameters::of(&asked.context.query(), |parameters| {
        let subject = parameters.optional("subject", UserId::parse, "Give the id of a user.");
        let action = parameters.optional("action", AuditAction::from_name, "Give the name of an action, such as user.soft_deleted.");
        (AuditFilter { subject, action, before: None }, parameters.slice(number))
    });
    let (filter, slice) = asked.unless_refused(&Act::by_admin(Operation::Read), asked_for).await?;
    let filter = AuditFilter { before: slice.after, ..filter };
    let found = asked.services().audit.entries(&asked.caller, &filter, slice.sought()).await?;
    Ok(shown(part(found, slice.limit, |entry| entry.seq, AuditEntryJson::from)))
}
