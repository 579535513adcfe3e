//! Reading the audit log.

use async_trait::async_trait;
use lethe_domain::audit::{AuditAction, AuditEntry, AuditHead};
use lethe_domain::id::UserId;

use super::StoreError;

/// Which entries are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuditFilter {
    /// About this user.
    pub subject: Option<UserId>,
    /// Of this action.
    pub action: Option<AuditAction>,
    /// Before this number.
    pub before: Option<i64>,
}

/// What stands in the place of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainLink {
    /// Its number.
    pub seq: i64,
    /// The entry; `None` for something that no entry ever was.
    pub entry: Option<AuditEntry>,
}

/// The audit log, for reading.
#[async_trait]
pub trait AuditStore: Send + Sync {
    /// Entries that pass the filter, newest first, at most `limit`.
    async fn audit_entries(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;

    /// The entries after number `after`, oldest first, at most `limit`, as they are stored: what was tampered with comes out as it is.
    async fn audit_chain(&self, after: i64, limit: u32) -> Result<Vec<ChainLink>, StoreError>;

    /// The end of the log, as the store keeps it beside the entries.
    async fn audit_head(&self) -> Result<AuditHead, StoreError>;
}
