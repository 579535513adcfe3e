//! Forgetting what nobody needs any more.

use crate::Lethe;
use lethe_domain::attempt::REMEMBERED_FOR;
use lethe_domain::id::NodeId;
use lethe_domain::webhook::KEPT_UNTOLD;
use lethe_ports::inbound::Work;
use lethe_ports::outbound::{Duty, Forgettable, StoreError, UpkeepStore};
use std::time::Duration;

/// How often it is worth while.
const EVERY: Duration = Duration::from_hours(1);

impl<S: UpkeepStore> Lethe<S> {
    pub(crate) async fn prune_settled(&self, node: NodeId) -> Result<Work, StoreError> {
        let now = self.store.now().await?;
        if !self.store.take_duty(Duty::Prune, node, now, now.after(EVERY)).await? {
            return Ok(Work::Nothing);
        }
        let what = Forgettable { untold_since: now.before(KEPT_UNTOLD), attempted_before: now.before(REMEMBERED_FOR), now };
        let pruned = self.store.prune(what).await?;
        Ok(if pruned > 0 { Work::Done } else { Work::Nothing })
    }
}
