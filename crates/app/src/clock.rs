//! The present. The only file that asks the operating system for it.

use chrono::Utc;
use lethe_domain::Timestamp;
use lethe_ports::outbound::Clock;

/// The clock of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that may ask the operating system")]
    fn now(&self) -> Timestamp {
        Timestamp::new(Utc::now())
    }
}
