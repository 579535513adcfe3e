//! Which other origins may call, and what browsers are told about that.

use crate::idempotency::{IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED};
use crate::native::{LAST_EVENT_ID, PREFER, PREFERENCE_APPLIED};
use crate::telemetry::REQUEST_ID;
use actix_cors::Cors;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH, LOCATION, RETRY_AFTER};

/// Stands for every origin.
const ANY: &str = "*";
/// Seconds for which a browser may remember the answer.
const MAX_AGE: usize = 3600;

/// The rules for these origins. Others get answers without the headers that their browsers ask for.
pub(crate) fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH, PREFER, IDEMPOTENCY_KEY, LAST_EVENT_ID])
        .expose_headers([REQUEST_ID, RETRY_AFTER, ETAG, LOCATION, PREFERENCE_APPLIED, IDEMPOTENCY_REPLAYED])
        .max_age(MAX_AGE)
        .block_on_origin_mismatch(false);
    if origins.iter().any(|origin| origin == ANY) {
        return cors.allow_any_origin().send_wildcard();
    }
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}
