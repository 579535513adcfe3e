//! Reading one user.

use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::UserStatus;
use lethe_domain::id::UserId;
use lethe_domain::profile::User;
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, AccountError};
use lethe_ports::outbound::{AccountStore, UserQuery};

/// Of an erased user there is nothing to show.
fn present(user: Option<User>) -> Result<User, AccountError> {
    let user = user.ok_or(AccessError::NoSuchUser)?;
    match user.status() {
        UserStatus::Active | UserStatus::Blocked | UserStatus::SoftDeleted => Ok(user),
        UserStatus::Erased => Err(AccessError::UserErased.into()),
    }
}

impl<S: AccountStore> Lethe<S> {
    pub(crate) async fn get_user(&self, id: UserId) -> Result<User, AccountError> {
        present(self.store.user(id).await?)
    }

    pub(crate) async fn get_me(&self, caller: &Caller) -> Result<User, AccountError> {
        self.check(caller, &Act::on(Operation::Read, caller.actor.user)).await?;
        self.get_user(caller.actor.user).await
    }

    pub(crate) async fn show_user(&self, caller: &Caller, id: UserId) -> Result<User, AccountError> {
        self.check(caller, &Act::on(Operation::Read, id)).await?;
        self.get_user(id).await
    }

    pub(crate) async fn find_user(&self, caller: &Caller, query: &UserQuery) -> Result<User, AccountError> {
        self.authorize(caller, &Act::by_admin(Operation::Read)).await?;
        present(self.store.find_user(query).await?)
    }
}
