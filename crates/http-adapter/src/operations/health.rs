//! Whether the process is up, and whether it can do its work.

use crate::request::Context;
use crate::tokens::TokenError;
use actix_web::HttpResponse;
use lethe_ports::outbound::Backlog;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// For the store to say that it is ready. Whoever asks for readiness wants an answer before giving up.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
struct HealthJson {
    /// `ok` or `unavailable`.
    status: &'static str,
}

/// How the service is, and how much it has still to do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Readiness)]
struct ReadinessJson {
    #[serde(flatten)]
    health: HealthJson,
    backlog: BacklogJson,
}

/// What is still to be done by itself. A failure here keeps no request from being served.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Backlog)]
struct BacklogJson {
    /// Erasures that have not come to their end.
    open_erasures: u64,
    /// Of those, the ones that a hold keeps from going on.
    blocked_erasures: u64,
    /// Of those, the ones that found something left, again and again.
    failed_erasures: u64,
    /// Accounts that should have been hard deleted by now.
    overdue_purges: u64,
    /// Events that somebody is still to be told of.
    pending_deliveries: u64,
    /// Events that somebody could not be told of.
    failed_deliveries: u64,
}

impl From<Backlog> for BacklogJson {
    fn from(backlog: Backlog) -> Self {
        let Backlog { open_erasures, blocked_erasures, failed_erasures, overdue_purges, pending_deliveries, failed_deliveries } = backlog;
        Self { open_erasures, blocked_erasures, failed_erasures, overdue_purges, pending_deliveries, failed_deliveries }
    }
}

/// Says that the process is up.
#[utoipa::path(get, path = "/healthz", tag = "operations", operation_id = "is_alive", security(()), responses((status = 200, body = HealthJson)))]
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(HealthJson { status: "ok" })
}

/// Says whether requests can be served.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "operations",
    operation_id = "is_ready",
    security(()),
    responses((status = 200, body = ReadinessJson), (status = 503, description = "The store cannot be reached, its schema is not the right one, or the node does not know yet which tokens were revoked", body = HealthJson))
)]
pub(super) async fn ready(context: Context) -> HttpResponse {
    let cause = match tokio::time::timeout(PATIENCE, context.services().health.ready()).await {
        Ok(Ok(_)) if !context.honours_tokens() => TokenError::Unready.to_string(),
        Ok(Ok(backlog)) => return HttpResponse::Ok().json(ReadinessJson { health: HealthJson { status: "ok" }, backlog: backlog.into() }),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the store did not answer in time".into(),
    };
    tracing::warn!(cause, "not ready");
    HttpResponse::ServiceUnavailable().json(HealthJson { status: "unavailable" })
}
