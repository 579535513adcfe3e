//! What an offline copy asks of the service.

use crate::chance::IdempotencyKey;
use crate::client::{Client, unexpected};
use crate::error::Error;
use crate::model::{Changes, Item, Revision, Snapshot};
use crate::operation::{Operation, Outcome};
use crate::watch::{Since, WatchEvent};
use async_trait::async_trait;
use futures_util::stream::{BoxStream, StreamExt};

/// What became of an edit.
#[derive(Debug)]
pub(super) enum Sent {
    /// It was made; the revision of the preference, if there is one now.
    Made(Option<Revision>),
    /// The preference is no longer what the edit was made upon, but this.
    Conflict(Option<Item>),
    /// It can never be made.
    Refused(Error),
}

#[async_trait]
pub(super) trait Remote: Send + Sync {
    async fn changes(&self, since: Revision) -> Result<Changes, Error>;
    async fn snapshot(&self) -> Result<Snapshot, Error>;
    /// Makes an edit. Under one name it MUST be made once, however often it is sent.
    async fn send(&self, operation: Operation, name: &IdempotencyKey) -> Result<Sent, Error>;
    fn watch(&self, since: Revision) -> BoxStream<'static, Result<WatchEvent, Error>>;
}

#[async_trait]
impl Remote for Client {
    async fn changes(&self, since: Revision) -> Result<Changes, Error> {
        Self::changes(self, since).await
    }

    async fn snapshot(&self) -> Result<Snapshot, Error> {
        Self::snapshot(self).await
    }

    async fn send(&self, operation: Operation, name: &IdempotencyKey) -> Result<Sent, Error> {
        match self.apply(operation, name).await {
            Ok(Outcome::Created(revision) | Outcome::Written(revision)) => Ok(Sent::Made(Some(revision))),
            // What was to be removed is gone, whoever did it.
            Ok(Outcome::Deleted) | Err(Error::NotFound(_)) => Ok(Sent::Made(None)),
            Ok(outcome) => Err(unexpected(&outcome)),
            Err(Error::PreconditionFailed { current, .. }) => Ok(Sent::Conflict(current.map(|item| *item))),
            Err(error) if error.refuses_the_content() => Ok(Sent::Refused(error)),
            Err(error) => Err(error),
        }
    }

    fn watch(&self, since: Revision) -> BoxStream<'static, Result<WatchEvent, Error>> {
        Self::watch(self, Since::Revision(since)).boxed()
    }
}
