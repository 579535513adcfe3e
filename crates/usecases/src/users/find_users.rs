//! Lists of users: one for everybody, one for admins.

use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::{StatusSet, UserStatus};
use lethe_domain::id::UserId;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::profile::User;
use lethe_ports::Caller;
use lethe_ports::inbound::AccountError;
use lethe_ports::outbound::{AccountStore, UserFilter};

impl<S: AccountStore> Lethe<S> {
    pub(crate) async fn list_users(&self, caller: &Caller, filter: UserFilter, page: PageRequest) -> Result<Page<User>, AccountError> {
        self.authorize(caller, &Act::by_member(Operation::Read)).await?;
        let listed = UserFilter { statuses: StatusSet::LISTED.states().to_vec(), ..filter };
        Ok(self.store.users(&listed, page).await?)
    }

    pub(crate) async fn walk_users(&self, caller: &Caller, statuses: &[UserStatus], after: Option<UserId>, limit: u32) -> Result<Vec<User>, AccountError> {
        self.authorize(caller, &Act::by_admin(Operation::Read)).await?;
        Ok(self.store.users_after(statuses, after, limit).await?)
    }

    pub(crate) async fn moderate_users(&self, caller: &Caller, filter: UserFilter, page: PageRequest) -> Result<Page<User>, AccountError> {
        self.authorize(caller, &Act::by_admin(Operation::Read)).await?;
        Ok(self.store.users(&filter, page).await?)
    }
}
