//! What came of changes to preferences, told again. The change log knows; only which changes it was is kept beside it.

use crate::once::{Kept, Outcome};
use lethe_domain::change::Change;
use lethe_domain::draft::{Item, KeyOutcome, SetOutcome};
use lethe_domain::id::{Revision, UserId};
use lethe_domain::key::PreferenceKey;
use lethe_ports::inbound::{AccessError, BatchOutcome};
use lethe_ports::outbound::{StoreError, Tx};
use serde::{Deserialize, Serialize};

/// A batch shows no values.
impl Kept for BatchOutcome {}

/// Which change was made to a key.
#[derive(Serialize, Deserialize)]
pub(crate) enum KeyNote {
    Created(PreferenceKey, Revision),
    Changed(PreferenceKey, Revision),
    Unchanged(PreferenceKey, Revision),
    Removed(Revision),
}

impl Outcome for KeyOutcome {
    type Note = KeyNote;

    fn note(&self) -> KeyNote {
        match self {
            Self::Created(item) => KeyNote::Created(item.key.clone(), item.revision),
            Self::Changed(item) => KeyNote::Changed(item.key.clone(), item.revision),
            Self::Unchanged(item) => KeyNote::Unchanged(item.key.clone(), item.revision),
            Self::Removed(revision) => KeyNote::Removed(*revision),
        }
    }

    async fn recall(note: KeyNote, tx: &mut dyn Tx, owner: UserId) -> Result<Self, AccessError> {
        match note {
            KeyNote::Created(key, revision) => given_or_present(tx, owner, key, revision).await.map(Self::Created),
            KeyNote::Changed(key, revision) => given_or_present(tx, owner, key, revision).await.map(Self::Changed),
            KeyNote::Unchanged(key, revision) => given_or_present(tx, owner, key, revision).await.map(Self::Unchanged),
            KeyNote::Removed(revision) => Ok(Self::Removed(revision)),
        }
    }
}

/// What a key was given at a revision; if the log has forgotten that, what it has now.
async fn given_or_present(tx: &mut dyn Tx, owner: UserId, key: PreferenceKey, revision: Revision) -> Result<Item, AccessError> {
    if let Some(item) = item_given(tx, owner, &key, revision).await? {
        return Ok(item);
    }
    let present = tx.preferences_of_keys(owner, &[key]).await?.pop();
    present.map(Item::from).ok_or(AccessError::AttemptExpired)
}

/// What a key was given at a revision, unless the log has forgotten that.
pub(crate) async fn item_given(tx: &mut dyn Tx, owner: UserId, key: &PreferenceKey, revision: Revision) -> Result<Option<Item>, StoreError> {
    Ok(tx.as_of(owner, revision, Some(key)).await?.into_iter().find(|item| item.revision == revision))
}

/// Which changes were made to a set: the last ones up to a revision.
#[derive(Serialize, Deserialize)]
pub(crate) struct SetNote {
    revision: Revision,
    changes: u32,
}

impl Outcome for SetOutcome {
    type Note = SetNote;

    fn note(&self) -> SetNote {
        // Each key took a revision.
        SetNote { revision: self.revision, changes: u32::try_from(self.changed.len() + self.removed.len()).unwrap_or(u32::MAX) }
    }

    async fn recall(SetNote { revision, changes }: SetNote, tx: &mut dyn Tx, owner: UserId) -> Result<Self, AccessError> {
        let before = Revision::new(revision.get() - i64::from(changes));
        let page = tx.changes(owner, before, changes).await?;
        if changes > 0 && page.begins_after > before {
            return Err(AccessError::AttemptExpired);
        }
        let (changed, removed): (Vec<_>, Vec<_>) = page.changes.into_iter().partition(|change| change.kind.value().is_some());
        let keys = |made: Vec<Change>| made.into_iter().map(|change| change.key).collect();
        Ok(Self { revision, changed: keys(changed), removed: keys(removed) })
    }
}
