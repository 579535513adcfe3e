//! Pages for whoever runs the service or builds on it: health, metrics, and the API's description. They need no token.

mod docs;
mod health;
mod metrics;
mod routes;

pub(crate) use docs::ApiPage;
pub(crate) use routes::{endpoints, metrics_endpoint, openapi};
