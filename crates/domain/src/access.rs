//! Who may act for whom.
//!
//! An act is an operation, on somebody's data or on nobody's in particular. What a user owns is open to that user and to admins;
//! what belongs to the community is open to every user; a few things are for admins alone. A token can only narrow this.

use crate::id::UserId;
use crate::key::PreferenceKey;
use crate::time::Timestamp;

/// Keys that a token is asked about for one request, if what it allows depends on keys: each answer takes up to a millisecond.
pub const MOST_KEYS_JUDGED: usize = 100;

/// Whoever sent a request, as far as its token proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actor {
    /// The user that the token was issued to.
    pub user: UserId,
    /// Whether the token carries the admin role.
    pub admin: bool,
    /// When the token was issued.
    pub issued_at: Timestamp,
}

/// What is done, in the words that tokens are narrowed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Look at something.
    Read,
    /// Make something new.
    Create,
    /// Change something that is there.
    Update,
    /// Remove something.
    Delete,
}

impl Operation {
    /// All operations.
    pub const ALL: [Self; 4] = [Self::Read, Self::Create, Self::Update, Self::Delete];

    /// The operation's name in a token.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// For whom an act is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// The owner of the data, and admins.
    Owner(UserId),
    /// Every user.
    Members,
    /// Admins alone.
    Admins,
}

/// One thing that somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Act<'a> {
    /// What is done.
    pub operation: Operation,
    /// For whom that is.
    pub audience: Audience,
    /// The preference that it is done to, when it is one.
    pub key: Option<&'a PreferenceKey>,
}

impl<'a> Act<'a> {
    /// An act on what `owner` owns.
    #[must_use]
    pub const fn on(operation: Operation, owner: UserId) -> Self {
        Self { operation, audience: Audience::Owner(owner), key: None }
    }

    /// An act that every user may do.
    #[must_use]
    pub const fn by_member(operation: Operation) -> Self {
        Self { operation, audience: Audience::Members, key: None }
    }

    /// An act that admins alone may do.
    #[must_use]
    pub const fn by_admin(operation: Operation) -> Self {
        Self { operation, audience: Audience::Admins, key: None }
    }

    /// The same act on one preference.
    #[must_use]
    pub const fn with_key(self, key: &'a PreferenceKey) -> Self {
        Self { key: Some(key), ..self }
    }
}

/// How an actor stands to an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// They are the same user.
    Itself,
    /// The actor is an admin.
    Admin,
    /// Neither.
    Stranger,
}

impl Actor {
    /// How this actor stands to `owner`.
    #[must_use]
    pub fn relation_to(&self, owner: UserId) -> Relation {
        if self.user == owner {
            Relation::Itself
        } else if self.admin {
            Relation::Admin
        } else {
            Relation::Stranger
        }
    }

    /// Whether this actor may do `act`.
    #[must_use]
    pub fn may(&self, act: &Act<'_>) -> bool {
        match act.audience {
            Audience::Members => true,
            Audience::Admins => self.admin,
            Audience::Owner(owner) => match self.relation_to(owner) {
                Relation::Itself | Relation::Admin => true,
                Relation::Stranger => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relation_under_every_audience() {
        let (me, other) = (UserId::new(1), UserId::new(2));
        let actor = |admin| Actor { user: me, admin, issued_at: Timestamp::EPOCH };
        let table = [
            (false, Audience::Owner(me), true),
            (false, Audience::Owner(other), false),
            (false, Audience::Members, true),
            (false, Audience::Admins, false),
            (true, Audience::Owner(me), true),
            (true, Audience::Owner(other), true),
            (true, Audience::Members, true),
            (true, Audience::Admins, true),
        ];
        for operation in Operation::ALL {
            for (admin, audience, allowed) in table {
                assert_eq!(actor(admin).may(&Act { operation, audience, key: None }), allowed, "{operation:?} {audience:?} admin={admin}");
            }
        }
        assert_eq!(actor(true).relation_to(me), Relation::Itself);
        assert_eq!(actor(true).relation_to(other), Relation::Admin);
        assert_eq!(actor(false).relation_to(other), Relation::Stranger);
    }
}
