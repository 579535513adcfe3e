//! Looking up what is to be erased, and how far it is.

use async_trait::async_trait;
use lethe_domain::erasure::{Erasure, ErasureState};
use lethe_domain::id::{NodeId, UserId};
use lethe_domain::manifest::Tally;
use lethe_domain::time::Timestamp;

use super::StoreError;

/// A soft deleted account whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct DuePurge {
    /// Whose it is.
    pub user: UserId,
    /// The deletion that gave it the date.
    pub epoch: i64,
}

/// Erasures and purges, for reading.
#[async_trait]
pub trait ErasureStore: Send + Sync {
    /// How much content of each kind names a user, as [`super::Tx::tally`] says, without a lock.
    async fn tally(&self, user: UserId) -> Result<Tally, StoreError>;

    /// The erasure of a user.
    async fn erasure(&self, user: UserId) -> Result<Option<Erasure>, StoreError>;

    /// Erasures in one of these states, by user from `after` on, at most `limit`.
    async fn erasures(&self, states: &[ErasureState], after: Option<UserId>, limit: u32) -> Result<Vec<Erasure>, StoreError>;

    /// Users whose erasure `node` may work on at `now`: it is open, and its lease is the node's own or over. Whoever waited longest comes
    /// first.
    async fn due_erasures(&self, node: NodeId, now: Timestamp, limit: u32) -> Result<Vec<UserId>, StoreError>;

    /// Accounts that fell due at `now` or before and on which no hold is in force, the longest due first.
    async fn due_purges(&self, now: Timestamp, limit: u32) -> Result<Vec<DuePurge>, StoreError>;
}
