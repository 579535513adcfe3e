//! What became of events on their way.

use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::webhook::DeliveryState;
use lethe_ports::Caller;
use lethe_ports::inbound::AccountError;
use lethe_ports::outbound::{AccountStore, ListedDelivery, OutboxStore};

impl<S: AccountStore + OutboxStore> Lethe<S> {
    pub(crate) async fn list_deliveries(
        &self,
        caller: &Caller,
        states: &[DeliveryState],
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ListedDelivery>, AccountError> {
        self.authorize(caller, &Act::by_admin(Operation::Read)).await?;
        Ok(self.store.deliveries(states, before, limit).await?)
    }
}
