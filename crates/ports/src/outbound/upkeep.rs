//! What a store needs to be kept in order by several nodes.

use async_trait::async_trait;
use lethe_domain::change::LogExtent;
use lethe_domain::id::{NodeId, Revision, UserId};
use lethe_domain::time::Timestamp;

use super::StoreError;

/// Work that one node does for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Duty {
    /// Hard deleting what fell due.
    Purge,
    /// Forgetting what nobody needs any more.
    Prune,
    /// Shortening change logs.
    Shorten,
}

impl Duty {
    /// The duty's name in a store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Purge => "purge",
            Self::Prune => "prune",
            Self::Shorten => "shorten",
        }
    }
}

/// How much is still to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Erasures that have not come to their end.
    pub open_erasures: u64,
    /// Of those, the ones that a hold keeps from going on.
    pub blocked_erasures: u64,
    /// Of those, the ones whose sweep found something left, again and again.
    pub failed_erasures: u64,
    /// Accounts that should have been hard deleted before the moment that was asked about, and on which no hold is in force.
    pub overdue_purges: u64,
    /// Events that somebody is still to be told of.
    pub pending_deliveries: u64,
    /// Events that somebody could not be told of.
    pub failed_deliveries: u64,
}

/// Some users' change logs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogScan {
    /// Those that are too long or too old.
    pub overgrown: Vec<LogExtent>,
    /// The last user that was looked at; `None`: there are no more.
    pub last: Option<UserId>,
}

/// Some users, whose revisions have other numbers now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Renumbered {
    /// How many there were.
    pub users: u64,
    /// The last user that was looked at; `None`: there are no more.
    pub last: Option<UserId>,
}

/// What is old enough to be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forgettable {
    /// Deliveries that were last told before this (those that were never told: whose event is older).
    pub untold_since: Timestamp,
    /// Outcomes of attempts that were kept before this.
    pub attempted_before: Timestamp,
    /// Revocations of tokens that had ended by now.
    pub now: Timestamp,
}

/// A store that several nodes share.
#[async_trait]
pub trait UpkeepStore: Send + Sync {
    /// The store's own clock: one for all nodes, however wrong theirs are.
    async fn now(&self) -> Result<Timestamp, StoreError>;

    /// Gives a duty to `node` until `until`, if at `now` it is the node's own or nobody's; whether it was.
    async fn take_duty(&self, duty: Duty, node: NodeId, now: Timestamp, until: Timestamp) -> Result<bool, StoreError>;

    /// How much is to be done. Purges count as overdue that were due before `overdue_since`.
    async fn backlog(&self, overdue_since: Timestamp, now: Timestamp) -> Result<Backlog, StoreError>;

    /// Removes what may be forgotten; how many rows.
    async fn prune(&self, what: Forgettable) -> Result<u64, StoreError>;

    /// Gives the revisions of the next `limit` users behind `after`, by id, other numbers: all that was counted of a user, preferences and changes,
    /// moves by [`lethe_domain::change::renumbering_distance`]. Erased users are left alone. Nobody MUST see a part of it.
    async fn renumber(&self, after: Option<UserId>, limit: u32, beginning: Revision) -> Result<Renumbered, StoreError>;

    /// Looks at the logs of the next `limit` users behind `after`, by id: which of them have more than `max_changes` changes, or one from before
    /// `young_since`.
    async fn overgrown_logs(&self, after: Option<UserId>, limit: u32, max_changes: u64, young_since: Timestamp) -> Result<LogScan, StoreError>;
}
