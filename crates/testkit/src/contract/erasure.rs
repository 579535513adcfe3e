//! Hard deletes.

use super::content::{publish, toggle};
use super::{FullStore, NODE, OTHER_NODE, add_user, delete_user, first_page, limits, now, reading, stamp, tally, transact, try_add_user, writing};
use crate::fixture::{post, preference, user_with_ext_id};
use futures_util::TryStreamExt as _;
use lethe_domain::account::{Account, DeletionMode};
use lethe_domain::archive::Record;
use lethe_domain::content::PostKind;
use lethe_domain::erasure::{Chunk, Erasure, ErasureCursor, ErasureState};
use lethe_domain::hold::{HoldReason, NewHold};
use lethe_domain::manifest::{ContentKind, Tally};
use lethe_domain::profile::ExtId;
use lethe_domain::{PostId, Timestamp, UserId};
use lethe_ports::outbound::{PreferenceStoreError, StoreError};
use std::time::Duration;

const LEASE: Duration = Duration::from_secs(30);

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

async fn erase(store: &impl FullStore, user: UserId, kind: ContentKind, after: ErasureCursor, limit: u32) -> Chunk {
    transact(store, move |tx| Box::pin(async move { tx.erase(user, kind, after, limit).await })).await
}

/// How many rows each chunk takes, each from where the last one ended.
async fn chunks(store: &impl FullStore, user: UserId, kind: ContentKind, limit: u32, number: usize) -> Vec<u32> {
    let mut rows = Vec::new();
    let mut after = ErasureCursor::START;
    for _ in 0..number {
        let chunk = erase(store, user, kind, after, limit).await;
        assert!(chunk.cursor >= after, "{kind:?} goes forward");
        after = chunk.cursor;
        rows.push(chunk.rows);
    }
    rows
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
        assert_eq!(chunks(&store, leaver, kind, 2, 4).await, [2, 2, 1, 0], "{kind:?}");
    }
    assert_eq!(chunks(&store, leaver, ContentKind::Reservations, 1, 3).await, [1, 1, 0]);
    assert_eq!(chunks(&store, leaver, ContentKind::Profile, 10, 2).await, [1, 0]);
    assert_eq!(store.all(&reading(other)).await.map(|all| all.preferences.len()), Ok(5), "others lose nothing");
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
    erase(&store, leaver, ContentKind::VotesCast, ErasureCursor::START, 2).await;
    let mut counts = Vec::new();
    for id in &posts {
        counts.push(vote_count(&store, *id).await);
    }
    counts.sort_unstable();
    assert_eq!(counts, [Some(1), Some(1), Some(2)], "counters move with the chunk");
}

pub async fn a_tally_is_what_erasing_removes(store: impl FullStore) {
    let leaver = try_add_user(&store, user_with_ext_id("ann", "x-1")).await.expect("free");
    let other = add_user(&store, "bob").await;
    for index in 0..3 {
        store.create(&writing(leaver), preference(&format!("k{index}"), "1"), stamp(), &limits()).await.expect("free");
        let (own, others) = (publish(&store, post(leaver, "mine")).await, publish(&store, post(other, "yours")).await);
        for (voter, on) in [(leaver, own), (leaver, others), (other, own), (other, others)] {
            toggle(&store, voter, on).await.expect("reachable");
        }
    }
    let hold = NewHold { reason: HoldReason::from_store("over".into()), expires_at: Some(now()) };
    transact(&store, move |tx| Box::pin(async move { tx.insert_hold(leaver, &hold, stamp()).await })).await;
    let before = tally(&store, leaver).await;
    let expected = Tally::of(|kind| match kind {
        ContentKind::Reservations => 2,
        ContentKind::Profile | ContentKind::Holds => 1,
        ContentKind::Attempts => 0,
        ContentKind::VotesCast => 6,
        ContentKind::VotesReceived | ContentKind::Posts | ContentKind::Preferences | ContentKind::Changes => 3,
    });
    assert_eq!((before, store.tally(leaver).await), (expected, Ok(expected)));
    let others = tally(&store, other).await;
    for kind in ContentKind::ALL {
        let removed: u32 = chunks(&store, leaver, kind, 2, 5).await.iter().sum();
        assert_eq!(u64::from(removed), before.get(kind), "{kind:?}");
    }
    assert_eq!(tally(&store, leaver).await, Tally::default());
    let after = tally(&store, other).await;
    let lost = Tally::of(|kind| match kind {
        // Half of the other's votes were on posts that are gone, and half of the votes that it received were the leaver's.
        ContentKind::VotesCast | ContentKind::VotesReceived => 3,
        ContentKind::Reservations
        | ContentKind::Profile
        | ContentKind::Posts
        | ContentKind::Preferences
        | ContentKind::Changes
        | ContentKind::Holds
        | ContentKind::Attempts => 0,
    });
    for kind in ContentKind::ALL {
        assert_eq!(others.get(kind) - after.get(kind), lost.get(kind), "{kind:?} of others");
    }
}

pub async fn a_vote_with_two_sides_counts_once(store: impl FullStore) {
    let (ann, bob) = (add_user(&store, "ann").await, add_user(&store, "bob").await);
    let (anns, bobs) = (publish(&store, post(ann, "a")).await, publish(&store, post(bob, "b")).await);
    for (voter, on) in [(ann, bobs), (bob, anns), (ann, anns)] {
        toggle(&store, voter, on).await.expect("reachable");
    }
    let counted = tally(&store, ann).await;
    assert_eq!((counted.get(ContentKind::VotesCast), counted.get(ContentKind::VotesReceived)), (2, 1), "a vote on one's own post was cast");
    assert_eq!(erase(&store, ann, ContentKind::VotesReceived, ErasureCursor::START, 10).await.rows, 1);
    assert_eq!(erase(&store, bob, ContentKind::VotesCast, ErasureCursor::START, 10).await.rows, 0, "the other side went with it");
    assert_eq!(erase(&store, ann, ContentKind::VotesCast, ErasureCursor::START, 10).await.rows, 2);
    assert_eq!(vote_count(&store, bobs).await, Some(0));
}

fn begun(user: UserId, at: Timestamp) -> Erasure {
    Erasure::begin(user, 3, Some(ExtId::from_store("x-1".into())), at)
}

async fn save(store: &impl FullStore, erasure: Erasure) {
    transact(store, move |tx| Box::pin(async move { tx.save_erasure(&erasure).await })).await;
}

pub async fn an_erasure_is_kept_as_it_is(store: impl FullStore) {
    let user = add_user(&store, "ann").await;
    assert_eq!(store.erasure(user).await, Ok(None));
    let mut erasure = begun(user, now());
    save(&store, erasure.clone()).await;
    assert_eq!(store.erasure(user).await, Ok(Some(erasure.clone())));
    erasure.count(&Tally::of(|kind| kind as u64 * 1_000_000_000_000));
    erasure.record(Chunk { rows: 7, cursor: ErasureCursor(i64::MAX, -5) }, 7, now().after(LEASE));
    let erasure = erasure.claim(NODE, now(), LEASE).expect("free").interrupt("the store was away", now(), LEASE);
    save(&store, erasure.clone()).await;
    let locked = transact(&store, move |tx| Box::pin(async move { tx.erasure_for_update(user).await })).await;
    assert_eq!((store.erasure(user).await, locked), (Ok(Some(erasure.clone())), Some(erasure.clone())));
    let failed = Erasure { state: ErasureState::Failed, failed_sweeps: 3, finished_at: Some(now()), ext_id: None, ..erasure };
    save(&store, failed.clone()).await;
    assert_eq!(store.erasure(user).await, Ok(Some(failed)));
}

pub async fn erasures_are_due_once_their_lease_is_over(store: impl FullStore) {
    let mut users = Vec::new();
    for name in ["ann", "bob", "cid", "dan"] {
        users.push(add_user(&store, name).await);
    }
    let at = |seconds| now().after(Duration::from_secs(seconds));
    save(&store, begun(users[0], at(2))).await;
    save(&store, begun(users[1], at(1))).await;
    save(&store, begun(users[2], at(0)).claim(OTHER_NODE, at(0), LEASE).expect("free")).await;
    save(&store, begun(users[3], at(0)).conclude(&Tally::default(), at(0))).await;
    assert_eq!(store.due_erasures(NODE, at(0), 10).await, Ok(vec![]));
    assert_eq!(store.due_erasures(NODE, at(5), 10).await, Ok(vec![users[1], users[0]]), "who waited longest comes first");
    assert_eq!(store.due_erasures(NODE, at(5), 1).await, Ok(vec![users[1]]));
    assert_eq!(store.due_erasures(OTHER_NODE, at(0), 10).await, Ok(vec![users[2]]), "its own");
    assert_eq!(store.due_erasures(NODE, at(30), 10).await, Ok(vec![users[1], users[0], users[2]]));
}

pub async fn erasures_are_listed_by_state(store: impl FullStore) {
    let (ann, bob, cid) = (add_user(&store, "ann").await, add_user(&store, "bob").await, add_user(&store, "cid").await);
    save(&store, begun(cid, now())).await;
    save(&store, begun(ann, now())).await;
    save(&store, begun(bob, now()).conclude(&Tally::default(), now())).await;
    let list = async |states: &[ErasureState], after: Option<UserId>, limit: u32| -> Vec<UserId> {
        store.erasures(states, after, limit).await.expect("reachable").into_iter().map(|erasure| erasure.user).collect()
    };
    assert_eq!(list(&ErasureState::ALL, None, 2).await, [ann, bob]);
    assert_eq!(list(&ErasureState::ALL, Some(bob), 2).await, [cid]);
    assert_eq!(list(&[ErasureState::Queued], None, 9).await, [ann, cid]);
    assert_eq!(list(&[ErasureState::Done], None, 9).await, [bob]);
    assert_eq!(list(&[], None, 9).await, []);
}

/// From the moment of the deletion, long before the last chunk.
pub async fn what_is_being_erased_is_not_shown_or_exported(store: impl FullStore) {
    let (leaver, other) = (try_add_user(&store, user_with_ext_id("ann", "x-1")).await.expect("free"), add_user(&store, "bob").await);
    store.create(&writing(leaver), preference("k", "1"), stamp(), &limits()).await.expect("free");
    let (own, others) = (publish(&store, post(leaver, "mine")).await, publish(&store, post(other, "yours")).await);
    for (voter, on) in [(leaver, others), (other, own)] {
        toggle(&store, voter, on).await.expect("reachable");
    }
    transact(&store, move |tx| {
        Box::pin(async move {
            let account = tx.account_for_update(leaver).await?.unwrap_or(Account::new(leaver));
            let erased = account.hard_delete(now(), &[]).map_err(|error| StoreError::Failed(error.to_string()))?;
            tx.save_account(&erased).await?;
            for kind in [ContentKind::Reservations, ContentKind::Profile] {
                super::erase_all(tx, leaver, kind, 10).await?;
            }
            Ok(())
        })
    })
    .await;
    assert_eq!(store.all(&reading(leaver)).await, Err(PreferenceStoreError::Refused));
    assert_eq!(store.post(PostKind::Post, own).await, Ok(None));
    assert_eq!(store.posts(PostKind::Post, None, first_page()).await.map(|page| (page.count, page.items[0].id)), Ok((1, others)));
    let votes = store.votes(PostKind::Post, others, first_page()).await.expect("reachable").expect("there");
    assert_eq!((votes.count, votes.items.len()), (0, 0));
    assert_eq!(store.user(leaver).await.expect("reachable").and_then(|user| user.person), None);
    let lines = export_lines(&store).await;
    assert_eq!(lines.len(), 3, "two users and the other's post: {lines:#?}");
    assert!(tally(&store, leaver).await.get(ContentKind::Posts) == 1, "it is still there");
}
