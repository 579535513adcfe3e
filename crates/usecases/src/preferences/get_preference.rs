//! Reading one preference.

use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::id::{PreferenceId, UserId};
use lethe_domain::precondition::Precondition;
use lethe_domain::preference::Preference;
use lethe_ports::Caller;
use lethe_ports::inbound::PreferenceError;
use lethe_ports::outbound::{AccountStore, PreferenceStore};

impl<S: PreferenceStore + AccountStore> Lethe<S> {
    pub(crate) async fn get_preference(&self, caller: &Caller, owner: UserId, id: PreferenceId) -> Result<Preference, PreferenceError> {
        let act = Act::on(Operation::Read, owner);
        let reach = self.reach(caller, owner, id, &act, &Precondition::NONE).await?;
        if let Some(seen) = reach.seen {
            return Ok(seen);
        }
        match self.store.get(&reach.fence, id).await {
            Ok(preference) => Ok(preference),
            Err(error) => Err(self.refusal(caller, &act, error).await),
        }
    }
}
