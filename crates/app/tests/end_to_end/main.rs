//! The built binary from outside: its commands, and the service over HTTP, on both stores.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod always_there;
mod archive;
mod audit;
mod bad_bodies;
mod bad_http;
mod bad_paths;
mod bad_tokens;
mod batches;
mod commands;
mod conditions;
mod content;
mod crash;
mod deletion;
mod erasure;
mod holds;
mod keyed;
mod leaving;
mod log;
mod matrix;
mod native;
mod openapi;
mod outage;
mod patches;
mod preferences;
mod readme;
mod restore;
mod retrying;
mod revocation;
mod rust_client;
mod settings;
mod shutdown;
mod tokens;
mod users;
mod watching;
mod webhooks;

mod common;
