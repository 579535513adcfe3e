//! Following a user's changes as they happen.

use super::KeyedError;
use crate::caller::Caller;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use lethe_domain::change::Change;
use lethe_domain::id::{Revision, UserId};

/// Something that whoever follows is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedEvent {
    /// Something changed. Each change is told once, in order.
    Change(Change),
    /// What happened in between is not known: the set as it is now has to be read. Changes after this revision follow.
    Resync(Revision),
    /// There is nothing more to be told.
    End(FeedEnd),
}

/// Why there is nothing more to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedEnd {
    /// The follower's token is not honoured any more.
    Token,
    /// The user is deleted.
    Deleted,
}

/// Where changes can be followed. The caller must be the owner or an admin.
#[async_trait]
pub trait ChangeFeed: Send + Sync {
    /// Follows the changes after `since`, or after now. The stream ends with [`FeedEvent::End`], if at all.
    async fn watch(&self, caller: &Caller, owner: UserId, since: Option<Revision>) -> Result<BoxStream<'static, FeedEvent>, KeyedError>;
}
