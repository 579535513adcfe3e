//! Several changes to a user's set, decided one after the other and made together.
//!
//! A draft begins with what is there, as far as it is going to be looked at, and takes changes in their order. Each one sees those before it and
//! takes the owner's next revision, or is refused. What comes out is a list of edits for a store to make, all or none.

use crate::id::Revision;
use crate::json_text::{JsonText, ValueError};
use crate::key::PreferenceKey;
use crate::limits::{Limits, QuotaError, Usage};
use crate::patch::{Patch, PatchError, merge};
use crate::precondition::{Precondition, Unmet};
use crate::preference::{Edit, NewPreference, Preference, usage_after, weight};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Changes that may be asked for as one.
pub const MOST_CHANGES: usize = 100;

/// What the owner's own row says of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The revision of the last change.
    pub revision: Revision,
    /// The change log tells everything after this.
    pub log_begins_after: Revision,
    /// What is kept.
    pub usage: Usage,
}

/// A preference by its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its name.
    pub key: PreferenceKey,
    /// Its value.
    pub value: JsonText,
    /// The owner's revision that gave it this value.
    pub revision: Revision,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was given this value.
    pub updated_at: Timestamp,
}

impl From<Preference> for Item {
    fn from(preference: Preference) -> Self {
        Self {
            key: preference.key,
            value: preference.value,
            revision: preference.revision,
            created_at: preference.created_at,
            updated_at: preference.last_updated_at,
        }
    }
}

/// What is to be done to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyAction {
    /// Give it this value, whether it is there or not.
    Put(JsonText),
    /// Merge this into its value; if it is not there, build one from nothing.
    Merge(JsonText),
    /// Change a part of its value. It must be there.
    Patch(Patch),
    /// Remove it. It must be there.
    Delete,
}

/// Something to be done to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The key.
    pub key: PreferenceKey,
    /// What is to be done.
    pub action: KeyAction,
    /// What must be true of the key for that.
    pub precondition: Precondition,
}

/// Why a change to a key is not made. The more basic reason comes first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum KeyRefusal {
    /// There is nothing of that key to change.
    #[error("no such preference")]
    NotFound,
    /// The owner would keep too much.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// A condition does not hold for what is there now.
    #[error("the preference is not what it must be")]
    Unmet(Unmet, Option<Box<Item>>),
    /// The patch cannot be applied.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The merged value cannot be kept.
    #[error(transparent)]
    Value(#[from] ValueError),
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOutcome {
    /// There is a preference that was not there before.
    Created(Item),
    /// It has another value.
    Changed(Item),
    /// It had that value already: nobody is told.
    Unchanged(Item),
    /// It is gone, and that took this revision.
    Removed(Revision),
}

impl KeyOutcome {
    /// The preference as it is now, if it is there.
    #[must_use]
    pub const fn item(&self) -> Option<&Item> {
        match self {
            Self::Created(item) | Self::Changed(item) | Self::Unchanged(item) => Some(item),
            Self::Removed(_) => None,
        }
    }
}

impl KeyChange {
    /// The value that the key is to have; `None`: it is to go.
    ///
    /// # Errors
    /// [`KeyRefusal`].
    pub fn decide(&self, present: Option<&Item>, usage: Usage, limits: &Limits) -> Result<Option<JsonText>, KeyRefusal> {
        let admitted = |value: &JsonText| self.admit(present, value, usage, limits);
        match (&self.action, present) {
            (KeyAction::Patch(_) | KeyAction::Delete, None) => Err(KeyRefusal::NotFound),
            (KeyAction::Put(value), _) => {
                admitted(value)?;
                self.check(present)?;
                Ok(Some(value.clone()))
            }
            (KeyAction::Merge(patch), _) => {
                let value = merge(present.map(|item| &item.value), patch, limits)?;
                admitted(&value)?;
                self.check(present)?;
                Ok(Some(value))
            }
            (KeyAction::Patch(patch), Some(item)) => {
                let patched = patch.apply(&item.value, limits);
                if let Err(PatchError::TestFailed { .. }) = patched {
                    // A test is a condition, too, and says less.
                    self.check(present)?;
                }
                let value = patched?;
                admitted(&value)?;
                self.check(present)?;
                Ok(Some(value))
            }
            (KeyAction::Delete, Some(_)) => {
                self.check(present)?;
                Ok(None)
            }
        }
    }

    fn check(&self, present: Option<&Item>) -> Result<(), KeyRefusal> {
        let unmet = |unmet| KeyRefusal::Unmet(unmet, present.cloned().map(Box::new));
        self.precondition.check(present.map(|item| item.revision)).map_err(unmet)
    }

    fn admit(&self, present: Option<&Item>, value: &JsonText, usage: Usage, limits: &Limits) -> Result<(), QuotaError> {
        let before = present.map(|item| weight(&item.key, &item.value));
        limits.admit(usage, usage_after(usage, before, Some(weight(&self.key, value))))
    }
}

/// A set with changes that are not made yet.
#[derive(Debug, Clone)]
pub struct Draft {
    began: Standing,
    standing: Standing,
    now: Timestamp,
    items: BTreeMap<PreferenceKey, Item>,
    edits: Vec<Edit>,
}

/// The keys that a change to the whole set touched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SetOutcome {
    /// The owner's revision by now.
    pub revision: Revision,
    /// Keys that were given another value, in order.
    pub changed: Vec<PreferenceKey>,
    /// Keys that were removed, in order.
    pub removed: Vec<PreferenceKey>,
}

/// A merge patch over the whole set: members are keys, and a key without a value is to go.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetPatch(pub BTreeMap<PreferenceKey, Option<JsonText>>);

impl SetPatch {
    /// Checks that a patch is not longer than one that removes a whole set and gives another.
    ///
    /// # Errors
    /// [`QuotaError::TooManyKeys`].
    pub fn within(self, limits: &Limits) -> Result<Self, QuotaError> {
        if self.0.len() > limits.keys_per_user.saturating_mul(2) { Err(QuotaError::TooManyKeys { limit: limits.keys_per_user }) } else { Ok(self) }
    }

    /// The keys that are given a value, in order.
    #[must_use]
    pub fn given(&self) -> Vec<PreferenceKey> {
        self.0.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| key.clone()).collect()
    }

    /// The keys that are to go, in order.
    #[must_use]
    pub fn removed(&self) -> Vec<PreferenceKey> {
        self.0.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key.clone()).collect()
    }
}

impl Draft {
    /// Begins with what is there. Every preference whose key a change is going to name MUST be among `items`.
    pub fn new(standing: Standing, items: impl IntoIterator<Item = Item>, now: Timestamp) -> Self {
        let items = items.into_iter().map(|item| (item.key.clone(), item)).collect();
        Self { began: standing, standing, now, items, edits: Vec::new() }
    }

    /// What the owner's row says once the edits are made.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// The owner's revision once the edits are made.
    #[must_use]
    pub const fn revision(&self) -> Revision {
        self.standing.revision
    }

    /// What is under a key.
    #[must_use]
    pub fn get(&self, key: &PreferenceKey) -> Option<&Item> {
        self.items.get(key)
    }

    /// The edits that make it true, in the order of their revisions.
    #[must_use]
    pub fn into_edits(self) -> Vec<Edit> {
        self.edits
    }

    /// Makes one change.
    ///
    /// # Errors
    /// [`KeyRefusal`]; then the draft is as it was.
    pub fn change(&mut self, change: &KeyChange, limits: &Limits) -> Result<KeyOutcome, KeyRefusal> {
        let present = self.items.get(&change.key);
        Ok(match change.decide(present, self.standing.usage, limits)? {
            Some(value) => self.put(&change.key, value),
            None => self.remove(&change.key).map_or(KeyOutcome::Removed(self.standing.revision), KeyOutcome::Removed),
        })
    }

    /// Merges a patch into the whole set.
    ///
    /// # Errors
    /// The first key's value that cannot be kept; [`QuotaError`] when the whole of it is too much. The draft is of no use then.
    pub fn patch(&mut self, patch: &SetPatch, limits: &Limits) -> Result<SetOutcome, (Option<PreferenceKey>, KeyRefusal)> {
        let mut wanted = BTreeMap::new();
        for (key, change) in &patch.0 {
            let present = self.items.get(key).map(|item| &item.value);
            let merged = change.as_ref().map(|change| merge(present, change, limits)).transpose();
            wanted.insert(key.clone(), merged.map_err(|error| (Some(key.clone()), error.into()))?);
        }
        self.become_like(wanted, limits).map_err(|error| (None, error.into()))
    }

    /// Gives each of these keys its value, or removes it. Removals come first, so that what they free can be used.
    ///
    /// # Errors
    /// [`QuotaError`] when the whole of it is too much. The draft is of no use then.
    pub fn become_like(&mut self, wanted: BTreeMap<PreferenceKey, Option<JsonText>>, limits: &Limits) -> Result<SetOutcome, QuotaError> {
        let mut outcome = SetOutcome::default();
        let (puts, removals): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(_, value)| value.is_some());
        for (key, _) in removals {
            if self.remove(&key).is_some() {
                outcome.removed.push(key);
            }
        }
        for (key, value) in puts.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            match self.put(&key, value) {
                KeyOutcome::Created(_) | KeyOutcome::Changed(_) => outcome.changed.push(key),
                KeyOutcome::Unchanged(_) | KeyOutcome::Removed(_) => {}
            }
        }
        limits.admit(self.began.usage, self.standing.usage)?;
        outcome.revision = self.standing.revision;
        Ok(outcome)
    }

    /// The keys of the draft, whether they are still there or were there at the beginning.
    #[must_use]
    pub fn keys(&self) -> Vec<PreferenceKey> {
        self.items.keys().cloned().collect()
    }

    fn put(&mut self, key: &PreferenceKey, value: JsonText) -> KeyOutcome {
        let present = self.items.get(key);
        if let Some(same) = present.filter(|item| item.value == value) {
            return KeyOutcome::Unchanged(same.clone());
        }
        let is_new = present.is_none();
        let before = present.map(|item| weight(key, &item.value));
        let created_at = present.map_or(self.now, |item| item.created_at);
        self.standing.usage = usage_after(self.standing.usage, before, Some(weight(key, &value)));
        self.standing.revision = self.standing.revision.next();
        let item = Item { key: key.clone(), value: value.clone(), revision: self.standing.revision, created_at, updated_at: self.now };
        self.items.insert(key.clone(), item.clone());
        self.edits.push(Edit::Put(NewPreference { key: key.clone(), value }));
        if is_new { KeyOutcome::Created(item) } else { KeyOutcome::Changed(item) }
    }

    fn remove(&mut self, key: &PreferenceKey) -> Option<Revision> {
        let item = self.items.remove(key)?;
        self.standing.usage = usage_after(self.standing.usage, Some(weight(key, &item.value)), None);
        self.standing.revision = self.standing.revision.next();
        self.edits.push(Edit::Remove(key.clone()));
        Some(self.standing.revision)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::patch::JsonPatch;
    use crate::precondition::Tags;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        Timestamp::from_micros(5)
    }

    fn key(text: &str) -> PreferenceKey {
        PreferenceKey::from_store(text.into())
    }

    fn json(text: &str) -> JsonText {
        JsonText::from_store(text.into())
    }

    fn draft(items: &[(&str, &str)]) -> Draft {
        let items: Vec<_> = (1..)
            .zip(items)
            .map(|(revision, (name, value))| Item {
                key: key(name),
                value: json(value),
                revision: Revision::new(revision),
                created_at: Timestamp::EPOCH,
                updated_at: Timestamp::EPOCH,
            })
            .collect();
        let bytes = items.iter().map(|item| weight(&item.key, &item.value)).sum();
        let revision = Revision::new(i64::try_from(items.len()).unwrap());
        Draft::new(Standing { revision, log_begins_after: Revision::ZERO, usage: Usage { keys: items.len(), bytes } }, items, now())
    }

    fn change(name: &str, action: KeyAction, precondition: Precondition) -> KeyChange {
        KeyChange { key: key(name), action, precondition }
    }

    fn make(draft: &mut Draft, name: &str, action: KeyAction) -> Result<KeyOutcome, KeyRefusal> {
        draft.change(&change(name, action, Precondition::NONE), &Limits::default())
    }

    fn revision_matching(revision: i64) -> Precondition {
        Precondition { matching: Some(Tags::OneOf(vec![Revision::new(revision)])), none_matching: None }
    }

    #[test]
    fn a_condition_hides_nothing_that_is_wrong_with_what_comes_out() {
        let limits = Limits { value_bytes: 20, ..Limits::default() };
        let refusal = |action| draft(&[("a", r#"{"x":"12345"}"#)]).change(&change("a", action, revision_matching(99)), &limits);
        let patch = |text| KeyAction::Patch(Patch::Json(JsonPatch::parse(text).unwrap()));
        assert!(matches!(refusal(KeyAction::Merge(json(r#"{"y":"12345"}"#))), Err(KeyRefusal::Value(ValueError::TooLarge { .. }))));
        assert!(matches!(refusal(patch(r#"[{"op":"remove","path":"/none"}]"#)), Err(KeyRefusal::Patch(PatchError::Impossible { .. }))));
        let failed_test = patch(r#"[{"op":"test","path":"/x","value":1}]"#);
        assert!(matches!(refusal(failed_test), Err(KeyRefusal::Unmet(Unmet::Match, Some(_)))), "a test says no more than the condition");
        assert!(matches!(refusal(KeyAction::Merge(json(r#"{"x":1}"#))), Err(KeyRefusal::Unmet(..))));
    }

    #[test]
    fn each_change_sees_those_before_it_and_takes_the_next_revision() {
        let mut draft = draft(&[("a", "1"), ("b", r#"{"x":1}"#)]);
        assert!(matches!(make(&mut draft, "a", KeyAction::Put(json("1"))), Ok(KeyOutcome::Unchanged(item)) if item.revision == Revision::new(1)));
        assert!(matches!(make(&mut draft, "c", KeyAction::Merge(json(r#"{"y":null,"z":2}"#))),
            Ok(KeyOutcome::Created(item)) if item.revision == Revision::new(3) && item.value == json(r#"{"z":2}"#) && item.created_at == now()));
        assert!(matches!(make(&mut draft, "b", KeyAction::Merge(json(r#"{"x":null}"#))),
            Ok(KeyOutcome::Changed(item)) if item.revision == Revision::new(4) && item.created_at == Timestamp::EPOCH));
        assert_eq!(make(&mut draft, "c", KeyAction::Delete), Ok(KeyOutcome::Removed(Revision::new(5))));
        assert_eq!(make(&mut draft, "c", KeyAction::Delete), Err(KeyRefusal::NotFound));
        assert_eq!(draft.revision(), Revision::new(5));
        assert_eq!(draft.into_edits().len(), 3);
    }

    #[test]
    fn the_more_basic_refusal_comes_first() {
        let full = Limits { keys_per_user: 1, ..Limits::default() };
        let mut draft = draft(&[("a", "1")]);
        let never = revision_matching(9);
        let patch = Patch::Json(JsonPatch::parse(r#"[{"op":"test","path":"","value":2}]"#).unwrap());
        let put = change("b", KeyAction::Put(json("1")), never.clone());
        assert_eq!(draft.change(&put, &full), Err(KeyRefusal::Quota(QuotaError::TooManyKeys { limit: 1 })));
        assert_eq!(draft.change(&change("b", KeyAction::Delete, never.clone()), &full), Err(KeyRefusal::NotFound));
        assert_eq!(draft.change(&change("b", KeyAction::Patch(patch.clone()), never.clone()), &full), Err(KeyRefusal::NotFound));
        let unmet = draft.change(&change("a", KeyAction::Patch(patch.clone()), never), &full);
        assert!(matches!(unmet, Err(KeyRefusal::Unmet(Unmet::Match, Some(item))) if item.key == key("a")));
        let tested = draft.change(&change("a", KeyAction::Patch(patch), revision_matching(1)), &full);
        assert!(matches!(tested, Err(KeyRefusal::Patch(PatchError::TestFailed { operation: 0, .. }))));
        assert_eq!(draft.revision(), Revision::new(1));
    }

    #[test]
    fn a_patch_over_the_set_makes_room_before_it_fills_it() {
        let full = Limits { keys_per_user: 2, ..Limits::default() };
        let patch = |members: &[(&str, Option<&str>)]| SetPatch(members.iter().map(|(name, value)| (key(name), value.map(json))).collect());
        let mut with_room = draft(&[("a", "1"), ("b", "2")]);
        let outcome = with_room.patch(&patch(&[("a", Some("1")), ("aa", Some("3")), ("b", None), ("x", None)]), &full).unwrap();
        assert_eq!(outcome, SetOutcome { revision: Revision::new(4), changed: vec![key("aa")], removed: vec![key("b")] });
        let refused = draft(&[("a", "1"), ("b", "2")]).patch(&patch(&[("c", Some("3"))]), &full);
        assert_eq!(refused, Err((None, KeyRefusal::Quota(QuotaError::TooManyKeys { limit: 2 }))));
        let small = Limits { value_bytes: 12, ..Limits::default() };
        let refused = draft(&[("a", r#"{"x":1}"#)]).patch(&patch(&[("a", Some(r#"{"yy":12}"#))]), &small);
        assert!(matches!(refused, Err((Some(name), KeyRefusal::Value(ValueError::TooLarge { .. }))) if name == key("a")));
    }

    proptest! {
        #[test]
        fn becoming_like_something_reaches_it(before in prop::collection::btree_map("[abc]", 0..3_u8, 0..4), after in prop::collection::btree_map("[abc]", prop::option::of(0..3_u8), 0..4)) {
            let before: Vec<_> = before.into_iter().map(|(name, value)| (name, value.to_string())).collect();
            let mut draft = draft(&before.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>());
            let began = draft.revision();
            let wanted: BTreeMap<_, _> = after.into_iter().map(|(name, value)| (key(&name), value.map(|value| json(&value.to_string())))).collect();
            let outcome = draft.become_like(wanted.clone(), &Limits::default()).unwrap();
            for (name, value) in &wanted {
                prop_assert_eq!(draft.get(name).map(|item| item.value.clone()), value.clone());
            }
            prop_assert_eq!(outcome.changed.len() + outcome.removed.len(), usize::try_from(outcome.revision.get() - began.get()).unwrap());
            let again = draft.clone().become_like(wanted, &Limits::default()).unwrap();
            prop_assert_eq!((again.changed.len(), again.removed.len(), again.revision), (0, 0, outcome.revision), "a second time changes nothing");
        }
    }
}
