//! The settings document: a view over the preferences of one user. Its top-level members are preference keys.
//!
//! Changes to the document come out as [`Edit`]s, so that both views share one set of rows, revisions and limits.

use crate::json_object::{Members, Object};
use crate::json_text::{JsonText, ValueError};
use crate::key::{KeyError, PreferenceKey};
use crate::limits::{Limits, QuotaError};
use crate::preference::{Edit, NewPreference, usage, usage_after, weight};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Why a text is no settings document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is not a JSON object.
    #[error("{0}")]
    NotAnObject(String),
    /// A member's name is no key.
    #[error("{name}: {error}")]
    Key {
        /// The name.
        name: String,
        /// What is wrong with it.
        error: KeyError,
    },
    /// A member's value cannot be kept.
    #[error("{name}: {error}")]
    Value {
        /// The member's name.
        name: String,
        /// What is wrong with its value.
        error: ValueError,
    },
}

/// The members of a settings document, checked. Of members with one name the last counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document(BTreeMap<PreferenceKey, JsonText>);

impl Document {
    /// Reads a document from outside.
    ///
    /// # Errors
    /// [`DocumentError`] when it is no object, or a member breaks a rule of keys or values.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, DocumentError> {
        let members: Members<'_> = serde_json::from_str(text).map_err(|error| DocumentError::NotAnObject(error.to_string()))?;
        let check = |(name, raw): (String, &RawValue)| {
            let key = PreferenceKey::parse(&name, limits).map_err(|error| DocumentError::Key { name: name.clone(), error })?;
            let value = JsonText::parse(raw.get(), limits).map_err(|error| DocumentError::Value { name, error })?;
            Ok((key, value))
        };
        members.0.into_iter().map(check).collect::<Result<_, _>>().map(Self)
    }

    /// Checks that edits leave no more than a user may keep, before any of them is made.
    ///
    /// # Errors
    /// [`QuotaError`].
    pub fn admit(&self, edits: &[Edit], limits: &Limits) -> Result<(), QuotaError> {
        let weight_of = |key| self.0.get(key).map(|value| weight(key, value));
        let before = usage(&self.0);
        let after = edits.iter().fold(before, |usage, edit| match edit {
            Edit::Put(new) => usage_after(usage, weight_of(&new.key), Some(weight(&new.key, &new.value))),
            Edit::Remove(key) => usage_after(usage, weight_of(key), None),
        });
        limits.admit(before, after)
    }

    /// The document that a set of preferences shows.
    #[must_use]
    pub fn of(preferences: impl IntoIterator<Item = (PreferenceKey, JsonText)>) -> Self {
        Self(preferences.into_iter().collect())
    }

    /// The names of its members, in order.
    pub fn keys(&self) -> impl Iterator<Item = &PreferenceKey> {
        self.0.keys()
    }

    /// Its members, in order of their names.
    pub fn members(&self) -> impl Iterator<Item = (&PreferenceKey, &JsonText)> {
        self.0.iter()
    }

    /// The edits that make this document look like `wanted`: members that are not in it are removed.
    #[must_use]
    pub fn replace_with(&self, wanted: &Self) -> Vec<Edit> {
        let removed = self.0.keys().filter(|key| !wanted.0.contains_key(*key)).cloned().map(Edit::Remove);
        removed.chain(wanted.0.iter().filter_map(|(key, value)| self.put(key, value.clone()))).collect()
    }

    /// The edits that merge `changes` into this document: objects merge member by member, anything else is replaced. `null` is a value.
    ///
    /// # Errors
    /// [`DocumentError::Value`] when a merged value exceeds `limits`.
    pub fn merge(&self, changes: &Self, limits: &Limits) -> Result<Vec<Edit>, DocumentError> {
        let mut edits = Vec::new();
        for (key, change) in &changes.0 {
            let merged = match self.0.get(key) {
                Some(present) => merge(present.as_str(), change.as_str()).and_then(|merged| JsonText::parse(&merged, limits)),
                None => Ok(change.clone()),
            };
            let value = merged.map_err(|error| DocumentError::Value { name: key.to_string(), error })?;
            edits.extend(self.put(key, value));
        }
        Ok(edits)
    }

    /// The edits that remove the named keys. A name is first that of a member; when there is none, its dots walk into the objects and the
    /// leaf is removed, while its parents stay. A name that leads nowhere changes nothing.
    ///
    /// # Errors
    /// [`DocumentError::Value`] when a stored value is not JSON.
    pub fn remove(&self, names: &[SettingName]) -> Result<Vec<Edit>, DocumentError> {
        let mut after = self.clone();
        for name in names {
            after.remove_one(name).map_err(|error| DocumentError::Value { name: name.literal.to_string(), error })?;
        }
        Ok(self.replace_with(&after))
    }

    fn remove_one(&mut self, name: &SettingName) -> Result<(), ValueError> {
        if self.0.remove(&name.literal).is_some() {
            return Ok(());
        }
        let Some((root, path)) = name.path() else { return Ok(()) };
        let Some(value) = self.0.get_mut(&root) else { return Ok(()) };
        if let Some(rest) = Object::read(value.as_str())?.map(|object| object.without(&path)).transpose()?.flatten() {
            *value = JsonText::from_store(rest.to_string());
        }
        Ok(())
    }

    /// The edit that gives `key` this value, unless it has it already.
    fn put(&self, key: &PreferenceKey, value: JsonText) -> Option<Edit> {
        (self.0.get(key) != Some(&value)).then(|| Edit::Put(NewPreference { key: key.clone(), value }))
    }
}

/// A key that is to be deleted from a settings document: a member's name, or a dotted path to something inside one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingName {
    literal: PreferenceKey,
}

impl SettingName {
    /// Reads a name from outside. `None` for a text that can name nothing, which is then as absent as any other.
    #[must_use]
    pub fn parse(text: &str, limits: &Limits) -> Option<Self> {
        // A path may be longer than a key: it names a member of a member.
        let limits = Limits { key_characters: limits.key_characters * (limits.depth + 1), ..*limits };
        PreferenceKey::parse(text, &limits).ok().map(|literal| Self { literal })
    }

    /// The name as a member's.
    #[must_use]
    pub const fn literal(&self) -> &PreferenceKey {
        &self.literal
    }

    fn path(&self) -> Option<(PreferenceKey, Vec<&str>)> {
        let mut segments = self.literal.as_str().split('.');
        let root = PreferenceKey::from_store(segments.next()?.to_owned());
        let path: Vec<_> = segments.collect();
        (!path.is_empty()).then_some((root, path))
    }
}

/// Objects merge member by member, recursively; anything else is replaced. Depth is bounded by the limits that both values were read under.
fn merge(present: &str, change: &str) -> Result<String, ValueError> {
    let (Some(object), Some(changes)) = (Object::read(present)?, Object::read(change)?) else { return Ok(change.to_owned()) };
    let member = |there: Option<&str>, change: &str| there.map_or_else(|| Ok(change.to_owned()), |there| merge(there, change)).map(Some);
    Ok(object.combine(changes, member)?.to_string())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn document(text: &str) -> Document {
        Document::parse(text, &Limits::default()).unwrap()
    }

    fn text(document: &Document) -> String {
        let members: Vec<_> = document.members().map(|(key, value)| format!("{}:{value}", JsonText::string(key.as_str()))).collect();
        format!("{{{}}}", members.join(","))
    }

    fn apply(document: &Document, edits: Vec<Edit>) -> Document {
        let mut after = document.clone();
        for edit in edits {
            match edit {
                Edit::Put(new) => drop(after.0.insert(new.key, new.value)),
                Edit::Remove(key) => drop(after.0.remove(&key)),
            }
        }
        after
    }

    fn remove(before: &str, names: &[&str]) -> String {
        let before = document(before);
        let names: Vec<_> = names.iter().filter_map(|name| SettingName::parse(name, &Limits::default())).collect();
        text(&apply(&before, before.remove(&names).unwrap()))
    }

    #[test]
    fn a_name_is_first_literal_and_then_a_path() {
        let page = r#"{"language":"en","notifications":{"email":true,"push":false},"theme":"dark"}"#;
        assert_eq!(remove(page, &["theme", "notifications.push"]), r#"{"language":"en","notifications":{"email":true}}"#);
        let both = r#"{"a":{"b":1},"a.b":2}"#;
        assert_eq!(remove(both, &["a.b"]), r#"{"a":{"b":1}}"#);
        assert_eq!(remove(both, &["a.b", "a.b"]), r#"{"a":{}}"#, "parents stay");
        assert_eq!(remove(r#"{"a":{"b":{"c":1.0,"d":2}}}"#, &["a.b.d"]), r#"{"a":{"b":{"c":1.0}}}"#);
    }

    #[test]
    fn a_name_that_leads_nowhere_changes_nothing() {
        let before = r#"{"a":[1],"b":{"c":1},"n":null}"#;
        for name in ["x", "a.0", "a.b", "b.x", "b.c.d", "b.", ".b", "..", "n.x", "", "b..c"] {
            assert_eq!(remove(before, &[name]), before, "{name:?}");
        }
    }

    #[test]
    fn merging_goes_into_objects_and_null_is_a_value() {
        let before = document(r#"{"a":{"x":1,"y":{"z":1.50}},"b":[1],"c":"s"}"#);
        let changes = document(r#"{"a":{"y":{"w":null}},"b":[2],"d":{}}"#);
        let after = apply(&before, before.merge(&changes, &Limits::default()).unwrap());
        assert_eq!(text(&after), r#"{"a":{"x":1,"y":{"z":1.50,"w":null}},"b":[2],"c":"s","d":{}}"#);
        assert_eq!(before.merge(&document(r#"{"c":"s"}"#), &Limits::default()), Ok(vec![]), "no change, no edit");
    }

    #[test]
    fn only_edits_that_add_beyond_a_limit_are_refused() {
        let limits = Limits { keys_per_user: 2, bytes_per_user: 6, ..Limits::default() };
        let present = document(r#"{"a":1,"b":2,"c":3,"d":4}"#);
        let admit = |wanted: &str| present.admit(&present.replace_with(&document(wanted)), &limits);
        assert_eq!(admit(r#"{"b":5,"c":3,"e":6}"#), Ok(()), "a lowered limit never blocks the way down");
        assert_eq!(admit(r#"{"b":5,"c":3,"e":6,"f":7,"g":8}"#), Err(QuotaError::TooManyKeys { limit: 2 }));
        assert_eq!(admit(r#"{"b":1234567,"c":3}"#), Err(QuotaError::TooManyBytes { limit: 6 }));
    }

    #[test]
    fn what_is_not_touched_keeps_its_text() {
        let before = r#"{"a":{"gone":1,"x":"\u0041\/","y":{"k":1.0,"k":2e0},"$serde_json::private::RawValue":"[1]","$serde_json::private::Number":"x"}}"#;
        assert_eq!(remove(before, &["a.gone"]), before.replace("\"gone\":1,", ""));
        let merged = document(before).merge(&document(r#"{"a":{"gone":2}}"#), &Limits::default()).unwrap();
        assert_eq!(text(&apply(&document(before), merged)), before.replace("\"gone\":1,", "\"gone\":2,"));
    }

    #[test]
    fn a_merge_cannot_grow_beyond_the_limits() {
        let limits = Limits { value_bytes: 20, ..Limits::default() };
        let merged = document(r#"{"a":{"x":"12345"}}"#).merge(&document(r#"{"a":{"y":"12345"}}"#), &limits);
        assert!(matches!(merged, Err(DocumentError::Value { error: ValueError::TooLarge { .. }, .. })));
    }

    #[test]
    fn replacing_removes_what_is_not_wanted() {
        let before = document(r#"{"a":1,"b":2}"#);
        let edits = before.replace_with(&document(r#"{"b":2,"c":3}"#));
        assert_eq!(edits.len(), 2, "b stays untouched: {edits:?}");
        assert_eq!(text(&apply(&before, edits)), r#"{"b":2,"c":3}"#);
    }

    #[test]
    fn a_document_is_an_object_with_legal_members() {
        for text in ["[]", "1", "null", "{", "", "{\"a\":1}x"] {
            assert!(matches!(Document::parse(text, &Limits::default()), Err(DocumentError::NotAnObject(_))), "{text}");
        }
        assert!(matches!(Document::parse(r#"{" ":1}"#, &Limits::default()), Err(DocumentError::Key { .. })));
        assert!(matches!(Document::parse(r#"{"a":"\ud800"}"#, &Limits::default()), Err(DocumentError::Value { .. })));
    }

    fn any_document() -> impl Strategy<Value = String> {
        let name = "[ab.]{1,3}";
        let leaf = prop_oneof![Just("1".to_owned()), Just("null".to_owned()), Just("[2]".to_owned())];
        let value = leaf.prop_recursive(3, 12, 3, move |inner| prop::collection::btree_map(name, inner, 0..3).prop_map(|members| object(&members)));
        prop::collection::btree_map("[ab]{1,2}", value, 0..4).prop_map(|members| object(&members))
    }

    fn object(members: &BTreeMap<String, String>) -> String {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
        format!("{{{}}}", members.join(","))
    }

    proptest! {
        #[test]
        fn replacing_reaches_what_is_wanted(before in any_document(), wanted in any_document()) {
            let (before, wanted) = (document(&before), document(&wanted));
            prop_assert_eq!(apply(&before, before.replace_with(&wanted)), wanted);
        }

        #[test]
        fn merging_twice_is_merging_once(before in any_document(), changes in any_document()) {
            let (before, changes) = (document(&before), document(&changes));
            let once = apply(&before, before.merge(&changes, &Limits::default()).unwrap());
            prop_assert_eq!(once.merge(&changes, &Limits::default()).unwrap(), vec![]);
        }

        #[test]
        fn removing_a_name_touches_one_member_at_the_most(before in any_document(), name in "[ab.]{1,6}") {
            let before = document(&before);
            let name = SettingName::parse(&name, &Limits::default());
            let edits = before.remove(name.as_slice()).unwrap();
            prop_assert!(edits.len() <= 1);
            if let (Some(name), Some(Edit::Remove(key))) = (&name, edits.first()) {
                prop_assert_eq!(key, name.literal());
            }
        }
    }
}
