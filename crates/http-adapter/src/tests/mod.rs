//! The adapter as a whole, over mocks of the inbound ports. Tokens are real.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod bodies;
mod callers;
mod content;
mod failures;
mod house;
mod mocks;
mod native;
mod operations;
mod origins;
mod preferences;
mod routes;
mod settings;
mod sockets;
mod unready;
mod users;
