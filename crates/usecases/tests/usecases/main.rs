//! The use cases over the store in memory; the hot path over a mock.
#![expect(clippy::unwrap_used, reason = "tests")]

mod deletion;
mod erasure;
mod feed;
mod holds;
mod hot_path;
mod keyed;
mod once;
mod operator;
mod preferences;
mod restore;
mod settings;
mod users;
mod webhooks;
mod world;
