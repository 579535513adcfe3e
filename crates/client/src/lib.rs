//! The Rust client of Lethe.
#![deny(missing_docs)]

mod chance;
mod error;
mod http;
mod json;
mod model;
mod retry;

pub use error::{Cause, EndReason, Error, Problem, Refused};
pub use http::TokenProvider;
pub use json::Json;
pub use model::{Changes, Event, Item, Limits, LogEntry, Revision, SetChange, Snapshot, Usage, UserRef};
pub use retry::RetryPolicy;
