//! Changing the document: replace, merge, remove keys. All three look at what is there, let the domain say which edits that means, and
//! make them, in one transaction.

use super::{document, refusal};
use crate::Lethe;
use crate::access::{admits, is_alive};
use crate::retry::on_contention;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::StatusSet;
use lethe_domain::key::PreferenceKey;
use lethe_domain::limits::Limits;
use lethe_domain::preference::Edit;
use lethe_domain::settings::{Document, DocumentError, SettingName};
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, SettingsError};
use lethe_ports::outbound::{AccountStore, Stamp, Store, Tx};
use std::sync::Arc;

/// A change to the settings document.
#[derive(Debug)]
pub(crate) enum SettingsChange {
    /// Make it look like this.
    Replace(Document),
    /// Merge this into it.
    Merge(Document),
    /// Remove these keys.
    Remove(Vec<SettingName>),
}

impl SettingsChange {
    const fn operation(&self) -> Operation {
        match self {
            Self::Replace(_) | Self::Merge(_) => Operation::Update,
            Self::Remove(_) => Operation::Delete,
        }
    }

    /// The keys that the change names. Replacing can remove any key, and so names none in particular.
    fn keys(&self) -> Vec<&PreferenceKey> {
        match self {
            Self::Replace(_) => Vec::new(),
            Self::Merge(changes) => changes.keys().collect(),
            Self::Remove(names) => names.iter().map(SettingName::literal).collect(),
        }
    }

    fn edits(&self, present: &Document, limits: &Limits) -> Result<Vec<Edit>, DocumentError> {
        match self {
            Self::Replace(wanted) => Ok(present.replace_with(wanted)),
            Self::Merge(changes) => present.merge(changes, limits),
            Self::Remove(names) => present.remove(names),
        }
    }
}

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn change_settings(&self, caller: &Caller, change: SettingsChange) -> Result<(), SettingsError> {
        self.permit_change(caller, &change).await?;
        let change = Arc::new(change);
        on_contention(|| {
            let (caller, change, stamp, limits) = (caller.clone(), change.clone(), self.stamp(caller), self.policy.limits);
            self.store.transact(move |tx| Box::pin(async move { make(tx, &caller, &change, stamp, &limits).await }))
        })
        .await
    }

    /// Whether the caller may change every key that the change names; a token that is narrowed to keys must be given some.
    async fn permit_change(&self, caller: &Caller, change: &SettingsChange) -> Result<(), AccessError> {
        let owner = caller.actor.user;
        let act = Act::on(change.operation(), owner);
        let keys = if caller.grant.depends_on_key() { change.keys() } else { Vec::new() };
        if keys.is_empty() {
            self.fence(caller, owner, &act).await?;
        }
        for key in keys {
            self.fence(caller, owner, &act.with_key(key)).await?;
        }
        Ok(())
    }
}

async fn make(tx: &mut dyn Tx, caller: &Caller, change: &SettingsChange, stamp: Stamp, limits: &Limits) -> Result<(), SettingsError> {
    let owner = caller.actor.user;
    let account = tx.account_for_update(owner).await?;
    is_alive(caller, account.as_ref())?;
    admits(StatusSet::WRITABLE, account.as_ref())?;
    let edits = change.edits(&document(tx.preferences(owner).await?), limits)?;
    if caller.grant.depends_on_key() {
        // A dotted name can turn out to be a path into another key than the one it spells.
        for edit in &edits {
            caller.grant.allows(&Act::on(change.operation(), owner).with_key(edit.key()), stamp.now).map_err(AccessError::from)?;
        }
    }
    tx.edit_preferences(owner, &edits, stamp, limits).await.map_err(refusal)
}
