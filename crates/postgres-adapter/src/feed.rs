//! What nodes tell each other of changes: `NOTIFY` on one channel, with the ids of owners. It is sent after the commit, by whoever wrote, and for
//! many writes at once: in the writing transaction it would make all of them commit one after the other.

use crate::PgStore;
use crate::connection::Patience;
use crate::error::Failure;
use crate::row::AccountRow;
use crate::schema::users;
use crate::statement::statement;
use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use lethe_domain::account::Account;
use lethe_domain::{Revision, UserId};
use lethe_ports::outbound::{FeedStore, Hint, Position, StoreError};
use std::pin::pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

const LISTEN: &str = "LISTEN lethe_changes";

/// Ids in one notification: the server takes 8,000 bytes, and an id has 19 digits at the most.
const OWNERS_AT_ONCE: usize = 390;

/// Hints that may wait. What does not fit is told as [`Hint::Anything`].
const WAITING_HINTS: usize = 256;

/// How long a server that lets nobody listen is left alone.
const PAUSE: Duration = Duration::from_secs(1);

statement! {
    NotifyChanges<'a> = "sql/notify_changes.sql" {
        owners: Text = &'a str,
    }
}

#[async_trait]
impl FeedStore for PgStore {
    async fn positions(&self, owners: &[UserId]) -> Result<Vec<Position>, StoreError> {
        let ids: Vec<_> = owners.iter().map(|owner| owner.get()).collect();
        let query = users::table.filter(users::id.eq_any(&ids)).select((AccountRow::as_select(), users::revision));
        let rows: Vec<(AccountRow, i64)> = self.lease(Patience::Short).await?.rows(query).await?;
        rows.into_iter().map(|(account, revision)| Ok(Position { account: Account::try_from(account)?, revision: Revision::new(revision) })).collect()
    }

    fn hints(&self) -> BoxStream<'static, Hint> {
        let (sender, receiver) = mpsc::channel(WAITING_HINTS);
        tokio::spawn(listen(self.clone(), sender));
        stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|hint| (hint, receiver)) }).boxed()
    }

    async fn hint(&self, owners: &[UserId]) -> Result<(), StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        for owners in owners.chunks(OWNERS_AT_ONCE) {
            let owners: Vec<_> = owners.iter().map(ToString::to_string).collect();
            lease.execute(NotifyChanges { owners: &owners.join(",") }).await?;
        }
        Ok(())
    }
}

/// Listens until nobody wants to hear any more, on a connection of its own, and on another one when that breaks.
async fn listen(store: PgStore, hints: mpsc::Sender<Hint>) {
    while !hints.is_closed() {
        if let Err(failure) = listen_once(&store, &hints).await {
            tracing::debug!(?failure, "nobody tells of changes for the moment; they are looked for");
        }
        sleep(PAUSE).await;
    }
}

async fn listen_once(store: &PgStore, hints: &mpsc::Sender<Hint>) -> Result<(), Failure> {
    let mut connection: AsyncPgConnection = store.0.target.connect().await.map_err(|error| Failure::Unreachable(error.to_string()))?;
    connection.batch_execute(LISTEN).await?;
    // What was told before somebody listened is lost.
    let mut lost = hints.try_send(Hint::Anything).is_err();
    let mut notifications = pin!(connection.notifications_stream());
    loop {
        let notification = tokio::select! {
            notification = notifications.next() => notification,
            () = hints.closed() => return Ok(()),
        };
        let Some(notification) = notification else { return Ok(()) };
        let hint = if lost { Hint::Anything } else { Hint::Owners(owners(&notification?.payload)) };
        lost = hints.try_send(hint).is_err();
    }
}

fn owners(payload: &str) -> Vec<UserId> {
    payload.split(',').filter_map(UserId::parse).collect()
}
