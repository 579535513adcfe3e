//! Preferences by key, what became of them, and attempts at changing them.

use super::{ACTOR, FullStore, NODE, add_user, delete_user, limits, now, reading, stamp, tally, transact, writing};
use crate::fixture::{key, preference};
use lethe_domain::account::{Account, DeletionMode};
use lethe_domain::attempt::{Attempt, IdempotencyKey};
use lethe_domain::change::{Change, ChangeKind, LogExtent, LogPage};
use lethe_domain::draft::{Item, Standing};
use lethe_domain::limits::Usage;
use lethe_domain::manifest::ContentKind;
use lethe_domain::preference::{Edit, Preference, PreferenceUpdate};
use lethe_domain::{Revision, Timestamp, UserId};
use lethe_ports::outbound::{AttemptState, Duty, Forgettable, KeyRange, LogScan, OwnerFence, Position, PreferenceStoreError, Renumbered, Stamp, StoreError};
use std::time::Duration;

fn at(seconds: u64) -> Timestamp {
    now().after(Duration::from_secs(seconds))
}

fn revision(number: i64) -> Revision {
    Revision::new(number)
}

fn range(prefix: &str, after: Option<&str>, limit: u32) -> KeyRange {
    KeyRange { prefix: prefix.into(), after: after.map(key), limit }
}

/// Puts a key, or removes it, at a second of its own.
async fn write(store: &impl FullStore, owner: UserId, name: &str, value: Option<&str>, second: u64) {
    let edit = value.map_or_else(|| Edit::Remove(key(name)), |value| Edit::Put(preference(name, value)));
    transact(store, move |tx| {
        Box::pin(async move {
            tx.account_for_update(owner).await?;
            let edited = tx.edit_preferences(owner, &[edit], Stamp { actor: ACTOR, now: at(second) }, &limits()).await;
            edited.map_err(|error| StoreError::Failed(error.to_string()))
        })
    })
    .await;
}

/// Seven changes: a=1, b=2, a=3, c=4, without b, b=5, without a.
async fn seven_changes(store: &impl FullStore) -> UserId {
    let owner = add_user(store, "ann").await;
    let changes = [("a", Some("1")), ("b", Some("2")), ("a", Some("3")), ("c", Some("4")), ("b", None), ("b", Some("5")), ("a", None)];
    for (second, (name, value)) in (1..).zip(changes) {
        write(store, owner, name, value, second).await;
    }
    owner
}

/// The sets after each of the seven changes.
const SETS: [&[(&str, &str)]; 8] = [
    &[],
    &[("a", "1")],
    &[("a", "1"), ("b", "2")],
    &[("a", "3"), ("b", "2")],
    &[("a", "3"), ("b", "2"), ("c", "4")],
    &[("a", "3"), ("c", "4")],
    &[("a", "3"), ("b", "5"), ("c", "4")],
    &[("b", "5"), ("c", "4")],
];

fn pairs(items: &[Item]) -> Vec<(&str, &str)> {
    items.iter().map(|item| (item.key.as_str(), item.value.as_str())).collect()
}

async fn shorten(store: &impl FullStore, owner: UserId, beginning: i64) {
    transact(store, move |tx| {
        Box::pin(async move {
            tx.account_for_update(owner).await?;
            tx.shorten_log(owner, revision(beginning)).await
        })
    })
    .await;
}

pub async fn looks_at_one_key(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let empty = store.look(&reading(owner), &key("theme")).await.expect("readable");
    assert_eq!((empty.standing, empty.found), (Standing::default(), None));
    let made = store.create(&writing(owner), preference("theme", "\"dark\""), stamp(), &limits()).await.expect("free");
    let standing = Standing { revision: revision(1), log_begins_after: Revision::ZERO, usage: Usage { keys: 1, bytes: 11 } };
    let look = store.look(&reading(owner), &key("theme")).await.expect("readable");
    assert_eq!((look.standing, look.found), (standing, Some(made)));
    assert_eq!(store.look(&reading(owner), &key("them")).await.expect("readable").found, None);
    assert_eq!(store.standing(&reading(owner)).await, Ok(standing));
    let dead = OwnerFence { owner: UserId::new(404), ..writing(owner) };
    assert_eq!(store.look(&dead, &key("theme")).await, Err(PreferenceStoreError::Refused));
    assert_eq!(store.standing(&dead).await, Err(PreferenceStoreError::Refused));
}

pub async fn parts_go_by_prefix_and_key(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    for name in ["b.2", "a", "b", "b.1", "b_1", "é", "%"] {
        store.create(&writing(owner), preference(name, "1"), stamp(), &limits()).await.expect("free");
    }
    let keys = async |prefix: &str, after: Option<&str>, limit: u32| {
        let part = store.part(&reading(owner), range(prefix, after, limit)).await.expect("readable");
        assert_eq!(part.revision, revision(7));
        part.preferences.into_iter().map(|preference| preference.key.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(keys("", None, 100).await, ["%", "a", "b", "b.1", "b.2", "b_1", "é"]);
    assert_eq!(keys("", Some("b"), 2).await, ["b.1", "b.2"]);
    assert_eq!(keys("b.", None, 100).await, ["b.1", "b.2"], "a prefix is no pattern");
    assert_eq!(keys("%", None, 100).await, ["%"]);
    assert_eq!(keys("b_", None, 100).await, ["b_1"]);
    assert_eq!(keys("é", None, 100).await, ["é"]);
    assert_eq!(keys("b.", Some("b.1"), 100).await, ["b.2"]);
    assert!(keys("x", None, 100).await.is_empty());
    let nobody = OwnerFence { owner: UserId::new(404), ..reading(owner) };
    assert_eq!(store.part(&nobody, range("", None, 1)).await, Err(PreferenceStoreError::Refused));
}

pub async fn every_past_set_can_be_told(store: impl FullStore) {
    let owner = seven_changes(&store).await;
    for (at, expected) in (0..).zip(SETS) {
        let past = store.as_of(&reading(owner), revision(at), range("", None, 100)).await.expect("readable");
        assert_eq!((past.standing.revision, pairs(&past.items)), (revision(7), expected.to_vec()), "at {at}");
    }
    let part = store.as_of(&reading(owner), revision(6), range("", Some("a"), 1)).await.expect("readable");
    assert_eq!(pairs(&part.items), [("b", "5")]);
    assert_eq!((part.items[0].revision, part.items[0].updated_at, part.items[0].created_at), (revision(6), at(6), at(6)), "it was removed in between");
    let earlier = store.as_of(&reading(owner), revision(4), range("a", None, 1)).await.expect("readable");
    assert_eq!((earlier.items[0].created_at, earlier.items[0].updated_at), (at(1), at(3)));
    let within = transact(&store, move |tx| {
        Box::pin(async move {
            let keyed = |name: &'static str| key(name);
            Ok((
                tx.as_of(owner, revision(4), None).await?,
                tx.as_of(owner, revision(4), Some(&keyed("b"))).await?,
                tx.as_of(owner, revision(5), Some(&keyed("b"))).await?,
                tx.as_of(owner, revision(7), Some(&keyed("x"))).await?,
            ))
        })
    })
    .await;
    assert_eq!((pairs(&within.0), pairs(&within.1), within.2.len(), within.3.len()), (SETS[4].to_vec(), vec![("b", "2")], 0, 0));
}

pub async fn one_keys_history_is_newest_first(store: impl FullStore) {
    let owner = seven_changes(&store).await;
    let history = async |name: &str, before: Option<i64>, limit: u32| {
        let changes = store.history(&reading(owner), &key(name), before.map(revision), limit).await.expect("readable");
        changes.into_iter().map(|change| change.revision.get()).collect::<Vec<_>>()
    };
    assert_eq!(history("b", None, 100).await, [6, 5, 2]);
    assert_eq!(history("b", Some(6), 1).await, [5]);
    assert_eq!(history("x", None, 100).await, [0; 0]);
    let last = store.history(&reading(owner), &key("a"), None, 1).await.expect("readable");
    assert_eq!(last, [Change { revision: revision(7), key: key("a"), kind: ChangeKind::Delete, at: at(7), actor: ACTOR }]);
}

pub async fn a_shorter_log_tells_what_it_still_covers(store: impl FullStore) {
    for beginning in 0..=7_i64 {
        let name = format!("user{beginning}");
        let owner = add_user(&store, &name).await;
        let changes = [("a", Some("1")), ("b", Some("2")), ("a", Some("3")), ("c", Some("4")), ("b", None), ("b", Some("5")), ("a", None)];
        for (second, (name, value)) in (1..).zip(changes) {
            write(&store, owner, name, value, second).await;
        }
        let before = store.all(&reading(owner)).await;
        shorten(&store, owner, beginning).await;
        assert_eq!(store.all(&reading(owner)).await, before, "what is there stays as it is");
        for (at, expected) in (0..).zip(SETS).filter(|(at, _)| *at >= beginning) {
            let past = store.as_of(&reading(owner), revision(at), range("", None, 100)).await.expect("readable");
            assert_eq!((past.standing.log_begins_after, pairs(&past.items)), (revision(beginning), expected.to_vec()), "{beginning}: at {at}");
        }
        let log = store.changes(&reading(owner), Revision::ZERO, 100).await.expect("readable");
        let kept: Vec<_> = log.changes.iter().map(|change| change.revision.get()).collect();
        assert_eq!((log.begins_after, kept), (revision(beginning), (beginning + 1..=7).collect()), "the set at the beginning is no change");
        let within = transact(&store, move |tx| Box::pin(async move { tx.changes(owner, revision(5), 1).await })).await;
        let without = store.changes(&reading(owner), revision(5), 1).await.expect("readable");
        assert_eq!(within, without, "a transaction sees the same");
        let rows = tally(&store, owner).await.get(ContentKind::Changes);
        assert_eq!(rows, u64::try_from(7 - beginning).expect("small") + SETS[usize::try_from(beginning).expect("small")].len() as u64);
    }
}

pub async fn what_is_renumbered_is_the_same_under_other_numbers(store: impl FullStore) {
    let (ann, bob, cid) = (seven_changes(&store).await, add_user(&store, "bob").await, add_user(&store, "cid").await);
    shorten(&store, ann, 4).await;
    write(&store, cid, "a", Some("1"), 1).await;
    delete_user(&store, cid, DeletionMode::Hard).await.expect("deleted");
    let all = range("", None, 100);
    let (before, log) = (store.all(&reading(ann)).await.expect("readable"), store.changes(&reading(ann), revision(4), 100).await.expect("readable"));
    let first = store.renumber(None, 2, revision(1_000)).await;
    assert_eq!(first, Ok(Renumbered { users: 2, last: Some(bob) }));
    assert_eq!(store.renumber(Some(bob), 2, revision(1_000)).await, Ok(Renumbered { users: 0, last: Some(cid) }), "the erased count nothing");
    assert_eq!(store.renumber(Some(cid), 2, revision(1_000)).await, Ok(Renumbered::default()));

    let moved = |revision: Revision| Revision::new(revision.get() + 996);
    let after = store.all(&reading(ann)).await.expect("readable");
    let preferences: Vec<_> = before.preferences.into_iter().map(|item| Preference { revision: moved(item.revision), ..item }).collect();
    assert_eq!((after.revision, after.preferences), (revision(1_003), preferences));
    let changes = log.changes.into_iter().map(|change| Change { revision: moved(change.revision), ..change }).collect();
    let moved_log = store.changes(&reading(ann), Revision::ZERO, 100).await;
    assert_eq!(moved_log, Ok(LogPage { begins_after: revision(1_000), latest: revision(1_003), changes }));
    for (at, expected) in (1_000..).zip(&SETS[4..]) {
        let past = store.as_of(&reading(ann), revision(at), all.clone()).await.expect("readable");
        assert_eq!(pairs(&past.items), expected.to_vec(), "at {at}");
    }
    write(&store, bob, "a", Some("1"), 9).await;
    let of_bob = store.changes(&reading(bob), Revision::ZERO, 100).await.expect("readable");
    assert_eq!((of_bob.begins_after, of_bob.latest, of_bob.changes[0].revision), (revision(1_000), revision(1_001), revision(1_001)));
    // Once more, at the same time by a clock that stands still: no number comes again.
    assert_eq!(store.renumber(None, 9, revision(1_000)).await, Ok(Renumbered { users: 2, last: Some(cid) }));
    let again = store.changes(&reading(ann), Revision::ZERO, 100).await.expect("readable");
    assert_eq!((again.begins_after, again.latest, again.changes.len()), (revision(1_006), revision(1_009), 3));
    let present = store.as_of(&reading(ann), revision(1_009), range("", None, 100)).await.expect("readable");
    assert_eq!((present.items[0].revision, pairs(&present.items)), (revision(1_008), SETS[7].to_vec()));
}

pub async fn logs_that_are_too_long_or_too_old_are_found(store: impl FullStore) {
    let owner = seven_changes(&store).await;
    let (quiet, last) = (add_user(&store, "bob").await, add_user(&store, "cid").await);
    let extent = |begins_after, first_young: Option<i64>| LogExtent {
        owner,
        begins_after: revision(begins_after),
        latest: revision(7),
        first_young: first_young.map(revision),
    };
    let found = async |after: Option<UserId>, max: u64, young: u64| store.overgrown_logs(after, 2, max, at(young)).await.expect("reachable");
    assert_eq!(found(None, 7, 1).await, LogScan { overgrown: vec![], last: Some(quiet) });
    assert_eq!(found(None, 6, 1).await.overgrown, [extent(0, Some(1))], "too long");
    assert_eq!(found(None, 7, 2).await.overgrown, [extent(0, Some(2))], "its first change is too old");
    assert_eq!(found(None, 7, 8).await.overgrown, [extent(0, None)]);
    assert_eq!(found(Some(owner), 0, 8).await, LogScan { overgrown: vec![], last: Some(last) });
    assert_eq!(found(Some(last), 0, 8).await, LogScan::default());
    shorten(&store, owner, 5).await;
    assert_eq!(found(None, 2, 6).await.overgrown, []);
    assert_eq!(found(None, 1, 6).await.overgrown, [extent(5, Some(6))]);
    shorten(&store, owner, 7).await;
    assert_eq!(found(None, 0, 100).await.overgrown, [], "what is left is the set itself");
}

pub async fn a_locked_owner_is_written_to_within_a_transaction(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let done: Result<_, PreferenceStoreError> = store
        .transact(move |tx| {
            Box::pin(async move {
                tx.account_for_update(owner).await?;
                let made = tx.create_preference(owner, preference("a", "1"), stamp(), &limits()).await?;
                let again = tx.create_preference(owner, preference("a", "2"), stamp(), &limits()).await;
                let renamed = tx.update_preference(owner, made.id, PreferenceUpdate::Key(key("b")), stamp(), &limits()).await?;
                let other = tx.create_preference(owner, preference("c", "3"), stamp(), &limits()).await?;
                tx.delete_preference(owner, other.id, stamp()).await?;
                let gone = tx.delete_preference(owner, other.id, stamp()).await;
                let seen = (tx.preference(owner, made.id).await?, tx.preferences_of_keys(owner, &[key("a"), key("b"), key("c")]).await?);
                Ok((made, again, renamed, gone, seen, tx.standing(owner).await?))
            })
        })
        .await;
    let (made, again, renamed, gone, seen, standing) = done.expect("nothing is in the way");
    assert_eq!((again, gone), (Err(PreferenceStoreError::KeyTaken), Err(PreferenceStoreError::NotFound)));
    assert_eq!((renamed.id, renamed.key.as_str(), renamed.revision), (made.id, "b", revision(3)));
    assert_eq!(seen, (Some(renamed.clone()), vec![renamed]));
    assert_eq!((standing.revision, standing.usage), (revision(5), Usage { keys: 1, bytes: 2 }));
}

fn attempt(actor: UserId, name: &str, body: &str) -> Attempt {
    Attempt::new(actor, "POST", "/x", &IdempotencyKey::parse(name).expect("a key"), &[body.as_bytes()])
}

/// What is known of an attempt; the first one is kept with this outcome.
async fn make_attempt(store: &impl FullStore, about: UserId, attempt: Attempt, outcome: &'static str, since: Timestamp) -> AttemptState {
    transact(store, move |tx| {
        Box::pin(async move {
            let state = tx.begin_attempt(about, &attempt, since).await?;
            if state == AttemptState::First {
                tx.end_attempt(about, &attempt, outcome, now()).await?;
            }
            Ok(state)
        })
    })
    .await
}

pub async fn an_attempt_is_remembered_for_its_time(store: impl FullStore) {
    let (ann, bob) = (add_user(&store, "ann").await, add_user(&store, "bob").await);
    let first = attempt(ann, "k", "{}");
    let done = AttemptState::Done { fingerprint: first.fingerprint.clone(), outcome: "1".into() };
    assert_eq!(make_attempt(&store, ann, first.clone(), "1", now()).await, AttemptState::First);
    assert_eq!(make_attempt(&store, ann, first.clone(), "2", now()).await, done);
    assert_eq!(make_attempt(&store, ann, attempt(ann, "k", "{ }"), "3", now()).await, done, "whoever asks looks at the fingerprint");
    for (about, other) in [(ann, attempt(ann, "l", "{}")), (ann, attempt(bob, "k", "{}")), (bob, first.clone())] {
        assert_eq!(make_attempt(&store, about, other, "4", now()).await, AttemptState::First);
    }
    assert_eq!(make_attempt(&store, ann, first.clone(), "5", at(1)).await, AttemptState::First, "it was forgotten, and is kept anew");
    assert_eq!(tally(&store, ann).await.get(ContentKind::Attempts), 3);
    let forgettable = Forgettable { untold_since: now(), attempted_before: now(), now: now() };
    assert_eq!(store.prune(forgettable).await, Ok(0));
    assert_eq!(store.prune(Forgettable { attempted_before: at(1), ..forgettable }).await, Ok(4));
}

pub async fn an_attempt_that_fails_is_none(store: impl FullStore) {
    let ann = add_user(&store, "ann").await;
    let first = attempt(ann, "k", "{}");
    let again = first.clone();
    let failed: Result<(), StoreError> = store
        .transact(move |tx| {
            Box::pin(async move {
                assert_eq!(tx.begin_attempt(ann, &first, now()).await?, AttemptState::First);
                tx.end_attempt(ann, &first, "1", now()).await?;
                Err(StoreError::Failed("on purpose".into()))
            })
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(make_attempt(&store, ann, again, "2", now()).await, AttemptState::First);
}

pub async fn ten_attempts_at_once_have_one_effect(store: impl FullStore) {
    let ann = add_user(&store, "ann").await;
    let attempts = (0..10).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            transact(&store, move |tx| {
                Box::pin(async move {
                    let attempt = attempt(ann, "k", "{}");
                    let state = tx.begin_attempt(ann, &attempt, now()).await?;
                    if state == AttemptState::First {
                        tx.account_for_update(ann).await?;
                        let edit = Edit::Put(preference("a", "1"));
                        tx.edit_preferences(ann, &[edit], stamp(), &limits()).await.map_err(|error| StoreError::Failed(error.to_string()))?;
                        tx.end_attempt(ann, &attempt, "1", now()).await?;
                    }
                    Ok(state)
                })
            })
            .await
        })
    });
    let states = futures_util::future::join_all(attempts).await;
    let first = states.iter().filter(|state| matches!(state, Ok(AttemptState::First))).count();
    assert_eq!((first, states.iter().filter(|state| state.is_err()).count()), (1, 0), "{states:?}");
    assert_eq!(store.standing(&reading(ann)).await.map(|standing| standing.revision), Ok(revision(1)));
}

pub async fn what_is_remembered_of_a_user_goes_with_it(store: impl FullStore) {
    let ann = seven_changes(&store).await;
    for name in ["k", "l", "m"] {
        make_attempt(&store, ann, attempt(ACTOR, name, "{}"), "\"something of ann's\"", now()).await;
    }
    shorten(&store, ann, 3).await;
    delete_user(&store, ann, DeletionMode::Hard).await.expect("allowed");
    assert_eq!(tally(&store, ann).await.present().count(), 0);
    let positions = store.positions(&[ann]).await.expect("reachable");
    assert_eq!(positions[0].revision, Revision::ZERO);
    assert!(store.take_duty(Duty::Shorten, NODE, now(), at(1)).await.expect("reachable"));
}

pub async fn of_the_erased_no_attempt_is_kept(store: impl FullStore) {
    let ann = add_user(&store, "ann").await;
    let attempts = (0..8).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let first = attempt(ACTOR, &format!("k{number}"), "{}");
            // The server may choose one to let another pass.
            while store
                .transact({
                    let first = first.clone();
                    move |tx| {
                        Box::pin(async move {
                            tx.begin_attempt(ann, &first, now()).await?;
                            tx.end_attempt(ann, &first, "1", now()).await
                        })
                    }
                })
                .await
                .is_err()
            {
                tokio::task::yield_now().await;
            }
        })
    });
    let deleting = async { while delete_user(&store, ann, DeletionMode::Hard).await.is_err() {} };
    let (made, ()) = futures_util::future::join(futures_util::future::join_all(attempts), deleting).await;
    assert!(made.iter().all(Result::is_ok));
    assert_eq!(tally(&store, ann).await.present().count(), 0);
}

pub async fn of_the_erased_no_attempt_is_told(store: impl FullStore) {
    let ann = add_user(&store, "ann").await;
    let first = attempt(ACTOR, "k", "{}");
    make_attempt(&store, ann, first.clone(), "\"something of ann's\"", now()).await;
    // Her content is still there when this commits.
    transact(&store, move |tx| {
        Box::pin(async move {
            let account = tx.account_for_update(ann).await?.unwrap_or(Account::new(ann));
            let Ok(deleted) = account.delete(DeletionMode::Hard, now(), None, &[]) else { return Err(StoreError::Failed("refused".into())) };
            tx.save_account(&deleted).await
        })
    })
    .await;
    assert_eq!(make_attempt(&store, ann, first, "2", now()).await, AttemptState::First);
}

pub async fn positions_are_told_of_those_who_are_there(store: impl FullStore) {
    let (ann, bob) = (seven_changes(&store).await, add_user(&store, "bob").await);
    let mut positions = store.positions(&[ann, bob, UserId::new(404)]).await.expect("reachable");
    positions.sort_by_key(|position| position.account.id);
    let account = |id| lethe_domain::Account::new(id);
    assert_eq!(positions, [Position { account: account(ann), revision: revision(7) }, Position { account: account(bob), revision: Revision::ZERO }]);
    assert_eq!(store.positions(&[]).await, Ok(vec![]));
    assert_eq!(store.hint(&[ann, bob]).await, Ok(()));
    // Whether anybody is told is up to the store; hints are no promise.
    drop(store.hints());
}
