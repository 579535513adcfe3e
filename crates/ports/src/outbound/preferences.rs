//! The hot path: one call, one atomic statement.

use async_trait::async_trait;
use lethe_domain::account::{Account, StatusSet};
use lethe_domain::change::{Change, LogPage};
use lethe_domain::draft::{Item, Standing};
use lethe_domain::id::{PreferenceId, Revision, UserId};
use lethe_domain::key::PreferenceKey;
use lethe_domain::limits::{Limits, QuotaError};
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::preference::{NewPreference, Preference, PreferenceUpdate};
use lethe_domain::time::Timestamp;

use super::StoreError;

/// The wall that a late request runs into. A call that carries it does something only if, at the moment of its effect, the owner is in
/// one of these states and the caller's token is not older than the owner's tokens may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnerFence {
    /// Whose data it is.
    pub owner: UserId,
    /// The states that the owner may be in.
    pub states: StatusSet,
    /// When the owner's own token was issued; `None` when somebody else acts.
    pub issued_at: Option<Timestamp>,
}

impl OwnerFence {
    /// Whether an account in this state lets the call pass.
    #[must_use]
    pub fn admits(&self, account: &Account) -> bool {
        self.states.contains(account.status()) && self.issued_at.is_none_or(|issued_at| account.tokens_valid_from <= issued_at)
    }

    /// The `issued_at` that passes wherever it is compared: the caller's, or the end of time when somebody else acts.
    #[must_use]
    pub fn issued_at_or_end_of_time(&self) -> Timestamp {
        self.issued_at.unwrap_or(Timestamp::from_micros(253_402_300_799_000_000))
    }
}

/// Who writes, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The acting user.
    pub actor: UserId,
    /// The time of the write.
    pub now: Timestamp,
}

/// What is under one key, and what the owner's row says of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Of the owner.
    pub standing: Standing,
    /// The preference; `None`: there is none of that key.
    pub found: Option<Preference>,
}

/// Preferences by key, and the owner's revision at the moment at which they were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The owner's revision.
    pub revision: Revision,
    /// The preferences, or a part of them.
    pub preferences: Vec<Preference>,
}

/// A part of the set as it stood at a revision, if the log reaches back to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastPart {
    /// Of the owner, now.
    pub standing: Standing,
    /// By key. Of no meaning when the log does not reach back.
    pub items: Vec<Item>,
}

/// Which part of a set is wanted, by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyRange {
    /// Only keys that begin with this.
    pub prefix: String,
    /// Only keys behind this one.
    pub after: Option<PreferenceKey>,
    /// Preferences at the most.
    pub limit: u32,
}

/// Why a call on preferences did nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreferenceStoreError {
    /// The fence does not admit the owner, or there is no such owner.
    #[error("the owner's state does not admit this")]
    Refused,
    /// The owner has no such preference.
    #[error("no such preference")]
    NotFound,
    /// The preference is no longer at the revision that was expected.
    #[error("the preference has changed")]
    Changed,
    /// The owner has another preference of that key.
    #[error("the key is taken")]
    KeyTaken,
    /// The owner would keep too much.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Preferences, one by one. Every call is atomic, fenced, and durable when it returns `Ok`.
///
/// A write that changes something MUST take the owner's next revision (two for a rename: the old key's removal and the new key's value),
/// and append one entry per changed key to the change log, in the same effect. A write that changes nothing MUST leave no trace.
/// Limits MUST hold however many calls run at once, and a call that races a hard delete MUST leave no row behind.
///
/// Whether the fence admits the owner is looked at first: [`PreferenceStoreError::Refused`] hides every other error.
#[async_trait]
pub trait PreferenceStore: Send + Sync {
    /// One preference.
    ///
    /// # Errors
    /// `Refused`, `NotFound`.
    async fn get(&self, fence: &OwnerFence, id: PreferenceId) -> Result<Preference, PreferenceStoreError>;

    /// A page of preferences by id, or the one of that key.
    ///
    /// # Errors
    /// `Refused`.
    async fn list(&self, fence: &OwnerFence, key: Option<PreferenceKey>, page: PageRequest) -> Result<Page<Preference>, PreferenceStoreError>;

    /// All preferences, by key.
    ///
    /// # Errors
    /// `Refused`.
    async fn all(&self, fence: &OwnerFence) -> Result<Snapshot, PreferenceStoreError>;

    /// A part of the preferences, by key.
    ///
    /// # Errors
    /// `Refused`.
    async fn part(&self, fence: &OwnerFence, range: KeyRange) -> Result<Snapshot, PreferenceStoreError>;

    /// What is under one key, and what the owner's row says of the whole.
    ///
    /// # Errors
    /// `Refused`.
    async fn look(&self, fence: &OwnerFence, key: &PreferenceKey) -> Result<Look, PreferenceStoreError>;

    /// What the owner's row says of the whole.
    ///
    /// # Errors
    /// `Refused`.
    async fn standing(&self, fence: &OwnerFence) -> Result<Standing, PreferenceStoreError>;

    /// A part of the set as it stood at a revision: of each key the last change up to it, unless that is a removal.
    ///
    /// # Errors
    /// `Refused`.
    async fn as_of(&self, fence: &OwnerFence, at: Revision, range: KeyRange) -> Result<PastPart, PreferenceStoreError>;

    /// The change log after `since`, oldest first, at most `limit` entries. What lies before the log's beginning is left out.
    ///
    /// # Errors
    /// `Refused`.
    async fn changes(&self, fence: &OwnerFence, since: Revision, limit: u32) -> Result<LogPage, PreferenceStoreError>;

    /// What happened to one key, newest first, before a revision if one is given, at most `limit` entries: as far as it is kept.
    ///
    /// # Errors
    /// `Refused`.
    async fn history(&self, fence: &OwnerFence, key: &PreferenceKey, before: Option<Revision>, limit: u32) -> Result<Vec<Change>, PreferenceStoreError>;

    /// Adds a preference.
    ///
    /// # Errors
    /// `Refused`, `KeyTaken`, `Quota`, in that order.
    async fn create(&self, fence: &OwnerFence, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError>;

    /// Changes a preference as [`Preference::apply`] says, if it is at the `expected` revision, and returns it as it is then.
    ///
    /// # Errors
    /// `Refused`, `NotFound`, `Changed`, `KeyTaken`, `Quota`, in that order.
    async fn update(
        &self,
        fence: &OwnerFence,
        id: PreferenceId,
        expected: Option<Revision>,
        update: PreferenceUpdate,
        stamp: Stamp,
        limits: &Limits,
    ) -> Result<Preference, PreferenceStoreError>;

    /// Removes a preference, if it is at the `expected` revision; the revision that this took.
    ///
    /// # Errors
    /// `Refused`, `NotFound`, `Changed`, in that order.
    async fn delete(&self, fence: &OwnerFence, id: PreferenceId, expected: Option<Revision>, stamp: Stamp) -> Result<Revision, PreferenceStoreError>;
}
