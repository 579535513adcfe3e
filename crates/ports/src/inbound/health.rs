//! Whether Lethe can do its work.

use crate::outbound::{Backlog, StoreError};
use async_trait::async_trait;

/// Health.
#[async_trait]
pub trait Health: Send + Sync {
    /// Whether the store is reachable and its schema is the right one; and how much is still to be done.
    ///
    /// # Errors
    /// The store's own.
    async fn ready(&self) -> Result<Backlog, StoreError>;
}
