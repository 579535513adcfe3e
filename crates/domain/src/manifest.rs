//! The erasure manifest: every kind of content that a user can leave behind, and what becomes of it. A hard delete walks all of it.

use crate::account::DeletionMode;
use serde::{Deserialize, Serialize};

/// A kind of content that belongs to a user, or names one. Stores know where each kind lives and must be able to count and remove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentKind {
    /// Username and `ext_id`, which become free.
    Reservations,
    /// Whatever the account itself says of the person.
    Profile,
    /// Votes that the user cast, also on its own posts; the counters of the posts they were cast on are corrected.
    VotesCast,
    /// Votes of others on the user's posts.
    VotesReceived,
    /// The user's posts, of every kind.
    Posts,
    /// Preferences, which are also the settings.
    Preferences,
    /// The log of changes to the preferences.
    Changes,
    /// Holds, whose reasons may speak of the person. None of them is in force any more by then.
    Holds,
    /// What came of requests about the user that may be sent again.
    Attempts,
}

impl ContentKind {
    /// The whole manifest, in the order in which it is removed: first what anybody could find the user by, and votes before the posts that
    /// they are on.
    pub const ALL: [Self; 9] =
        [Self::Reservations, Self::Profile, Self::VotesCast, Self::VotesReceived, Self::Posts, Self::Preferences, Self::Changes, Self::Holds, Self::Attempts];

    /// The kind's name in a store and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reservations => "reservations",
            Self::Profile => "profile",
            Self::VotesCast => "votes_cast",
            Self::VotesReceived => "votes_received",
            Self::Posts => "posts",
            Self::Preferences => "preferences",
            Self::Changes => "changes",
            Self::Holds => "holds",
            Self::Attempts => "attempts",
        }
    }

    /// What a deletion does to content of this kind.
    #[must_use]
    pub const fn fate(self, mode: DeletionMode) -> Fate {
        match mode {
            DeletionMode::Soft => Fate::Kept,
            DeletionMode::Hard => Fate::Removed,
        }
    }
}

/// What names a user by its id and nothing else, and stays for good: the account of what happened, which must not vanish with the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TraceKind {
    /// The spent id itself.
    Tombstone,
    /// The account of the erasure.
    Erasure,
    /// The audit log: who did what to whom.
    Audit,
    /// Announcements of what became of the user, delivered or not. Its `ext_id` in them goes when they are settled.
    Deliveries,
    /// Changes that the user, as an admin, made to others' preferences.
    AuthoredChanges,
    /// Holds that the user, as an admin, placed on others.
    AuthoredHolds,
    /// That the user, as an admin, sent requests about others that may be sent again: for a day.
    AuthoredAttempts,
}

impl TraceKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Tombstone, Self::Erasure, Self::Audit, Self::Deliveries, Self::AuthoredChanges, Self::AuthoredHolds, Self::AuthoredAttempts];
}

/// What becomes of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It is gone for good.
    Removed,
    /// It stays as it is.
    Kept,
}

impl Fate {
    /// The fate's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Kept => "kept",
        }
    }
}

/// How much there is of each kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally([u64; ContentKind::ALL.len()]);

impl Tally {
    /// Counts each kind by `count`.
    #[must_use]
    pub fn of(count: impl FnMut(ContentKind) -> u64) -> Self {
        Self(ContentKind::ALL.map(count))
    }

    /// How much there is of one kind.
    #[must_use]
    pub const fn get(&self, kind: ContentKind) -> u64 {
        self.0[kind as usize]
    }

    /// The kinds that there is something of.
    pub fn present(&self) -> impl Iterator<Item = (ContentKind, u64)> {
        ContentKind::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_finds_each_kind_in_its_place() {
        let tally = Tally::of(|kind| kind as u64);
        for (place, kind) in ContentKind::ALL.into_iter().enumerate() {
            assert_eq!(tally.get(kind), place as u64, "{kind:?}");
        }
        assert_eq!(tally.present().count(), ContentKind::ALL.len() - 1, "nothing is known of the first");
        assert_eq!(Tally::default().present().count(), 0);
    }

    #[test]
    fn votes_go_before_the_posts_that_they_are_on() {
        let place = |wanted| ContentKind::ALL.into_iter().position(|kind| kind == wanted);
        assert!(place(ContentKind::VotesCast) < place(ContentKind::Posts) && place(ContentKind::VotesReceived) < place(ContentKind::Posts));
    }

    #[test]
    fn a_kind_has_one_name() {
        for kind in ContentKind::ALL {
            assert_eq!(serde_json::to_value(kind).ok(), Some(serde_json::json!(kind.name())));
        }
    }
}
