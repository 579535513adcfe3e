//! HTTP for Lethe: actix-web over the inbound ports. Tokens become callers here, requests become calls, and failures become answers.
//!
//! Three dialects share one core, each in a folder of its own: `community` (`/api/v2`), `settings` (`/settings/user`) and `native` (`/v1`).
//! A dialect's routes stand on one screen, and its failures in one table. `operations` has what is always there: health, metrics, the API's
//! description. Nothing in here knows a store or a rule. The other way round, `webhooks` tells others over HTTP what became of users.
#![deny(missing_docs)]

mod app;
mod body;
mod caller;
mod community;
mod conditions;
mod config;
mod cors;
mod dialect;
mod endpoint;
mod fault;
mod guard;
mod idempotency;
mod json;
mod native;
mod openapi;
mod operations;
mod query;
mod request;
mod server;
mod services;
mod settings;
mod telemetry;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod webhooks;

pub use config::HttpConfig;
pub use openapi::openapi;
pub use server::{Bound, bind};
pub use services::Services;
