//! Preferences: what they are, and what a change to one does.

use crate::id::{PreferenceId, Revision, UserId};
use crate::json_text::JsonText;
use crate::key::PreferenceKey;
use crate::limits::Usage;
use crate::time::Timestamp;

/// A value that a user keeps under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// Its id; stays through every change of key and value.
    pub id: PreferenceId,
    /// Whose it is.
    pub owner: UserId,
    /// Its name, once per user.
    pub key: PreferenceKey,
    /// Its value.
    pub value: JsonText,
    /// The owner's revision that gave it its present key and value.
    pub revision: Revision,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its key or value last changed.
    pub last_updated_at: Timestamp,
}

/// A preference that is to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPreference {
    /// Its name.
    pub key: PreferenceKey,
    /// Its value.
    pub value: JsonText,
}

/// A change to a preference: a new key, a new value, or both. "Neither" cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreferenceUpdate {
    /// A new name.
    Key(PreferenceKey),
    /// A new value.
    Value(JsonText),
    /// Both.
    Both(PreferenceKey, JsonText),
}

impl PreferenceUpdate {
    /// The change that the given parts make; `None` when there is no part.
    #[must_use]
    pub fn from_parts(key: Option<PreferenceKey>, value: Option<JsonText>) -> Option<Self> {
        match (key, value) {
            (Some(key), Some(value)) => Some(Self::Both(key, value)),
            (Some(key), None) => Some(Self::Key(key)),
            (None, Some(value)) => Some(Self::Value(value)),
            (None, None) => None,
        }
    }

    /// The new name, if there is one.
    #[must_use]
    pub const fn key(&self) -> Option<&PreferenceKey> {
        match self {
            Self::Key(key) | Self::Both(key, _) => Some(key),
            Self::Value(_) => None,
        }
    }

    /// The new value, if there is one.
    #[must_use]
    pub const fn value(&self) -> Option<&JsonText> {
        match self {
            Self::Value(value) | Self::Both(_, value) => Some(value),
            Self::Key(_) => None,
        }
    }
}

impl From<NewPreference> for PreferenceUpdate {
    fn from(new: NewPreference) -> Self {
        Self::Both(new.key, new.value)
    }
}

/// One step of a change to a user's whole set. Each step that changes something takes one revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Give a key a value, whether it was there or not.
    Put(NewPreference),
    /// Remove a key.
    Remove(PreferenceKey),
}

impl Edit {
    /// The key that it is about.
    #[must_use]
    pub const fn key(&self) -> &PreferenceKey {
        match self {
            Self::Put(new) => &new.key,
            Self::Remove(key) => key,
        }
    }
}

/// Bytes that count against the owner's limit: the key's and the value's.
#[must_use]
pub fn weight(key: &PreferenceKey, value: &JsonText) -> usize {
    key.as_str().len() + value.bytes()
}

/// What a set of preferences amounts to.
pub fn usage<'a>(preferences: impl IntoIterator<Item = (&'a PreferenceKey, &'a JsonText)>) -> Usage {
    preferences.into_iter().fold(Usage::default(), |sum, (key, value)| Usage { keys: sum.keys + 1, bytes: sum.bytes + weight(key, value) })
}

/// The owner's usage once a preference that weighed `before` weighs `after`; `None` stands for "not there".
#[must_use]
pub fn usage_after(usage: Usage, before: Option<usize>, after: Option<usize>) -> Usage {
    Usage {
        keys: (usage.keys + usize::from(after.is_some())).saturating_sub(usize::from(before.is_some())),
        bytes: (usage.bytes + after.unwrap_or(0)).saturating_sub(before.unwrap_or(0)),
    }
}

/// What an update does to a preference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Key and value stay as they are: nothing is written and nobody is told.
    Nothing,
    /// The value changes: one revision.
    Revalued(Preference),
    /// The key changes: the old key is removed and the new one given a value, two revisions.
    Renamed(Preference),
}

impl Preference {
    /// Applies an update made at `now` by an owner whose present revision is `latest`.
    #[must_use]
    pub fn apply(&self, update: &PreferenceUpdate, latest: Revision, now: Timestamp) -> Effect {
        let key = update.key().unwrap_or(&self.key);
        let value = update.value().unwrap_or(&self.value);
        let changed = |revision| Preference { key: key.clone(), value: value.clone(), revision, last_updated_at: now, ..self.clone() };
        if *key != self.key {
            Effect::Renamed(changed(latest.next().next()))
        } else if *value != self.value {
            Effect::Revalued(changed(latest.next()))
        } else {
            Effect::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preference() -> Preference {
        Preference {
            id: PreferenceId::new(7),
            owner: UserId::new(1),
            key: PreferenceKey::from_store("theme".into()),
            value: JsonText::string("dark"),
            revision: Revision::new(3),
            created_at: Timestamp::EPOCH,
            last_updated_at: Timestamp::EPOCH,
        }
    }

    fn key(text: &str) -> PreferenceKey {
        PreferenceKey::from_store(text.into())
    }

    #[test]
    fn what_changes_nothing_leaves_no_trace() {
        let same = PreferenceUpdate::Both(key("theme"), JsonText::string("dark"));
        assert_eq!(preference().apply(&same, Revision::new(9), Timestamp::from_micros(5)), Effect::Nothing);
    }

    #[test]
    fn a_value_takes_one_revision_and_a_name_two() {
        let now = Timestamp::from_micros(5);
        let Effect::Revalued(after) = preference().apply(&PreferenceUpdate::Value(JsonText::string("light")), Revision::new(9), now) else {
            panic!("the value changed")
        };
        assert_eq!((after.revision, after.last_updated_at, after.created_at), (Revision::new(10), now, Timestamp::EPOCH));
        let Effect::Renamed(after) = preference().apply(&PreferenceUpdate::Key(key("colour")), Revision::new(9), now) else { panic!("the key changed") };
        assert_eq!((after.revision, after.id), (Revision::new(11), PreferenceId::new(7)));
    }

    #[test]
    fn an_update_has_at_least_one_part() {
        assert_eq!(PreferenceUpdate::from_parts(None, None), None);
        assert_eq!(PreferenceUpdate::from_parts(Some(key("a")), None).and_then(|update| update.value().cloned()), None);
    }

    #[test]
    fn usage_follows_each_change() {
        let start = Usage { keys: 1, bytes: 10 };
        assert_eq!(usage_after(start, None, Some(5)), Usage { keys: 2, bytes: 15 });
        assert_eq!(usage_after(start, Some(10), Some(5)), Usage { keys: 1, bytes: 5 });
        assert_eq!(usage_after(start, Some(10), None), Usage { keys: 0, bytes: 0 });
    }
}
