//! Many at once.

use super::content::{publish, toggle};
use super::{FullStore, add_user, delete_user, limits, now, reading, stamp, tally, try_add_user, writing};
use crate::fixture::{json, post, preference, user};
use futures_util::future::join_all;
use lethe_domain::account::{DeletionMode, StatusSet};
use lethe_domain::content::PostKind;
use lethe_domain::limits::Limits;
use lethe_domain::preference::{Edit, PreferenceUpdate};
use lethe_domain::{Revision, Tally, UserId};
use lethe_ports::outbound::{PreferenceStoreError, StoreError};
use std::future::Future;

/// Runs all at once, each in a task of its own.
async fn at_once<T: Send + 'static>(tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let running: Vec<_> = tasks.into_iter().map(tokio::spawn).collect();
    join_all(running).await.into_iter().map(|done| done.expect("no task panics")).collect()
}

pub async fn ten_creates_of_one_key_have_one_winner(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    for round in 0..10 {
        let creates = (0..10).map(|value| {
            let store = store.clone();
            async move { store.create(&writing(owner), preference(&format!("key {round}"), &value.to_string()), stamp(), &limits()).await }
        });
        let outcomes = at_once(creates).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(PreferenceStoreError::KeyTaken)).count(), 9, "{outcomes:?}");
    }
}

pub async fn eight_deletes_have_one_winner(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    for _ in 0..10 {
        let made = store.create(&writing(owner), preference("theme", "1"), stamp(), &limits()).await.expect("free");
        let deletes = (0..8).map(|_| {
            let store = store.clone();
            async move { store.delete(&writing(owner), made.id, None, stamp()).await }
        });
        let outcomes = at_once(deletes).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Err(PreferenceStoreError::NotFound)).count(), 7, "{outcomes:?}");
    }
}

pub async fn two_deletions_have_one_winner(store: impl FullStore) {
    for round in 0..5 {
        let id = add_user(&store, &format!("user{round}")).await;
        let deletions = (0..2).map(|_| {
            let store = store.clone();
            async move { delete_user(&store, id, DeletionMode::Soft).await.is_ok() }
        });
        assert_eq!(at_once(deletions).await.into_iter().filter(|won| *won).count(), 1);
    }
}

pub async fn revisions_have_no_gap_and_no_repeat(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let writers = (0..8).map(|writer| {
        let store = store.clone();
        async move {
            let made = store.create(&writing(owner), preference(&format!("k{writer}"), "0"), stamp(), &limits()).await.expect("free");
            for value in 1..=10 {
                let update = PreferenceUpdate::Value(json(&value.to_string()));
                store.update(&writing(owner), made.id, None, update, stamp(), &limits()).await.expect("there");
            }
        }
    });
    at_once(writers).await;
    let log = store.changes(&reading(owner), Revision::ZERO, 1_000).await.expect("readable").changes;
    let revisions: Vec<_> = log.iter().map(|change| change.revision.get()).collect();
    assert_eq!(revisions, (1..=88).collect::<Vec<_>>());
}

pub async fn what_is_written_while_numbers_change_is_counted_on(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let writers = (0..4).map(|writer| {
        let store = store.clone();
        async move {
            let made = store.create(&writing(owner), preference(&format!("k{writer}"), "0"), stamp(), &limits()).await.expect("free");
            for value in 1..=20 {
                let update = PreferenceUpdate::Value(json(&value.to_string()));
                store.update(&writing(owner), made.id, None, update, stamp(), &limits()).await.expect("there");
            }
        }
    });
    let writers: Vec<_> = writers.map(tokio::spawn).collect();
    for round in 1..=10 {
        while store.renumber(None, 1, Revision::new(round * 1_000)).await.is_err() {
            // Another writer was in the way.
            tokio::task::yield_now().await;
        }
    }
    for writer in writers {
        writer.await.expect("no task panics");
    }
    let log = store.changes(&reading(owner), Revision::new(10_000), 1_000).await.expect("readable");
    let revisions: Vec<_> = log.changes.iter().map(|change| change.revision.get()).collect();
    assert_eq!((log.begins_after.get(), revisions), (10_000, (10_001..=10_084).collect()));
    let all = store.all(&reading(owner)).await.expect("readable").preferences;
    let given = |key| log.changes.iter().rev().find(|change| change.key == key).map(|change| change.revision);
    assert!(all.len() == 4 && all.into_iter().all(|preference| given(preference.key) == Some(preference.revision)));
}

/// One try of each way to write, until the wall is met.
async fn write_until_refused(store: impl FullStore, owner: UserId) {
    for round in 0..1_000 {
        let created = store.create(&writing(owner), preference(&format!("k{round}"), "1"), stamp(), &limits()).await;
        let Ok(made) = created else { return };
        let _ = store.update(&writing(owner), made.id, None, PreferenceUpdate::Value(json("2")), stamp(), &limits()).await;
        let edited: Result<(), PreferenceStoreError> = store
            .transact(move |tx| {
                Box::pin(async move {
                    let account = tx.account_for_update(owner).await?.filter(|account| StatusSet::WRITABLE.contains(account.status()));
                    account.ok_or(PreferenceStoreError::Refused)?;
                    tx.edit_preferences(owner, &[Edit::Put(preference("edited", &round.to_string()))], stamp(), &limits()).await
                })
            })
            .await;
        let published: Result<(), StoreError> = store
            .transact(move |tx| {
                Box::pin(async move {
                    let account = tx.account_for_share(owner).await?.filter(|account| StatusSet::PUBLISHING.contains(account.status()));
                    if account.is_some() {
                        tx.insert_post(&post(owner, "late"), now()).await?;
                    }
                    Ok(())
                })
            })
            .await;
        let _ = (edited, published);
    }
}

pub async fn a_write_that_races_a_hard_delete_leaves_nothing(store: impl FullStore) {
    for round in 0..20 {
        let id = add_user(&store, &format!("user{round}")).await;
        let writers: Vec<_> = (0..4).map(|_| tokio::spawn(write_until_refused(store.clone(), id))).collect();
        while delete_user(&store, id, DeletionMode::Hard).await.is_err() {
            // Another writer was in the way.
            tokio::task::yield_now().await;
        }
        for writer in writers {
            writer.await.expect("no task panics");
        }
        assert_eq!(tally(&store, id).await, Tally::default(), "something came back");
    }
}

pub async fn a_hundred_writers_never_exceed_the_limits(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let edge = Limits { keys_per_user: 10, bytes_per_user: 1_000, ..Limits::default() };
    let writers = (0..100).map(|writer| {
        let store = store.clone();
        async move { store.create(&writing(owner), preference(&format!("k{writer:02}"), "\"1234567890\""), stamp(), &edge).await.is_ok() }
    });
    assert_eq!(at_once(writers).await.into_iter().filter(|stored| *stored).count(), 10);
    let all = store.all(&reading(owner)).await.expect("readable").preferences;
    assert_eq!(all.len(), 10);
    let bytes = Limits { bytes_per_user: 15 * 10 + 20, ..edge };
    let growers = all.into_iter().map(|made| {
        let store = store.clone();
        async move { store.update(&writing(owner), made.id, None, PreferenceUpdate::Value(json("\"12345678901234567890\"")), stamp(), &bytes).await.is_ok() }
    });
    assert_eq!(at_once(growers).await.into_iter().filter(|stored| *stored).count(), 2, "two grow by ten bytes each");
}

pub async fn a_name_has_one_winner(store: impl FullStore) {
    let signups = (0..8).map(|index| {
        let store = store.clone();
        async move { try_add_user(&store, user(if index % 2 == 0 { "ann" } else { "ANN" })).await.is_ok() }
    });
    assert_eq!(at_once(signups).await.into_iter().filter(|won| *won).count(), 1);
}

pub async fn votes_are_counted_exactly(store: impl FullStore) {
    let author = add_user(&store, "author").await;
    let id = publish(&store, post(author, "vote!")).await;
    let mut voters = Vec::new();
    for index in 0..6 {
        voters.push(add_user(&store, &format!("voter{index}")).await);
    }
    // An odd number of toggles each: all votes stand in the end.
    let toggles = voters.iter().flat_map(|voter| [*voter; 3]).map(|voter| {
        let store = store.clone();
        async move {
            while toggle(&store, voter, id).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
    });
    at_once(toggles).await;
    assert_eq!(store.post(PostKind::Post, id).await.expect("reachable").map(|post| post.vote_count), Some(6));
}
