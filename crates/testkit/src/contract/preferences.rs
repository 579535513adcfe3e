//! Preferences, one by one.

use super::{ACTOR, FullStore, add_user, first_page, limits, now, reading, stamp, transact, writing};
use crate::fixture::{json, key, preference};
use lethe_domain::account::{Account, DeletionMode};
use lethe_domain::change::{Change, ChangeKind};
use lethe_domain::limits::{Limits, QuotaError};
use lethe_domain::page::PageRequest;
use lethe_domain::preference::{Edit, Preference, PreferenceUpdate};
use lethe_domain::{PreferenceId, Revision, Timestamp, UserId};
use lethe_ports::outbound::{OwnerFence, PreferenceStoreError, Snapshot, Stamp};
use std::time::Duration;

async fn create(store: &impl FullStore, owner: UserId, name: &str, value: &str) -> Preference {
    store.create(&writing(owner), preference(name, value), stamp(), &limits()).await.expect("a free key")
}

async fn update(store: &impl FullStore, of: &Preference, update: PreferenceUpdate, stamp: Stamp) -> Result<Preference, PreferenceStoreError> {
    store.update(&writing(of.owner), of.id, None, update, stamp, &limits()).await
}

async fn changes(store: &impl FullStore, owner: UserId) -> Vec<Change> {
    store.changes(&reading(owner), Revision::ZERO, 1_000).await.expect("readable").changes
}

fn later() -> Stamp {
    Stamp { actor: ACTOR, now: now().after(Duration::from_secs(1)) }
}

pub async fn creates_and_gives_back(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let made = create(&store, owner, "theme", "\"dark\"").await;
    assert_eq!((made.owner, made.key.as_str(), made.value.as_str()), (owner, "theme", "\"dark\""));
    assert_eq!((made.created_at, made.last_updated_at, made.revision), (now(), now(), Revision::new(1)));
    assert_eq!(store.get(&reading(owner), made.id).await, Ok(made));
}

pub async fn lists_in_pages_by_id(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let other = add_user(&store, "bob").await;
    create(&store, other, "k1", "0").await;
    let mut made = Vec::new();
    for name in ["c", "a", "b"] {
        made.push(create(&store, owner, name, "1").await);
    }
    let page = store.list(&reading(owner), None, PageRequest::from_text(Some("2"), Some("1"))).await.expect("readable");
    assert_eq!((page.count, page.items.as_slice()), (3, &made[1..3]));
    let beyond = store.list(&reading(owner), None, PageRequest::from_text(None, Some("9223372036854775807"))).await.expect("readable");
    assert_eq!((beyond.count, beyond.items.len()), (3, 0));
    let nobody = add_user(&store, "cid").await;
    let empty = store.list(&reading(nobody), None, first_page()).await.expect("readable");
    assert_eq!((empty.count, empty.items.len()), (0, 0));
}

pub async fn lists_one_key(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    create(&store, owner, "a", "1").await;
    let b = create(&store, owner, "b", "2").await;
    let page = store.list(&reading(owner), Some(key("b")), first_page()).await.expect("readable");
    assert_eq!((page.count, page.items), (1, vec![b]));
    let none = store.list(&reading(owner), Some(key("B")), first_page()).await.expect("readable");
    assert_eq!(none.count, 0, "keys are case-sensitive");
}

pub async fn gives_all_by_key(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    assert_eq!(store.all(&reading(owner)).await, Ok(Snapshot { revision: Revision::ZERO, preferences: vec![] }));
    for name in ["c", "a", "B"] {
        create(&store, owner, name, "1").await;
    }
    let keys: Vec<_> = store.all(&reading(owner)).await.expect("readable").preferences.into_iter().map(|preference| preference.key.to_string()).collect();
    assert_eq!(keys, ["B", "a", "c"]);
}

pub async fn a_key_is_taken_once_per_user(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let other = add_user(&store, "bob").await;
    create(&store, owner, "theme", "1").await;
    let again = store.create(&writing(owner), preference("theme", "2"), stamp(), &limits()).await;
    assert_eq!(again, Err(PreferenceStoreError::KeyTaken));
    create(&store, other, "theme", "3").await;
    assert_eq!(changes(&store, owner).await.len(), 1, "a refusal takes no revision");
    assert_eq!(create(&store, owner, "next", "4").await.revision, Revision::new(2));
}

pub async fn updates_value_and_name(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let made = create(&store, owner, "theme", "1").await;
    let revalued = update(&store, &made, PreferenceUpdate::Value(json("2")), later()).await.expect("there");
    assert_eq!(revalued, Preference { value: json("2"), revision: Revision::new(2), last_updated_at: later().now, ..made.clone() });
    let renamed = update(&store, &made, PreferenceUpdate::Key(key("colour")), later()).await.expect("there");
    assert_eq!(renamed, Preference { key: key("colour"), revision: Revision::new(4), ..revalued });
    let both = update(&store, &made, PreferenceUpdate::Both(key("tone"), json("3")), later()).await.expect("there");
    assert_eq!((both.key.as_str(), both.value.as_str(), both.revision), ("tone", "3", Revision::new(6)));
    assert_eq!(store.get(&reading(owner), made.id).await, Ok(both));
    let missing = store.update(&writing(owner), PreferenceId::new(i64::MAX), None, PreferenceUpdate::Value(json("1")), stamp(), &limits()).await;
    assert_eq!(missing, Err(PreferenceStoreError::NotFound));
}

pub async fn a_rename_onto_a_taken_key_is_refused(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    create(&store, owner, "a", "1").await;
    let b = create(&store, owner, "b", "2").await;
    assert_eq!(update(&store, &b, PreferenceUpdate::Key(key("a")), stamp()).await, Err(PreferenceStoreError::KeyTaken));
    assert_eq!(store.get(&reading(owner), b.id).await, Ok(b));
    assert_eq!(changes(&store, owner).await.len(), 2);
}

pub async fn what_changes_nothing_leaves_no_trace(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let made = create(&store, owner, "theme", "{\"a\":1.0}").await;
    for same in [PreferenceUpdate::Key(key("theme")), PreferenceUpdate::Value(json("{\"a\":1.0}")), PreferenceUpdate::Both(key("theme"), json("{\"a\":1.0}"))] {
        assert_eq!(update(&store, &made, same, later()).await, Ok(made.clone()));
    }
    assert_eq!(changes(&store, owner).await.len(), 1);
    assert_eq!(create(&store, owner, "next", "1").await.revision, Revision::new(2));
}

pub async fn an_expected_revision_must_match(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let made = create(&store, owner, "theme", "1").await;
    let stale = Revision::new(7);
    let refused = store.update(&writing(owner), made.id, Some(stale), PreferenceUpdate::Value(json("2")), stamp(), &limits()).await;
    assert_eq!(refused, Err(PreferenceStoreError::Changed));
    assert_eq!(store.delete(&writing(owner), made.id, Some(stale), stamp()).await, Err(PreferenceStoreError::Changed));
    let done = store.update(&writing(owner), made.id, Some(made.revision), PreferenceUpdate::Value(json("2")), stamp(), &limits()).await.expect("current");
    assert_eq!(store.delete(&writing(owner), made.id, Some(done.revision), stamp()).await, Ok(done.revision.next()));
}

pub async fn deletes_once(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let made = create(&store, owner, "theme", "1").await;
    assert_eq!(store.delete(&writing(owner), made.id, None, stamp()).await, Ok(made.revision.next()));
    assert_eq!(store.delete(&writing(owner), made.id, None, stamp()).await, Err(PreferenceStoreError::NotFound));
    assert_eq!(store.get(&reading(owner), made.id).await, Err(PreferenceStoreError::NotFound));
    let again = create(&store, owner, "theme", "2").await;
    assert_eq!(again.revision, Revision::new(3));
    assert!(again.id > made.id, "an id is never used again");
}

pub async fn another_users_preference_is_not_found(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let other = add_user(&store, "bob").await;
    let made = create(&store, owner, "theme", "1").await;
    assert_eq!(store.get(&reading(other), made.id).await, Err(PreferenceStoreError::NotFound));
    let update = store.update(&writing(other), made.id, None, PreferenceUpdate::Value(json("2")), stamp(), &limits()).await;
    assert_eq!(update, Err(PreferenceStoreError::NotFound));
    assert_eq!(store.delete(&writing(other), made.id, None, stamp()).await, Err(PreferenceStoreError::NotFound));
    assert_eq!(store.get(&reading(owner), made.id).await, Ok(made));
}

pub async fn a_fence_hides_everything_else(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let made = create(&store, owner, "theme", "1").await;
    super::delete_user(&store, owner, DeletionMode::Soft).await.expect("alive");
    refuses_everything(&store, &writing(owner), made.id).await;
    assert_eq!(store.get(&reading(owner), made.id).await, Ok(made.clone()), "what is kept can be read");
    super::delete_user(&store, owner, DeletionMode::Hard).await.expect("soft deleted");
    refuses_everything(&store, &reading(owner), made.id).await;
    refuses_everything(&store, &reading(UserId::new(i64::MAX)), made.id).await;
}

pub async fn a_fence_keeps_dead_tokens_out(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let made = create(&store, owner, "theme", "1").await;
    transact(&store, move |tx| {
        Box::pin(async move {
            let account = tx.account_for_update(owner).await?.unwrap_or(Account::new(owner));
            tx.save_account(&account.revoke_tokens(now())).await
        })
    })
    .await;
    refuses_everything(&store, &OwnerFence { issued_at: Some(Timestamp::EPOCH), ..writing(owner) }, made.id).await;
    assert_eq!(store.get(&writing(owner), made.id).await, Ok(made), "a token from then on");
}

async fn refuses_everything(store: &impl FullStore, fence: &OwnerFence, id: PreferenceId) {
    let refused = PreferenceStoreError::Refused;
    assert_eq!(store.get(fence, id).await, Err(refused.clone()));
    assert_eq!(store.list(fence, None, first_page()).await, Err(refused.clone()));
    assert_eq!(store.all(fence).await, Err(refused.clone()));
    assert_eq!(store.changes(fence, Revision::ZERO, 1).await, Err(refused.clone()));
    assert_eq!(store.create(fence, preference("theme", "2"), stamp(), &limits()).await, Err(refused.clone()));
    assert_eq!(store.update(fence, id, None, PreferenceUpdate::Value(json("2")), stamp(), &limits()).await, Err(refused.clone()));
    assert_eq!(store.delete(fence, id, None, stamp()).await, Err(refused));
}

pub async fn limits_hold(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let small = Limits { keys_per_user: 2, bytes_per_user: 20, ..Limits::default() };
    let a = store.create(&writing(owner), preference("a", "\"1234567\""), stamp(), &small).await.expect("10 bytes");
    let b = store.create(&writing(owner), preference("b", "\"1234567\""), stamp(), &small).await.expect("20 bytes");
    let third = store.create(&writing(owner), preference("c", "1"), stamp(), &small).await;
    assert_eq!(third, Err(PreferenceStoreError::Quota(QuotaError::TooManyKeys { limit: 2 })));
    let grown = store.update(&writing(owner), a.id, None, PreferenceUpdate::Value(json("\"12345678\"")), stamp(), &small).await;
    assert_eq!(grown, Err(PreferenceStoreError::Quota(QuotaError::TooManyBytes { limit: 20 })));
    let longer_key = store.update(&writing(owner), a.id, None, PreferenceUpdate::Key(key("é")), stamp(), &small).await;
    assert_eq!(longer_key, Err(PreferenceStoreError::Quota(QuotaError::TooManyBytes { limit: 20 })), "bytes, not characters");
    let tiny = Limits { keys_per_user: 1, bytes_per_user: 1, ..Limits::default() };
    store.update(&writing(owner), a.id, None, PreferenceUpdate::Value(json("1")), stamp(), &tiny).await.expect("shrinking is always allowed");
    store.delete(&writing(owner), b.id, None, stamp()).await.expect("there");
    store.create(&writing(owner), preference("d", "\"123456789012345\""), stamp(), &small).await.expect("2 + 18 bytes");
    assert_eq!(changes(&store, owner).await.len(), 5, "refusals take no revision");
}

pub async fn every_change_is_logged(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let made = create(&store, owner, "a", "1").await;
    update(&store, &made, PreferenceUpdate::Value(json("2")), later()).await.expect("there");
    update(&store, &made, PreferenceUpdate::Key(key("b")), later()).await.expect("there");
    store.delete(&writing(owner), made.id, None, later()).await.expect("there");
    let entry = |revision, name: &str, kind, stamp: Stamp| Change { revision: Revision::new(revision), key: key(name), kind, at: stamp.now, actor: ACTOR };
    let put = |value| ChangeKind::Put { value: json(value), created_at: now() };
    let log = vec![
        entry(1, "a", put("1"), stamp()),
        entry(2, "a", put("2"), later()),
        entry(3, "a", ChangeKind::Delete, later()),
        entry(4, "b", put("2"), later()),
        entry(5, "b", ChangeKind::Delete, later()),
    ];
    assert_eq!(changes(&store, owner).await, log);
    let part = store.changes(&reading(owner), Revision::new(2), 2).await.expect("readable");
    assert_eq!((part.begins_after, part.latest, part.changes), (Revision::ZERO, log.last().expect("changes").revision, log[2..4].to_vec()));
}

async fn edit(store: &impl FullStore, owner: UserId, edits: Vec<Edit>, limits: Limits) -> Result<(), PreferenceStoreError> {
    store
        .transact(move |tx| {
            Box::pin(async move {
                tx.account_for_update(owner).await?;
                tx.edit_preferences(owner, &edits, later(), &limits).await
            })
        })
        .await
}

pub async fn edits_are_logged_in_order(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let a = create(&store, owner, "a", "1").await;
    create(&store, owner, "b", "2").await;
    let edits = vec![
        Edit::Remove(key("b")),
        Edit::Remove(key("never there")),
        Edit::Put(preference("a", "1")),
        Edit::Put(preference("a", "3")),
        Edit::Put(preference("c", "4")),
    ];
    edit(&store, owner, edits, limits()).await.expect("within limits");
    let all = store.all(&reading(owner)).await.expect("readable").preferences;
    assert_eq!(all[0], Preference { value: json("3"), revision: Revision::new(4), last_updated_at: later().now, ..a });
    assert_eq!((all.len(), all[1].key.as_str(), all[1].revision), (2, "c", Revision::new(5)));
    let log: Vec<_> = changes(&store, owner).await.into_iter().skip(2).map(|change| (change.key.to_string(), change.kind.name())).collect();
    assert_eq!(log, [("b".into(), "delete"), ("a".into(), "put"), ("c".into(), "put")]);
}

pub async fn edits_hold_the_limits(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    create(&store, owner, "a", "1").await;
    let two = Limits { keys_per_user: 2, ..Limits::default() };
    let many = vec![Edit::Put(preference("b", "1")), Edit::Put(preference("c", "1"))];
    assert_eq!(edit(&store, owner, many, two).await, Err(PreferenceStoreError::Quota(QuotaError::TooManyKeys { limit: 2 })));
    assert_eq!(store.all(&reading(owner)).await.expect("readable").preferences.len(), 1, "all or nothing");
    let swapped = vec![Edit::Remove(key("a")), Edit::Put(preference("b", "1")), Edit::Put(preference("c", "1"))];
    assert_eq!(edit(&store, owner, swapped, two).await, Ok(()));
    let third = store.create(&writing(owner), preference("d", "1"), stamp(), &two).await;
    assert_eq!(third, Err(PreferenceStoreError::Quota(QuotaError::TooManyKeys { limit: 2 })), "edits are counted");
}
