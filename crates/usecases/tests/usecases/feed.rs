//! Following changes, over a store in memory.

use crate::world::{World, admin, narrowed, nobody, world};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use lethe_domain::account::DeletionMode;
use lethe_domain::draft::{KeyAction, KeyChange};
use lethe_domain::{NodeId, Precondition, Revision, UserId};
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, ChangeFeed, FeedEnd, FeedEvent, KeyedError, KeyedPreferences, Upkeep};
use lethe_testkit::fixture::{json, key};

async fn write(world: &World, caller: &Caller, count: i64) {
    for number in 0..count {
        let change = KeyChange { key: key("a"), action: KeyAction::Put(json(&format!("{}", world_number(number)))), precondition: Precondition::NONE };
        world.lethe.change(caller, caller.actor.user, change).await.unwrap();
    }
}

/// A value that was never there before.
fn world_number(number: i64) -> i64 {
    use std::sync::atomic::{AtomicI64, Ordering};
    static NEXT: AtomicI64 = AtomicI64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed) * 1_000 + number
}

/// The revisions of the changes that can be told by now, and whatever else there is.
fn told(events: &mut BoxStream<'static, FeedEvent>) -> (Vec<i64>, Option<FeedEvent>) {
    let mut revisions = Vec::new();
    loop {
        match events.next().now_or_never().flatten() {
            Some(FeedEvent::Change(change)) => revisions.push(change.revision.get()),
            other => return (revisions, other),
        }
    }
}

async fn watch(world: &World, caller: &Caller, owner: UserId, since: Option<i64>) -> BoxStream<'static, FeedEvent> {
    world.lethe.watch(caller, owner, since.map(Revision::new)).await.unwrap()
}

#[tokio::test]
async fn every_change_is_told_once_and_in_order() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    write(&world, &ann, 3).await;
    let mut from_now = watch(&world, &ann, owner, None).await;
    let mut from_one = watch(&world, &admin(), owner, Some(1)).await;
    assert_eq!(told(&mut from_now), (vec![], None));
    assert_eq!(told(&mut from_one), (vec![2, 3], None));
    write(&world, &ann, 150).await;
    world.lethe.look_for_changes().await.unwrap();
    let all: Vec<_> = (4..=153).collect();
    assert_eq!(told(&mut from_now), (all.clone(), None), "more than the window holds");
    assert_eq!(told(&mut from_one), (all, None));
    world.lethe.look_for_changes().await.unwrap();
    assert_eq!(told(&mut from_now), (vec![], None));
}

#[tokio::test]
async fn who_follows_is_told_without_anybody_looking() {
    let world = world();
    let ann = world.user("ann").await;
    let mut events = watch(&world, &ann, ann.actor.user, None).await;
    let lethe = world.lethe.clone();
    let reader = tokio::spawn(async move { lethe.follow_changes().await });
    write(&world, &ann, 1).await;
    assert!(matches!(events.next().await, Some(FeedEvent::Change(change)) if change.revision == Revision::new(1)));
    reader.abort();
}

#[tokio::test]
async fn what_is_forgotten_or_lost_is_to_be_read_again() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    write(&world, &ann, 12).await;
    world.lethe.shorten_logs(NodeId::new(1), None).await.unwrap();
    let mut behind = watch(&world, &ann, owner, Some(3)).await;
    assert_eq!(told(&mut behind), (vec![], Some(FeedEvent::Resync(Revision::new(12)))));
    let mut ahead = watch(&world, &ann, owner, Some(99)).await;
    assert_eq!(told(&mut ahead), (vec![], Some(FeedEvent::Resync(Revision::new(12)))));
    write(&world, &ann, 1).await;
    world.lethe.look_for_changes().await.unwrap();
    assert_eq!((told(&mut behind), told(&mut ahead)), ((vec![13], None), (vec![13], None)));
}

#[tokio::test]
async fn what_a_backup_has_undone_is_told_to_nobody() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    write(&world, &ann, 5).await;
    let mut early = watch(&world, &ann, owner, None).await;
    let backup = world.store.back_up().await;
    write(&world, &ann, 5).await;
    world.lethe.look_for_changes().await.unwrap();
    assert_eq!(told(&mut early).0, [6, 7, 8, 9, 10]);
    world.store.play_back(backup).await;
    let mut ahead = watch(&world, &ann, owner, Some(10)).await;
    let mut level = watch(&world, &ann, owner, None).await;
    let resync = Some(FeedEvent::Resync(Revision::new(5)));
    assert_eq!((told(&mut ahead), told(&mut early)), ((vec![], resync.clone()), (vec![], resync)));
    assert_eq!(told(&mut level), (vec![], None));
    write(&world, &ann, 7).await;
    world.lethe.look_for_changes().await.unwrap();
    for events in [&mut ahead, &mut early, &mut level] {
        assert_eq!(told(events), ((6..=12).collect(), None));
    }
}

#[tokio::test]
async fn there_is_an_end_when_the_user_goes() {
    for mode in [DeletionMode::Soft, DeletionMode::Hard] {
        let world = world();
        let ann = world.user("ann").await;
        let owner = ann.actor.user;
        let mut own = watch(&world, &ann, owner, None).await;
        let mut others = watch(&world, &admin(), owner, None).await;
        world.delete(&ann, owner, mode).await.unwrap();
        world.lethe.look_for_changes().await.unwrap();
        for events in [&mut own, &mut others] {
            assert_eq!(told(events), (vec![], Some(FeedEvent::End(FeedEnd::Deleted))));
            assert_eq!(events.next().await, None);
        }
    }
}

#[tokio::test]
async fn who_may_not_read_may_not_follow() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let owner = ann.actor.user;
    for (caller, refusal) in [(bob, AccessError::Forbidden), (nobody(), AccessError::CallerGone), (narrowed(&ann, "n."), AccessError::Forbidden)] {
        assert_eq!(world.lethe.watch(&caller, owner, None).await.err(), Some(KeyedError::Access(refusal)));
    }
}

#[tokio::test]
async fn there_is_room_for_so_many_followers_of_one_user() {
    let world = world();
    let ann = world.user("ann").await;
    let mut followers = Vec::new();
    for _ in 0..128 {
        followers.push(watch(&world, &ann, ann.actor.user, None).await);
    }
    assert_eq!(world.lethe.watch(&ann, ann.actor.user, None).await.err(), Some(KeyedError::TooManyFollowers));
    followers.pop();
    assert!(world.lethe.watch(&ann, ann.actor.user, None).await.is_ok());
}

#[tokio::test]
async fn of_whoever_is_deleted_nothing_more_is_told() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    write(&world, &ann, 5).await;
    let mut events = watch(&world, &ann, owner, Some(0)).await;
    assert!(matches!(events.next().await, Some(FeedEvent::Change(_))), "four more are pending");
    world.delete(&ann, owner, DeletionMode::Hard).await.unwrap();
    world.lethe.look_for_changes().await.unwrap();
    assert_eq!(told(&mut events), (vec![], Some(FeedEvent::End(FeedEnd::Deleted))));
}
