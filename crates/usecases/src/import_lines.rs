//! Importing a batch of lines.

use crate::Lethe;
use crate::retry::on_contention;
use lethe_domain::archive::{CheckedRecord, Record};
use lethe_domain::time::Timestamp;
use lethe_ports::outbound::{ArchiveStore, ImportTerms, RecordOutcome, StoreError, UpkeepStore};

impl<S: ArchiveStore + UpkeepStore> Lethe<S> {
    /// Checks every line, stores those that pass, and says in order what became of each.
    pub(crate) async fn import_lines(&self, lines: &[String]) -> Result<Vec<RecordOutcome>, StoreError> {
        let now = self.store.now().await?;
        let mut passed = Vec::new();
        let mut outcomes = Vec::with_capacity(lines.len());
        for line in lines {
            let checked = Record::parse(line).and_then(|record| record.check(&self.policy.limits, now));
            outcomes.push(checked.map(|record| passed.push(record)));
        }
        let mut stored = self.store_records(passed, now).await?.into_iter();
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
            *outcome = stored.next().ok_or_else(|| StoreError::Failed("the store did not say what became of a record".into()))?;
        }
        Ok(outcomes)
    }

    /// Stores a batch, again while other writers are in the way, since a refusal for that reason leaves no trace.
    async fn store_records(&self, records: Vec<CheckedRecord>, now: Timestamp) -> Result<Vec<RecordOutcome>, StoreError> {
        let terms = ImportTerms { limits: &self.policy.limits, subscriptions: &self.policy.subscriptions, now };
        on_contention(|| self.store.import(records.clone(), terms)).await
    }
}
