#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod cache;
mod chance;
mod client;
mod error;
mod http;
mod json;
mod model;
mod operation;
mod retry;
mod sse;
mod update;
mod watch;

pub use client::{Client, ClientBuilder};
pub use error::{Cause, EndReason, Error, Problem, Refused};
pub use http::TokenProvider;
pub use json::Json;
pub use model::{Changes, Event, Item, Limits, LogEntry, Revision, SetChange, Snapshot, Usage, UserRef};
pub use operation::{BatchResult, Condition, Guard, Operation, OperationResult, Outcome, RevertScope};
pub use retry::RetryPolicy;
pub use update::{Change, Update};
pub use watch::{Since, WatchEvent};
