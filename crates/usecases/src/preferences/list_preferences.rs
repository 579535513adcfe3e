//! Reading a page of preferences.

use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::id::UserId;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::preference::Preference;
use lethe_ports::Caller;
use lethe_ports::inbound::{KeyFilter, PreferenceError};
use lethe_ports::outbound::{AccountStore, PreferenceStore};

impl<S: PreferenceStore + AccountStore> Lethe<S> {
    pub(crate) async fn list_preferences(
        &self,
        caller: &Caller,
        owner: UserId,
        filter: KeyFilter,
        page: PageRequest,
    ) -> Result<Page<Preference>, PreferenceError> {
        let anything = Act::on(Operation::Read, owner);
        let (act, key) = match &filter {
            KeyFilter::Exactly(key) => (anything.with_key(key), Some(key.clone())),
            KeyFilter::All => (anything, None),
            KeyFilter::Nothing => {
                self.check(caller, &anything).await?;
                return Ok(Page { count: 0, items: Vec::new() });
            }
        };
        let fence = self.fence(caller, owner, &act).await?;
        match self.store.list(&fence, key, page).await {
            Ok(listed) => Ok(listed),
            Err(error) => Err(self.refusal(caller, &act, error).await),
        }
    }
}
