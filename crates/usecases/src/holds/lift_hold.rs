//! Lifting a hold.

use super::can_be_held;
use crate::Lethe;
use crate::announce::log;
use crate::once::Once;
use lethe_domain::access::{Act, Operation};
use lethe_domain::audit::{AuditAct, AuditAction};
use lethe_domain::erasure::ErasureState;
use lethe_domain::id::{HoldId, UserId};
use lethe_ports::Caller;
use lethe_ports::inbound::LookUpError;
use lethe_ports::outbound::{AccountStore, Stamp, Store, Tx};
use std::time::Duration;

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn lift_hold(&self, caller: &Caller, user: UserId, hold: HoldId) -> Result<(), LookUpError> {
        self.authorize(caller, &Act::by_admin(Operation::Delete)).await?;
        let actor = caller.actor.user;
        self.once(Once::new(caller, actor), || move |tx| Box::pin(async move { lift(tx, user, hold, actor).await })).await
    }
}

async fn lift(tx: &mut dyn Tx, user: UserId, hold: HoldId, actor: UserId) -> Result<(), LookUpError> {
    let account = tx.account_for_update(user).await?;
    let stamp = Stamp { actor, now: tx.now().await? };
    let erasure = tx.erasure_for_update(user).await?;
    can_be_held(account.as_ref(), erasure.as_ref())?;
    if !tx.delete_hold(user, hold).await? {
        return Err(LookUpError::NotFound);
    }
    if let Some(erasure) = erasure.filter(|erasure| erasure.state == ErasureState::Blocked) {
        // Whoever looks at it next finds out whether another hold is left. It need not wait for that.
        tx.save_erasure(&erasure.block(stamp.now, Duration::ZERO)).await?;
    }
    let (subject, actor, reference) = (Some(user), Some(stamp.actor), Some(hold.to_string()));
    Ok(log(tx, vec![AuditAct { action: AuditAction::HoldLifted, subject, actor, reference, at: stamp.now }]).await?)
}
