//! A clock that stands still until it is moved.

use lethe_domain::Timestamp;
use lethe_ports::outbound::Clock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A clock for tests. Every handle on it shows the same time.
#[derive(Debug)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// The time that most tests begin at: the beginning of 2026.
    #[must_use]
    pub fn start() -> Timestamp {
        Timestamp::from_micros(1_767_225_600_000_000)
    }

    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.micros()))
    }

    /// Moves the clock.
    pub fn advance(&self, span: Duration) {
        let later = self.now().after(span);
        self.0.store(later.micros(), Ordering::SeqCst);
    }
}

impl Default for FixedClock {
    fn default() -> Self {
        Self::at(Self::start())
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}
