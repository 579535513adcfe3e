//! What a deletion would do.

use crate::Lethe;
use crate::retry::on_contention;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::{Account, DeletionMode, StatusSet};
use lethe_domain::hold::Hold;
use lethe_domain::id::UserId;
use lethe_domain::manifest::Tally;
use lethe_domain::plan::DeletionPlan;
use lethe_domain::profile::UniqueName;
use lethe_domain::time::Timestamp;
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, AccountError};
use lethe_ports::outbound::{AccountStore, ErasureStore, Store, StoreError, Tx};

/// What a plan is made from, beside the counts.
struct Standing {
    account: Account,
    names: Vec<UniqueName>,
    holds: Vec<Hold>,
    now: Timestamp,
}

impl<S: Store + AccountStore + ErasureStore> Lethe<S> {
    pub(crate) async fn plan_deletion(&self, caller: &Caller, user: UserId, mode: DeletionMode) -> Result<DeletionPlan, AccountError> {
        self.check(caller, &Act::on(Operation::Read, user)).await?;
        // Counted without a lock: it may take a while, and nobody need wait for it.
        let tally = self.store.tally(user).await?;
        let standing = on_contention(|| self.store.transact(move |tx| Box::pin(async move { look(tx, user).await }))).await?;
        Ok(standing.plan(mode, &tally))
    }
}

async fn look(tx: &mut dyn Tx, user: UserId) -> Result<Standing, AccountError> {
    let account = tx.account_for_share(user).await?;
    crate::access::admits(StatusSet::READABLE, account.as_ref())?;
    let now = tx.now().await?;
    Ok(Standing::of(tx, account.ok_or(AccessError::NoSuchUser)?, now).await?)
}

impl Standing {
    async fn of(tx: &mut dyn Tx, account: Account, now: Timestamp) -> Result<Self, StoreError> {
        let ext_id = tx.ext_id(account.id).await?.map(|_| UniqueName::ExtId);
        let names = std::iter::once(UniqueName::Username).chain(ext_id).collect();
        Ok(Self { account, names, holds: tx.holds(account.id).await?, now })
    }

    fn plan(&self, mode: DeletionMode, tally: &Tally) -> DeletionPlan {
        DeletionPlan::of(&self.account, mode, tally, &self.names, &self.holds, self.now)
    }
}

/// The plan for an account that is locked: what it says is true until the end of the transaction.
pub(super) async fn plan(tx: &mut dyn Tx, account: &Account, mode: DeletionMode, now: Timestamp) -> Result<DeletionPlan, StoreError> {
    let standing = Standing::of(tx, *account, now).await?;
    Ok(standing.plan(mode, &tx.tally(account.id).await?))
}
