//! Telling endpoints what they are still to be told. At least once each: a node that dies after it was heard, and before that is kept, is
//! followed by another.

use crate::Lethe;
use crate::retry::on_contention;
use futures_util::future::join_all;
use lethe_domain::time::Timestamp;
use lethe_domain::webhook::{Answer, Delivery, DeliveryId, EndpointId, LONGEST_ANSWER, RetrySchedule};
use lethe_ports::inbound::Work;
use lethe_ports::outbound::{Message, OutboxStore, Store, StoreError, Tx, UpkeepStore, WebhookSender};
use std::sync::Arc;
use std::time::Duration;

/// Deliveries that are taken up at once.
const BATCH: u32 = 4;
/// For how long nobody else tells what is being told: longer than an endpoint may take to answer.
const LEASE: Duration = LONGEST_ANSWER.saturating_add(Duration::from_secs(15));

impl<S: Store + OutboxStore + UpkeepStore> Lethe<S> {
    pub(crate) async fn deliver_events(&self, sender: &dyn WebhookSender, endpoint: &EndpointId) -> Result<Work, StoreError> {
        let due = self.store.due_deliveries(endpoint, self.store.now().await?, BATCH).await?;
        let told = join_all(due.into_iter().map(|id| self.deliver(sender, id))).await;
        // One that fails takes nothing from the others, which were heard.
        let done = if told.is_empty() { Work::Nothing } else { Work::Done };
        told.into_iter().collect::<Result<Vec<_>, _>>().map(|_| done)
    }

    async fn deliver(&self, sender: &dyn WebhookSender, id: DeliveryId) -> Result<(), StoreError> {
        let now = self.store.now().await?;
        let taken_up = on_contention(|| {
            let id = id.clone();
            self.store.transact(move |tx| Box::pin(async move { take_up(tx, &id, now).await }))
        })
        .await?;
        let Some(delivery) = taken_up else { return Ok(()) };
        let message = Message { id: delivery.event.message_id(), timestamp: now, body: delivery.event.payload() };
        let answer = Arc::new(sender.send(&delivery.endpoint, &message).await);
        let (now, told_at) = (self.store.now().await?, delivery.attempted_at);
        on_contention(|| {
            let (id, answer, schedule) = (id.clone(), answer.clone(), self.policy.retries.clone());
            self.store.transact(move |tx| Box::pin(async move { settle(tx, &id, told_at, &answer, &schedule, now).await }))
        })
        .await
    }
}

/// Takes a delivery up, unless somebody else has by now, or its endpoint wants no more events.
async fn take_up(tx: &mut dyn Tx, id: &DeliveryId, now: Timestamp) -> Result<Option<Delivery>, StoreError> {
    let Some(known) = tx.delivery_for_update(id).await? else { return Ok(None) };
    let Some(taken) = known.clone().attempt(now, LEASE) else { return Ok(None) };
    if tx.endpoint_gone_since(&id.endpoint).await?.is_some() {
        tx.save_delivery(&known.give_up("the endpoint wants no more events")).await?;
        return Ok(None);
    }
    tx.save_delivery(&taken).await?;
    Ok(Some(taken))
}

/// Keeps what came of it, unless somebody else has taken it up since.
async fn settle(
    tx: &mut dyn Tx,
    id: &DeliveryId,
    told_at: Option<Timestamp>,
    answer: &Answer,
    schedule: &RetrySchedule,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(delivery) = tx.delivery_for_update(id).await?.filter(|delivery| delivery.attempted_at == told_at) else { return Ok(()) };
    if *answer == Answer::Gone {
        tx.save_endpoint(&id.endpoint, Some(now)).await?;
    }
    tx.save_delivery(&delivery.settle(answer, schedule, now)).await
}
