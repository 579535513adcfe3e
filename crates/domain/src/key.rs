//! The names under which preferences are kept.

use crate::limits::Limits;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing is left of it once outer blanks are dropped.
    #[error("This field may not be blank.")]
    Blank,
    /// More characters than `limits.key_characters`.
    #[error("Ensure this field has no more than {limit} characters.")]
    TooLong {
        /// The limit in force.
        limit: usize,
    },
    /// It has a control character, such as NUL or a line break.
    #[error("Control characters are not allowed.")]
    ControlCharacter,
    /// It begins or ends with a blank, where that is not dropped.
    #[error("This may not begin or end with a blank.")]
    OuterBlank,
    /// It is `.` or `..`, which clients of URLs fold away.
    #[error("This name is not allowed.")]
    DotSegment,
}

/// The name of a preference: 1 to 255 characters, no control characters, no blanks at either end, not `.` or `..`.
///
/// There is no Unicode normalisation: composed and decomposed spellings are two keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PreferenceKey(String);

impl PreferenceKey {
    /// Drops outer blanks, then checks.
    ///
    /// # Errors
    /// [`KeyError`] when what is left is no key.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, KeyError> {
        let name = text.trim();
        if name.is_empty() {
            return Err(KeyError::Blank);
        }
        if name.chars().count() > limits.key_characters {
            return Err(KeyError::TooLong { limit: limits.key_characters });
        }
        if name.chars().any(char::is_control) {
            return Err(KeyError::ControlCharacter);
        }
        if matches!(name, "." | "..") {
            return Err(KeyError::DotSegment);
        }
        Ok(Self(name.to_owned()))
    }

    /// Checks a key that must be as it stands.
    ///
    /// # Errors
    /// [`KeyError`] when it is no key; [`KeyError::OuterBlank`] when it would be one without its outer blanks.
    pub fn parse_exact(text: &str, limits: &Limits) -> Result<Self, KeyError> {
        let key = Self::parse(text, limits)?;
        if key.0 == text { Ok(key) } else { Err(KeyError::OuterBlank) }
    }

    /// Takes a key that a store gives back: it was checked when it was kept.
    #[must_use]
    pub fn from_store(text: String) -> Self {
        Self(text)
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PreferenceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<PreferenceKey, KeyError> {
        PreferenceKey::parse(text, &Limits::default())
    }

    #[test]
    fn keys_are_trimmed_and_checked() {
        assert_eq!(parse("  theme\t").unwrap().as_str(), "theme");
        assert_eq!(parse(""), Err(KeyError::Blank));
        assert_eq!(parse(" \u{2003} "), Err(KeyError::Blank));
        assert_eq!(parse("a\0b"), Err(KeyError::ControlCharacter));
        assert_eq!(parse("a\nb"), Err(KeyError::ControlCharacter));
        assert_eq!(parse(".."), Err(KeyError::DotSegment));
        assert!(parse("...").is_ok());
        assert!(parse(&"é".repeat(255)).is_ok());
        assert_eq!(parse(&"x".repeat(256)), Err(KeyError::TooLong { limit: 255 }));
        assert_ne!(parse("e\u{301}"), parse("é"));
        let exact = |text: &str| PreferenceKey::parse_exact(text, &Limits::default());
        assert_eq!(exact(" a"), Err(KeyError::OuterBlank));
        assert_eq!(exact("a\u{2003}"), Err(KeyError::OuterBlank));
        assert_eq!(exact(" "), Err(KeyError::Blank));
        assert_eq!(exact("a b").unwrap().as_str(), "a b");
    }

    proptest! {
        #[test]
        fn an_accepted_key_is_accepted_again_unchanged(text in any::<String>()) {
            if let Ok(key) = parse(&text) {
                prop_assert_eq!(parse(key.as_str()).unwrap(), key);
            }
        }
    }
}
