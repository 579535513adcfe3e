//! How a node learns that something has changed, wherever that was done.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use lethe_domain::account::Account;
use lethe_domain::id::{Revision, UserId};

use super::StoreError;

/// Where an owner stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The owner's account.
    pub account: Account,
    /// The revision of the last change to its preferences.
    pub revision: Revision,
}

/// That something may have changed. The log alone is the truth: a hint can be lost, and can come for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// Something of these owners.
    Owners(Vec<UserId>),
    /// Hints may have been lost: anything.
    Anything,
}

/// A store whose changes can be followed.
#[async_trait]
pub trait FeedStore: Send + Sync {
    /// Where these owners stand. Those that never existed are left out.
    async fn positions(&self, owners: &[UserId]) -> Result<Vec<Position>, StoreError>;

    /// Hints from other nodes, as long as somebody listens. Never ends by itself, whatever becomes of the connection to the store.
    fn hints(&self) -> BoxStream<'static, Hint>;

    /// Gives other nodes a hint. Failing is no harm.
    async fn hint(&self, owners: &[UserId]) -> Result<(), StoreError>;
}
