//! All paths of the settings dialect.

use super::error::ErrorJson;
use super::handlers;
use crate::endpoint::Endpoint;
use utoipa::OpenApi;

/// The operations in the API's description.
#[derive(OpenApi)]
#[openapi(components(schemas(ErrorJson<'static>)), paths(handlers::read, handlers::replace, handlers::merge, handlers::remove))]
struct Operations;

/// The dialect's part of the API's description.
pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    Operations::openapi()
}

/// The endpoints.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::at("/settings/user").get(handlers::read).post(handlers::replace).put(handlers::merge).delete(handlers::remove)]
}
