//! The holds on a user.

use super::can_be_held;
use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::hold::Hold;
use lethe_domain::id::UserId;
use lethe_ports::Caller;
use lethe_ports::inbound::LookUpError;
use lethe_ports::outbound::{AccountStore, ErasureStore, HoldStore};

impl<S: AccountStore + ErasureStore + HoldStore> Lethe<S> {
    pub(crate) async fn list_holds(&self, caller: &Caller, user: UserId) -> Result<Vec<Hold>, LookUpError> {
        self.authorize(caller, &Act::by_admin(Operation::Read)).await?;
        can_be_held(self.store.account(user).await?.as_ref(), self.store.erasure(user).await?.as_ref())?;
        Ok(self.store.holds(user).await?)
    }
}
