//! What a running service does by itself. Every node may do all of it at any time.

use crate::outbound::{Revocations, StoreError, WebhookSender};
use async_trait::async_trait;
use lethe_domain::id::{NodeId, UserId};
use lethe_domain::time::Timestamp;
use lethe_domain::webhook::EndpointId;

/// Whether there was something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A part was done, and there may be more.
    Done,
    /// There is nothing to do at present.
    Nothing,
}

/// Upkeep.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Removes one chunk of what an erased user left behind.
    async fn erase(&self, node: NodeId) -> Result<Work, StoreError>;
    /// Hard deletes accounts that fell due.
    async fn purge(&self, node: NodeId) -> Result<Work, StoreError>;
    /// Tells one of the endpoints of `sender` of what it is still to be told. Each is told on its own, so that none waits for another.
    async fn deliver(&self, sender: &dyn WebhookSender, endpoint: &EndpointId) -> Result<Work, StoreError>;
    /// Lets change logs begin later that are too long or too old, of the next users behind `after`; the last that was looked at, if there are more.
    async fn shorten_logs(&self, node: NodeId, after: Option<UserId>) -> Result<Option<UserId>, StoreError>;
    /// Looks for changes of whom somebody follows.
    async fn look_for_changes(&self) -> Result<Work, StoreError>;
    /// Learns of changes as they are made, here and on other nodes, and tells whoever follows. Never ends by itself.
    async fn follow_changes(&self);
    /// Tells other nodes of changes that are made here. Never ends by itself.
    async fn tell_of_changes(&self);
    /// Forgets what nobody needs any more.
    async fn prune(&self, node: NodeId) -> Result<Work, StoreError>;
    /// Tokens that were revoked at `since` or later; all of them without it.
    async fn revocations(&self, since: Option<Timestamp>) -> Result<Revocations, StoreError>;
}
