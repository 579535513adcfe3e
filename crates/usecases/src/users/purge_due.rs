//! Hard deleting soft deleted accounts whose time has come.
//!
//! One node at a time does this for all, but nothing depends on it: the locked account decides, and a purge that was scheduled for an
//! earlier deletion does nothing.

use super::delete_user::carry_out;
use crate::Lethe;
use crate::announce::Announcer;
use lethe_domain::id::NodeId;
use lethe_domain::time::Timestamp;
use lethe_ports::inbound::Work;
use lethe_ports::outbound::{DuePurge, Duty, ErasureStore, Store, StoreError, Tx, UpkeepStore};
use std::time::Duration;

/// Accounts that are purged before the duty is looked at again.
const BATCH: u32 = 50;
/// For how long one node does this. Others take over when it was not heard of for so long.
const TURN: Duration = Duration::from_secs(10);

impl<S: Store + ErasureStore + UpkeepStore> Lethe<S> {
    pub(crate) async fn purge_due(&self, node: NodeId) -> Result<Work, StoreError> {
        let now = self.store.now().await?;
        let due = self.store.due_purges(now, BATCH).await?;
        // To take a duty is a write, so it is not taken for nothing.
        if due.is_empty() || !self.store.take_duty(Duty::Purge, node, now, now.after(TURN)).await? {
            return Ok(Work::Nothing);
        }
        let announcer = self.announcer(None);
        let mut outcome = Ok(Work::Nothing);
        for purge_order in due {
            let announcer = announcer.clone();
            let purged: Result<(), StoreError> = self.store.transact(move |tx| Box::pin(async move { purge(tx, purge_order, now, &announcer).await })).await;
            // One that fails does not keep the others from being purged; it is still due the next time.
            outcome = purged.and(outcome.or(Ok(Work::Done))).map(|_| Work::Done);
        }
        outcome
    }
}

async fn purge(tx: &mut dyn Tx, order: DuePurge, now: Timestamp, announcer: &Announcer) -> Result<(), StoreError> {
    let Some(before) = tx.account_for_update(order.user).await? else { return Ok(()) };
    let holds = tx.holds(order.user).await?;
    match before.purge(order.epoch, now, &holds) {
        Ok(after) => carry_out(tx, &before, after, announcer, now).await.map(drop),
        // It was restored, deleted anew, or is held: somebody was faster than this purge.
        Err(_) => Ok(()),
    }
}
