//! Whether a token is still good while something goes on that it was needed for.

use super::revocation::RevocationList;
use lethe_domain::time::Timestamp;
use lethe_ports::outbound::Clock;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Watches over one token.
pub(crate) struct Vigil {
    revocation_ids: Vec<String>,
    /// From here on the token is not honoured.
    ends_at: Option<Timestamp>,
    revoked: RevocationList,
    lessons: watch::Receiver<u64>,
    clock: Arc<dyn Clock>,
}

impl Vigil {
    pub(super) fn new(revocation_ids: Vec<String>, ends_at: Option<Timestamp>, revoked: RevocationList, clock: Arc<dyn Clock>) -> Self {
        Self { revocation_ids, ends_at, lessons: revoked.lessons(), revoked, clock }
    }

    /// Whether the token's time is over, or it was revoked.
    pub(crate) fn is_over(&self) -> bool {
        self.ends_at.is_some_and(|end| end <= self.clock.now()) || self.revoked.has_any(&self.revocation_ids) == Some(true)
    }

    /// How long until the token's time is over, if that is not longer than `span`.
    pub(crate) fn ends_within(&self, span: Duration) -> Option<Duration> {
        let left = u64::try_from(self.ends_at?.micros() - self.clock.now().micros()).unwrap_or(0);
        Some(Duration::from_micros(left)).filter(|left| *left <= span)
    }

    /// Waits until any token was revoked.
    pub(crate) async fn changed(&mut self) {
        if self.lessons.changed().await.is_err() {
            // The list lives as long as the service.
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for Vigil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vigil").field("ends_at", &self.ends_at).finish_non_exhaustive()
    }
}
