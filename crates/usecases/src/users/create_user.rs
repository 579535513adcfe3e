//! Adding a user.

use crate::Lethe;
use crate::announce::Announcer;
use crate::once::Once;
use crate::retry::StoreFailure;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::{Account, UserStatus};
use lethe_domain::event::Event;
use lethe_domain::id::UserId;
use lethe_domain::profile::{NewUser, Person, Profile, UniqueName, User};
use lethe_domain::time::Timestamp;
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, CreateUserError, Reservation};
use lethe_ports::outbound::{AccountStore, InsertUserError, Store, StoreError, Tx, UserQuery};

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn create_user(&self, caller: &Caller, new: NewUser) -> Result<User, CreateUserError> {
        self.authorize(caller, &Act::by_admin(Operation::Create)).await?;
        let new = NewUser { profile: Profile { date_joined: self.clock.now(), ..new.profile }, ..new };
        let announcer = self.announcer(Some(caller.actor.user));
        let inserted = self
            .once(Once::new(caller, caller.actor.user), || {
                let (new, announcer) = (new.clone(), announcer.clone());
                move |tx| Box::pin(async move { insert(tx, &new, &announcer).await })
            })
            .await;
        match inserted {
            Ok((id, date_joined)) => {
                let profile = Profile { date_joined, ..new.profile };
                Ok(User { id, state: Account::new(id).state, person: Some(Person::new(NewUser { profile, ..new })) })
            }
            Err(Refusal::Taken(name)) => Err(CreateUserError::Taken(name, self.reservation(&new, name).await?)),
            Err(Refusal::Access(error)) => Err(error.into()),
            Err(Refusal::Store(error)) => Err(error.into()),
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

/// Why a user was not added.
enum Refusal {
    Taken(UniqueName),
    Access(AccessError),
    Store(StoreError),
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<InsertUserError> for Refusal {
    fn from(error: InsertUserError) -> Self {
        match error {
            InsertUserError::Taken(name) => Self::Taken(name),
            InsertUserError::Store(error) => Self::Store(error),
        }
    }
}

impl StoreFailure for Refusal {
    fn store_error(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error) | Self::Access(AccessError::Store(error)) => Some(error),
            Self::Taken(_) | Self::Access(_) => None,
        }
    }
}

/// Adds the user. What is remembered of it, under whoever asked, is the id and the day: nothing that could outlive the user.
async fn insert(tx: &mut dyn Tx, new: &NewUser, announcer: &Announcer) -> Result<(UserId, Timestamp), Refusal> {
    let id = tx.insert_user(new).await?;
    announcer.announce(tx, &Event::of_change(None, &Account::new(id), new.ext_id.as_ref(), new.profile.date_joined)).await?;
    Ok((id, new.profile.date_joined))
}
