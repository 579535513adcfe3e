//! Preferences as this dialect shows them.

use lethe_domain::draft::Item;
use lethe_domain::{JsonText, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// A preference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PreferenceItem)]
pub(crate) struct ItemJson {
    #[schema(max_length = 255)]
    key: String,
    /// Any JSON value, to the letter as it was sent.
    #[schema(value_type = serde_json::Value)]
    value: JsonText,
    /// The user's revision that gave it this value: its `ETag`, without the quotes.
    revision: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was given this value.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<Item> for ItemJson {
    fn from(item: Item) -> Self {
        Self { key: item.key.to_string(), value: item.value, revision: item.revision.get(), created_at: item.created_at, updated_at: item.updated_at }
    }
}

/// What is there now, where a condition does not hold for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = CurrentState)]
pub(crate) enum Current {
    /// A preference, or none.
    Item(Option<ItemJson>),
    /// The revision of a set.
    Revision { revision: i64 },
}
