//! How far erasures are.

use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::erasure::{Erasure, ErasureState};
use lethe_domain::id::UserId;
use lethe_ports::inbound::{AccessError, AccountError, Bearer, LookUpError};
use lethe_ports::outbound::{AccountStore, ErasureStore};
use lethe_ports::{Caller, Errand, Ticket};

impl<S: AccountStore + ErasureStore> Lethe<S> {
    pub(crate) async fn follow_erasure(&self, bearer: &Bearer, user: UserId) -> Result<Erasure, LookUpError> {
        match bearer {
            Bearer::Caller(caller) => self.authorize(caller, &Act::by_admin(Operation::Read)).await?,
            Bearer::Ticket(ticket) => self.permit_to_follow(ticket, user)?,
        }
        self.store.erasure(user).await?.ok_or(LookUpError::NotFound)
    }

    fn permit_to_follow(&self, ticket: &Ticket, wanted: UserId) -> Result<(), AccessError> {
        match ticket.errand {
            Errand::FollowErasure { user } if user == wanted => Ok(ticket.grant.allows(self.clock.now())?),
            Errand::FollowErasure { .. } | Errand::Restore { .. } => Err(AccessError::Forbidden),
        }
    }

    pub(crate) async fn list_erasures(
        &self,
        caller: &Caller,
        states: &[ErasureState],
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<Erasure>, AccountError> {
        self.authorize(caller, &Act::by_admin(Operation::Read)).await?;
        Ok(self.store.erasures(states, after, limit).await?)
    }
}
