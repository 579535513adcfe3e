//! Hard deletes.

use super::content::{publish, toggle};
use super::{FullStore, add_user, delete_user, limits, reading, stamp, try_add_user, writing};
use crate::fixture::{post, preference, user_with_ext_id};
use futures_util::TryStreamExt as _;
use lethe_domain::account::DeletionMode;
use lethe_domain::archive::Record;
use lethe_domain::content::PostKind;
use lethe_domain::manifest::ContentKind;
use lethe_domain::{PostId, UserId};
use lethe_ports::outbound::{PreferenceStoreError, StoreError};

async fn vote_count(store: &impl FullStore, id: PostId) -> Option<u64> {
    store.post(PostKind::Post, id).await.expect("reachable").map(|post| post.vote_count)
}

async fn export_lines(store: &impl FullStore) -> Vec<String> {
    let records: Vec<Record> = store.export().try_concat().await.expect("reachable");
    records.iter().map(|record| serde_json::to_string(record).expect("writable")).collect()
}

pub async fn a_hard_delete_removes_everything(store: impl FullStore) {
    let leaver = try_add_user(&store, user_with_ext_id("marker_name", "marker_ext")).await.expect("free");
    let other = add_user(&store, "bob").await;
    store.create(&writing(leaver), preference("marker_key", "\"marker_value\""), stamp(), &limits()).await.expect("free");
    let own = publish(&store, post(leaver, "marker_text")).await;
    let others = publish(&store, post(other, "stays")).await;
    for (voter, on) in [(leaver, own), (other, own), (leaver, others), (other, others)] {
        toggle(&store, voter, on).await.expect("reachable");
    }
    delete_user(&store, leaver, DeletionMode::Hard).await.expect("alive");

    assert_eq!(store.all(&reading(leaver)).await, Err(PreferenceStoreError::Refused));
    assert_eq!(store.post(PostKind::Post, own).await, Ok(None));
    assert_eq!(vote_count(&store, others).await, Some(1));
    let lines = export_lines(&store).await;
    assert!(!lines.iter().any(|line| line.contains("marker")), "{lines:#?}");
    let of_leaver: Vec<_> =
        lines.iter().filter(|line| line.contains(&format!("\"id\":{leaver},")) || line.contains(&format!("\"user_id\":{leaver},"))).collect();
    assert_eq!(of_leaver.len(), 1, "only the tombstone names the user: {of_leaver:#?}");
    assert_eq!(store.user(leaver).await.expect("reachable").and_then(|user| user.person), None);
}

async fn erase(store: &impl FullStore, user: UserId, kind: ContentKind, limit: u32) -> u32 {
    let erased: Result<u32, StoreError> = store.transact(move |tx| Box::pin(async move { tx.erase(user, kind, limit).await })).await;
    erased.expect("reachable")
}

pub async fn erasing_goes_on_in_chunks(store: impl FullStore) {
    let leaver = try_add_user(&store, user_with_ext_id("ann", "x-1")).await.expect("free");
    let other = add_user(&store, "bob").await;
    for index in 0..5 {
        store.create(&writing(leaver), preference(&format!("k{index}"), "1"), stamp(), &limits()).await.expect("free");
        store.create(&writing(other), preference(&format!("k{index}"), "1"), stamp(), &limits()).await.expect("free");
        let own = publish(&store, post(leaver, "mine")).await;
        let others = publish(&store, post(other, "yours")).await;
        toggle(&store, leaver, others).await.expect("reachable");
        toggle(&store, other, own).await.expect("reachable");
    }
    for kind in [ContentKind::VotesCast, ContentKind::VotesReceived, ContentKind::Posts, ContentKind::Preferences, ContentKind::Changes] {
        let mut chunks = Vec::new();
        for _ in 0..3 {
            chunks.push(erase(&store, leaver, kind, 2).await);
        }
        assert_eq!((chunks, erase(&store, leaver, kind, 2).await), (vec![2, 2, 1], 0), "{kind:?}");
    }
    assert_eq!(erase(&store, leaver, ContentKind::Reservations, 10).await, 2);
    assert_eq!((erase(&store, leaver, ContentKind::Profile, 10).await, erase(&store, leaver, ContentKind::Profile, 10).await), (1, 0));
    assert_eq!(store.all(&reading(other)).await.map(|all| all.len()), Ok(5), "others lose nothing");
}

pub async fn erasing_corrects_the_counters_of_others(store: impl FullStore) {
    let leaver = add_user(&store, "ann").await;
    let other = add_user(&store, "bob").await;
    let mut posts = Vec::new();
    for _ in 0..3 {
        let id = publish(&store, post(other, "yours")).await;
        toggle(&store, leaver, id).await.expect("reachable");
        toggle(&store, other, id).await.expect("reachable");
        posts.push(id);
    }
    erase(&store, leaver, ContentKind::VotesCast, 2).await;
    let mut counts = Vec::new();
    for id in &posts {
        counts.push(vote_count(&store, *id).await);
    }
    counts.sort_unstable();
    assert_eq!(counts, [Some(1), Some(1), Some(2)], "counters move with the chunk");
}
