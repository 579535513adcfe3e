//! Placing a hold.

use super::can_be_held;
use crate::Lethe;
use crate::announce::log;
use crate::erasure::stopped;
use crate::once::Once;
use lethe_domain::access::{Act, Operation};
use lethe_domain::audit::{AuditAct, AuditAction};
use lethe_domain::hold::{Hold, NewHold};
use lethe_domain::id::{HoldId, UserId};
use lethe_domain::time::Timestamp;
use lethe_ports::Caller;
use lethe_ports::inbound::LookUpError;
use lethe_ports::outbound::{AccountStore, Stamp, Store, Tx};

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn place_hold(&self, caller: &Caller, user: UserId, new: NewHold) -> Result<Hold, LookUpError> {
        self.authorize(caller, &Act::by_admin(Operation::Create)).await?;
        let actor = caller.actor.user;
        let terms = new.clone();
        // What is remembered of it, under whoever asked, says nothing of the user.
        let placed = self.once(Once::new(caller, actor), || {
            let new = new.clone();
            move |tx| Box::pin(async move { place(tx, user, new, actor).await })
        });
        let (id, placed_at) = placed.await?;
        Ok(Hold { id, user, terms, placed_at, placed_by: actor })
    }
}

async fn place(tx: &mut dyn Tx, user: UserId, terms: NewHold, actor: UserId) -> Result<(HoldId, Timestamp), LookUpError> {
    let account = tx.account_for_update(user).await?;
    let stamp = Stamp { actor, now: tx.now().await? };
    let erasure = tx.erasure_for_update(user).await?;
    can_be_held(account.as_ref(), erasure.as_ref())?;
    let id = tx.insert_hold(user, &terms, stamp).await?;
    let hold = Hold { id, user, terms, placed_at: stamp.now, placed_by: stamp.actor };
    if let Some(erasure) = erasure.filter(|_| hold.is_in_force(stamp.now)) {
        // It would stop by itself at its next chunk; so it shows at once.
        let holds = tx.holds(user).await?;
        tx.save_erasure(&stopped(erasure, &holds, stamp.now)).await?;
    }
    let (subject, actor, reference) = (Some(user), Some(stamp.actor), Some(id.to_string()));
    log(tx, vec![AuditAct { action: AuditAction::HoldPlaced, subject, actor, reference, at: stamp.now }]).await?;
    Ok((id, stamp.now))
}
