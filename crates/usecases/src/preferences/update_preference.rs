//! Changing a preference: its value, its key, or both.

use super::locked_refusal;
use crate::Lethe;
use crate::once::Once;
use crate::retry::TRIES;
use lethe_domain::access::{Act, Operation};
use lethe_domain::id::{PreferenceId, UserId};
use lethe_domain::precondition::Precondition;
use lethe_domain::preference::{Preference, PreferenceUpdate};
use lethe_ports::Caller;
use lethe_ports::inbound::PreferenceError;
use lethe_ports::outbound::{AccountStore, PreferenceStore, PreferenceStoreError, Store, StoreError};

impl<S: PreferenceStore + Store + AccountStore> Lethe<S> {
    pub(crate) async fn update_preference(
        &self,
        caller: &Caller,
        owner: UserId,
        id: PreferenceId,
        update: PreferenceUpdate,
        precondition: Precondition,
    ) -> Result<Preference, PreferenceError> {
        let act = Act::on(Operation::Update, owner);
        if caller.retry.is_some() {
            return self.update_preference_once(caller, owner, id, update, precondition).await;
        }
        for _ in 0..TRIES {
            let reach = self.reach(caller, owner, id, &act, &precondition).await?;
            if let Some(key) = update.key() {
                self.permit(caller, &act.with_key(key))?;
            }
            match self.store.update(&reach.fence, id, reach.expected(), update.clone(), self.stamp(caller), &self.policy.limits).await {
                Ok(updated) => {
                    self.touched(owner);
                    return Ok(updated);
                }
                Err(PreferenceStoreError::Changed) => {}
                Err(error) => return Err(self.refusal(caller, &act, error).await),
            }
        }
        Err(StoreError::Contention("the preference keeps changing".into()).into())
    }

    async fn update_preference_once(
        &self,
        caller: &Caller,
        owner: UserId,
        id: PreferenceId,
        update: PreferenceUpdate,
        precondition: Precondition,
    ) -> Result<Preference, PreferenceError> {
        self.permit_by_id(caller, owner, Operation::Update).await?;
        if let Some(key) = update.key() {
            self.permit(caller, &Act::on(Operation::Update, owner).with_key(key))?;
        }
        let updated = self
            .once(Once::new(caller, owner), || {
                let (update, precondition, write) = (update.clone(), precondition.clone(), self.locked_write(caller, owner));
                move |tx| {
                    Box::pin(async move {
                        write.find(tx, id, Operation::Update, &precondition).await?;
                        tx.update_preference(owner, id, update, write.stamp, &write.limits).await.map_err(locked_refusal)
                    })
                }
            })
            .await?;
        self.touched(owner);
        Ok(self.told(caller, Operation::Update, updated)?)
    }
}
