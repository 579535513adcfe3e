//! What became of events on their way. For admins.

use super::{AccountError, LookUpError};
use crate::caller::Caller;
use crate::outbound::ListedDelivery;
use async_trait::async_trait;
use lethe_domain::webhook::{Delivery, DeliveryId, DeliveryState};

/// Deliveries.
#[async_trait]
pub trait Webhooks: Send + Sync {
    /// Deliveries in one of these states before `before`, newest first, at most `limit`.
    async fn list(&self, caller: &Caller, states: &[DeliveryState], before: Option<i64>, limit: u32) -> Result<Vec<ListedDelivery>, AccountError>;
    /// Tells an event anew, whatever came of it before; an endpoint that wanted no more events is asked again.
    async fn retry(&self, caller: &Caller, id: &DeliveryId) -> Result<Delivery, LookUpError>;
}
