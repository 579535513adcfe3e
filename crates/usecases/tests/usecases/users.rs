//! Users: signing up, and who sees whom.

use crate::world::{admin, world};
use lethe_domain::profile::{NewUser, Profile};
use lethe_domain::{StatusSet, Timestamp};
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

#[tokio::test]
async fn a_name_is_in_use_or_reserved() {
    use lethe_domain::account::DeletionMode::{Hard, Soft};
    use lethe_domain::profile::UniqueName::{ExtId, Username};
    use lethe_ports::inbound::Reservation::{InUse, Reserved};
    let world = world();
    let made = Accounts::create(&world.lethe, &admin(), fixture::user_with_ext_id("ann", "x-1")).await.unwrap();
    let by_name = async || Accounts::create(&world.lethe, &admin(), fixture::user("ANN")).await;
    let by_ext_id = async || Accounts::create(&world.lethe, &admin(), fixture::user_with_ext_id("bob", "x-1")).await;
    assert_eq!(by_name().await, Err(CreateUserError::Taken(Username, InUse)));
    assert_eq!(by_ext_id().await, Err(CreateUserError::Taken(ExtId, InUse)));
    world.delete(&admin(), made.id, Soft).await.unwrap();
    assert_eq!(by_name().await, Err(CreateUserError::Taken(Username, Reserved)));
    assert_eq!(by_ext_id().await, Err(CreateUserError::Taken(ExtId, Reserved)));
    world.delete(&admin(), made.id, Hard).await.unwrap();
    assert!(by_name().await.is_ok());
}

#[tokio::test]
async fn admins_walk_over_users_and_everybody_is_shown_itself() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let walked = world.lethe.walk(&admin(), StatusSet::LISTED.states(), None, 1).await.unwrap();
    assert_eq!(walked.iter().map(|user| user.id).collect::<Vec<_>>(), [ann.actor.user]);
    assert_eq!(world.lethe.walk(&ann, StatusSet::LISTED.states(), None, 1).await, Err(AccessError::Forbidden.into()));
    assert!(world.lethe.show(&ann, ann.actor.user).await.is_ok());
    assert_eq!(world.lethe.show(&bob, ann.actor.user).await, Err(AccessError::Forbidden.into()));
    assert_eq!(world.lethe.show(&admin(), lethe_domain::UserId::new(777)).await, Err(AccessError::NoSuchUser.into()));
}
