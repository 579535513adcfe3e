//! Removing a preference.

use super::locked_refusal;
use crate::Lethe;
use crate::once::Once;
use crate::retry::TRIES;
use lethe_domain::access::{Act, Operation};
use lethe_domain::id::{PreferenceId, UserId};
use lethe_domain::precondition::Precondition;
use lethe_ports::Caller;
use lethe_ports::inbound::PreferenceError;
use lethe_ports::outbound::{AccountStore, PreferenceStore, PreferenceStoreError, Store, StoreError};

impl<S: PreferenceStore + Store + AccountStore> Lethe<S> {
    pub(crate) async fn delete_preference(&self, caller: &Caller, owner: UserId, id: PreferenceId, precondition: Precondition) -> Result<(), PreferenceError> {
        let act = Act::on(Operation::Delete, owner);
        if caller.retry.is_some() {
            return self.delete_preference_once(caller, owner, id, precondition).await;
        }
        for _ in 0..TRIES {
            let reach = self.reach(caller, owner, id, &act, &precondition).await?;
            match self.store.delete(&reach.fence, id, reach.expected(), self.stamp(caller)).await {
                Ok(_) => {
                    self.touched(owner);
                    return Ok(());
                }
                Err(PreferenceStoreError::Changed) => {}
                Err(error) => return Err(self.refusal(caller, &act, error).await),
            }
        }
        Err(StoreError::Contention("the preference keeps changing".into()).into())
    }

    async fn delete_preference_once(&self, caller: &Caller, owner: UserId, id: PreferenceId, precondition: Precondition) -> Result<(), PreferenceError> {
        self.permit_by_id(caller, owner, Operation::Delete).await?;
        self.once(Once::new(caller, owner), || {
            let (precondition, write) = (precondition.clone(), self.locked_write(caller, owner));
            move |tx| {
                Box::pin(async move {
                    write.find(tx, id, Operation::Delete, &precondition).await?;
                    tx.delete_preference(owner, id, write.stamp).await.map(drop).map_err(locked_refusal)
                })
            }
        })
        .await?;
        self.touched(owner);
        Ok(())
    }
}
