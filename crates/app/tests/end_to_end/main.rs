//! The built binary from outside: its commands, and the service over HTTP, on both stores.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod always_there;
mod archive;
mod audit;
mod bad_bodies;
mod bad_http;
mod bad_paths;
mod bad_tokens;
mod commands;
mod content;
mod crash;
mod deletion;
mod erasure;
mod holds;
mod leaving;
mod matrix;
mod native;
mod openapi;
mod outage;
mod preferences;
mod readme;
mod restore;
mod revocation;
mod rust_client;
mod settings;
mod shutdown;
mod tokens;
mod users;
mod webhooks;

mod common;
