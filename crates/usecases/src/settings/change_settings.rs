//! Changing the document: replace, merge, remove keys. All three look at what is there, let the domain say which edits that means, and
//! make them, in one transaction.

use super::{document, refusal};
use crate::Lethe;
use crate::access::lock_to_write;
use crate::once::Once;
use lethe_domain::access::{Act, Operation};
use lethe_domain::id::Revision;
use lethe_domain::key::PreferenceKey;
use lethe_domain::limits::Limits;
use lethe_domain::precondition::Precondition;
use lethe_domain::preference::Edit;
use lethe_domain::settings::{Document, DocumentError, SettingName};
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, SettingsChange, SettingsError};
use lethe_ports::outbound::{AccountStore, Stamp, Store, Tx};
use std::sync::Arc;

const fn operation(change: &SettingsChange) -> Operation {
    match change {
        SettingsChange::Replace(_) | SettingsChange::Merge(_) => Operation::Update,
        SettingsChange::Remove(_) => Operation::Delete,
    }
}

/// The keys that the change names. Replacing can remove any key, and so names none in particular: a token that is narrowed to keys may not.
fn keys(change: &SettingsChange) -> Vec<PreferenceKey> {
    match change {
        SettingsChange::Replace(_) => Vec::new(),
        SettingsChange::Merge(changes) => changes.keys().cloned().collect(),
        SettingsChange::Remove(names) => names.iter().map(SettingName::literal).cloned().collect(),
    }
}

fn edits(change: &SettingsChange, present: &Document, limits: &Limits) -> Result<Vec<Edit>, DocumentError> {
    match change {
        SettingsChange::Replace(wanted) => Ok(present.replace_with(wanted)),
        SettingsChange::Merge(changes) => present.merge(changes, limits),
        SettingsChange::Remove(names) => present.remove(names),
    }
}

/// A change that is asked for.
struct Asked {
    change: SettingsChange,
    precondition: Precondition,
}

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn change_settings(&self, caller: &Caller, change: SettingsChange, precondition: Precondition) -> Result<Revision, SettingsError> {
        let owner = caller.actor.user;
        self.permit_keys(caller, owner, operation(&change), &keys(&change)).await?;
        let asked = Arc::new(Asked { change, precondition });
        let revision = self
            .once(Once::new(caller, owner), || {
                let (caller, asked, stamp, limits) = (caller.clone(), asked.clone(), self.stamp(caller), self.policy.limits);
                move |tx| Box::pin(async move { make(tx, &caller, &asked, stamp, &limits).await })
            })
            .await?;
        self.touched(owner);
        Ok(revision)
    }
}

async fn make(tx: &mut dyn Tx, caller: &Caller, asked: &Asked, stamp: Stamp, limits: &Limits) -> Result<Revision, SettingsError> {
    let Asked { change, precondition } = asked;
    let owner = caller.actor.user;
    lock_to_write(tx, caller, owner).await?;
    let revision = tx.standing(owner).await?.revision;
    let present = document(tx.preferences(owner).await?);
    let edits = edits(change, &present, limits)?;
    if caller.grant.depends_on_key() {
        // A dotted name can turn out to be a path into another key than the one it spells.
        for edit in &edits {
            caller.grant.allows(&Act::on(operation(change), owner).with_key(edit.key()), stamp.now).map_err(AccessError::from)?;
        }
    }
    present.admit(&edits, limits)?;
    // Every document is there, and be it an empty one.
    precondition.check(Some(revision)).map_err(SettingsError::Unmet)?;
    tx.edit_preferences(owner, &edits, stamp, limits).await.map_err(refusal)?;
    Ok(tx.standing(owner).await?.revision)
}
