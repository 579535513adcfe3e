//! Preferences by their keys: one, several as one, and what became of them.

mod batch_changes;
mod change_key;
mod list_changes;
mod outcomes;
mod patch_set;
mod read_set;
mod revert_set;

use crate::Lethe;
pub(crate) use outcomes::item_given;

use crate::access::lock_to_write;
use lethe_domain::access::{Act, Operation};
use lethe_domain::draft::{Draft, Item, KeyAction};
use lethe_domain::id::{Revision, UserId};
use lethe_domain::key::PreferenceKey;
use lethe_domain::limits::Limits;
use lethe_domain::precondition::Precondition;
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, KeyedError};
use lethe_ports::outbound::{AccountStore, PreferenceStoreError, Stamp, StoreError, Tx};

/// What an action does to a key of which nothing is known. To add one takes leave to create as well.
const fn operation(action: &KeyAction) -> Operation {
    match action {
        KeyAction::Put(_) | KeyAction::Merge(_) | KeyAction::Patch(_) => Operation::Update,
        KeyAction::Delete => Operation::Delete,
    }
}

/// Whether the caller's token allows adding this key, if it is not there.
fn may_add(caller: &Caller, owner: UserId, key: &PreferenceKey, present: Option<&Item>, stamp: Stamp) -> Result<(), AccessError> {
    match present {
        Some(_) => Ok(()),
        None => Ok(caller.grant.allows(&Act::on(Operation::Create, owner).with_key(key), stamp.now)?),
    }
}

impl<S: AccountStore> Lethe<S> {
    /// What the caller needs to know of a store's refusal, where nothing but the owner's state and the limits can be in the way.
    pub(crate) async fn keyed_refusal(&self, caller: &Caller, act: &Act<'_>, error: PreferenceStoreError) -> KeyedError {
        match error {
            PreferenceStoreError::Refused => self.explain(caller, act).await.into(),
            other => edit_refusal(other),
        }
    }
}

/// What it means that edits were refused.
fn edit_refusal(error: PreferenceStoreError) -> KeyedError {
    match error {
        PreferenceStoreError::Quota(error) => KeyedError::Refused(error.into()),
        PreferenceStoreError::Store(error) => error.into(),
        error @ (PreferenceStoreError::Refused | PreferenceStoreError::NotFound | PreferenceStoreError::Changed | PreferenceStoreError::KeyTaken) => {
            StoreError::Failed(format!("edits of a locked owner were refused: {error}")).into()
        }
    }
}

/// Whose set is changed, by whom.
#[derive(Debug, Clone)]
struct Writing {
    caller: Caller,
    owner: UserId,
    stamp: Stamp,
    limits: Limits,
}

/// Which preferences a change is going to look at.
enum Scope<'k> {
    Keys(&'k [PreferenceKey]),
    Everything,
}

impl Writing {
    /// Locks the owner, if the caller may still write to it, and takes up what is there.
    async fn begin(&self, tx: &mut dyn Tx, scope: Scope<'_>) -> Result<Draft, KeyedError> {
        lock_to_write(tx, &self.caller, self.owner).await?;
        let standing = tx.standing(self.owner).await?;
        let preferences = match scope {
            Scope::Keys(keys) => tx.preferences_of_keys(self.owner, keys).await?,
            Scope::Everything => tx.preferences(self.owner).await?,
        };
        Ok(Draft::new(standing, preferences.into_iter().map(Item::from), self.stamp.now))
    }

    /// Whether the owner's revision is what it must be.
    fn check(draft: &Draft, precondition: &Precondition) -> Result<(), KeyedError> {
        // Every set is there, and be it an empty one.
        precondition.check(Some(draft.revision())).map_err(|unmet| KeyedError::Unmet(unmet, draft.revision()))
    }

    /// Those of some keys that were not there before. A token that does not depend on keys allows all of them or none, so one stands for all.
    fn added<'k>(&self, before: &Draft, keys: &'k [PreferenceKey]) -> impl Iterator<Item = &'k PreferenceKey> {
        let most = if self.caller.grant.depends_on_key() { usize::MAX } else { 1 };
        let added: Vec<_> = keys.iter().filter(|key| before.get(key).is_none()).take(most).collect();
        added.into_iter()
    }

    /// Makes what was drafted.
    async fn make(&self, tx: &mut dyn Tx, draft: Draft) -> Result<Revision, KeyedError> {
        let revision = draft.revision();
        let edits = draft.into_edits();
        if !edits.is_empty() {
            tx.edit_preferences(self.owner, &edits, self.stamp, &self.limits).await.map_err(edit_refusal)?;
        }
        Ok(revision)
    }
}

impl<S> Lethe<S> {
    fn writing(&self, caller: &Caller, owner: UserId) -> Writing {
        Writing { caller: caller.clone(), owner, stamp: self.stamp(caller), limits: self.policy.limits }
    }
}
