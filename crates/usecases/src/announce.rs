//! Telling of what was done: to the endpoints that want to know, and to the audit log. All of it in the transaction of the deed itself.

use lethe_domain::audit::AuditAct;
use lethe_domain::event::Event;
use lethe_domain::id::UserId;
use lethe_domain::webhook::{Delivery, Subscription};
use lethe_ports::outbound::{StoreError, Tx};
use std::sync::Arc;

/// Tells of what one actor does.
#[derive(Debug, Clone)]
pub(crate) struct Announcer {
    pub(crate) subscriptions: Arc<[Subscription]>,
    /// Who does it; `None`: the service itself, or whoever runs it.
    pub(crate) actor: Option<UserId>,
}

impl Announcer {
    /// Tells of events. The last thing to do in a transaction: everyone who writes to the audit log waits for its end.
    pub(crate) async fn announce(&self, tx: &mut dyn Tx, events: &[Event]) -> Result<(), StoreError> {
        if !events.is_empty() && !self.subscriptions.is_empty() {
            let now = tx.now().await?;
            let deliveries: Vec<_> = Delivery::of(events, &self.subscriptions, now).collect();
            tx.insert_deliveries(&deliveries).await?;
        }
        log(tx, events.iter().map(|event| AuditAct::of_event(event, self.actor)).collect()).await
    }
}

/// Writes acts into the audit log. The last thing to do in a transaction.
pub(crate) async fn log(tx: &mut dyn Tx, acts: Vec<AuditAct>) -> Result<(), StoreError> {
    if acts.is_empty() {
        return Ok(());
    }
    let entries = tx.audit_head_for_update().await?.seal_all(acts);
    tx.append_audit(&entries).await
}
