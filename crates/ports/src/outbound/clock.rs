//! The present.

use lethe_domain::time::Timestamp;

/// Tells the time. Asked once per operation.
pub trait Clock: Send + Sync {
    /// The present, truncated to microseconds.
    fn now(&self) -> Timestamp;
}
