//! Adding a user.

use crate::Lethe;
use crate::retry::on_contention;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::Account;
use lethe_domain::profile::{NewUser, Person, Profile, User};
use lethe_ports::Caller;
use lethe_ports::inbound::CreateUserError;
use lethe_ports::outbound::{AccountStore, InsertUserError, Store};

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn create_user(&self, caller: &Caller, new: NewUser) -> Result<User, CreateUserError> {
        self.authorize(caller, &Act::by_admin(Operation::Create)).await?;
        let new = NewUser { profile: Profile { date_joined: self.clock.now(), ..new.profile }, ..new };
        let id = on_contention(|| {
            let new = new.clone();
            self.store.transact(move |tx| Box::pin(async move { tx.insert_user(&new).await.map_err(refusal) }))
        })
        .await?;
        Ok(User { id, state: Account::new(id).state, person: Some(Person::new(new)) })
    }
}

fn refusal(error: InsertUserError) -> CreateUserError {
    match error {
        InsertUserError::Taken(name) => CreateUserError::Taken(name),
        InsertUserError::Store(error) => error.into(),
    }
}
