//! Users: signing up, and who sees whom.

use crate::world::{admin, world};
use lethe_domain::Timestamp;
use lethe_domain::profile::{NewUser, Profile};
use lethe_ports::inbound::{AccessError, Accounts, CreateUserError};
use lethe_testkit::{FixedClock, fixture};

#[tokio::test]
async fn a_user_joins_when_it_is_signed_up() {
    let world = world();
    let new = NewUser { profile: Profile::new(Timestamp::EPOCH), ..fixture::user("ann") };
    let made = Accounts::create(&world.lethe, &admin(), new).await.unwrap();
    assert_eq!(Accounts::get(&world.lethe, made.id).await, Ok(made.clone()));
    assert_eq!(made.person.map(|person| person.profile.date_joined), Some(FixedClock::start()));
}

#[tokio::test]
async fn only_admins_sign_users_up() {
    let world = world();
    let ann = world.user("ann").await;
    let refused = Accounts::create(&world.lethe, &ann, fixture::user("bob")).await;
    assert_eq!(refused, Err(CreateUserError::Access(AccessError::Forbidden)));
}
