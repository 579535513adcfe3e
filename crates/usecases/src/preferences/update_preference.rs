//! Changing a preference: its value, its key, or both.

use crate::Lethe;
use crate::retry::TRIES;
use lethe_domain::access::{Act, Operation};
use lethe_domain::id::{PreferenceId, UserId};
use lethe_domain::preference::{Preference, PreferenceUpdate};
use lethe_ports::Caller;
use lethe_ports::inbound::PreferenceError;
use lethe_ports::outbound::{AccountStore, PreferenceStore, PreferenceStoreError, StoreError};

impl<S: PreferenceStore + AccountStore> Lethe<S> {
    pub(crate) async fn update_preference(
        &self,
        caller: &Caller,
        owner: UserId,
        id: PreferenceId,
        update: PreferenceUpdate,
    ) -> Result<Preference, PreferenceError> {
        let act = Act::on(Operation::Update, owner);
        for _ in 0..TRIES {
            let reach = self.reach(caller, owner, id, &act).await?;
            if let Some(key) = update.key() {
                self.permit(caller, &act.with_key(key))?;
            }
            match self.store.update(&reach.fence, id, reach.expected(), update.clone(), self.stamp(caller), &self.policy.limits).await {
                Ok(updated) => return Ok(updated),
                Err(PreferenceStoreError::Changed) => {}
                Err(error) => return Err(self.refusal(caller, &act, error).await),
            }
        }
        Err(StoreError::Contention("the preference keeps changing".into()).into())
    }
}
