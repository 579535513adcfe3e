//! What several nodes share.

use super::{FullStore, NODE, OTHER_NODE, add_user, now, transact};
use futures_util::future::join_all;
use lethe_domain::event::{Event, EventId, EventKind};
use lethe_domain::webhook::{Delivery, EndpointId};
use lethe_domain::{Erasure, ErasureState, NodeId, Timestamp, UserId};
use lethe_ports::outbound::{Backlog, Duty, Forgettable, RevokedToken};
use std::time::Duration;

fn at(seconds: u64) -> Timestamp {
    now().after(Duration::from_secs(seconds))
}

pub async fn the_clock_goes_forward(store: impl FullStore) {
    let first = store.now().await.expect("reachable");
    assert!(first >= now(), "{first}");
    let within = transact(&store, |tx| Box::pin(async move { tx.now().await })).await;
    assert!(within >= first && store.now().await.expect("reachable") >= within);
}

pub async fn a_duty_has_one_holder(store: impl FullStore) {
    let take = async |duty, node, from, until| store.take_duty(duty, node, at(from), at(until)).await.expect("reachable");
    assert!(take(Duty::Purge, NODE, 0, 10).await);
    assert!(!take(Duty::Purge, OTHER_NODE, 9, 20).await);
    assert!(take(Duty::Prune, OTHER_NODE, 0, 10).await, "another duty");
    assert!(take(Duty::Purge, NODE, 9, 20).await, "its own goes on");
    assert!(!take(Duty::Purge, OTHER_NODE, 19, 30).await);
    assert!(take(Duty::Purge, OTHER_NODE, 20, 30).await);
    let racers = (10..18).map(|node| {
        let store = store.clone();
        tokio::spawn(async move { store.take_duty(Duty::Purge, NodeId::new(node), at(40), at(50)).await.expect("reachable") })
    });
    assert_eq!(join_all(racers).await.into_iter().filter(|took| *took.as_ref().expect("no task panics")).count(), 1);
}

fn token(id: &str, expires_at: Option<Timestamp>) -> RevokedToken {
    RevokedToken { id: id.into(), expires_at }
}

async fn revoke(store: &impl FullStore, token: RevokedToken) {
    transact(store, move |tx| Box::pin(async move { tx.insert_revocation(&token).await })).await;
}

pub async fn revocations_are_seen_since(store: impl FullStore) {
    assert_eq!(store.revocations(None).await.map(|seen| seen.ids), Ok(vec![]));
    revoke(&store, token("aa", None)).await;
    revoke(&store, token("aa", Some(now()))).await;
    let seen = store.revocations(None).await.expect("reachable");
    assert_eq!(seen.ids, ["aa"]);
    assert_eq!(store.revocations(Some(seen.as_of.after(Duration::from_hours(1)))).await.map(|seen| seen.ids), Ok(vec![]));
    let recent = Timestamp::from_micros(seen.as_of.micros() - 3_600_000_000);
    assert_eq!(store.revocations(Some(recent)).await.map(|seen| seen.ids), Ok(vec!["aa".into()]));
    store.prune(Forgettable { untold_since: now(), attempted_before: now(), now: Timestamp::from_micros(i64::MAX / 2) }).await.expect("reachable");
    assert_eq!(store.revocations(None).await.map(|seen| seen.ids), Ok(vec!["aa".into()]), "the first one counts, and that does not end");
}

fn told(user: i64) -> Delivery {
    let id = EventId { user: UserId::new(user), epoch: 0, kind: EventKind::Created };
    Delivery::new(Event { id, at: now(), ext_id: None }, EndpointId::of_url("https://example.org/"), now())
}

async fn insert(store: &impl FullStore, deliveries: Vec<Delivery>) {
    transact(store, move |tx| {
        Box::pin(async move {
            tx.insert_deliveries(&deliveries).await?;
            for delivery in &deliveries {
                tx.save_delivery(delivery).await?;
            }
            Ok(())
        })
    })
    .await;
}

pub async fn the_backlog_is_counted(store: impl FullStore) {
    assert_eq!(store.backlog(now(), now()).await, Ok(Backlog::default()));
    for (name, state) in
        [("a", ErasureState::Queued), ("b", ErasureState::Running), ("c", ErasureState::Blocked), ("d", ErasureState::Failed), ("e", ErasureState::Done)]
    {
        let user = add_user(&store, name).await;
        let erasure = Erasure { state, ..Erasure::begin(user, 1, None, now()) };
        transact(&store, move |tx| Box::pin(async move { tx.save_erasure(&erasure).await })).await;
    }
    insert(&store, vec![told(1), told(2), told(3).give_up("on purpose")]).await;
    let expected = Backlog { open_erasures: 4, blocked_erasures: 1, failed_erasures: 1, overdue_purges: 0, pending_deliveries: 2, failed_deliveries: 1 };
    assert_eq!(store.backlog(now(), now()).await, Ok(expected));
}

pub async fn what_is_not_told_any_more_is_pruned(store: impl FullStore) {
    let old = Delivery { attempted_at: Some(at(5)), ..told(1).give_up("on purpose") };
    let recent = Delivery { attempted_at: Some(at(10)), ..told(2).give_up("on purpose") };
    let waiting = Delivery { attempted_at: Some(at(10)), ..told(3) };
    insert(&store, vec![old, recent, waiting, told(4)]).await;
    revoke(&store, token("aa", Some(at(10)))).await;
    revoke(&store, token("bb", Some(at(11)))).await;
    revoke(&store, token("cc", None)).await;
    let before = Forgettable { untold_since: at(10), attempted_before: at(10), now: at(10) };
    assert_eq!(store.prune(before).await, Ok(3), "two deliveries and a revocation");
    let left = store.deliveries(&lethe_domain::webhook::DeliveryState::ALL, None, 10).await.expect("reachable");
    assert_eq!(left.iter().map(|listed| listed.delivery.event.id.user.get()).collect::<Vec<_>>(), [3, 2]);
    let mut ids = store.revocations(None).await.expect("reachable").ids;
    ids.sort();
    assert_eq!(ids, ["bb", "cc"]);
    assert_eq!(store.prune(before).await, Ok(0));
}
