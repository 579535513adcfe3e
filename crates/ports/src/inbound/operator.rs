//! What whoever runs the service may ask of it. There is no caller.

use crate::outbound::{RevokedToken, StoreError};
use async_trait::async_trait;
use lethe_domain::audit::AuditHead;
use lethe_domain::id::UserId;

/// What came of reading the audit log from its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditVerdict {
    /// Every entry follows the one before it.
    Intact(AuditHead),
    /// The entry of this number does not follow the one before it.
    Broken(i64),
    /// All entries hold together, but the log once had another end.
    CutOff {
        /// The last entry that is there.
        found: AuditHead,
        /// The end that the store remembers.
        remembered: AuditHead,
    },
}

/// Whoever runs the service.
#[async_trait]
pub trait Operator: Send + Sync {
    /// Kills a token, and what was narrowed from it, on every node. `bearer` is whom it was issued to, if that is known.
    async fn revoke_token(&self, token: RevokedToken, bearer: Option<UserId>) -> Result<(), StoreError>;
    /// Kills every token that was issued to a user so far; whether there is such a user.
    async fn revoke_tokens_of(&self, user: UserId) -> Result<bool, StoreError>;
    /// Gives all revisions numbers that were never in use, here or in another store: how many users have them. Whoever remembers another
    /// one reads anew.
    async fn renumber(&self) -> Result<u64, StoreError>;
    /// Reads the audit log from its beginning.
    async fn verify_audit(&self) -> Result<AuditVerdict, StoreError>;
}
