//! Tokens that are nobody's: good for one thing, whoever holds them.

use crate::caller::GrantError;
use lethe_domain::id::UserId;
use lethe_domain::time::Timestamp;
use std::fmt::Debug;
use std::sync::Arc;

/// The one thing that a ticket is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Errand {
    /// Taking back one soft delete of a user.
    Restore {
        /// Whose.
        user: UserId,
        /// Which of its deletions.
        epoch: i64,
    },
    /// Looking at the erasure of a user.
    FollowErasure {
        /// Whose.
        user: UserId,
    },
}

/// What is left of a ticket after its holders narrowed it.
pub trait TicketGrant: Debug + Send + Sync {
    /// Whether the ticket is still good for its errand at `now`.
    ///
    /// MUST evaluate every check of the token, with this time and no other, in bounded time.
    ///
    /// # Errors
    /// [`GrantError`] says why not.
    fn allows(&self, now: Timestamp) -> Result<(), GrantError>;
}

/// A ticket whose signature was checked.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// What it is good for.
    pub errand: Errand,
    /// Whether it still is.
    pub grant: Arc<dyn TicketGrant>,
}
