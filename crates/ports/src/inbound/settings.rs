//! The caller's own settings: its preferences as one document.

use super::AccessError;
use crate::caller::Caller;
use crate::outbound::StoreError;
use async_trait::async_trait;
use lethe_domain::id::Revision;
use lethe_domain::limits::QuotaError;
use lethe_domain::precondition::{Precondition, Unmet};
use lethe_domain::settings::{Document, DocumentError, SettingName};

/// Why nothing came of a request about settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// The caller may not, or is not there.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A merged value would exceed its limits.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A condition does not hold for the caller's present revision.
    #[error("the settings are not what they must be")]
    Unmet(Unmet),
    /// The caller would keep too much.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A change to the settings document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsChange {
    /// Make it look like this.
    Replace(Document),
    /// Merge this into it, object by object.
    Merge(Document),
    /// Remove these keys. Names that lead nowhere change nothing.
    Remove(Vec<SettingName>),
}

/// Settings of the calling user.
#[async_trait]
pub trait Settings: Send + Sync {
    /// The document, empty when nothing was ever set, and its revision: that of the caller's preferences.
    async fn read(&self, caller: &Caller) -> Result<(Revision, Document), SettingsError>;
    /// Changes the document, if it is what it must be; its revision afterwards.
    async fn change(&self, caller: &Caller, change: SettingsChange, precondition: Precondition) -> Result<Revision, SettingsError>;
}
