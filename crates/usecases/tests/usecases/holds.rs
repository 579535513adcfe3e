//! Holds: who may, what they stop, and what goes on when they are lifted.

use crate::world::{GRACE, admin, world};
use lethe_domain::account::DeletionMode::{Hard, Soft};
use lethe_domain::account::{TransitionError, UserStatus};
use lethe_domain::erasure::ErasureState;
use lethe_domain::hold::{HoldReason, NewHold};
use lethe_domain::{NodeId, Timestamp, UserId};
use lethe_ports::inbound::{AccessError, Accounts as _, DeleteUserError, Health as _, Holds, LifeCycle as _, LookUpError, Upkeep, Work};
use lethe_ports::outbound::{AccountStore as _, AuditFilter, AuditStore as _, ErasureStore as _, Store as _, StoreError};
use lethe_testkit::FixedClock;
use lethe_testkit::fixture::post;
use std::time::Duration;

const NODE: NodeId = NodeId::new(1);

fn hold(expires_at: Option<Timestamp>) -> NewHold {
    NewHold { reason: HoldReason::from_store("court order".into()), expires_at }
}

#[tokio::test]
async fn several_holds_each_stand_in_the_way() {
    let world = world();
    let ann = world.user("ann").await;
    let id = ann.actor.user;
    let first = world.lethe.place(&admin(), id, hold(None)).await.unwrap();
    let second = world.lethe.place(&admin(), id, hold(Some(FixedClock::start().after(Duration::from_mins(1))))).await.unwrap();
    assert_eq!(Holds::list(&world.lethe, &admin(), id).await, Ok(vec![first.clone(), second]));
    let refused = Err(DeleteUserError::Transition(TransitionError::OnHold));
    assert_eq!(world.delete(&ann, id, Hard).await, refused);
    assert_eq!(world.lethe.deletion_plan(&ann, id, Hard).await.unwrap().blockers.len(), 2);
    world.delete(&ann, id, Soft).await.unwrap();
    world.lethe.lift(&admin(), id, first.id).await.unwrap();
    assert_eq!(world.lethe.lift(&admin(), id, first.id).await, Err(LookUpError::NotFound));
    assert_eq!(world.delete(&ann, id, Hard).await, refused, "one is left");
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.delete(&ann, id, Hard).await, Ok(()), "it ended by itself, and what was refused was not remembered");
    let filter = AuditFilter { subject: Some(id), ..AuditFilter::default() };
    let log: Vec<_> = world.store.audit_entries(&filter, 100).await.unwrap().iter().rev().map(|entry| entry.act.action.name()).collect();
    let expected = ["user.created", "hold.placed", "hold.placed", "user.soft_deleted", "hold.lifted", "user.erasure_started", "user.erased"];
    assert_eq!(log, expected);
    assert_eq!(world.lethe.place(&admin(), id, hold(None)).await, Err(AccessError::UserErased.into()), "nothing is left to hold");
    assert_eq!(Holds::list(&world.lethe, &admin(), id).await, Err(AccessError::UserErased.into()));
}

#[tokio::test]
async fn holds_are_for_admins() {
    let world = world();
    let ann = world.user("ann").await;
    let forbidden = || LookUpError::Access(AccessError::Forbidden);
    assert_eq!(world.lethe.place(&ann, ann.actor.user, hold(None)).await, Err(forbidden()));
    assert_eq!(Holds::list(&world.lethe, &ann, ann.actor.user).await, Err(forbidden()));
    let placed = world.lethe.place(&admin(), ann.actor.user, hold(None)).await.unwrap();
    assert_eq!(world.lethe.lift(&ann, ann.actor.user, placed.id).await, Err(forbidden()));
    assert_eq!(world.lethe.place(&admin(), UserId::new(777), hold(None)).await, Err(AccessError::NoSuchUser.into()));
}

#[tokio::test]
async fn a_running_erasure_stops_and_goes_on_by_itself() {
    let world = world();
    let id = world.user("ann").await.actor.user;
    let published: Result<(), StoreError> = world
        .store
        .transact(move |tx| {
            Box::pin(async move {
                for _ in 0..5_000 {
                    tx.insert_post(&post(id, "text"), FixedClock::start()).await?;
                }
                Ok(())
            })
        })
        .await;
    published.unwrap();
    world.delete(&admin(), id, Hard).await.unwrap();
    assert_eq!(world.lethe.erase(NODE).await, Ok(Work::Done));
    let placed = world.lethe.place(&admin(), id, hold(None)).await.unwrap();
    let stopped = world.store.erasure(id).await.unwrap().unwrap();
    assert_eq!(stopped.state, ErasureState::Blocked);
    for _ in 0..3 {
        world.clock.advance(Duration::from_mins(1));
        world.lethe.erase(NODE).await.unwrap();
        let still = world.store.erasure(id).await.unwrap().unwrap();
        assert_eq!((still.state, still.rows_done()), (ErasureState::Blocked, stopped.rows_done()));
    }
    assert_eq!(world.lethe.ready().await.unwrap().blocked_erasures, 1);
    world.lethe.lift(&admin(), id, placed.id).await.unwrap();
    while world.lethe.erase(NODE).await.unwrap() == Work::Done {}
    assert_eq!(world.store.erasure(id).await.unwrap().map(|erasure| erasure.state), Some(ErasureState::Done));
}

#[tokio::test]
async fn a_purge_waits_and_is_not_overdue_meanwhile() {
    let world = world();
    let ann = world.user("ann").await;
    let placed = world.lethe.place(&admin(), ann.actor.user, hold(None)).await.unwrap();
    world.delete(&ann, ann.actor.user, Soft).await.unwrap();
    world.clock.advance(GRACE + Duration::from_hours(1));
    assert_eq!(world.lethe.purge(NODE).await, Ok(Work::Nothing));
    assert_eq!(world.lethe.ready().await.unwrap().overdue_purges, 0);
    world.lethe.lift(&admin(), ann.actor.user, placed.id).await.unwrap();
    assert_eq!(world.lethe.purge(NODE).await, Ok(Work::Done));
    assert_eq!(world.store.account(ann.actor.user).await.unwrap().map(|account| account.status()), Some(UserStatus::Erased));
    assert!(world.lethe.get(ann.actor.user).await.is_err());
}
