//! Preferences by their keys: one, several as one, and what became of them.

use super::AccessError;
use crate::caller::Caller;
use crate::outbound::{KeyRange, PastPart, Snapshot, StoreError};
use async_trait::async_trait;
use lethe_domain::change::{Change, LogPage};
use lethe_domain::draft::{Item, KeyChange, KeyOutcome, KeyRefusal, SetOutcome, SetPatch};
use lethe_domain::id::{Revision, UserId};
use lethe_domain::key::PreferenceKey;
use lethe_domain::limits::Usage;
use lethe_domain::precondition::{Precondition, Unmet};
use serde::{Deserialize, Serialize};

/// Why nothing came of a request about preferences by key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyedError {
    /// The caller may not, or the owner is not there.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The change cannot be made.
    #[error(transparent)]
    Refused(#[from] KeyRefusal),
    /// One of several changes cannot be made, and so none was.
    #[error("change {operation}: {refusal}")]
    RefusedAt {
        /// Its place among them, from 0.
        operation: usize,
        /// Why.
        refusal: KeyRefusal,
    },
    /// What would be under one of several keys cannot be kept.
    #[error("{key}: {refusal}")]
    RefusedKey {
        /// The key.
        key: PreferenceKey,
        /// Why.
        refusal: KeyRefusal,
    },
    /// A condition does not hold for the owner's present revision.
    #[error("the set is not what it must be")]
    Unmet(Unmet, Revision),
    /// What was asked for is no longer known.
    #[error("the change log does not reach back so far")]
    Forgotten,
    /// What was asked for has not come to pass.
    #[error("the revision is not reached yet")]
    Ahead,
    /// So many follow the owner's changes already that there is no room for another one.
    #[error("too many follow these changes")]
    TooManyFollowers,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What becomes of a batch when one of its changes is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Atomicity {
    /// None of them is made.
    AllOrNothing,
    /// The others are made.
    EachForItself,
}

/// Several changes, made in their order and as one: others see all of them or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What becomes of it when a change is refused.
    pub atomicity: Atomicity,
    /// The changes.
    pub changes: Vec<KeyChange>,
    /// What the owner's revision must be before.
    pub precondition: Precondition,
}

/// What a batch came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchOutcome {
    /// The owner's revision by now.
    pub revision: Revision,
    /// What each change came to, in their order.
    pub results: Vec<Result<BatchStep, KeyRefusal>>,
}

/// What one change of a batch came to: the revision that the key has, or that its removal took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BatchStep {
    /// There is a preference that was not there before.
    Created(Revision),
    /// It has the value that it was to have.
    Kept(Revision),
    /// It is gone.
    Removed(Revision),
}

impl From<&KeyOutcome> for BatchStep {
    fn from(outcome: &KeyOutcome) -> Self {
        match outcome {
            KeyOutcome::Created(item) => Self::Created(item.revision),
            KeyOutcome::Changed(item) | KeyOutcome::Unchanged(item) => Self::Kept(item.revision),
            KeyOutcome::Removed(revision) => Self::Removed(*revision),
        }
    }
}

/// What is to be as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversion {
    /// As it was at this revision.
    pub to: Revision,
    /// This key alone; the whole set without it.
    pub key: Option<PreferenceKey>,
}

/// Preferences by key. The caller must be the owner or an admin.
#[async_trait]
pub trait KeyedPreferences: Send + Sync {
    /// One preference.
    async fn show(&self, caller: &Caller, owner: UserId, key: &PreferenceKey) -> Result<Item, KeyedError>;
    /// Changes one preference. What changes nothing leaves no trace.
    async fn change(&self, caller: &Caller, owner: UserId, change: KeyChange) -> Result<KeyOutcome, KeyedError>;
    /// A part of the set, by key.
    async fn part(&self, caller: &Caller, owner: UserId, range: KeyRange) -> Result<Snapshot, KeyedError>;
    /// A part of the set as it stood at a revision.
    async fn as_of(&self, caller: &Caller, owner: UserId, at: Revision, range: KeyRange) -> Result<PastPart, KeyedError>;
    /// Merges a patch into the set, if the owner's revision is what it must be.
    async fn patch(&self, caller: &Caller, owner: UserId, patch: SetPatch, precondition: Precondition) -> Result<SetOutcome, KeyedError>;
    /// Makes several changes as one.
    async fn batch(&self, caller: &Caller, owner: UserId, batch: Batch) -> Result<BatchOutcome, KeyedError>;
    /// Makes the set, or one key, what it was, if the owner's revision is what it must be.
    async fn revert(&self, caller: &Caller, owner: UserId, reversion: Reversion, precondition: Precondition) -> Result<SetOutcome, KeyedError>;
    /// What happened after a revision, oldest first.
    async fn changes(&self, caller: &Caller, owner: UserId, since: Revision, limit: u32) -> Result<LogPage, KeyedError>;
    /// What happened to one key, newest first, as far as it is known.
    async fn history(&self, caller: &Caller, owner: UserId, key: &PreferenceKey, before: Option<Revision>, limit: u32) -> Result<Vec<Change>, KeyedError>;
    /// How much the owner keeps.
    async fn usage(&self, caller: &Caller, owner: UserId) -> Result<Usage, KeyedError>;
}
