//! All paths of the native dialect.

use super::error::ProblemJson;
use super::{audit, batch, changes, deletion, deliveries, erasures, holds, pages, plans, preferences, restoration, reversion, sets, usage, users, watch};
use crate::endpoint::Endpoint;
use utoipa::OpenApi;

/// The operations in the API's description.
#[derive(OpenApi)]
#[openapi(components(schemas(ProblemJson<'static>)), paths(
    users::list,
    users::create,
    users::get,
    deletion::delete,
    restoration::restore,
    plans::get,
    sets::list,
    sets::patch,
    preferences::show,
    preferences::put,
    preferences::patch,
    preferences::delete,
    batch::make,
    changes::list,
    watch::watch,
    changes::history,
    reversion::revert,
    usage::usage,
    usage::limits,
    holds::list,
    holds::place,
    holds::lift,
    erasures::list,
    erasures::get,
    audit::list,
    deliveries::list,
    deliveries::retry
))]
struct Operations;

/// The dialect's part of the API's description.
pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    Operations::openapi()
}

/// The endpoints, and the pages on problems, which are for people.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/v1/users").get(users::list).post(users::create),
        Endpoint::at("/v1/users/{user}").get(users::get).delete(deletion::delete),
        Endpoint::at("/v1/users/{user}/restore").post(restoration::restore),
        Endpoint::at("/v1/users/{user}/deletion-plan").get(plans::get),
        Endpoint::at("/v1/users/{user}/preferences").get(sets::list).patch(sets::patch),
        Endpoint::at("/v1/users/{user}/preferences/{key}").get(preferences::show).put(preferences::put).patch(preferences::patch).delete(preferences::delete),
        Endpoint::at("/v1/users/{user}/batch").post(batch::make),
        Endpoint::at("/v1/users/{user}/changes").get(changes::list),
        Endpoint::at("/v1/users/{user}/changes/watch").get(watch::watch),
        Endpoint::at("/v1/users/{user}/history/{key}").get(changes::history),
        Endpoint::at("/v1/users/{user}/revert").post(reversion::revert),
        Endpoint::at("/v1/users/{user}/usage").get(usage::usage),
        Endpoint::at("/v1/limits").get(usage::limits),
        Endpoint::at("/v1/users/{user}/holds").get(holds::list).post(holds::place),
        Endpoint::at("/v1/users/{user}/holds/{id}").delete(holds::lift),
        Endpoint::at("/v1/erasures").get(erasures::list),
        Endpoint::at("/v1/erasures/{id}").get(erasures::get),
        Endpoint::at("/v1/audit").get(audit::list),
        Endpoint::at("/v1/webhooks/deliveries").get(deliveries::list),
        Endpoint::at("/v1/webhooks/deliveries/{id}/retry").post(deliveries::retry),
        Endpoint::at("/problems").get(pages::list),
        Endpoint::at("/problems/{slug}").get(pages::show),
    ]
}
