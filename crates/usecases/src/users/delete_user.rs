//! Deleting a user, softly or for good.

use crate::Lethe;
use crate::access::is_alive;
use crate::retry::on_contention;
use lethe_domain::access::{Act, Operation, Relation};
use lethe_domain::account::{Account, AccountState, DeletionMode};
use lethe_domain::manifest::ContentKind;
use lethe_domain::id::UserId;
use lethe_domain::time::Timestamp;
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, DeleteUserError};
use lethe_ports::outbound::{AccountStore, Store, StoreError, Tx};
use std::time::Duration;

/// Rows that are erased in one statement.
const CHUNK: u32 = 2_000;

/// A deletion that is asked for.
#[derive(Debug, Clone, Copy)]
struct Deletion {
    user: UserId,
    mode: DeletionMode,
    now: Timestamp,
    grace: Option<Duration>,
}

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn delete_user(&self, caller: &Caller, user: UserId, mode: DeletionMode) -> Result<(), DeleteUserError> {
        self.permit_deletion(caller, user).await?;
        let deletion = Deletion { user, mode, now: self.clock.now(), grace: self.policy.grace };
        on_contention(|| {
            let caller = caller.clone();
            self.store.transact(move |tx| Box::pin(async move { delete(tx, &caller, deletion).await }))
        })
        .await
    }

    /// Whether the caller may delete this user. A deleted user may still act on its own deletion, so whether it is there is judged later,
    /// from the locked account.
    async fn permit_deletion(&self, caller: &Caller, user: UserId) -> Result<(), AccessError> {
        let act = Act::on(Operation::Delete, user);
        match caller.actor.relation_to(user) {
            Relation::Itself => match self.permit(caller, &act) {
                Ok(()) => Ok(()),
                Err(refusal) => may_delete_itself(caller, self.store.account(user).await?.as_ref()).and(Err(refusal)),
            },
            Relation::Admin | Relation::Stranger => self.authorize(caller, &act).await,
        }
    }
}

async fn delete(tx: &mut dyn Tx, caller: &Caller, deletion: Deletion) -> Result<(), DeleteUserError> {
    let account = tx.account_for_update(deletion.user).await?;
    if caller.actor.relation_to(deletion.user) == Relation::Itself {
        may_delete_itself(caller, account.as_ref())?;
    }
    let account = account.ok_or(AccessError::NoSuchUser)?;
    let deleted = account.delete(deletion.mode, deletion.now, deletion.grace)?;
    tx.save_account(&deleted).await?;
    match deleted.state {
        AccountState::Live(_) | AccountState::SoftDeleted { .. } => Ok(()),
        AccountState::Erased { .. } => Ok(erase_everything(tx, deletion.user).await?),
    }
}

/// A deleted user's token is good for one thing only: to be told what became of its deletion, or to make it a hard one.
fn may_delete_itself(caller: &Caller, account: Option<&Account>) -> Result<(), AccessError> {
    match account.map(|account| account.state) {
        None | Some(AccountState::Live(_)) => is_alive(caller, account),
        Some(AccountState::SoftDeleted { .. } | AccountState::Erased { .. }) => Ok(()),
    }
}

/// Walks the whole manifest.
async fn erase_everything(tx: &mut dyn Tx, user: UserId) -> Result<(), StoreError> {
    for kind in ContentKind::ALL {
        while tx.erase(user, kind, CHUNK).await? == CHUNK {}
    }
    Ok(())
}
