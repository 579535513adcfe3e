//! Giving revisions other numbers, when a store is not the one any more that clients remember revisions of: its backup was played back, or its
//! content came from another one. The same numbers would come again, for other changes.

use crate::Lethe;
use crate::retry::on_contention;
use lethe_domain::id::Revision;
use lethe_ports::outbound::{Renumbered, StoreError, UpkeepStore};

/// Users whose revisions change in one go: who writes to them meanwhile waits for that.
const USERS_AT_ONCE: u32 = 20;

impl<S: UpkeepStore> Lethe<S> {
    pub(crate) async fn renumber_all(&self) -> Result<u64, StoreError> {
        let beginning = Revision::beyond_all_before(self.store.now().await?);
        let (mut all, mut after) = (0, None);
        loop {
            let Renumbered { users, last } = match self.store.renumber(after, USERS_AT_ONCE, beginning).await {
                // Somebody writes to one of them, who need not be in the others' way.
                Err(StoreError::Contention(_)) => on_contention(|| self.store.renumber(after, 1, beginning)).await?,
                done => done?,
            };
            all += users;
            if last.is_none() {
                return Ok(all);
            }
            after = last;
        }
    }
}
