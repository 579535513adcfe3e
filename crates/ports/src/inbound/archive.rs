//! What a store holds, in and out, in bulk. For whoever runs the service: there is no caller.

use crate::outbound::{RecordOutcome, StoreError};
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use lethe_domain::archive::Record;

/// Import and export.
#[async_trait]
pub trait Archive: Send + Sync {
    /// Checks and stores a batch of lines, and says in order what became of each. A refused line does not stop the others.
    ///
    /// # Errors
    /// The store's own; then nothing of the batch was stored.
    async fn import(&self, lines: Vec<String>) -> Result<Vec<RecordOutcome>, StoreError>;

    /// What [`crate::outbound::ArchiveStore`] carries, as of one moment, in batches, users before what belongs to them.
    fn export(&self) -> BoxStream<'static, Result<Vec<Record>, StoreError>>;
}
