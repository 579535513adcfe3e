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
use lethe_domain::manifest::Tally;
use lethe_domain::time::Timestamp;
use lethe_ports::inbound::Work;
use lethe_ports::outbound::{ErasureStore, Store, StoreError, Tx, UpkeepStore};
use std::time::Duration;

/// Erasures that are looked at before it is given up for the moment.
const CANDIDATES: u32 = 4;
/// Rows of a chunk: so few that whoever waits for the store meanwhile hardly notices.
const CHUNK: u32 = 1_000;
/// For how long nobody else touches an erasure after a chunk: longer than a chunk takes, and no longer than one may wait for another node
/// when this one dies. Should a chunk take longer after all, the row's lock and the claim keep it whole.
pub(crate) const LEASE: Duration = Duration::from_secs(5);
/// How long an erasure rests after a failure.
const PAUSE: Duration = Duration::from_secs(5);
/// How long one rests that is on hold, unless the hold is over or lifted before.
const HOLD_PAUSE: Duration = Duration::from_mins(1);

impl<S: Store + ErasureStore + UpkeepStore> Lethe<S> {
    pub(crate) async fn erase_chunk(&self, node: NodeId) -> Result<Work, StoreError> {
        let due = self.store.due_erasures(node, self.store.now().await?, CANDIDATES).await?;
        let mut outcome = Ok(Work::Nothing);
        for user in due {
            outcome = self.erase_chunk_of(user, node).await;
            // One that cannot go on does not keep the others from it.
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    async fn erase_chunk_of(&self, user: UserId, node: NodeId) -> Result<Work, StoreError> {
        self.count_before_beginning(user, node).await?;
        let announcer = self.announcer(None);
        let erased: Result<Option<Erasure>, StoreError> =
            self.store.transact(move |tx| Box::pin(async move { erase(tx, user, node, CHUNK, &announcer).await })).await;
        match erased {
            Ok(_) => Ok(Work::Done),
            Err(error) => {
                self.interrupt(user, &error).await;
                Err(error)
            }
        }
    }

    /// Counts what there is, once for each node that takes the erasure up. Nothing depends on the count, so an account that is too large to be
    /// counted in time is erased uncounted.
    async fn count_before_beginning(&self, user: UserId, node: NodeId) -> Result<(), StoreError> {
        let known = self.store.erasure(user).await?;
        if known.is_none_or(|erasure| !erasure.is_uncounted() || erasure.lease.holder == Some(node)) {
            return Ok(());
        }
        // An error that lasts is met again by the chunk, and told there.
        if let Ok(left) = self.store.tally(user).await {
            let counted: Result<(), StoreError> = self.store.transact(move |tx| Box::pin(async move { count(tx, user, &left).await })).await;
            drop(counted);
        }
        Ok(())
    }

    /// Keeps why it does not go on, for whoever looks; as the store is, that may fail too.
    async fn interrupt(&self, user: UserId, error: &StoreError) {
        let reason = match error {
            StoreError::Unavailable(_) => "the store was unavailable",
            StoreError::Contention(_) => "other writers were in the way",
            StoreError::Failed(_) => "the store failed",
        };
        let kept: Result<(), StoreError> = self
            .store
            .transact(move |tx| {
                Box::pin(async move {
                    let now = tx.now().await?;
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

async fn count(tx: &mut dyn Tx, user: UserId, left: &Tally) -> Result<(), StoreError> {
    let Some(mut erasure) = tx.erasure_for_update(user).await? else { return Ok(()) };
    erasure.count(left);
    tx.save_erasure(&erasure).await
}

/// Removes at most `budget` rows of what a user left behind, if `node` may, and returns how far that is then.
///
/// The user is locked first, as by everyone: so a hold is either seen here, or placed after this chunk.
pub(crate) async fn erase(tx: &mut dyn Tx, user: UserId, node: NodeId, budget: u32, announcer: &Announcer) -> Result<Option<Erasure>, StoreError> {
    tx.account_for_update(user).await?;
    let now = tx.now().await?;
    let Some(erasure) = tx.erasure_for_update(user).await? else { return Ok(None) };
    // Another node may have been faster.
    let Some(claimed) = erasure.clone().claim(node, now, LEASE) else { return Ok(None) };
    let holds = tx.holds(user).await?;
    if any_in_force(&holds, now) {
        let stopped = stopped(erasure, &holds, now);
        tx.save_erasure(&stopped).await?;
        return Ok(Some(stopped));
    }
    let (advanced, end) = advance(tx, claimed, budget, now).await?;
    announcer.announce(tx, end.as_slice()).await?;
    Ok(Some(advanced))
}

/// The erasure as holds leave it. It is looked at again when the last of them is over.
pub(crate) fn stopped(erasure: Erasure, holds: &[Hold], now: Timestamp) -> Erasure {
    let ends = holds.iter().filter(|hold| hold.is_in_force(now)).map(|hold| hold.terms.expires_at.unwrap_or_else(|| now.after(HOLD_PAUSE)));
    let pause = ends.max().map_or(HOLD_PAUSE, |end| end.since(now).min(HOLD_PAUSE));
    erasure.block(now, pause)
}
