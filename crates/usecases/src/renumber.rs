//! Giving revisions other numbers, when a store is not the one any more that clients remember revisions of: its backup was played back, or its
//! content came from another one. The same numbers would come again, for other changes.

use crate::Lethe;
use crate::retry::on_contention;
use lethe_domain::id::Revision;
use lethe_ports::outbound::{Renumbered, StoreError, UpkeepStore};

/// Users whose revisions change in one go: who writes to them meanwhile waits for that.
const USERS_AT_ONCE: u32 = 100;

impl<S: UpkeepStore> Lethe<S> {
    pub(crate) async fn renumber_all(&self) -> Result<u64, StoreError> {
        let beginning = Revision::beyond_all_before(self.store.now().await?);
        let (mut all, mut after) = (0, None);
        loop {
            let Renumbered { users, last } = on_contention(|| self.store.renumber(after, USERS_AT_ONCE, beginning)).await?;
            all += users;
            if last.is_none() {
                return Ok(all);
            }
            after = last;
        }
    }
}
