//! What a deletion would do.

use crate::Lethe;
use crate::retry::on_contention;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::{Account, DeletionMode, StatusSet};
use lethe_domain::id::UserId;
use lethe_domain::plan::DeletionPlan;
use lethe_domain::profile::UniqueName;
use lethe_domain::time::Timestamp;
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, AccountError};
use lethe_ports::outbound::{AccountStore, Store, StoreError, Tx};

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn plan_deletion(&self, caller: &Caller, user: UserId, mode: DeletionMode) -> Result<DeletionPlan, AccountError> {
        self.check(caller, &Act::on(Operation::Read, user)).await?;
        let now = self.clock.now();
        on_contention(|| self.store.transact(move |tx| Box::pin(async move { look_and_plan(tx, user, mode, now).await }))).await
    }
}

async fn look_and_plan(tx: &mut dyn Tx, user: UserId, mode: DeletionMode, now: Timestamp) -> Result<DeletionPlan, AccountError> {
    let account = tx.account_for_share(user).await?;
    crate::access::admits(StatusSet::READABLE, account.as_ref())?;
    Ok(plan(tx, &account.ok_or(AccessError::NoSuchUser)?, mode, now).await?)
}

/// The plan for an account that cannot change meanwhile.
pub(super) async fn plan(tx: &mut dyn Tx, account: &Account, mode: DeletionMode, now: Timestamp) -> Result<DeletionPlan, StoreError> {
    let ext_id = tx.ext_id(account.id).await?.map(|_| UniqueName::ExtId);
    let names: Vec<_> = std::iter::once(UniqueName::Username).chain(ext_id).collect();
    let (tally, holds) = (tx.tally(account.id).await?, tx.holds(account.id).await?);
    Ok(DeletionPlan::of(account, mode, &tally, &names, &holds, now))
}
