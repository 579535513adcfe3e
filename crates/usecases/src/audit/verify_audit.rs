//! Reading the audit log from its beginning, to see whether it was tampered with.

use crate::Lethe;
use lethe_domain::audit::AuditHead;
use lethe_ports::inbound::AuditVerdict;
use lethe_ports::outbound::{AuditStore, StoreError};

/// Entries that are read at once.
const BATCH: u32 = 1_000;

impl<S: AuditStore> Lethe<S> {
    pub(crate) async fn verify_audit_log(&self) -> Result<AuditVerdict, StoreError> {
        // Before the entries: others may go on writing meanwhile.
        let remembered = self.store.audit_head().await?;
        let mut found = AuditHead::default();
        while found.seq < remembered.seq {
            let links = self.store.audit_chain(found.seq, BATCH).await?;
            if links.is_empty() {
                break;
            }
            for link in links {
                let Some(entry) = link.entry.filter(|entry| found.is_followed_by(entry)) else { return Ok(AuditVerdict::Broken(link.seq)) };
                found = entry.head();
                if found.seq == remembered.seq {
                    break;
                }
            }
        }
        Ok(if found == remembered { AuditVerdict::Intact(found) } else { AuditVerdict::CutOff { found, remembered } })
    }
}
