//! A JSON value as its own text.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;

/// A JSON value to the letter: every digit, escape and member stays as it is, only white space between tokens is dropped.
///
/// Lethe keeps values this way and compares them so: two values are equal when their texts are. It goes wherever a
/// `Serialize` value goes, as long as the format is JSON.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Takes a JSON text.
    ///
    /// # Errors
    /// When the text is not JSON.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// When the value cannot be written as JSON, such as a map whose keys are no strings.
    pub fn from_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        Self::from_text(&serde_json::to_string(value)?)
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// Reads the value as a `T`. A `T` with native numbers may lose digits that the text has.
    ///
    /// # Errors
    /// When the value is no `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.text())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Json {}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        RawValue::from_string(compact(raw.get())).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Reads a member that may be missing, for which `null` is a value like any other.
pub(crate) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// Valid JSON without its white space between tokens.
fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    json.chars()
        .filter(|&c| {
            if in_string {
                in_string = escaped || c != '"';
                escaped = !escaped && c == '\\';
                return true;
            }
            in_string = c == '"';
            !matches!(c, ' ' | '\t' | '\n' | '\r')
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn only_white_space_between_tokens_is_dropped() {
        let kept = Json::from_text(" { \"a b\" :\n[ 1.0 ,\t123456789012345678901234567890 ] , \"q\\\" \\\\\" : \"\\u00e9 \" } ").unwrap();
        assert_eq!(kept.text(), r#"{"a b":[1.0,123456789012345678901234567890],"q\" \\":"\u00e9 "}"#);
        assert!(Json::from_text("[1").is_err());
    }

    #[test]
    fn it_goes_into_other_json_unchanged() {
        let value = Json::from_text("1.0").unwrap();
        assert_eq!(serde_json::to_string(&vec![value]).unwrap(), "[1.0]");
    }

    proptest! {
        #[test]
        fn compacting_never_changes_the_meaning(strings in prop::collection::vec((any::<String>(), any::<i64>()), 0..8)) {
            let tree: Value = strings.into_iter().map(|(name, number)| (name, Value::from(number))).collect();
            let kept = Json::from_text(&serde_json::to_string_pretty(&tree).unwrap()).unwrap();
            prop_assert_eq!(kept.text(), serde_json::to_string(&tree).unwrap());
        }
    }
}
