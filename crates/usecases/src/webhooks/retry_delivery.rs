//! Telling an event anew.

use crate::Lethe;
use crate::once::Once;
use lethe_domain::access::{Act, Operation};
use lethe_domain::time::Timestamp;
use lethe_domain::webhook::{Delivery, DeliveryId};
use lethe_ports::Caller;
use lethe_ports::inbound::LookUpError;
use lethe_ports::outbound::{AccountStore, Store, Tx, UpkeepStore};

impl<S: Store + AccountStore + UpkeepStore> Lethe<S> {
    pub(crate) async fn retry_delivery(&self, caller: &Caller, id: &DeliveryId) -> Result<Delivery, LookUpError> {
        self.authorize(caller, &Act::by_admin(Operation::Update)).await?;
        let now = self.store.now().await?;
        self.once(Once::new(caller, caller.actor.user), || {
            let id = id.clone();
            move |tx| Box::pin(async move { retry(tx, &id, now).await })
        })
        .await?;
        let id = id.clone();
        self.store.transact(move |tx| Box::pin(async move { tx.delivery_for_update(&id).await?.ok_or(LookUpError::NotFound) })).await
    }
}

async fn retry(tx: &mut dyn Tx, id: &DeliveryId, now: Timestamp) -> Result<(), LookUpError> {
    let again = tx.delivery_for_update(id).await?.ok_or(LookUpError::NotFound)?.retry(now);
    tx.save_delivery(&again).await?;
    Ok(tx.save_endpoint(&id.endpoint, None).await?)
}
