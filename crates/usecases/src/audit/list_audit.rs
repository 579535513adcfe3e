//! Reading the audit log.

use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::audit::AuditEntry;
use lethe_ports::Caller;
use lethe_ports::inbound::AccountError;
use lethe_ports::outbound::{AccountStore, AuditFilter, AuditStore};

impl<S: AccountStore + AuditStore> Lethe<S> {
    pub(crate) async fn list_audit(&self, caller: &Caller, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, AccountError> {
        self.authorize(caller, &Act::by_admin(Operation::Read)).await?;
        Ok(self.store.audit_entries(filter, limit).await?)
    }
}
