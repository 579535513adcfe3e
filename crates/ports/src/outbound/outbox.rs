//! The outbox: events on their way, and whoever takes them there.

use async_trait::async_trait;
use lethe_domain::time::Timestamp;
use lethe_domain::webhook::{Answer, Delivery, DeliveryId, DeliveryState, EndpointId};

use super::StoreError;

/// A delivery with its place in the order of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDelivery {
    /// Higher than that of any delivery that was there before. Of what is in flight at the same time either may be first.
    pub seq: i64,
    /// The delivery.
    pub delivery: Delivery,
}

/// Deliveries, for reading.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Deliveries in one of these states before `before`, newest first, at most `limit`.
    async fn deliveries(&self, states: &[DeliveryState], before: Option<i64>, limit: u32) -> Result<Vec<ListedDelivery>, StoreError>;

    /// Deliveries to an endpoint that are due at `now`, the longest due first. Of one user's only the first that is pending may be among them:
    /// what is not settled holds up what follows.
    async fn due_deliveries(&self, endpoint: &EndpointId, now: Timestamp, limit: u32) -> Result<Vec<DeliveryId>, StoreError>;
}

/// What is told to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same each time that it is told.
    pub id: String,
    /// When it is told.
    pub timestamp: Timestamp,
    /// The exact text.
    pub body: String,
}

/// Tells endpoints.
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// The endpoints that it knows the addresses and secrets of.
    fn endpoints(&self) -> Vec<EndpointId>;

    /// Tells an endpoint that it knows, once. MUST sign the exact bytes of the body, follow no redirect, come to an end in bounded time,
    /// and reach no address that it was not allowed to.
    async fn send(&self, endpoint: &EndpointId, message: &Message) -> Answer;
}
