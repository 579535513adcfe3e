//! Changing one preference: giving it a value, patching it, or removing it.
//!
//! It is looked at, the domain decides, and it is written if nobody else has written to it in between. Whoever is overtaken looks again behind a
//! lock, where that cannot happen.

use super::{Scope, Writing, may_add, operation};
use crate::Lethe;
use crate::once::Once;
use lethe_domain::access::Act;
use lethe_domain::draft::{Item, KeyChange, KeyOutcome};
use lethe_domain::id::UserId;
use lethe_domain::preference::{NewPreference, PreferenceUpdate};
use lethe_ports::Caller;
use lethe_ports::inbound::KeyedError;
use lethe_ports::outbound::{AccountStore, Look, OwnerFence, PreferenceStore, PreferenceStoreError, Store, Tx};
use std::sync::Arc;

impl<S: PreferenceStore + Store + AccountStore> Lethe<S> {
    pub(crate) async fn change_key(&self, caller: &Caller, owner: UserId, change: KeyChange) -> Result<KeyOutcome, KeyedError> {
        let act = Act::on(operation(&change.action), owner).with_key(&change.key);
        let fence = self.fence(caller, owner, &act).await?;
        let at_once = match &caller.retry {
            Some(_) => None,
            None => self.change_unless_overtaken(caller, &fence, &change).await?,
        };
        let outcome = match at_once {
            Some(outcome) => outcome,
            None => self.change_behind_lock(caller, owner, change).await?,
        };
        self.touched(owner);
        Ok(outcome)
    }

    /// Two statements, without a lock. `None`: somebody else was faster, and nothing was written.
    async fn change_unless_overtaken(&self, caller: &Caller, fence: &OwnerFence, change: &KeyChange) -> Result<Option<KeyOutcome>, KeyedError> {
        let (stamp, limits) = (self.stamp(caller), &self.policy.limits);
        let act = Act::on(operation(&change.action), fence.owner).with_key(&change.key);
        let look = self.store.look(fence, &change.key).await;
        let Look { standing, found } = match look {
            Ok(look) => look,
            Err(error) => return Err(self.keyed_refusal(caller, &act, error).await),
        };
        let present = found.clone().map(Item::from);
        let value = change.decide(present.as_ref(), standing.usage, limits)?;
        let written = match (found, value) {
            (None, None) => return Ok(None),
            (None, Some(value)) => {
                may_add(caller, fence.owner, &change.key, None, stamp)?;
                let new = NewPreference { key: change.key.clone(), value };
                self.store.create(fence, new, stamp, limits).await.map(|created| KeyOutcome::Created(created.into()))
            }
            (Some(found), Some(value)) if found.value == value => Ok(KeyOutcome::Unchanged(found.into())),
            (Some(found), Some(value)) => {
                let updated = self.store.update(fence, found.id, Some(found.revision), PreferenceUpdate::Value(value), stamp, limits).await;
                updated.map(|updated| KeyOutcome::Changed(updated.into()))
            }
            (Some(found), None) => self.store.delete(fence, found.id, Some(found.revision), stamp).await.map(KeyOutcome::Removed),
        };
        match written {
            Ok(outcome) => Ok(Some(outcome)),
            Err(PreferenceStoreError::KeyTaken | PreferenceStoreError::NotFound | PreferenceStoreError::Changed) => Ok(None),
            Err(error) => Err(self.keyed_refusal(caller, &act, error).await),
        }
    }

    async fn change_behind_lock(&self, caller: &Caller, owner: UserId, change: KeyChange) -> Result<KeyOutcome, KeyedError> {
        let change = Arc::new(change);
        self.once(Once::new(caller, owner), || {
            let (writing, change) = (self.writing(caller, owner), change.clone());
            move |tx| Box::pin(async move { make(tx, &writing, &change).await })
        })
        .await
    }
}

async fn make(tx: &mut dyn Tx, writing: &Writing, change: &KeyChange) -> Result<KeyOutcome, KeyedError> {
    let mut draft = writing.begin(tx, Scope::Keys(std::slice::from_ref(&change.key))).await?;
    let is_there = draft.get(&change.key).cloned();
    let outcome = draft.change(change, &writing.limits)?;
    if outcome.item().is_some() {
        may_add(&writing.caller, writing.owner, &change.key, is_there.as_ref(), writing.stamp)?;
    }
    writing.make(tx, draft).await?;
    Ok(outcome)
}
