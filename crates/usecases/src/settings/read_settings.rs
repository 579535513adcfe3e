//! Reading the document.

use super::document;
use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::id::Revision;
use lethe_domain::settings::Document;
use lethe_ports::Caller;
use lethe_ports::inbound::SettingsError;
use lethe_ports::outbound::{AccountStore, PreferenceStore, PreferenceStoreError};

impl<S: PreferenceStore + AccountStore> Lethe<S> {
    pub(crate) async fn read_settings(&self, caller: &Caller) -> Result<(Revision, Document), SettingsError> {
        let owner = caller.actor.user;
        let act = Act::on(Operation::Read, owner);
        let fence = self.fence(caller, owner, &act).await?;
        match self.store.all(&fence).await {
            Ok(read) => Ok((read.revision, document(read.preferences))),
            Err(PreferenceStoreError::Refused) => Err(self.explain(caller, &act).await.into()),
            Err(error) => Err(super::refusal(error)),
        }
    }
}
