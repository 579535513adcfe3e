//! Values: any JSON value, kept as its own text.
//!
//! A value is never turned into a tree and written anew, so no digit is lost, no member reordered and no escape rewritten.
//! Only white space between tokens, which means nothing, is dropped.

use crate::limits::Limits;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;

/// Why a text is not a value that can be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ValueError {
    /// The text is not JSON (RFC 8259).
    #[error("JSON parse error - {0}")]
    Syntax(String),
    /// An escape such as `\ud800` stands alone: no Unicode text has such a character.
    #[error("JSON parse error - lone surrogate in a string")]
    LoneSurrogate,
    /// More bytes than `limits.value_bytes`.
    #[error("Ensure this value has no more than {limit} bytes (it has {bytes}).")]
    TooLarge {
        /// Bytes of the value without insignificant white space.
        bytes: usize,
        /// The limit in force.
        limit: usize,
    },
    /// Nested deeper than `limits.depth`.
    #[error("Ensure this value is nested no deeper than {limit} levels (it has {depth}).")]
    TooDeep {
        /// Levels of the value.
        depth: usize,
        /// The limit in force.
        limit: usize,
    },
}

/// A JSON value as text, without insignificant white space. Two values are equal when their texts are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JsonText(Box<str>);

impl JsonText {
    /// Checks a text from outside and drops its insignificant white space.
    ///
    /// # Errors
    /// [`ValueError`] when the text is not JSON or exceeds `limits`.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, ValueError> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| ValueError::Syntax(error.to_string()))?;
        let Compact { text, depth } = compact(raw.get())?;
        if text.len() > limits.value_bytes {
            return Err(ValueError::TooLarge { bytes: text.len(), limit: limits.value_bytes });
        }
        if depth > limits.depth {
            return Err(ValueError::TooDeep { depth, limit: limits.depth });
        }
        Ok(Self(text.into()))
    }

    /// A string value.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self(serde_json::Value::from(text).to_string().into())
    }

    /// Takes a text that a store gives back: it was checked when it was kept.
    #[must_use]
    pub fn from_store(text: String) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Bytes of the text.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for JsonText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// Reads any JSON value, without limits: callers that read from outside use [`JsonText::parse`].
impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        compact(raw.get()).map(|compact| Self(compact.text.into())).map_err(serde::de::Error::custom)
    }
}

struct Compact {
    text: String,
    depth: usize,
}

/// Walks valid JSON once: drops white space between tokens, measures the depth and refuses lone surrogates.
fn compact(json: &str) -> Result<Compact, ValueError> {
    let mut out = String::with_capacity(json.len());
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let mut rest = json;
    while let Some(first) = rest.as_bytes().first() {
        let end = match first {
            b' ' | b'\t' | b'\n' | b'\r' => {
                rest = &rest[1..];
                continue;
            }
            b'"' => string_end(rest)?,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
                1
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                1
            }
            _ => rest.find(['"', ' ', '\t', '\n', '\r', '{', '[', '}', ']']).unwrap_or(rest.len()),
        };
        out.push_str(&rest[..end]);
        rest = &rest[end..];
    }
    Ok(Compact { text: out, depth: deepest })
}

/// The length of the string literal that `json` begins with, quotes included.
fn string_end(json: &str) -> Result<usize, ValueError> {
    let bytes = json.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return Ok(at + 1),
            b'\\' if bytes.get(at + 1) == Some(&b'u') => at += unicode_escape(&json[at..])?,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    Err(ValueError::Syntax("unterminated string".into()))
}

/// The length of the `\uXXXX` escape, or pair of escapes, that `json` begins with.
fn unicode_escape(json: &str) -> Result<usize, ValueError> {
    let unit = |from: usize| json.get(from..from + 4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
    match unit(2) {
        Some(0xD800..=0xDBFF) if json.get(6..8) == Some("\\u") && matches!(unit(8), Some(0xDC00..=0xDFFF)) => Ok(12),
        None | Some(0xD800..=0xDFFF) => Err(ValueError::LoneSurrogate),
        Some(_) => Ok(6),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<JsonText, ValueError> {
        JsonText::parse(text, &Limits::default())
    }

    #[test]
    fn text_is_kept_to_the_letter_but_for_white_space() {
        let exact = [
            "null",
            "1.0",
            "1e131071",
            "-0",
            "123456789012345678901234567890",
            r#"{"b":1,"a":2,"b":3}"#,
            r#""\u0000\u00e9\/é""#,
            r#""\ud83d\ude00 a b""#,
            "[]",
            "{}",
        ];
        for text in exact {
            assert_eq!(parse(text).unwrap().as_str(), text);
        }
        assert_eq!(parse(" { \"a b\" :\n[ 1 ,\t2 ] } ").unwrap().as_str(), r#"{"a b":[1,2]}"#);
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in ["", " ", "nul", "NaN", "01", "+1", "'a'", "{", "[1,]", "{\"a\":1}x", "1 2", "\"\n\"", "\u{feff}1", "[1", r#""\x""#] {
            assert!(matches!(parse(text), Err(ValueError::Syntax(_))), "{text:?}");
        }
        for text in [r#""\ud800""#, r#""\udc00""#, r#""\ud800\u0041""#, r#"{"\ud800":1}"#, r#""\ud83d\ud83d""#] {
            assert_eq!(parse(text), Err(ValueError::LoneSurrogate), "{text:?}");
        }
    }

    #[test]
    fn depth_and_size_have_limits() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(&nested(32)).is_ok());
        assert_eq!(parse(&nested(33)), Err(ValueError::TooDeep { depth: 33, limit: 32 }));
        assert!(matches!(parse(&nested(30_000)), Err(ValueError::TooDeep { .. })));
        let string = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        assert!(parse(&string(65_536)).is_ok());
        assert_eq!(parse(&string(65_537)), Err(ValueError::TooLarge { bytes: 65_537, limit: 65_536 }));
        assert!(parse(&(" ".repeat(70_000) + "1")).is_ok(), "white space does not count");
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(6, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::vec((any::<String>(), inner), 0..6).prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn compacting_never_changes_the_meaning(tree in any_json()) {
            let pretty = serde_json::to_string_pretty(&tree).unwrap();
            let kept = parse(&pretty).unwrap();
            prop_assert_eq!(kept.as_str(), serde_json::to_string(&tree).unwrap());
            prop_assert_eq!(&parse(kept.as_str()).unwrap(), &kept);
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(kept.as_str()).unwrap(), tree);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn no_nearly_json_text_makes_it_panic(text in r#"[\[\]{}",:\\ud8a0-9 tfnre.+-]{0,40}"#) {
            if let Ok(kept) = parse(&text) {
                prop_assert_eq!(parse(kept.as_str()).unwrap(), kept);
            }
        }
    }
}
