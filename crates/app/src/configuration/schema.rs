//! Which keys exist, and what kind of value each takes: those of the defaults, and no others.

use super::error::ConfigurationError;
use super::layer::Layer;
use config::{Value, ValueKind};
use std::collections::{BTreeMap, BTreeSet};

/// What kind of value a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Texts,
    Tables,
}

/// Keys whose value is a list of tables. Their default is an empty list, which does not say so.
const LISTS_OF_TABLES: [&str; 1] = ["webhooks"];

/// The keys that exist.
#[derive(Debug)]
pub(super) struct Schema(BTreeMap<String, Kind>);

impl Schema {
    pub(super) fn of(defaults: &Layer) -> Self {
        Self(defaults.entries().map(|(key, value)| (key.clone(), Kind::of(key, &value.kind))).collect())
    }

    /// A variable's text as the kind of value that its key takes, or as it is when it cannot be read so.
    pub(super) fn typed(&self, key: &str, text: String) -> ValueKind {
        match self.0.get(key) {
            Some(Kind::Number) => text.trim().parse().map_or(ValueKind::String(text), ValueKind::I64),
            Some(Kind::Texts) => text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect::<Vec<_>>().into(),
            Some(Kind::Tables) => super::layer::tables(&text).unwrap_or(ValueKind::String(text)),
            Some(Kind::Text) | None => ValueKind::String(text),
        }
    }

    /// Refuses the first key that does not exist, and the first value of a wrong kind.
    pub(super) fn check(&self, layer: &Layer) -> Result<(), ConfigurationError> {
        layer.entries().try_for_each(|(key, value)| self.check_value(key, value))
    }

    fn check_value(&self, key: &str, value: &Value) -> Result<(), ConfigurationError> {
        match self.0.get(key) {
            Some(kind) if kind.fits(&value.kind) => Ok(()),
            Some(kind) => Err(ConfigurationError::bad_value(key, value, kind.expectation())),
            None if self.is_section(key) && is_empty_table(&value.kind) => Ok(()),
            None => Err(ConfigurationError::UnknownKey { key: key.to_owned(), origin: super::layer::origin(value).to_owned(), hint: self.hint(key) }),
        }
    }

    fn is_section(&self, name: &str) -> bool {
        self.0.keys().any(|key| section_of(key) == Some(name))
    }

    /// The names that could have been meant.
    fn hint(&self, key: &str) -> String {
        let section = if self.is_section(key) { Some(key) } else { section_of(key).filter(|section| self.is_section(section)) };
        match section {
            Some(section) => format!("the keys of `{section}` are {}", self.names_in(section)),
            None => format!(
                "there are {}",
                self.0.keys().map(|key| section_of(key).unwrap_or(key)).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
            ),
        }
    }

    fn names_in(&self, section: &str) -> String {
        let names: Vec<_> = self.0.keys().filter(|key| section_of(key) == Some(section)).map(|key| &key[section.len() + 1..]).collect();
        names.join(", ")
    }
}

impl Kind {
    /// The kind of a default.
    fn of(key: &str, value: &ValueKind) -> Self {
        match value {
            ValueKind::Array(_) if LISTS_OF_TABLES.contains(&key) => Self::Tables,
            ValueKind::I64(_) => Self::Number,
            ValueKind::Array(_) => Self::Texts,
            _ => Self::Text,
        }
    }

    fn fits(self, value: &ValueKind) -> bool {
        match (self, value) {
            (Self::Text, ValueKind::String(_)) => true,
            (Self::Number, ValueKind::I64(number)) => *number >= 0,
            (Self::Texts, ValueKind::Array(items)) => items.iter().all(|item| matches!(item.kind, ValueKind::String(_))),
            (Self::Tables, ValueKind::Array(items)) => items.iter().all(|item| matches!(item.kind, ValueKind::Table(_))),
            _ => false,
        }
    }

    const fn expectation(self) -> &'static str {
        match self {
            Self::Text => "expected a text",
            Self::Number => "expected a whole number, 0 or more",
            Self::Texts => "expected a list of texts",
            Self::Tables => "expected a list of tables, such as [{ url = \"https://example.org\", secret = \"whsec_…\" }]",
        }
    }
}

fn section_of(key: &str) -> Option<&str> {
    key.split_once('.').map(|(section, _)| section)
}

fn is_empty_table(value: &ValueKind) -> bool {
    matches!(value, ValueKind::Table(table) if table.is_empty())
}
