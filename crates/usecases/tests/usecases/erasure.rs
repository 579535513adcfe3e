//! Erasures of accounts that are too big for one transaction, and the purges that begin some.

use crate::world::{GRACE, World, admin, world};
use lethe_domain::account::DeletionMode::{Hard, Soft};
use lethe_domain::account::UserStatus;
use lethe_domain::content::{PostKind, Reaction};
use lethe_domain::erasure::{Erasure, ErasureState, StepState};
use lethe_domain::manifest::{ContentKind, Tally};
use lethe_domain::{NodeId, PostId, UserId};
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, AccountError, Accounts, Bearer, Content, ContentError, DeletionRequest, Health, LifeCycle, LookUpError, Upkeep, Work};
use lethe_ports::outbound::{AccountStore, AuditFilter, AuditStore, ErasureStore, Store, StoreError};
use lethe_testkit::FixedClock;
use lethe_testkit::fixture::{caller, post};
use std::time::Duration;

const NODE: NodeId = NodeId::new(1);
const OTHER: NodeId = NodeId::new(2);
/// More than a chunk.
const POSTS: u32 = 4_500;

async fn publish(world: &World, author: UserId, number: u32) {
    let published: Result<(), StoreError> = world
        .store
        .transact(move |tx| {
            Box::pin(async move {
                for index in 0..number {
                    tx.insert_post(&post(author, &format!("post {index}")), FixedClock::start()).await?;
                }
                Ok(())
            })
        })
        .await;
    published.unwrap();
}

async fn big_user(world: &World) -> Caller {
    let ann = world.user("ann").await;
    publish(world, ann.actor.user, POSTS).await;
    ann
}

async fn erasure(world: &World, user: UserId) -> Erasure {
    world.lethe.erasure(&Bearer::Caller(admin()), user).await.unwrap()
}

fn posts(erasure: &Erasure) -> (u64, Option<u64>, StepState) {
    let step = erasure.steps.iter().find(|step| step.kind == ContentKind::Posts).unwrap();
    (step.done, step.total, step.state)
}

async fn left(world: &World, user: UserId) -> Tally {
    let left: Result<Tally, StoreError> = world.store.transact(move |tx| Box::pin(async move { tx.tally(user).await })).await;
    left.unwrap()
}

async fn actions(world: &World, user: UserId) -> Vec<&'static str> {
    let filter = AuditFilter { subject: Some(user), ..AuditFilter::default() };
    let mut actions: Vec<_> = world.store.audit_entries(&filter, 100).await.unwrap().iter().map(|entry| entry.act.action.name()).collect();
    actions.reverse();
    actions
}

#[tokio::test]
async fn a_small_account_is_erased_as_it_is_deleted() {
    let world = world();
    let ann = world.user("ann").await;
    publish(&world, ann.actor.user, 3).await;
    let plan = world.lethe.deletion_plan(&ann, ann.actor.user, Hard).await.unwrap();
    let deletion = world.lethe.delete(&ann, ann.actor.user, DeletionRequest { mode: Hard, plan: Some(plan.version) }).await.unwrap();
    let erasure = erasure(&world, ann.actor.user).await;
    assert_eq!(deletion.erasure, Some(erasure.clone()));
    assert_eq!((erasure.state, erasure.finished_at.is_some()), (ErasureState::Done, true));
    let planned: Vec<_> = plan.kinds.iter().map(|planned| (planned.kind, planned.count)).collect();
    assert_eq!(erasure.steps.iter().map(|step| (step.kind, step.done)).collect::<Vec<_>>(), planned, "the plan was true");
    assert_eq!(left(&world, ann.actor.user).await, Tally::default());
    assert_eq!(actions(&world, ann.actor.user).await, ["user.created", "user.erasure_started", "user.erased"]);
}

#[tokio::test]
async fn a_big_one_goes_on_in_chunks_until_nothing_is_left() {
    let world = world();
    let (ann, bob) = (big_user(&world).await, world.user("bob").await);
    let id = ann.actor.user;
    let plan = world.lethe.deletion_plan(&ann, id, Hard).await.unwrap();
    let last: Result<PostId, StoreError> =
        world.store.transact(move |tx| Box::pin(async move { tx.insert_post(&post(id, "the last"), FixedClock::start()).await })).await;
    let last = last.unwrap();
    let stale = world.lethe.delete(&ann, id, DeletionRequest { mode: Hard, plan: Some(plan.version) }).await;
    assert_eq!(stale, Err(lethe_ports::inbound::DeleteUserError::PlanChanged));
    world.delete(&ann, id, Hard).await.unwrap();

    // From here on nothing of it is there for anybody.
    assert_eq!(Accounts::get(&world.lethe, id).await, Err(AccountError::Access(AccessError::UserErased)));
    assert_eq!(Content::get_post(&world.lethe, &bob, PostKind::Post, last).await, Err(ContentError::NotFound));
    assert_eq!(world.lethe.toggle_vote(&bob, PostKind::Post, last, Reaction::Like).await, Err(ContentError::NotFound));
    assert_eq!(Accounts::me(&world.lethe, &ann).await, Err(AccountError::Access(AccessError::CallerGone)));
    let begun = erasure(&world, id).await;
    assert_eq!((begun.state, begun.attempts), (ErasureState::Queued, 0));
    assert!(posts(&begun).0 > 0 && posts(&begun).0 < 2_000, "one chunk went, with what came before");
    assert_eq!(world.lethe.ready().await.unwrap().open_erasures, 1);

    let mut before = begun;
    while world.lethe.erase(NODE).await.unwrap() == Work::Done {
        let now = erasure(&world, id).await;
        assert!(now.rows_done() >= before.rows_done());
        assert_eq!(posts(&now).1, Some(u64::from(POSTS) + 1), "counted before it began");
        before = now;
    }
    assert_eq!((before.state, before.attempts), (ErasureState::Done, 1));
    assert_eq!(posts(&before), (u64::from(POSTS) + 1, Some(u64::from(POSTS) + 1), StepState::Done));
    assert_eq!(left(&world, id).await, Tally::default());
    assert_eq!(actions(&world, id).await, ["user.created", "user.erasure_started", "user.erased"]);
}

/// Votes on others' posts and own posts take a transaction each; nobody comes in between, and nobody waits afterwards.
#[tokio::test]
async fn one_who_voted_is_erased_as_far_and_left_to_the_nodes_as_soon() {
    let world = world();
    let (ann, bob) = (big_user(&world).await, world.user("bob").await);
    let id = ann.actor.user;
    let bob = bob.actor.user;
    let other: Result<PostId, StoreError> =
        world.store.transact(move |tx| Box::pin(async move { tx.insert_post(&post(bob, "vote!"), FixedClock::start()).await })).await;
    world.lethe.toggle_vote(&ann, PostKind::Post, other.unwrap(), Reaction::Like).await.unwrap();
    let told = world.lethe.delete(&ann, id, DeletionRequest::unplanned(Hard)).await.unwrap().erasure.unwrap();
    assert_eq!((told.state, told.rows_done(), told.attempts), (ErasureState::Queued, 2_000, 0));
    assert_eq!(told, erasure(&world, id).await);
    assert_eq!(world.lethe.erase(NODE).await, Ok(Work::Done), "at once");
    assert_eq!(erasure(&world, id).await.attempts, 1);
}

#[tokio::test]
async fn a_node_that_dies_is_followed_by_another_once_its_lease_is_over() {
    let world = world();
    let id = big_user(&world).await.actor.user;
    world.delete(&admin(), id, Hard).await.unwrap();
    assert_eq!(world.lethe.erase(NODE).await, Ok(Work::Done));
    assert_eq!(world.lethe.erase(OTHER).await, Ok(Work::Nothing), "one node at a time");
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(world.lethe.erase(OTHER).await, Ok(Work::Done));
    assert_eq!(world.lethe.erase(NODE).await, Ok(Work::Nothing));
    while world.lethe.erase(OTHER).await.unwrap() == Work::Done {}
    let done = erasure(&world, id).await;
    assert_eq!((done.state, done.attempts, posts(&done).0), (ErasureState::Done, 2, u64::from(POSTS)));
}

#[tokio::test]
async fn admins_follow_erasures() {
    let world = world();
    let (ann, bob) = (big_user(&world).await, world.user("bob").await);
    let id = ann.actor.user;
    assert_eq!(world.lethe.erasure(&Bearer::Caller(admin()), id).await, Err(LookUpError::NotFound));
    world.delete(&admin(), id, Hard).await.unwrap();
    assert_eq!(world.lethe.erasure(&Bearer::Caller(bob.clone()), id).await, Err(AccessError::Forbidden.into()));
    assert_eq!(world.lethe.erasure(&Bearer::Caller(ann), id).await, Err(AccessError::CallerGone.into()));
    assert_eq!(world.lethe.erasures(&admin(), &[ErasureState::Queued], None, 10).await.map(|all| all.len()), Ok(1));
    assert_eq!(world.lethe.erasures(&bob, &ErasureState::ALL, None, 10).await, Err(AccessError::Forbidden.into()));
}

#[tokio::test]
async fn what_is_due_is_purged_and_nothing_else() {
    let world = world();
    let (due, restored, again, living) = (world.user("due").await, world.user("restored").await, world.user("again").await, world.user("living").await);
    for user in [&due, &restored, &again] {
        world.delete(user, user.actor.user, Soft).await.unwrap();
    }
    world.clock.advance(GRACE / 2);
    for user in [&restored, &again] {
        world.lethe.restore(&Bearer::Caller(admin()), user.actor.user).await.unwrap();
    }
    // Deleted anew: the date of the first deletion is not its date.
    world.delete(&admin(), again.actor.user, Soft).await.unwrap();
    assert_eq!(world.lethe.purge(NODE).await, Ok(Work::Nothing));
    world.clock.advance(GRACE / 2);
    assert_eq!(world.lethe.purge(OTHER).await, Ok(Work::Done));
    assert_eq!(world.lethe.purge(NODE).await, Ok(Work::Nothing));
    let status = async |user: &Caller| world.store.account(user.actor.user).await.unwrap().unwrap().status();
    assert_eq!(status(&due).await, UserStatus::Erased);
    assert_eq!(status(&restored).await, UserStatus::Active);
    assert_eq!(status(&again).await, UserStatus::SoftDeleted);
    assert_eq!(status(&living).await, UserStatus::Active);
    assert_eq!(actions(&world, due.actor.user).await, ["user.created", "user.soft_deleted", "user.erasure_started", "user.erased"]);
    assert!(world.store.erasure(due.actor.user).await.unwrap().is_some_and(|erasure| erasure.state == ErasureState::Done));
}

#[tokio::test]
async fn one_node_purges_for_all_until_it_is_not_heard_of() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    world.delete(&ann, ann.actor.user, Soft).await.unwrap();
    world.clock.advance(GRACE / 2);
    world.delete(&admin(), bob.actor.user, Soft).await.unwrap();
    world.clock.advance(GRACE / 2);
    assert_eq!(world.lethe.purge(NODE).await, Ok(Work::Done));
    world.clock.advance(GRACE / 2);
    assert_eq!(world.lethe.purge(OTHER).await, Ok(Work::Done), "the first node's turn is over");
}

#[tokio::test]
async fn a_date_once_given_stays() {
    let world = world();
    let ann = world.user("ann").await;
    world.delete(&ann, ann.actor.user, Soft).await.unwrap();
    world.clock.advance(GRACE + Duration::from_mins(2));
    assert_eq!(world.lethe.ready().await.unwrap().overdue_purges, 1, "nobody has looked for two minutes");
    world.lethe.purge(NODE).await.unwrap();
    assert_eq!(world.lethe.ready().await.unwrap().overdue_purges, 0);
    assert_eq!(Accounts::me(&world.lethe, &caller(ann.actor.user)).await, Err(AccountError::Access(AccessError::CallerGone)));
}
