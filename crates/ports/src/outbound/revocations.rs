//! Tokens that are dead before their time.

use async_trait::async_trait;
use lethe_domain::time::Timestamp;

use super::StoreError;

/// A token that was revoked, and with it whatever was narrowed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedToken {
    /// The revocation id of its last block, in hexadecimal digits.
    pub id: String,
    /// When it would have ended by itself, if that is known: nobody needs to remember it longer.
    pub expires_at: Option<Timestamp>,
}

/// What was revoked, up to a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocations {
    /// The ids.
    pub ids: Vec<String>,
    /// The moment, by the store's clock. What commits later may carry an earlier time.
    pub as_of: Timestamp,
}

/// Revocations, for reading.
#[async_trait]
pub trait RevocationStore: Send + Sync {
    /// What came into the store at `since` or later, by the store's clock, whether it was revoked then or imported; everything without it.
    async fn revocations(&self, since: Option<Timestamp>) -> Result<Revocations, StoreError>;
}
