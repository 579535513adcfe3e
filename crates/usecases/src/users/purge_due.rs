//! Hard deleting soft deleted accounts whose time has come.
//!
//! One node at a time does this for all, but nothing depends on it: the locked account decides, and a purge that was scheduled for an
//! earlier deletion does nothing.

use super::delete_user::carry_out;
use crate::Lethe;
use crate::announce::Announcer;
use lethe_domain::account::PurgeError;
use lethe_domain::id::NodeId;
use lethe_ports::inbound::{Deletion, Work};
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
        let mut failure = None;
        for order in due {
            // One that fails does not keep the others from being purged; it is still due the next time.
            failure = self.purge(order).await.err().or(failure);
        }
        failure.map_or(Ok(Work::Done), Err)
    }

    async fn purge(&self, order: DuePurge) -> Result<(), StoreError> {
        let announcer = self.announcer(None);
        let purged: Option<Deletion> = {
            let announcer = announcer.clone();
            self.store.transact(move |tx| Box::pin(async move { purge(tx, order, &announcer).await })).await?
        };
        if let Some(deletion) = purged {
            self.finish_at_once(deletion, &announcer).await;
        }
        Ok(())
    }
}

/// Purges an account, unless somebody was faster: it was restored, deleted anew, or is held.
async fn purge(tx: &mut dyn Tx, order: DuePurge, announcer: &Announcer) -> Result<Option<Deletion>, StoreError> {
    let Some(before) = tx.account_for_update(order.user).await? else { return Ok(None) };
    let (now, holds) = (tx.now().await?, tx.holds(order.user).await?);
    match before.purge(order.epoch, now, &holds) {
        Ok(after) => carry_out(tx, &before, after, announcer, now).await.map(Some),
        Err(PurgeError::NotDue | PurgeError::OnHold) => Ok(None),
    }
}
