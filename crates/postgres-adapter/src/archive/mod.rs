//! Everything in and out, in bulk.

mod export;
mod import;
mod people;
mod publications;

use crate::PgStore;
use async_trait::async_trait;
use export::Export;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use lethe_domain::archive::{CheckedRecord, Record};
use lethe_ports::outbound::{ArchiveStore, ImportTerms, RecordOutcome, StoreError};

#[async_trait]
impl ArchiveStore for PgStore {
    async fn import(&self, batch: Vec<CheckedRecord>, terms: ImportTerms<'_>) -> Result<Vec<RecordOutcome>, StoreError> {
        import::import(self, &batch, terms).await
    }

    fn export(&self) -> BoxStream<'static, Result<Vec<Record>, StoreError>> {
        let store = self.clone();
        let begun = stream::once(async move { Export::begin(&store).await });
        begun.map_ok(|export| stream::try_unfold(export, Export::next)).try_flatten().boxed()
    }
}
