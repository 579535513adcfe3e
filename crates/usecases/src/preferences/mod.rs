//! Preferences, one by one: the hot path.

mod create_preference;
mod delete_preference;
mod get_preference;
mod list_preferences;
mod update_preference;

use crate::Lethe;
use crate::access::{lock_to_write, permit};
use crate::keyed::item_given;
use crate::once::Outcome;
use lethe_domain::access::{Act, Operation};
use lethe_domain::draft::Item;
use lethe_domain::id::{PreferenceId, Revision, UserId};
use lethe_domain::key::PreferenceKey;
use lethe_domain::limits::Limits;
use lethe_domain::precondition::Precondition;
use lethe_domain::preference::Preference;
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, PreferenceError};
use lethe_ports::outbound::{AccountStore, OwnerFence, PreferenceStore, PreferenceStoreError, Stamp, StoreError, Tx};

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
    /// Whether the caller may act on a preference that is named by its id, and it is what it must be. A token may be narrowed to keys: then the
    /// preference is looked at first, and so it is when there are conditions. Otherwise nothing is looked up.
    async fn reach(&self, caller: &Caller, owner: UserId, id: PreferenceId, act: &Act<'_>, precondition: &Precondition) -> Result<Reach, PreferenceError> {
        let is_narrowed = caller.grant.depends_on_key() && caller.actor.may(act);
        let fence = if is_narrowed { self.fence_around(caller, owner, act.operation).await? } else { self.fence(caller, owner, act).await? };
        if !is_narrowed && precondition.is_none() {
            return Ok(Reach { fence, seen: None });
        }
        match self.store.get(&fence, id).await {
            Ok(seen) => {
                if is_narrowed {
                    self.permit(caller, &act.with_key(&seen.key))?;
                }
                precondition.check(Some(seen.revision)).map_err(PreferenceError::Unmet)?;
                Ok(Reach { fence, seen: Some(seen) })
            }
            // Such a token must not learn which other ids are in use: what is not there is as forbidden as what is there.
            Err(PreferenceStoreError::NotFound) if is_narrowed => Err(AccessError::Forbidden.into()),
            Err(error) => Err(self.refusal(caller, act, error).await),
        }
    }

    /// Whether the caller may act on preferences by their ids at all. A token that is narrowed to keys is asked about the key once that is known.
    async fn permit_by_id(&self, caller: &Caller, owner: UserId, operation: Operation) -> Result<(), AccessError> {
        let act = Act::on(operation, owner);
        if caller.grant.depends_on_key() && caller.actor.may(&act) {
            self.fence_around(caller, owner, operation).await?;
        } else {
            self.fence(caller, owner, &act).await?;
        }
        Ok(())
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

impl Outcome for Preference {
    type Note = (PreferenceId, PreferenceKey, Revision);

    fn note(&self) -> Self::Note {
        (self.id, self.key.clone(), self.revision)
    }

    /// As it was then; as it is now, if the log has forgotten that.
    async fn recall((id, key, revision): Self::Note, tx: &mut dyn Tx, owner: UserId) -> Result<Self, AccessError> {
        if let Some(Item { key, value, revision, created_at, updated_at }) = item_given(tx, owner, &key, revision).await? {
            return Ok(Self { id, owner, key, value, revision, created_at, last_updated_at: updated_at });
        }
        tx.preference(owner, id).await?.ok_or(AccessError::AttemptExpired)
    }
}

impl<S> Lethe<S> {
    /// The preference; if it is told again, only to a caller whose token is not narrower than the one that it was told to first. It may have another
    /// key by now.
    fn told(&self, caller: &Caller, operation: Operation, preference: Preference) -> Result<Preference, AccessError> {
        if caller.is_replayed() && caller.grant.depends_on_key() {
            permit(caller, &Act::on(operation, preference.owner).with_key(&preference.key), self.clock.now())?;
        }
        Ok(preference)
    }
}

/// A write to a locked owner.
struct LockedWrite {
    caller: Caller,
    owner: UserId,
    stamp: Stamp,
    limits: Limits,
}

impl<S> Lethe<S> {
    fn locked_write(&self, caller: &Caller, owner: UserId) -> LockedWrite {
        LockedWrite { caller: caller.clone(), owner, stamp: self.stamp(caller), limits: self.policy.limits }
    }
}

impl LockedWrite {
    /// Locks the owner, if the caller may still write to it.
    async fn lock(&self, tx: &mut dyn Tx) -> Result<(), AccessError> {
        lock_to_write(tx, &self.caller, self.owner).await
    }

    /// Locks the owner, and looks whether its preference is there, may be touched, and is what it must be.
    async fn find(&self, tx: &mut dyn Tx, id: PreferenceId, operation: Operation, precondition: &Precondition) -> Result<(), PreferenceError> {
        self.lock(tx).await?;
        let is_narrowed = self.caller.grant.depends_on_key();
        let found = tx.preference(self.owner, id).await?;
        let found = found.ok_or_else(|| if is_narrowed { AccessError::Forbidden.into() } else { PreferenceError::NotFound })?;
        if is_narrowed {
            let allowed = self.caller.grant.allows(&Act::on(operation, self.owner).with_key(&found.key), self.stamp.now);
            allowed.map_err(AccessError::from)?;
        }
        precondition.check(Some(found.revision)).map_err(PreferenceError::Unmet)
    }
}

/// What it means that a write to a locked owner was refused.
fn locked_refusal(error: PreferenceStoreError) -> PreferenceError {
    match error {
        PreferenceStoreError::NotFound => PreferenceError::NotFound,
        PreferenceStoreError::KeyTaken => PreferenceError::KeyTaken,
        PreferenceStoreError::Quota(error) => error.into(),
        PreferenceStoreError::Store(error) => error.into(),
        error @ (PreferenceStoreError::Refused | PreferenceStoreError::Changed) => {
            StoreError::Failed(format!("a write to a locked owner was refused: {error}")).into()
        }
    }
}
