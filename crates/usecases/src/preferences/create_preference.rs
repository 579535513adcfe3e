//! Adding a preference.

use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::id::UserId;
use lethe_domain::preference::{NewPreference, Preference};
use lethe_ports::Caller;
use lethe_ports::inbound::PreferenceError;
use lethe_ports::outbound::{AccountStore, PreferenceStore};

impl<S: PreferenceStore + AccountStore> Lethe<S> {
    pub(crate) async fn create_preference(&self, caller: &Caller, owner: UserId, new: NewPreference) -> Result<Preference, PreferenceError> {
        let key = new.key.clone();
        let act = Act::on(Operation::Create, owner).with_key(&key);
        let fence = self.fence(caller, owner, &act).await?;
        match self.store.create(&fence, new, self.stamp(caller), &self.policy.limits).await {
            Ok(created) => Ok(created),
            Err(error) => Err(self.refusal(caller, &act, error).await),
        }
    }
}
