//! Which of several running services this one is.

use lethe_domain::NodeId;
use std::hash::{BuildHasher, RandomState};

/// A number that no other service has. It is drawn anew at each start: whoever held a lease before is not this one.
pub(crate) fn draw() -> NodeId {
    let number = RandomState::new().hash_one(std::process::id());
    NodeId::new(i64::from_ne_bytes(number.to_ne_bytes()))
}
