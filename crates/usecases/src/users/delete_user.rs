//! Deleting a user, softly or for good.

use super::plan_deletion::plan;
use crate::Lethe;
use crate::access::is_alive;
use crate::announce::Announcer;
use crate::erasure::{LEASE, advance, erase};
use crate::once::Once;
use crate::retry::on_contention;
use lethe_domain::access::{Act, Operation, Relation};
use lethe_domain::account::{Account, AccountState, DeletionMode};
use lethe_domain::erasure::{Erasure, ErasureState};
use lethe_domain::event::Event;
use lethe_domain::id::{NodeId, UserId};
use lethe_domain::time::Timestamp;
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, DeleteUserError, Deletion, DeletionRequest};
use lethe_ports::outbound::{AccountStore, Store, StoreError, Tx};
use std::time::Duration;

/// Rows that are removed before a hard delete is answered: an account that has no more is gone by then.
const AT_ONCE: u32 = 2_000;

/// Stands for no node: for the request that asked for the deletion.
const WHOEVER_ASKED: NodeId = NodeId::new(0);

/// A deletion that is asked for.
#[derive(Debug, Clone)]
struct Order {
    caller: Caller,
    user: UserId,
    request: DeletionRequest,
    grace: Option<Duration>,
    announcer: Announcer,
}

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn delete_user(&self, caller: &Caller, user: UserId, request: DeletionRequest) -> Result<Deletion, DeleteUserError> {
        self.permit_deletion(caller, user).await?;
        let announcer = self.announcer(Some(caller.actor.user));
        let order = Order { caller: caller.clone(), user, request, grace: self.policy.grace, announcer: announcer.clone() };
        let deletion = if is_remembered(&order) {
            self.delete_user_once(caller, &order).await?
        } else {
            on_contention(|| {
                let order = order.clone();
                self.store.transact(move |tx| Box::pin(async move { delete(tx, &order).await }))
            })
            .await?
        };
        // Whoever follows the user is told that there is an end.
        self.touched(user);
        Ok(self.finish_at_once(deletion, &announcer).await)
    }

    /// Deletes once, however often that is asked. What is remembered, under whoever asked, is that it was done; how things stand is looked up.
    async fn delete_user_once(&self, caller: &Caller, order: &Order) -> Result<Deletion, DeleteUserError> {
        self.once(Once::new(caller, caller.actor.user).honouring(may_delete_itself), || {
            let order = order.clone();
            move |tx| Box::pin(async move { delete(tx, &order).await.map(drop) })
        })
        .await?;
        let user = order.user;
        self.store.transact(move |tx| Box::pin(async move { look_up(tx, user).await })).await
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

/// Whether it is remembered that this deletion was made. Of whoever deletes itself for good, nothing is; but a key that is none is refused there, too.
fn is_remembered(order: &Order) -> bool {
    let Order { caller, user, request, .. } = order;
    let Some(retry) = &caller.retry else { return false };
    match (caller.actor.relation_to(*user), request.mode) {
        (Relation::Itself, DeletionMode::Hard) => retry.attempt(&caller.actor).is_err(),
        (Relation::Itself | Relation::Admin | Relation::Stranger, DeletionMode::Soft | DeletionMode::Hard) => true,
    }
}

async fn look_up(tx: &mut dyn Tx, user: UserId) -> Result<Deletion, DeleteUserError> {
    let account = tx.account_for_update(user).await?.ok_or(AccessError::NoSuchUser)?;
    Ok(Deletion { account, erasure: tx.erasure_for_update(user).await? })
}

async fn delete(tx: &mut dyn Tx, order: &Order) -> Result<Deletion, DeleteUserError> {
    let Order { user, request, .. } = order;
    let account = tx.account_for_update(*user).await?;
    let now = tx.now().await?;
    if order.caller.actor.relation_to(*user) == Relation::Itself {
        may_delete_itself(&order.caller, account.as_ref())?;
    }
    let before = account.ok_or(AccessError::NoSuchUser)?;
    let holds = match request.mode {
        DeletionMode::Soft => Vec::new(),
        DeletionMode::Hard => tx.holds(*user).await?,
    };
    let after = before.delete(request.mode, now, order.grace, &holds)?;
    if let Some(expected) = &request.plan
        && plan(tx, &before, request.mode, now).await?.version != *expected
    {
        return Err(DeleteUserError::PlanChanged);
    }
    Ok(carry_out(tx, &before, after, &order.announcer, now).await?)
}

/// A deleted user's token is good for one thing only: to be told what became of its deletion, or to make it a hard one.
fn may_delete_itself(caller: &Caller, account: Option<&Account>) -> Result<(), AccessError> {
    let Some(account) = account else { return is_alive(caller, None) };
    if account.honours_own_deletion_of(caller.actor.issued_at) { Ok(()) } else { Err(AccessError::CallerGone) }
}

impl<S: Store> Lethe<S> {
    /// Removes what is left of a small account, whose own posts may not be touched in the transaction that touches others'. Whatever comes in
    /// between, the erasure goes on in the background.
    pub(super) async fn finish_at_once(&self, deletion: Deletion, announcer: &Announcer) -> Deletion {
        let Deletion { account, erasure: Some(begun) } = deletion else { return deletion };
        if begun.state == ErasureState::Done {
            return Deletion { account, erasure: Some(begun) };
        }
        let budget = AT_ONCE.saturating_sub(u32::try_from(begun.rows_done()).unwrap_or(u32::MAX));
        let announcer = announcer.clone();
        let gone_on: Result<Option<Erasure>, StoreError> =
            self.store.transact(move |tx| Box::pin(async move { go_on(tx, account.id, budget, &announcer).await })).await;
        Deletion { account, erasure: Some(gone_on.ok().flatten().unwrap_or(begun)) }
    }
}

/// Removes at most `budget` rows more, and leaves the rest to the nodes.
async fn go_on(tx: &mut dyn Tx, user: UserId, budget: u32, announcer: &Announcer) -> Result<Option<Erasure>, StoreError> {
    let Some(erasure) = erase(tx, user, WHOEVER_ASKED, budget, announcer).await? else { return Ok(None) };
    if erasure.state != ErasureState::Running {
        return Ok(Some(erasure));
    }
    let left = erasure.hand_over(tx.now().await?);
    tx.save_erasure(&left).await?;
    Ok(Some(left))
}

/// Keeps what a deletion makes of an account that is locked, and tells of it. A hard delete begins the erasure here and now: from here on nothing
/// of the user is shown. What is not gone yet is for whoever asked to go on with.
pub(super) async fn carry_out(tx: &mut dyn Tx, before: &Account, after: Account, announcer: &Announcer, now: Timestamp) -> Result<Deletion, StoreError> {
    let ext_id = tx.ext_id(after.id).await?;
    tx.save_account(&after).await?;
    let mut events = Event::of_change(Some(before), &after, ext_id.as_ref(), now);
    let erasure = match after.state {
        AccountState::Live(_) | AccountState::SoftDeleted { .. } => None,
        AccountState::Erased { .. } => {
            let begun = Erasure::begin(after.id, after.deletion_epoch, ext_id, now).reserve(WHOEVER_ASKED, now, LEASE);
            let (erasure, end) = advance(tx, begun, AT_ONCE, now).await?;
            events.extend(end);
            Some(erasure)
        }
    };
    announcer.announce(tx, &events).await?;
    Ok(Deletion { account: after, erasure })
}
