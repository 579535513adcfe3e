//! Points in time, in UTC with microseconds. The domain never asks for the present: callers pass it in.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// A point in time, truncated to microseconds, so that every store gives back what it was given.
///
/// Its text form is RFC 3339 in UTC: `2026-01-02T03:04:05.123456Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The beginning of 1970, before any token was issued.
    pub const EPOCH: Self = Self(DateTime::UNIX_EPOCH);

    /// Truncates a time to microseconds. A leap second is the first second after it, as no store knows any.
    #[must_use]
    pub fn new(time: DateTime<Utc>) -> Self {
        Self::from_micros(time.timestamp_micros())
    }

    /// Microseconds since 1970 as a time; a number beyond the calendar's end becomes that end.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(DateTime::from_timestamp_micros(micros).unwrap_or(if micros < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC }))
    }

    /// Milliseconds since 1970 as a time, as tokens carry it.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self::from_micros(millis.saturating_mul(1000))
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// The calendar time.
    #[must_use]
    pub fn to_utc(self) -> DateTime<Utc> {
        self.0
    }

    /// The time `span` later, or the calendar's end.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        TimeDelta::from_std(span).ok().and_then(|delta| self.0.checked_add_signed(delta)).map_or(Self(DateTime::<Utc>::MAX_UTC), Self::new)
    }

    /// How long after `earlier` it is; nothing when it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).to_std().unwrap_or_default()
    }

    /// The time `span` earlier, or the calendar's beginning.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        TimeDelta::from_std(span).ok().and_then(|delta| self.0.checked_sub_signed(delta)).map_or(Self(DateTime::<Utc>::MIN_UTC), Self::new)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DateTime::<Utc>::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn text_has_microseconds_and_a_z() {
        let time: Timestamp = serde_json::from_str("\"2021-06-07T11:23:39.105234+02:00\"").unwrap();
        assert_eq!(time.to_string(), "2021-06-07T09:23:39.105234Z");
        assert_eq!(Timestamp::from_micros(time.micros()), time);
        assert_eq!(Timestamp::from_micros(0).to_string(), "1970-01-01T00:00:00.000000Z");
    }

    #[test]
    fn a_leap_second_is_the_same_for_every_store() {
        let time: Timestamp = serde_json::from_str("\"2016-12-31T23:59:60Z\"").unwrap();
        assert_eq!(time.to_string(), "2017-01-01T00:00:00.000000Z");
        assert_eq!(Timestamp::from_micros(time.micros()), time);
    }

    #[test]
    fn no_span_leads_out_of_the_calendar() {
        assert!(Timestamp::EPOCH.after(Duration::MAX) > Timestamp::EPOCH);
        let later = Timestamp::from_micros(1_500_000);
        assert_eq!((later.since(Timestamp::EPOCH), Timestamp::EPOCH.since(later)), (Duration::from_millis(1_500), Duration::ZERO));
        assert!(Timestamp::EPOCH.before(Duration::MAX) < Timestamp::EPOCH);
        assert_eq!(Timestamp::EPOCH.after(Duration::from_secs(1)).micros(), 1_000_000);
        assert_eq!(Timestamp::EPOCH.before(Duration::from_secs(1)).micros(), -1_000_000);
    }
}
