//! Looking up holds.

use async_trait::async_trait;
use lethe_domain::hold::Hold;
use lethe_domain::id::UserId;

use super::StoreError;

/// Holds, for reading.
#[async_trait]
pub trait HoldStore: Send + Sync {
    /// The holds on a user, in force or over, by id.
    async fn holds(&self, user: UserId) -> Result<Vec<Hold>, StoreError>;
}
