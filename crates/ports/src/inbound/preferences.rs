//! Preferences, one by one.

use super::AccessError;
use crate::caller::Caller;
use crate::outbound::StoreError;
use async_trait::async_trait;
use lethe_domain::id::{PreferenceId, UserId};
use lethe_domain::key::PreferenceKey;
use lethe_domain::limits::QuotaError;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::precondition::{Precondition, Unmet};
use lethe_domain::preference::{NewPreference, Preference, PreferenceUpdate};

/// Why nothing came of a request about a preference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreferenceError {
    /// The caller may not, or the owner is not there.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The owner has no such preference.
    #[error("no such preference")]
    NotFound,
    /// The owner has another preference of that key.
    #[error("the key is taken")]
    KeyTaken,
    /// A condition does not hold for what is there now.
    #[error("the preference is not what it must be")]
    Unmet(Unmet),
    /// The owner would keep too much.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which preferences a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFilter {
    /// All of them.
    All,
    /// The one of this key.
    Exactly(PreferenceKey),
    /// None: what was asked for can be no key.
    Nothing,
}

/// Preferences. The caller must be the owner or an admin.
#[async_trait]
pub trait Preferences: Send + Sync {
    /// A page of preferences, by id.
    async fn list(&self, caller: &Caller, owner: UserId, filter: KeyFilter, page: PageRequest) -> Result<Page<Preference>, PreferenceError>;
    /// One preference.
    async fn get(&self, caller: &Caller, owner: UserId, id: PreferenceId) -> Result<Preference, PreferenceError>;
    /// Adds a preference.
    async fn create(&self, caller: &Caller, owner: UserId, new: NewPreference) -> Result<Preference, PreferenceError>;
    /// Changes a preference, if it is what it must be. What changes nothing leaves no trace.
    async fn update(
        &self,
        caller: &Caller,
        owner: UserId,
        id: PreferenceId,
        update: PreferenceUpdate,
        precondition: Precondition,
    ) -> Result<Preference, PreferenceError>;
    /// Removes a preference, if it is what it must be.
    async fn delete(&self, caller: &Caller, owner: UserId, id: PreferenceId, precondition: Precondition) -> Result<(), PreferenceError>;
}
