//! Adding a user.

use crate::Lethe;
use crate::announce::Announcer;
use crate::retry::on_contention;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::{Account, UserStatus};
use lethe_domain::event::Event;
use lethe_domain::id::UserId;
use lethe_domain::profile::{NewUser, Person, Profile, UniqueName, User};
use lethe_ports::Caller;
use lethe_ports::inbound::{CreateUserError, Reservation};
use lethe_ports::outbound::{AccountStore, InsertUserError, Store, StoreError, Tx, UserQuery};

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn create_user(&self, caller: &Caller, new: NewUser) -> Result<User, CreateUserError> {
        self.authorize(caller, &Act::by_admin(Operation::Create)).await?;
        let new = NewUser { profile: Profile { date_joined: self.clock.now(), ..new.profile }, ..new };
        let announcer = self.announcer(Some(caller.actor.user));
        let inserted = on_contention(|| {
            let (new, announcer) = (new.clone(), announcer.clone());
            self.store.transact(move |tx| Box::pin(async move { insert(tx, &new, &announcer).await }))
        })
        .await;
        match inserted {
            Ok(id) => Ok(User { id, state: Account::new(id).state, person: Some(Person::new(new)) }),
            Err(InsertUserError::Taken(name)) => Err(CreateUserError::Taken(name, self.reservation(&new, name).await?)),
            Err(InsertUserError::Store(error)) => Err(error.into()),
        }
    }

    /// Who keeps that name of `new` from being taken.
    async fn reservation(&self, new: &NewUser, name: UniqueName) -> Result<Reservation, StoreError> {
        let holder = match (name, &new.ext_id) {
            (UniqueName::ExtId, Some(ext_id)) => self.store.find_user(&UserQuery::ExtId(ext_id.clone())).await?,
            (UniqueName::Username | UniqueName::ExtId, _) => self.store.find_user(&UserQuery::Username(new.username.clone())).await?,
        };
        match holder.map(|holder| holder.status()) {
            Some(UserStatus::SoftDeleted) => Ok(Reservation::Reserved),
            // One that has become free in between was in use before.
            Some(UserStatus::Active | UserStatus::Blocked | UserStatus::Erased) | None => Ok(Reservation::InUse),
        }
    }
}

async fn insert(tx: &mut dyn Tx, new: &NewUser, announcer: &Announcer) -> Result<UserId, InsertUserError> {
    let id = tx.insert_user(new).await?;
    announcer.announce(tx, &Event::of_change(None, &Account::new(id), new.ext_id.as_ref(), new.profile.date_joined)).await?;
    Ok(id)
}
