//! Reading the change log: what happened since, and what happened to one key.

use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::change::{Change, LogPage, Reach};
use lethe_domain::id::{Revision, UserId};
use lethe_domain::key::PreferenceKey;
use lethe_ports::Caller;
use lethe_ports::inbound::KeyedError;
use lethe_ports::outbound::{AccountStore, PreferenceStore};

impl<S: PreferenceStore + AccountStore> Lethe<S> {
    pub(crate) async fn list_changes(&self, caller: &Caller, owner: UserId, since: Revision, limit: u32) -> Result<LogPage, KeyedError> {
        let act = Act::on(Operation::Read, owner);
        let fence = self.fence(caller, owner, &act).await?;
        let page = match self.store.changes(&fence, since, limit).await {
            Ok(page) => page,
            Err(error) => return Err(self.keyed_refusal(caller, &act, error).await),
        };
        match Reach::of(since, page.begins_after, page.latest) {
            // Whoever is ahead sees by the present revision that something was lost here.
            Reach::Kept | Reach::Ahead => Ok(page),
            Reach::Forgotten => Err(KeyedError::Forgotten),
        }
    }

    pub(crate) async fn list_history(
        &self,
        caller: &Caller,
        owner: UserId,
        key: &PreferenceKey,
        before: Option<Revision>,
        limit: u32,
    ) -> Result<Vec<Change>, KeyedError> {
        let act = Act::on(Operation::Read, owner).with_key(key);
        let fence = self.fence(caller, owner, &act).await?;
        match self.store.history(&fence, key, before, limit).await {
            Ok(changes) => Ok(changes),
            Err(error) => Err(self.keyed_refusal(caller, &act, error).await),
        }
    }
}
