//! All paths that are always there.

use super::{docs, health, metrics};
use crate::endpoint::Endpoint;
use utoipa::OpenApi;

/// The operations in the API's description.
#[derive(OpenApi)]
#[openapi(paths(health::alive, health::ready, metrics::render, docs::document))]
struct Operations;

/// The part of the API's description that is always there.
pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    Operations::openapi()
}

/// The endpoints but for the metrics, which may have an address of their own.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/healthz").get(health::alive),
        Endpoint::at("/readyz").get(health::ready),
        Endpoint::at("/openapi.json").get(docs::document),
        Endpoint::exactly("/docs").get(docs::to_page),
        Endpoint::exactly("/docs/").get(docs::page),
        Endpoint::exactly("/docs/{file}").get(docs::file),
    ]
}

/// The metrics.
pub(crate) fn metrics_endpoint() -> Endpoint {
    Endpoint::at("/metrics").get(metrics::render)
}
