//! Whether the process is up, and whether it can do its work.

use crate::request::Context;
use actix_web::HttpResponse;
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
    responses((status = 200, body = HealthJson), (status = 503, description = "The store cannot be reached, or its schema is not the right one", body = HealthJson))
)]
pub(super) async fn ready(context: Context) -> HttpResponse {
    let cause = match tokio::time::timeout(PATIENCE, context.services().health.ready()).await {
        Ok(Ok(())) => return HttpResponse::Ok().json(HealthJson { status: "ok" }),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the store did not answer in time".into(),
    };
    tracing::warn!(cause, "not ready");
    HttpResponse::ServiceUnavailable().json(HealthJson { status: "unavailable" })
}
