//! Taking a soft delete back.

use crate::Lethe;
use crate::announce::Announcer;
use crate::once::{Kept, Once};
use crate::retry::on_contention;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::{Account, AccountState, Restored, TransitionError};
use lethe_domain::event::Event;
use lethe_domain::id::UserId;
use lethe_ports::inbound::{AccessError, Bearer, Restoration, RestoreError};
use lethe_ports::outbound::{AccountStore, Store, Tx};
use lethe_ports::{Errand, Ticket};

impl Kept for Restoration {}

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn restore_user(&self, bearer: &Bearer, user: UserId) -> Result<Restoration, RestoreError> {
        let (epoch, actor) = match bearer {
            Bearer::Caller(caller) => {
                self.authorize(caller, &Act::by_admin(Operation::Update)).await?;
                (None, Some(caller.actor.user))
            }
            // Whoever holds the ticket acts for the user.
            Bearer::Ticket(ticket) => (Some(self.permit_to_restore(ticket, user)?), Some(user)),
        };
        let announcer = self.announcer(actor);
        match bearer {
            Bearer::Caller(caller) => {
                self.once(Once::new(caller, caller.actor.user), || {
                    let announcer = announcer.clone();
                    move |tx| Box::pin(async move { restore(tx, user, epoch, &announcer).await })
                })
                .await
            }
            // A ticket is good for one use, and nobody's in particular: there is nobody to tell again.
            Bearer::Ticket(_) => {
                on_contention(|| {
                    let announcer = announcer.clone();
                    self.store.transact(move |tx| Box::pin(async move { restore(tx, user, epoch, &announcer).await }))
                })
                .await
            }
        }
    }

    /// The deletion that a ticket may take back.
    fn permit_to_restore(&self, ticket: &Ticket, wanted: UserId) -> Result<i64, AccessError> {
        match ticket.errand {
            Errand::Restore { user, epoch } if user == wanted => {
                ticket.grant.allows(self.clock.now())?;
                Ok(epoch)
            }
            Errand::Restore { .. } | Errand::FollowErasure { .. } => Err(AccessError::Forbidden),
        }
    }
}

async fn restore(tx: &mut dyn Tx, user: UserId, epoch: Option<i64>, announcer: &Announcer) -> Result<Restoration, RestoreError> {
    let before = tx.account_for_update(user).await?.ok_or(AccessError::NoSuchUser)?;
    let now = tx.now().await?;
    let restored = before.restore(now).map_err(refusal)?;
    if epoch.is_some_and(|epoch| !is_in_deletion(&before, epoch)) {
        return Err(AccessError::TokenExpired.into());
    }
    match restored {
        Restored::WasNotDeleted(_) => Ok(Restoration::WasNotDeleted),
        Restored::Yes(account) => {
            tx.save_account(&account).await?;
            let ext_id = tx.ext_id(user).await?;
            announcer.announce(tx, &Event::of_change(Some(&before), &account, ext_id.as_ref(), now)).await?;
            Ok(Restoration::Restored)
        }
    }
}

/// Whether the account is in that very deletion: a ticket is dead once it was used, or once the account was deleted again.
fn is_in_deletion(account: &Account, epoch: i64) -> bool {
    matches!(account.state, AccountState::SoftDeleted { .. }) && account.deletion_epoch == epoch
}

fn refusal(error: TransitionError) -> AccessError {
    match error {
        TransitionError::Erased => AccessError::UserErased,
        // A restore meets neither.
        TransitionError::AlreadySoftDeleted | TransitionError::OnHold => AccessError::Forbidden,
    }
}
