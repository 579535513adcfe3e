//! The audit log. For admins.

use super::AccountError;
use crate::caller::Caller;
use crate::outbound::AuditFilter;
use async_trait::async_trait;
use lethe_domain::audit::AuditEntry;

/// The audit log.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Entries that pass the filter, newest first, at most `limit`.
    async fn entries(&self, caller: &Caller, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, AccountError>;
}
