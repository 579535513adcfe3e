//! Objects from outside, opened one level deep: member values stay text.

use serde_json::value::RawValue;
use std::collections::HashMap;

/// The members of a JSON object. Of members with one name the last counts.
///
/// # Errors
/// The parser's, which says [`serde_json::Error::is_data`] for JSON that is no object.
pub(crate) fn members(text: &str) -> serde_json::Result<HashMap<String, &RawValue>> {
    serde_json::from_str(text)
}
