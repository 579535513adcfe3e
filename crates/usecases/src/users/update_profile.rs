//! Changing a profile.

use crate::Lethe;
use crate::access::admits;
use crate::once::Once;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::StatusSet;
use lethe_domain::id::UserId;
use lethe_domain::profile::{ProfileUpdate, User};
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, AccountError};
use lethe_ports::outbound::{AccountStore, Store, Tx};

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn update_profile(&self, caller: &Caller, id: UserId, update: ProfileUpdate) -> Result<User, AccountError> {
        self.check(caller, &Act::on(Operation::Update, id)).await?;
        self.once(Once::new(caller, id), || {
            let update = update.clone();
            move |tx| Box::pin(async move { change(tx, id, update).await })
        })
        .await?;
        self.get_user(id).await
    }
}

async fn change(tx: &mut dyn Tx, id: UserId, update: ProfileUpdate) -> Result<(), AccountError> {
    admits(StatusSet::WRITABLE, tx.account_for_update(id).await?.as_ref())?;
    let profile = tx.profile(id).await?.ok_or(AccessError::NoSuchUser)?;
    Ok(tx.save_profile(id, &update.apply(profile)).await?)
}
