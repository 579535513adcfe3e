//! The change log: what happened to a user's keys, one entry a revision, and for how long that is kept.
//!
//! What is kept is everything after a certain revision, the log's beginning, and of what was before, the last value of each key: the set as it
//! stood at the beginning. So every set from the beginning on can be told, and every change after it.

use crate::draft::Item;
use crate::id::{Revision, UserId};
use crate::json_text::JsonText;
use crate::key::PreferenceKey;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What happened to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was given this value.
    Put {
        /// The value.
        value: JsonText,
        /// When the preference was created.
        created_at: Timestamp,
    },
    /// It was removed.
    Delete,
}

impl ChangeKind {
    /// The kind's name in a store and on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Put { .. } => "put",
            Self::Delete => "delete",
        }
    }

    /// The value that was given.
    #[must_use]
    pub const fn value(&self) -> Option<&JsonText> {
        match self {
            Self::Put { value, .. } => Some(value),
            Self::Delete => None,
        }
    }
}

impl Change {
    /// The preference as the change left it; `None`: it was removed.
    #[must_use]
    pub fn item(&self) -> Option<Item> {
        match &self.kind {
            ChangeKind::Put { value, created_at } => {
                Some(Item { key: self.key.clone(), value: value.clone(), revision: self.revision, created_at: *created_at, updated_at: self.at })
            }
            ChangeKind::Delete => None,
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

/// A part of the change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// Changes after this revision are all there.
    pub begins_after: Revision,
    /// The owner's present revision.
    pub latest: Revision,
    /// The changes, oldest first.
    pub changes: Vec<Change>,
}

/// How a revision that somebody remembers lies to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The log tells all that happened since.
    Kept,
    /// What happened right after it is forgotten.
    Forgotten,
    /// It is not reached yet.
    Ahead,
}

impl Reach {
    /// How `revision` lies to a log that begins after `begins_after` and ends with `latest`.
    #[must_use]
    pub fn of(revision: Revision, begins_after: Revision, latest: Revision) -> Self {
        if revision > latest {
            Self::Ahead
        } else if revision < begins_after {
            Self::Forgotten
        } else {
            Self::Kept
        }
    }
}

/// By how much the revisions of a user move, so that its log begins after `beginning` at the earliest, and all of them have numbers that the user
/// has not had before. `first` is the lowest revision that is kept.
#[must_use]
pub fn renumbering_distance(begins_after: Revision, first: Option<Revision>, latest: Revision, beginning: Revision) -> i64 {
    let width = first.map_or(0, |first| latest.get() - first.get());
    (beginning.get() - begins_after.get()).max(width + 1)
}

/// For how long changes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Changes that are older may be forgotten.
    pub max_age: Duration,
    /// Changes of one user that may be kept at the most, beside the set that they begin with.
    pub max_changes: u64,
}

impl Default for Retention {
    /// 90 days, and 1,000 changes of each user.
    fn default() -> Self {
        Self { max_age: Duration::from_hours(90 * 24), max_changes: 1_000 }
    }
}

/// What there is to know of a user's log for shortening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogExtent {
    /// Whose it is.
    pub owner: UserId,
    /// Where it begins.
    pub begins_after: Revision,
    /// The owner's present revision.
    pub latest: Revision,
    /// The first change that is young enough to be kept; `None`: there is none.
    pub first_young: Option<Revision>,
}

impl Retention {
    /// Where a log ought to begin. It never gets longer.
    #[must_use]
    pub fn beginning(&self, log: &LogExtent) -> Revision {
        let kept = i64::try_from(self.max_changes).unwrap_or(i64::MAX);
        let by_count = log.latest.get().saturating_sub(kept);
        let by_age = log.first_young.map_or(log.latest.get(), |young| young.get() - 1);
        Revision::new(by_count.max(by_age).max(log.begins_after.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_shortened_by_age_and_by_count_and_never_lengthened() {
        let retention = Retention { max_age: Duration::from_hours(1), max_changes: 10 };
        let beginning = |begins_after, latest, first_young: Option<i64>| {
            let extent = LogExtent {
                owner: UserId::new(1),
                begins_after: Revision::new(begins_after),
                latest: Revision::new(latest),
                first_young: first_young.map(Revision::new),
            };
            retention.beginning(&extent).get()
        };
        assert_eq!(beginning(0, 5, Some(1)), 0, "short and young");
        assert_eq!(beginning(0, 25, Some(1)), 15, "too long");
        assert_eq!(beginning(0, 25, Some(20)), 19, "too old, up to the first that is not");
        assert_eq!(beginning(0, 5, None), 5, "all of it is too old");
        assert_eq!(beginning(4, 5, Some(2)), 4);
        assert_eq!(beginning(0, 0, None), 0);
    }

    #[test]
    fn no_number_comes_again_after_renumbering() {
        for (begins_after, first, latest, beginning) in
            [(0, None, 0, 1_000), (4, Some(2), 7, 8), (4, Some(1), 7, 4), (10, Some(3), 900, 20), (50, Some(60), 60, 9)]
        {
            let numbers = [begins_after, first.unwrap_or(latest), latest].map(Revision::new);
            let distance = renumbering_distance(numbers[0], first.map(Revision::new), numbers[2], Revision::new(beginning));
            assert!(first.unwrap_or(latest) + distance > latest && begins_after + distance >= beginning, "{begins_after} {first:?} {latest}: {distance}");
        }
    }

    #[test]
    fn a_remembered_revision_is_reached_from_the_beginning_to_the_end() {
        let reach = |revision| Reach::of(Revision::new(revision), Revision::new(3), Revision::new(7));
        assert_eq!([2, 3, 7, 8].map(reach), [Reach::Forgotten, Reach::Kept, Reach::Kept, Reach::Ahead]);
    }
}
