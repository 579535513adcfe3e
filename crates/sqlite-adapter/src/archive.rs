//! Everything in and out, in bulk.

use crate::SqliteStore;
use crate::export::export;
use crate::import::import;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use lethe_domain::archive::{CheckedRecord, Record};
use lethe_ports::outbound::{ArchiveStore, ImportTerms, RecordOutcome, StoreError};

#[async_trait]
impl ArchiveStore for SqliteStore {
    async fn import(&self, batch: Vec<CheckedRecord>, terms: ImportTerms<'_>) -> Result<Vec<RecordOutcome>, StoreError> {
        let (limits, subscriptions, now) = (*terms.limits, terms.subscriptions.to_vec(), terms.now);
        self.writer().write(move |connection| import(connection, batch, ImportTerms { limits: &limits, subscriptions: &subscriptions, now })).await
    }

    fn export(&self) -> BoxStream<'static, Result<Vec<Record>, StoreError>> {
        export(self.path().to_owned())
    }
}
