//! The use cases over the store in memory; the hot path over a mock.
#![expect(clippy::unwrap_used, reason = "tests")]

mod deletion;
mod hot_path;
mod preferences;
mod settings;
mod users;
mod world;
