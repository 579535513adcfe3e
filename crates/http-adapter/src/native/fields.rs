//! The members of a body, which is always a JSON object. Members that nobody asks for are ignored.

use super::error::Problem;
use super::violations::{Rule, Violation};
use crate::body::BodyError;
use crate::json::members;
use lethe_domain::Timestamp;
use lethe_domain::profile::FieldError;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as ValueError;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Microseconds since 1970 of the first and the last moment that RFC 3339 has a text for.
const WRITABLE_TIMES: std::ops::RangeInclusive<i64> = -62_167_219_200_000_000..=253_402_300_799_999_999;

/// The members of a body. Of members with one name the last counts.
#[derive(Debug)]
pub(super) struct Fields<'a>(HashMap<String, &'a RawValue>);

impl<'a> Fields<'a> {
    /// Opens a body.
    pub(super) fn parse(text: &'a str) -> Result<Self, Problem> {
        let no_object = |error: serde_json::Error| if error.is_data() { "The body is no JSON object.".into() } else { error.to_string() };
        members(text).map(Self).map_err(|error| Problem::MalformedJson(no_object(error)))
    }

    /// All of them, as they are.
    pub(super) const fn members(&self) -> &HashMap<String, &'a RawValue> {
        &self.0
    }

    /// A text that may be absent, or `null`, which says the same.
    pub(super) fn optional<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, FieldError>) -> Result<Option<T>, Violation> {
        let given = self.0.get(name).filter(|given| given.get() != "null");
        given.map(|given| read(given, parse)).transpose().map_err(|rule| rule.of_member(name))
    }

    /// A text that must be there.
    pub(super) fn required<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, FieldError>) -> Result<T, Violation> {
        let given = self.0.get(name).ok_or_else(Rule::required);
        given.and_then(|given| read(given, parse)).map_err(|rule| rule.of_member(name))
    }
}

fn read<T>(given: &RawValue, parse: impl FnOnce(&str) -> Result<T, FieldError>) -> Result<T, Rule> {
    let text: String = serde_json::from_str(given.get()).map_err(|_| Rule::not_a_string())?;
    Ok(parse(&text)?)
}

/// Reads a point in time.
pub(super) fn time(text: &str) -> Result<Timestamp, FieldError> {
    let time = Timestamp::deserialize(IntoDeserializer::<ValueError>::into_deserializer(text)).ok();
    time.filter(|time| WRITABLE_TIMES.contains(&time.micros())).ok_or(FieldError::Malformed("Give a time of RFC 3339, such as 2026-01-02T03:04:05Z."))
}

/// The text of a body that says that it is JSON. Without a body there is nothing that would have to say so.
pub(super) fn json(content_type: &str, body: Result<String, BodyError>) -> Result<String, Problem> {
    let is_json = content_type.eq_ignore_ascii_case("application/json");
    match body {
        Ok(text) if is_json || (content_type.is_empty() && text.is_empty()) => Ok(text),
        Err(error @ (BodyError::NotUtf8 | BodyError::Broken)) if is_json => Err(error.into()),
        Ok(_) | Err(BodyError::NotUtf8 | BodyError::Broken) => Err(Problem::UnsupportedMediaType("The body must say Content-Type: application/json.".into())),
        Err(error @ (BodyError::TooLarge { .. } | BodyError::TimedOut | BodyError::Encoded(_))) => Err(error.into()),
    }
}
