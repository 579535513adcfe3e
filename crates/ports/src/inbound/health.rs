//! Whether Lethe can do its work.

use crate::outbound::StoreError;
use async_trait::async_trait;

/// Health.
#[async_trait]
pub trait Health: Send + Sync {
    /// Whether the store is reachable and its schema is the right one.
    ///
    /// # Errors
    /// The store's own.
    async fn ready(&self) -> Result<(), StoreError>;
}
