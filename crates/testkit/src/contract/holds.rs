//! Holds, and the purges that they hold up.

use super::{FullStore, add_user, now, stamp, transact};
use lethe_domain::hold::{Hold, HoldReason, NewHold};
use lethe_domain::{HoldId, Timestamp, UserId};
use lethe_ports::outbound::DuePurge;
use std::time::Duration;

fn terms(expires_at: Option<Timestamp>) -> NewHold {
    NewHold { reason: HoldReason::from_store("a court\norder".into()), expires_at }
}

async fn place(store: &impl FullStore, user: UserId, terms: NewHold) -> HoldId {
    transact(store, move |tx| Box::pin(async move { tx.insert_hold(user, &terms, stamp()).await })).await
}

async fn lift(store: &impl FullStore, user: UserId, hold: HoldId) -> bool {
    transact(store, move |tx| Box::pin(async move { tx.delete_hold(user, hold).await })).await
}

pub async fn holds_are_kept_and_lifted(store: impl FullStore) {
    let (ann, bob) = (add_user(&store, "ann").await, add_user(&store, "bob").await);
    let first = place(&store, ann, terms(None)).await;
    let second = place(&store, ann, terms(Some(now()))).await;
    let others = place(&store, bob, terms(None)).await;
    let hold = |id, terms| Hold { id, user: ann, terms, placed_at: stamp().now, placed_by: stamp().actor };
    let expected = vec![hold(first, terms(None)), hold(second, terms(Some(now())))];
    assert_eq!(store.holds(ann).await, Ok(expected.clone()), "by id");
    assert_eq!(transact(&store, move |tx| Box::pin(async move { tx.holds(ann).await })).await, expected);
    assert!(!lift(&store, ann, others).await, "another user's");
    assert!(lift(&store, ann, first).await);
    assert!(!lift(&store, ann, first).await, "once");
    assert_eq!(store.holds(ann).await.map(|holds| holds.len()), Ok(1));
    assert_eq!(store.holds(bob).await.map(|holds| holds.len()), Ok(1));
    assert_ne!(place(&store, ann, terms(None)).await, first, "an id is not used again");
}

pub async fn a_purge_is_due_when_its_time_has_come_and_nothing_holds_it(store: impl FullStore) {
    let mut users = Vec::new();
    for (name, grace) in [("never", None), ("late", Some(20)), ("soon", Some(10)), ("protected", Some(5))] {
        let user = add_user(&store, name).await;
        transact(&store, move |tx| {
            Box::pin(async move {
                let account = tx.account_for_update(user).await?.unwrap_or(lethe_domain::Account::new(user));
                let deleted = account.soft_delete(now(), grace.map(Duration::from_secs));
                tx.save_account(&deleted.map_err(|error| lethe_ports::outbound::StoreError::Failed(error.to_string()))?).await
            })
        })
        .await;
        users.push(user);
    }
    let at = |seconds| now().after(Duration::from_secs(seconds));
    let protected = users[3];
    let hold = place(&store, protected, terms(Some(at(60)))).await;
    place(&store, protected, terms(Some(at(1)))).await;
    let due = async |seconds: u64, limit: u32| store.due_purges(at(seconds), limit).await.expect("reachable");
    let purge = |user| DuePurge { user, epoch: 1 };
    assert_eq!(due(9, 10).await, []);
    assert_eq!(due(10, 10).await, [purge(users[2])]);
    assert_eq!(due(30, 10).await, [purge(users[2]), purge(users[1])], "the longest due first");
    assert_eq!(due(30, 1).await, [purge(users[2])]);
    assert_eq!(due(60, 10).await, [purge(protected), purge(users[2]), purge(users[1])], "the hold ended by itself");
    assert!(lift(&store, protected, hold).await);
    assert_eq!(due(5, 10).await, [purge(protected)]);
    let backlog = store.backlog(at(20), at(30)).await.expect("reachable");
    assert_eq!(backlog.overdue_purges, 2, "due before second 20");
}
