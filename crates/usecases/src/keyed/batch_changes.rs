//! Making several changes as one.

use super::{Scope, Writing, may_add, operation};
use crate::Lethe;
use crate::once::Once;
use lethe_domain::access::Operation;
use lethe_domain::draft::{KeyOutcome, KeyRefusal};
use lethe_domain::id::UserId;
use lethe_domain::key::PreferenceKey;
use lethe_ports::Caller;
use lethe_ports::inbound::{Atomicity, Batch, BatchOutcome, BatchStep, KeyedError};
use lethe_ports::outbound::{AccountStore, Store, Tx};
use std::sync::Arc;

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn batch_changes(&self, caller: &Caller, owner: UserId, batch: Batch) -> Result<BatchOutcome, KeyedError> {
        for wanted in [Operation::Update, Operation::Delete] {
            let keys: Vec<_> = batch.changes.iter().filter(|change| operation(&change.action) == wanted).map(|change| change.key.clone()).collect();
            // An empty batch is looked at as well.
            if !keys.is_empty() || batch.changes.is_empty() {
                self.permit_keys(caller, owner, wanted, &keys).await?;
            }
        }
        let batch = Arc::new(batch);
        let outcome = self
            .once(Once::new(caller, owner), || {
                let (writing, batch) = (self.writing(caller, owner), batch.clone());
                move |tx| Box::pin(async move { make(tx, &writing, &batch).await })
            })
            .await?;
        self.touched(owner);
        Ok(outcome)
    }
}

async fn make(tx: &mut dyn Tx, writing: &Writing, batch: &Batch) -> Result<BatchOutcome, KeyedError> {
    let keys: Vec<PreferenceKey> = batch.changes.iter().map(|change| change.key.clone()).collect();
    let mut draft = writing.begin(tx, Scope::Keys(&keys)).await?;
    let permitted = Writing::check(&draft, &batch.precondition);
    let mut results = Vec::with_capacity(batch.changes.len());
    for (place, change) in batch.changes.iter().enumerate() {
        let result = draft.change(change, &writing.limits);
        if let Ok(KeyOutcome::Created(_)) = result {
            may_add(&writing.caller, writing.owner, &change.key, None, writing.stamp)?;
        }
        match (batch.atomicity, result) {
            (Atomicity::AllOrNothing, Err(refusal)) => return Err(KeyedError::RefusedAt { operation: place, refusal }),
            (Atomicity::AllOrNothing | Atomicity::EachForItself, result) => results.push(result.as_ref().map(BatchStep::from).map_err(without_item)),
        }
    }
    permitted?;
    Ok(BatchOutcome { revision: writing.make(tx, draft).await?, results })
}

/// The refusal without what is there: nobody is shown that, and it would be kept with the outcome.
fn without_item(refusal: &KeyRefusal) -> KeyRefusal {
    match refusal {
        KeyRefusal::Unmet(unmet, _) => KeyRefusal::Unmet(*unmet, None),
        KeyRefusal::NotFound | KeyRefusal::Quota(_) | KeyRefusal::Patch(_) | KeyRefusal::Value(_) => refusal.clone(),
    }
}
