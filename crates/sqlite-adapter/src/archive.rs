//! Everything in and out, in bulk.

use crate::SqliteStore;
use crate::export::export;
use crate::import::import;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use lethe_domain::archive::{CheckedRecord, Record};
use lethe_domain::limits::Limits;
use lethe_domain::time::Timestamp;
use lethe_ports::outbound::{ArchiveStore, RecordOutcome, StoreError};

#[async_trait]
impl ArchiveStore for SqliteStore {
    async fn import(&self, batch: Vec<CheckedRecord>, limits: &Limits, now: Timestamp) -> Result<Vec<RecordOutcome>, StoreError> {
        let limits = *limits;
        self.writer().write(move |connection| import(connection, batch, &limits, now)).await
    }

    fn export(&self) -> BoxStream<'static, Result<Vec<Record>, StoreError>> {
        export(self.path().to_owned())
    }
}
