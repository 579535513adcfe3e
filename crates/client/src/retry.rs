//! How often a request is sent again, and after what pause.

use std::time::Duration;

/// How often a request is sent, and how long the client waits in between.
///
/// Before attempt number n + 1 it waits between half of and the whole of `first_pause` · 2ⁿ⁻¹, but no longer than `longest_pause`,
/// and never less than the service asks for by `Retry-After`. A service that asks for more than `longest_wait` is not asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all; 1 never repeats anything.
    pub attempts: u32,
    /// The pause after the first attempt.
    pub first_pause: Duration,
    /// Where the doubling of the pauses stops.
    pub longest_pause: Duration,
    /// The longest `Retry-After` that is waited for.
    pub longest_wait: Duration,
}

impl Default for RetryPolicy {
    /// Five attempts, pauses from 100 milliseconds to 5 seconds, and no wait above 30 seconds.
    fn default() -> Self {
        Self { attempts: 5, first_pause: Duration::from_millis(100), longest_pause: Duration::from_secs(5), longest_wait: Duration::from_secs(30) }
    }
}

impl RetryPolicy {
    /// One attempt.
    #[must_use]
    pub fn never() -> Self {
        Self { attempts: 1, ..Self::default() }
    }

    /// The pause after that many failed attempts, or `None` when it is time to give up. `chance` spreads the callers.
    pub(crate) fn pause(&self, failed: u32, asked: Option<Duration>, chance: u32) -> Option<Duration> {
        let asked = asked.unwrap_or_default();
        (failed < self.attempts && asked <= self.longest_wait).then(|| self.backoff(failed, chance).max(asked))
    }

    /// The pause after that many failed attempts, however many they are.
    pub(crate) fn backoff(&self, failed: u32, chance: u32) -> Duration {
        let doubled = self.first_pause.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1)));
        let half = doubled.min(self.longest_pause) / 2;
        half + half.mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: RetryPolicy =
        RetryPolicy { attempts: 4, first_pause: Duration::from_millis(100), longest_pause: Duration::from_millis(350), longest_wait: Duration::from_secs(2) };

    #[test]
    fn pauses_double_up_to_a_limit_and_end() {
        let longest = |failed| POLICY.pause(failed, None, u32::MAX).map(|pause| pause.as_millis());
        assert_eq!([1, 2, 3, 4].map(longest), [Some(100), Some(200), Some(350), None]);
        assert_eq!(POLICY.pause(1, None, 0), Some(Duration::from_millis(50)));
        assert_eq!(RetryPolicy::never().pause(1, None, 0), None);
    }

    #[test]
    fn the_services_wish_is_honoured_or_the_attempts_end() {
        assert_eq!(POLICY.pause(1, Some(Duration::from_secs(1)), 0), Some(Duration::from_secs(1)));
        assert_eq!(POLICY.pause(1, Some(Duration::from_secs(3)), 0), None);
    }

    proptest! {
        #[test]
        fn no_pause_is_too_long_or_too_short(failed in 1..u32::MAX, chance: u32) {
            let pause = RetryPolicy { attempts: u32::MAX, ..POLICY }.pause(failed, None, chance).unwrap();
            prop_assert!(POLICY.first_pause / 2 <= pause && pause <= POLICY.longest_pause);
        }
    }
}
