//! The change log: what happened to a user's keys, one entry a revision.

use crate::id::{Revision, UserId};
use crate::json_text::JsonText;
use crate::key::PreferenceKey;
use crate::time::Timestamp;

/// What happened to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was given this value.
    Put(JsonText),
    /// It was removed.
    Delete,
}

impl ChangeKind {
    /// The kind's name in a store and on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Put(_) => "put",
            Self::Delete => "delete",
        }
    }

    /// The value that was given.
    #[must_use]
    pub const fn value(&self) -> Option<&JsonText> {
        match self {
            Self::Put(value) => Some(value),
            Self::Delete => None,
        }
    }
}

/// One entry of the change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The owner's revision that this change made.
    pub revision: Revision,
    /// The key that changed.
    pub key: PreferenceKey,
    /// What happened to it.
    pub kind: ChangeKind,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: UserId,
}
