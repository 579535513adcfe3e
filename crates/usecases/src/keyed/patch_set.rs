//! Merging a patch into the whole set.

use super::{Scope, Writing, may_add};
use crate::Lethe;
use crate::once::Once;
use lethe_domain::access::Operation;
use lethe_domain::draft::{SetOutcome, SetPatch};
use lethe_domain::id::UserId;
use lethe_domain::key::PreferenceKey;
use lethe_domain::precondition::Precondition;
use lethe_ports::Caller;
use lethe_ports::inbound::KeyedError;
use lethe_ports::outbound::{AccountStore, PreferenceStore, Store, Tx};
use std::sync::Arc;

impl<S: Store + AccountStore + PreferenceStore> Lethe<S> {
    pub(crate) async fn patch_set(&self, caller: &Caller, owner: UserId, patch: SetPatch, precondition: Precondition) -> Result<SetOutcome, KeyedError> {
        let (given, removed) = (patch.given(), patch.removed());
        if !given.is_empty() || removed.is_empty() {
            self.permit_keys(caller, owner, Operation::Update, &given).await?;
        }
        if !removed.is_empty() {
            self.permit_keys(caller, owner, Operation::Delete, &removed).await?;
        }
        let asked = Arc::new((patch, precondition));
        let outcome = self
            .once(Once::new(caller, owner), || {
                let (writing, asked) = (self.writing(caller, owner), asked.clone());
                move |tx| Box::pin(async move { make(tx, &writing, &asked.0, &asked.1).await })
            })
            .await?;
        self.touched(owner);
        Ok(outcome)
    }
}

async fn make(tx: &mut dyn Tx, writing: &Writing, patch: &SetPatch, precondition: &Precondition) -> Result<SetOutcome, KeyedError> {
    let keys: Vec<PreferenceKey> = patch.0.keys().cloned().collect();
    let mut draft = writing.begin(tx, Scope::Keys(&keys)).await?;
    let before = draft.clone();
    let outcome = draft.patch(patch, &writing.limits).map_err(|(key, refusal)| match key {
        Some(key) => KeyedError::RefusedKey { key, refusal },
        None => refusal.into(),
    })?;
    for key in writing.added(&before, &outcome.changed) {
        may_add(&writing.caller, writing.owner, key, None, writing.stamp)?;
    }
    Writing::check(&before, precondition)?;
    writing.make(tx, draft).await?;
    Ok(outcome)
}
