//! Adding a preference.

use super::locked_refusal;
use crate::Lethe;
use crate::once::Once;
use lethe_domain::access::{Act, Operation};
use lethe_domain::id::UserId;
use lethe_domain::preference::{NewPreference, Preference};
use lethe_ports::Caller;
use lethe_ports::inbound::PreferenceError;
use lethe_ports::outbound::{AccountStore, PreferenceStore, Store};

impl<S: PreferenceStore + Store + AccountStore> Lethe<S> {
    pub(crate) async fn create_preference(&self, caller: &Caller, owner: UserId, new: NewPreference) -> Result<Preference, PreferenceError> {
        let key = new.key.clone();
        let act = Act::on(Operation::Create, owner).with_key(&key);
        let fence = self.fence(caller, owner, &act).await?;
        if caller.retry.is_some() {
            return self.create_preference_once(caller, owner, new).await;
        }
        match self.store.create(&fence, new, self.stamp(caller), &self.policy.limits).await {
            Ok(created) => {
                self.touched(owner);
                Ok(created)
            }
            Err(error) => Err(self.refusal(caller, &act, error).await),
        }
    }

    async fn create_preference_once(&self, caller: &Caller, owner: UserId, new: NewPreference) -> Result<Preference, PreferenceError> {
        let created = self
            .once(Once::new(caller, owner), || {
                let (new, write) = (new.clone(), self.locked_write(caller, owner));
                move |tx| {
                    Box::pin(async move {
                        write.lock(tx).await?;
                        tx.create_preference(owner, new, write.stamp, &write.limits).await.map_err(locked_refusal)
                    })
                }
            })
            .await?;
        self.touched(owner);
        Ok(self.told(caller, Operation::Create, created)?)
    }
}
