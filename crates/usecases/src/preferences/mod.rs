//! Preferences, one by one: the hot path.

mod create_preference;
mod delete_preference;
mod get_preference;
mod list_preferences;
mod update_preference;

use crate::Lethe;
use lethe_domain::access::Act;
use lethe_domain::id::{PreferenceId, Revision, UserId};
use lethe_domain::preference::Preference;
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, PreferenceError};
use lethe_ports::outbound::{AccountStore, OwnerFence, PreferenceStore, PreferenceStoreError, StoreError};

/// A preference that the caller may act on.
struct Reach {
    fence: OwnerFence,
    /// What was seen, if it had to be looked at.
    seen: Option<Preference>,
}

impl Reach {
    /// The revision that the act is bound to, so that it hits what was seen or nothing.
    fn expected(&self) -> Option<Revision> {
        self.seen.as_ref().map(|seen| seen.revision)
    }
}

impl<S: PreferenceStore + AccountStore> Lethe<S> {
    /// Whether the caller may act on a preference that is named by its id. A token may be narrowed to keys: then the preference is looked
    /// at first. Otherwise nothing is looked up.
    async fn reach(&self, caller: &Caller, owner: UserId, id: PreferenceId, act: &Act<'_>) -> Result<Reach, PreferenceError> {
        if !caller.grant.depends_on_key() || !caller.actor.may(act) {
            return Ok(Reach { fence: self.fence(caller, owner, act).await?, seen: None });
        }
        let fence = self.fence_around(caller, owner, act.operation).await?;
        match self.store.get(&fence, id).await {
            Ok(seen) => {
                self.permit(caller, &act.with_key(&seen.key))?;
                Ok(Reach { fence, seen: Some(seen) })
            }
            // Such a token must not learn which other ids are in use: what is not there is as forbidden as what is there.
            Err(PreferenceStoreError::NotFound) => Err(AccessError::Forbidden.into()),
            Err(error) => Err(self.refusal(caller, act, error).await),
        }
    }

    /// What the caller needs to know of a store's refusal.
    async fn refusal(&self, caller: &Caller, act: &Act<'_>, error: PreferenceStoreError) -> PreferenceError {
        match error {
            PreferenceStoreError::Refused => self.explain(caller, act).await.into(),
            PreferenceStoreError::NotFound => PreferenceError::NotFound,
            PreferenceStoreError::Changed => StoreError::Contention("the preference changed in between".into()).into(),
            PreferenceStoreError::KeyTaken => PreferenceError::KeyTaken,
            PreferenceStoreError::Quota(error) => error.into(),
            PreferenceStoreError::Store(error) => error.into(),
        }
    }
}
