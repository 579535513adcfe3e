//! The erasure manifest: every kind of content that a user can leave behind. A hard delete walks all of it.

/// A kind of content that names a user. Stores know where each kind lives and must be able to remove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContentKind {
    /// Votes that the user cast; the counters of the posts they were cast on are corrected.
    VotesCast,
    /// Votes of anybody on the user's posts.
    VotesReceived,
    /// The user's posts, of every kind.
    Posts,
    /// Preferences, which are also the settings.
    Preferences,
    /// The log of changes to the preferences.
    Changes,
    /// Username and `ext_id`, which become free.
    Reservations,
    /// Whatever the account itself says of the person.
    Profile,
}

impl ContentKind {
    /// The whole manifest, in the order in which it is removed: votes before the posts that they are on.
    pub const ALL: [Self; 7] = [Self::VotesCast, Self::VotesReceived, Self::Posts, Self::Preferences, Self::Changes, Self::Reservations, Self::Profile];
}
