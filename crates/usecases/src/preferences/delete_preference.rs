//! Removing a preference.

use crate::Lethe;
use crate::retry::TRIES;
use lethe_domain::access::{Act, Operation};
use lethe_domain::id::{PreferenceId, UserId};
use lethe_ports::Caller;
use lethe_ports::inbound::PreferenceError;
use lethe_ports::outbound::{AccountStore, PreferenceStore, PreferenceStoreError, StoreError};

impl<S: PreferenceStore + AccountStore> Lethe<S> {
    pub(crate) async fn delete_preference(&self, caller: &Caller, owner: UserId, id: PreferenceId) -> Result<(), PreferenceError> {
        let act = Act::on(Operation::Delete, owner);
        for _ in 0..TRIES {
            let reach = self.reach(caller, owner, id, &act).await?;
            match self.store.delete(&reach.fence, id, reach.expected(), self.stamp(caller)).await {
                Ok(()) => return Ok(()),
                Err(PreferenceStoreError::Changed) => {}
                Err(error) => return Err(self.refusal(caller, &act, error).await),
            }
        }
        Err(StoreError::Contention("the preference keeps changing".into()).into())
    }
}
