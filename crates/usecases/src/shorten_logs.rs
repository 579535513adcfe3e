//! Letting change logs begin later, so that they do not grow for ever.

use crate::Lethe;
use lethe_domain::change::LogExtent;
use lethe_domain::id::{NodeId, Revision, UserId};
use lethe_ports::outbound::{Duty, Store, StoreError, Tx, UpkeepStore};
use std::time::Duration;

/// Users whose logs are looked at in one go.
const USERS_AT_ONCE: u32 = 500;

/// Changes that are forgotten in one transaction, about: who writes meanwhile waits for that.
const CHANGES_AT_ONCE: i64 = 2_000;

/// How long one node looks through the logs before another one may take over.
const LEASE: Duration = Duration::from_mins(1);

impl<S: Store + UpkeepStore> Lethe<S> {
    pub(crate) async fn shorten_next_logs(&self, node: NodeId, after: Option<UserId>) -> Result<Option<UserId>, StoreError> {
        let now = self.store.now().await?;
        if !self.store.take_duty(Duty::Shorten, node, now, now.after(LEASE)).await? {
            return Ok(None);
        }
        let retention = self.policy.retention;
        let scan = self.store.overgrown_logs(after, USERS_AT_ONCE, retention.max_changes, now.before(retention.max_age)).await?;
        for log in &scan.overgrown {
            match self.shorten(log, retention.beginning(log)).await {
                // Somebody is writing there. It is this log's turn again, and the others need not wait for it.
                Ok(()) | Err(StoreError::Contention(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(scan.last)
    }

    /// A part at a time.
    async fn shorten(&self, log: &LogExtent, beginning: Revision) -> Result<(), StoreError> {
        let owner = log.owner;
        let mut reached = log.begins_after;
        while reached < beginning {
            let next = Revision::new((reached.get() + CHANGES_AT_ONCE).min(beginning.get()));
            self.store.transact(move |tx| Box::pin(async move { begin_later(tx, owner, next).await })).await?;
            reached = next;
        }
        Ok(())
    }
}

async fn begin_later(tx: &mut dyn Tx, owner: UserId, beginning: Revision) -> Result<(), StoreError> {
    tx.account_for_update(owner).await?;
    let standing = tx.standing(owner).await?;
    // Whoever was erased meanwhile has begun anew.
    if standing.log_begins_after < beginning && beginning <= standing.revision {
        tx.shorten_log(owner, beginning).await?;
    }
    Ok(())
}
