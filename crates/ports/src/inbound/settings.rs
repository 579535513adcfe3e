//! The caller's own settings: its preferences as one document.

use super::AccessError;
use crate::caller::Caller;
use crate::outbound::StoreError;
use async_trait::async_trait;
use lethe_domain::limits::QuotaError;
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
    /// The caller would keep too much.
    #[error(transparent)]
    Quota(#[from] QuotaError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Settings of the calling user.
#[async_trait]
pub trait Settings: Send + Sync {
    /// The document; empty when nothing was ever set.
    async fn read(&self, caller: &Caller) -> Result<Document, SettingsError>;
    /// Makes the document look like this one.
    async fn replace(&self, caller: &Caller, wanted: Document) -> Result<(), SettingsError>;
    /// Merges into the document, object by object.
    async fn merge(&self, caller: &Caller, changes: Document) -> Result<(), SettingsError>;
    /// Removes the named keys. Names that lead nowhere change nothing.
    async fn remove(&self, caller: &Caller, names: Vec<SettingName>) -> Result<(), SettingsError>;
}
