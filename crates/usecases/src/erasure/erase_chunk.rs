//! Removing one chunk of what an erased user left behind.
//!
//! Whoever works on an erasure holds its lease; the chunk, its count, its cursor and the lease are one transaction, so that a node that
//! dies, or is overtaken, has done a chunk entirely or not at all.

use super::advance;
use crate::Lethe;
use crate::announce::Announcer;
use lethe_domain::erasure::Erasure;
use lethe_domain::hold::{Hold, any_in_force};
use lethe_domain::id::{NodeId, UserId};
use lethe_domain::time::Timestamp;
use lethe_ports::inbound::Work;
use lethe_ports::outbound::{ErasureStore, Store, StoreError, Tx, UpkeepStore};
use std::time::Duration;

/// Rows of a chunk: so few that whoever waits for the store meanwhile hardly notices.
const CHUNK: u32 = 1_000;
/// For how long nobody else touches an erasure after a chunk: longer than a chunk takes, and no longer than one may wait for another node
/// when this one dies. Should a chunk take longer after all, the row's lock and the claim keep it whole.
const LEASE: Duration = Duration::from_secs(5);
/// How long an erasure rests after a failure.
const PAUSE: Duration = Duration::from_secs(5);
/// How long one rests that is on hold, unless the hold is over or lifted before.
const HOLD_PAUSE: Duration = Duration::from_mins(1);

impl<S: Store + ErasureStore + UpkeepStore> Lethe<S> {
    pub(crate) async fn erase_chunk(&self, node: NodeId) -> Result<Work, StoreError> {
        let now = self.store.now().await?;
        let Some(user) = self.store.due_erasures(node, now, 1).await?.pop() else { return Ok(Work::Nothing) };
        self.count_before_beginning(user, node).await?;
        let announcer = self.announcer(None);
        let erased = self.store.transact(move |tx| Box::pin(async move { erase(tx, user, node, now, &announcer).await })).await;
        if let Err(error) = erased {
            self.interrupt(user, &error, now).await;
            return Err(error);
        }
        Ok(Work::Done)
    }

    /// Counts what there is, once for each node that takes the erasure up. Nothing depends on the count, so an account that is too large to be
    /// counted in time is erased uncounted.
    async fn count_before_beginning(&self, user: UserId, node: NodeId) -> Result<(), StoreError> {
        let known = self.store.erasure(user).await?;
        if known.is_some_and(|erasure| erasure.is_uncounted() && erasure.lease.holder != Some(node)) {
            let counted: Result<(), StoreError> = self.store.transact(move |tx| Box::pin(async move { count(tx, user).await })).await;
            // An error that lasts is met again by the chunk, and told there.
            drop(counted);
        }
        Ok(())
    }

    /// Keeps why it does not go on, for whoever looks; as the store is, that may fail too.
    async fn interrupt(&self, user: UserId, error: &StoreError, now: Timestamp) {
        let reason = match error {
            StoreError::Unavailable(_) => "the store was unavailable",
            StoreError::Contention(_) => "other writers were in the way",
            StoreError::Failed(_) => "the store failed",
        };
        let kept: Result<(), StoreError> = self
            .store
            .transact(move |tx| {
                Box::pin(async move {
                    match tx.erasure_for_update(user).await? {
                        Some(erasure) if erasure.finished_at.is_none() => tx.save_erasure(&erasure.interrupt(reason, now, PAUSE)).await,
                        Some(_) | None => Ok(()),
                    }
                })
            })
            .await;
        drop(kept);
    }
}

async fn count(tx: &mut dyn Tx, user: UserId) -> Result<(), StoreError> {
    let left = tx.tally(user).await?;
    let Some(mut erasure) = tx.erasure_for_update(user).await? else { return Ok(()) };
    erasure.count(&left);
    tx.save_erasure(&erasure).await
}

/// The user is locked first, as by everyone: so a hold is either seen here, or placed after this chunk.
async fn erase(tx: &mut dyn Tx, user: UserId, node: NodeId, now: Timestamp, announcer: &Announcer) -> Result<(), StoreError> {
    tx.account_for_update(user).await?;
    let Some(erasure) = tx.erasure_for_update(user).await? else { return Ok(()) };
    // Another node may have been faster.
    let Some(claimed) = erasure.clone().claim(node, now, LEASE) else { return Ok(()) };
    let holds = tx.holds(user).await?;
    if any_in_force(&holds, now) {
        return tx.save_erasure(&stopped(erasure, &holds, now)).await;
    }
    let (_, end) = advance(tx, claimed, CHUNK, now).await?;
    announcer.announce(tx, end.as_slice()).await
}

/// The erasure as holds leave it. It is looked at again when the last of them is over.
pub(crate) fn stopped(erasure: Erasure, holds: &[Hold], now: Timestamp) -> Erasure {
    let ends = holds.iter().filter(|hold| hold.is_in_force(now)).map(|hold| hold.terms.expires_at.unwrap_or_else(|| now.after(HOLD_PAUSE)));
    let pause = ends.max().map_or(HOLD_PAUSE, |end| end.since(now).min(HOLD_PAUSE));
    erasure.block(now, pause)
}
