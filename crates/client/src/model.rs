//! What the service says of preferences.

use crate::error::Error;
use crate::json::{Json, present};
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Whose preferences a client reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserRef {
    /// Those of the token's user.
    #[default]
    Me,
    /// Those of the user with this id. It takes an admin's token, or that user's own.
    Id(i64),
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Me => f.write_str("me"),
            Self::Id(id) => write!(f, "{id}"),
        }
    }
}

/// A point in the history of one user's preferences. Each changed key takes the next one, beginning at 1.
///
/// An item's revision is that of its last change; the whole set's is that of the last change to any key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(u64);

impl Revision {
    /// Before the first change: the empty set.
    pub const ZERO: Self = Self(0);

    /// The revision of that number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The entity tag that stands for it in a header.
    pub(crate) fn entity_tag(self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A preference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item<T = Json> {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: T,
    /// The revision of its last change.
    pub revision: Revision,
    /// When it came to be, to the microsecond.
    pub created_at: DateTime<Utc>,
    /// When its value last changed, to the microsecond.
    pub updated_at: DateTime<Utc>,
}

impl Item {
    /// The same preference with its value read as a `T`.
    ///
    /// # Errors
    /// [`Error::Decode`] when the value is no `T`.
    pub fn decode<T: DeserializeOwned>(self) -> Result<Item<T>, Error> {
        let Self { key, value, revision, created_at, updated_at } = self;
        match value.decode() {
            Ok(value) => Ok(Item { key, value, revision, created_at, updated_at }),
            Err(source) => Err(Error::Decode { key, source }),
        }
    }
}

/// All preferences of a user as they stood at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The revision of the whole set.
    pub revision: Revision,
    /// Every preference, ordered by key.
    pub items: Vec<Item>,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

/// A page of the whole set.
#[derive(Debug, Deserialize)]
pub(crate) struct SetPage {
    pub(crate) items: Vec<Item>,
    pub(crate) revision: Revision,
    pub(crate) next: Option<String>,
}

/// What became of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was given this value.
    Put(Json),
    /// It was removed.
    Delete,
}

/// One change in the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WireEntry")]
pub struct LogEntry {
    /// The revision that the change took.
    pub revision: Revision,
    /// The key that changed.
    pub key: String,
    /// What became of it.
    pub event: Event,
    /// When, to the microsecond.
    pub at: DateTime<Utc>,
    /// The id of the user who did it.
    pub actor: i64,
}

#[derive(Deserialize)]
struct WireEntry {
    revision: Revision,
    key: String,
    op: WireOp,
    #[serde(default, deserialize_with = "present")]
    value: Option<Json>,
    at: DateTime<Utc>,
    actor: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WireOp {
    Put,
    Delete,
}

impl TryFrom<WireEntry> for LogEntry {
    type Error = &'static str;

    fn try_from(WireEntry { revision, key, op, value, at, actor }: WireEntry) -> Result<Self, Self::Error> {
        let event = match (op, value) {
            (WireOp::Put, Some(value)) => Event::Put(value),
            (WireOp::Put, None) => return Err("a put without a value"),
            (WireOp::Delete, _) => Event::Delete,
        };
        Ok(Self { revision, key, event, at, actor })
    }
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Changes {
    /// The changes, oldest first, without a gap.
    pub changes: Vec<LogEntry>,
    /// The present revision of the whole set. When it is lower than the one asked from, the service has lost what the
    /// caller has seen, as a backup that was played back does: read the whole set again.
    pub revision: Revision,
    /// Whether there are more after the last of these.
    pub more: bool,
}

/// What a change to the whole set did.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SetChange {
    /// The revision of the whole set afterwards.
    pub revision: Revision,
    /// The keys that have another value now.
    pub changed: Vec<String>,
    /// The keys that are gone.
    pub removed: Vec<String>,
}

/// How much a user has kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Usage {
    /// Preferences.
    pub keys: u64,
    /// Bytes of their values.
    pub bytes: u64,
}

/// How much a user may keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Limits {
    /// Preferences.
    pub keys: u64,
    /// Bytes of all values together.
    pub bytes: u64,
    /// Characters of a key.
    pub key_characters: u64,
    /// Bytes of one value, without insignificant white space.
    pub value_bytes: u64,
    /// Levels of one value: a scalar has none, `[]` has one.
    pub depth: u64,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_change_to_null_is_no_deletion() {
        let read = |op: &str| {
            let text = format!(r#"{{"revision":3,"key":"k",{op},"at":"2026-01-02T03:04:05.000006Z","actor":42}}"#);
            serde_json::from_str::<LogEntry>(&text)
        };
        assert_eq!(read(r#""op":"put","value":null"#).unwrap().event, Event::Put(Json::from_text("null").unwrap()));
        assert_eq!(read(r#""op":"delete""#).unwrap().event, Event::Delete);
        assert!(read(r#""op":"put""#).is_err());
        assert_eq!(read(r#""op":"delete""#).unwrap().at.timestamp_subsec_micros(), 6);
    }
}
