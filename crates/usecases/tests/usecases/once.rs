//! Requests that may be sent again.

use crate::world::{admin, expired, narrowed, retrying, world};
use lethe_domain::account::DeletionMode;
use lethe_domain::attempt::REMEMBERED_FOR;
use lethe_domain::content::{PostKind, PostText, PostTitle};
use lethe_domain::draft::{KeyAction, KeyChange, KeyOutcome, KeyRefusal, SetOutcome, SetPatch};
use lethe_domain::hold::{HoldReason, NewHold};
use lethe_domain::page::PageRequest;
use lethe_domain::preference::PreferenceUpdate;
use lethe_domain::{NodeId, Precondition, Revision};
use lethe_ports::Caller;
use lethe_ports::inbound::{
    AccessError, Accounts, Content, ContentError, DeleteUserError, DeletionRequest, Holds, KeyedError, KeyedPreferences, PreferenceError, Preferences,
    Reversion, Settings, SettingsChange, Upkeep,
};
use lethe_testkit::fixture::{json, key, preference, user};
use std::time::Duration;

fn put(value: &str) -> KeyChange {
    KeyChange { key: key("a"), action: KeyAction::Put(json(value)), precondition: Precondition::NONE }
}

#[tokio::test]
async fn the_first_outcome_is_told_again() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    let asked = || retrying(&ann, "k", "body");
    let (first, second) = (asked(), asked());
    let made = Preferences::create(&world.lethe, &first, owner, preference("theme", "1")).await;
    assert_eq!((made.is_ok(), first.retry.as_ref().map(|retry| retry.is_replayed())), (true, Some(false)));
    Preferences::update(&world.lethe, &ann, owner, made.as_ref().unwrap().id, PreferenceUpdate::Value(json("2")), Precondition::NONE).await.unwrap();
    assert_eq!(Preferences::create(&world.lethe, &second, owner, preference("theme", "1")).await, made, "as it was then");
    assert_eq!(second.retry.map(|retry| retry.is_replayed()), Some(true));
    let other = Preferences::create(&world.lethe, &retrying(&ann, "k", "other"), owner, preference("b", "1")).await;
    assert_eq!(other, Err(PreferenceError::Access(AccessError::AttemptReused)));
    let malformed = retrying(&ann, "not a key", "");
    let none = Preferences::create(&world.lethe, &malformed, owner, preference("b", "1")).await;
    assert_eq!(none, Err(PreferenceError::Access(AccessError::AttemptMalformed)));
    let taken = Preferences::create(&world.lethe, &malformed, owner, preference("theme", "1")).await;
    assert_eq!(taken, Err(PreferenceError::KeyTaken), "whatever else is wrong goes before that");
    for mode in [DeletionMode::Soft, DeletionMode::Hard] {
        let refused = world.delete(&malformed, owner, mode).await;
        assert_eq!(refused, Err(DeleteUserError::Access(AccessError::AttemptMalformed)));
    }
    assert_eq!(world.lethe.usage(&ann, owner).await.unwrap().keys, 1, "and nothing was done");
    world.clock.advance(REMEMBERED_FOR + Duration::from_secs(1));
    assert_eq!(Preferences::create(&world.lethe, &asked(), owner, preference("theme", "1")).await, Err(PreferenceError::KeyTaken), "it is forgotten");
}

/// What is kept is which change was made. Values stay in the log, where they count.
#[tokio::test]
async fn what_the_log_has_forgotten_is_told_as_it_is_now() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    let first = KeyedPreferences::change(&world.lethe, &retrying(&ann, "k", ""), owner, put("\"first\"")).await.unwrap();
    for turn in 0..12 {
        KeyedPreferences::change(&world.lethe, &ann, owner, put(&turn.to_string())).await.unwrap();
    }
    let again = || async { KeyedPreferences::change(&world.lethe, &retrying(&ann, "k", ""), owner, put("\"first\"")).await };
    assert_eq!(again().await.as_ref(), Ok(&first));
    world.lethe.shorten_logs(NodeId::new(1), None).await.unwrap();
    assert!(matches!(again().await, Ok(KeyOutcome::Created(item)) if item.value == json("11")));
    KeyedPreferences::change(&world.lethe, &ann, owner, KeyChange { action: KeyAction::Delete, ..put("1") }).await.unwrap();
    world.lethe.shorten_logs(NodeId::new(1), None).await.unwrap();
    assert_eq!(again().await, Err(KeyedError::Access(AccessError::AttemptExpired)), "it was not refused, and nobody knows more");
}

#[tokio::test]
async fn a_changed_set_is_told_again_as_far_as_the_log_knows() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    for name in ["a", "b"] {
        KeyedPreferences::change(&world.lethe, &ann, owner, KeyChange { key: key(name), ..put("1") }).await.unwrap();
    }
    let wanted = [(key("a"), None), (key("b"), Some(json("1"))), (key("c"), Some(json("2")))];
    let patch = || async {
        let patch = SetPatch(wanted.clone().into_iter().collect());
        KeyedPreferences::patch(&world.lethe, &retrying(&ann, "k", "patch"), owner, patch, Precondition::NONE).await
    };
    let revert = || async {
        let reversion = Reversion { to: Revision::new(2), key: None };
        KeyedPreferences::revert(&world.lethe, &retrying(&ann, "l", "revert"), owner, reversion, Precondition::NONE).await.unwrap()
    };
    let (patched, reverted) = (patch().await.unwrap(), revert().await);
    assert_eq!(patched, SetOutcome { revision: Revision::new(4), changed: vec![key("c")], removed: vec![key("a")] });
    assert_eq!(reverted, SetOutcome { revision: Revision::new(6), changed: vec![key("a")], removed: vec![key("c")] });
    assert_eq!((patch().await, revert().await), (Ok(patched), reverted));
    for turn in 0..12 {
        KeyedPreferences::change(&world.lethe, &ann, owner, put(&format!("\"{turn}\""))).await.unwrap();
    }
    world.lethe.shorten_logs(NodeId::new(1), None).await.unwrap();
    assert_eq!(patch().await, Err(KeyedError::Access(AccessError::AttemptExpired)));
}

#[tokio::test]
async fn a_preference_that_was_renamed_is_told_by_its_id() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    let lethe = &world.lethe;
    let create = |caller: Caller| async move { Preferences::create(lethe, &caller, owner, preference("theme", "1")).await };
    let first = create(retrying(&ann, "k", "")).await.unwrap();
    Preferences::update(&world.lethe, &ann, owner, first.id, PreferenceUpdate::Key(key("old")), Precondition::NONE).await.unwrap();
    create(ann.clone()).await.unwrap();
    assert_eq!(create(retrying(&ann, "k", "")).await.as_ref(), Ok(&first));
    for turn in 0..12 {
        KeyedPreferences::change(&world.lethe, &ann, owner, KeyChange { key: key("theme"), ..put(&format!("\"{turn}\"")) }).await.unwrap();
    }
    world.lethe.shorten_logs(NodeId::new(1), None).await.unwrap();
    let again = create(retrying(&ann, "k", "")).await.unwrap();
    assert_eq!((again.id, again.key, again.value), (first.id, key("old"), json("1")));
    let narrow = narrowed(&retrying(&ann, "k", ""), "the");
    assert_eq!(create(narrow).await, Err(PreferenceError::Access(AccessError::Forbidden)));
}

#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    let delete = || KeyChange { action: KeyAction::Delete, ..put("1") };
    let asked = || retrying(&ann, "k", "");
    assert_eq!(KeyedPreferences::change(&world.lethe, &asked(), owner, delete()).await, Err(KeyedError::Refused(KeyRefusal::NotFound)));
    KeyedPreferences::change(&world.lethe, &ann, owner, put("1")).await.unwrap();
    assert_eq!(KeyedPreferences::change(&world.lethe, &asked(), owner, delete()).await, Ok(KeyOutcome::Removed(Revision::new(2))));
    assert_eq!(
        KeyedPreferences::change(&world.lethe, &asked(), owner, delete()).await,
        Ok(KeyOutcome::Removed(Revision::new(2))),
        "it is gone, and that was this"
    );
}

#[tokio::test]
async fn it_is_told_to_nobody_who_could_not_ask() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let owner = ann.actor.user;
    let asked = |caller: &Caller| retrying(caller, "k", "");
    let made = Preferences::create(&world.lethe, &asked(&ann), owner, preference("theme", "1")).await.unwrap();
    let again = async |caller: Caller| Preferences::create(&world.lethe, &caller, owner, preference("theme", "1")).await;
    assert_eq!(again(asked(&bob)).await, Err(PreferenceError::Access(AccessError::Forbidden)));
    assert_eq!(again(asked(&expired(&ann))).await, Err(PreferenceError::Access(AccessError::TokenExpired)));
    assert_eq!(again(asked(&narrowed(&ann, "n."))).await, Err(PreferenceError::Access(AccessError::Forbidden)));
    let update =
        async |caller: Caller| Preferences::update(&world.lethe, &caller, owner, made.id, PreferenceUpdate::Value(json("2")), Precondition::NONE).await;
    update(retrying(&ann, "l", "")).await.unwrap();
    assert_eq!(update(retrying(&narrowed(&ann, "n."), "l", "")).await, Err(PreferenceError::Access(AccessError::Forbidden)));
    assert_eq!(again(asked(&admin())).await, Err(PreferenceError::KeyTaken), "another one's attempt is another attempt");
    world.delete(&ann, owner, DeletionMode::Soft).await.unwrap();
    assert_eq!(again(asked(&ann)).await, Err(PreferenceError::Access(AccessError::CallerGone)));
    assert_eq!(again(retrying(&ann, "k", "other")).await, Err(PreferenceError::Access(AccessError::CallerGone)));
}

#[tokio::test]
async fn whatever_it_is_it_is_done_once() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    let (as_ann, as_admin) = (|name: &str| retrying(&ann, name, ""), |name: &str| retrying(&admin(), name, ""));

    let first = Accounts::create(&world.lethe, &as_admin("user"), user("bob")).await.unwrap();
    assert_eq!(Accounts::create(&world.lethe, &as_admin("user"), user("bob")).await, Ok(first));

    let text = || (PostTitle::from_store(String::new()), PostText::from_store("hello".into()));
    let publish = async || world.lethe.publish(&as_ann("post"), PostKind::Post, text().0, text().1).await.unwrap().id;
    let post = publish().await;
    assert_eq!(publish().await, post);
    for _ in 0..2 {
        world.lethe.toggle_vote(&as_ann("vote"), PostKind::Post, post, lethe_domain::content::Reaction::Like).await.unwrap();
    }
    let votes = world.lethe.list_votes(&ann, PostKind::Post, post, PageRequest::from_text(None, None)).await.unwrap();
    assert_eq!(votes.count, 1);
    for _ in 0..2 {
        assert_eq!(world.lethe.delete_post(&as_ann("gone"), PostKind::Post, post).await, Ok(()));
    }
    let gone = world.lethe.publish(&as_ann("post"), PostKind::Post, text().0, text().1).await;
    assert_eq!(gone, Err(ContentError::Access(AccessError::AttemptExpired)), "it was published, and is not published again");

    let hold = NewHold { reason: HoldReason::from_store("court order".into()), expires_at: None };
    let placed = world.lethe.place(&as_admin("hold"), owner, hold.clone()).await.unwrap();
    assert_eq!(world.lethe.place(&as_admin("hold"), owner, hold).await, Ok(placed.clone()));
    for _ in 0..2 {
        assert_eq!(world.lethe.lift(&as_admin("lift"), owner, placed.id).await, Ok(()));
    }

    let document = lethe_domain::settings::Document::parse(r#"{"a":1}"#, &lethe_domain::Limits::default()).unwrap();
    for _ in 0..2 {
        let change = SettingsChange::Replace(document.clone());
        assert_eq!(Settings::change(&world.lethe, &as_ann("settings"), change, Precondition::NONE).await, Ok(Revision::new(1)));
    }
    let delete =
        async |caller, mode| Accounts::delete(&world.lethe, &caller, owner, DeletionRequest::unplanned(mode)).await.map(|deletion| deletion.account.status());
    let soft = delete(as_ann("soft"), DeletionMode::Soft).await;
    assert_eq!((soft.is_ok(), delete(as_ann("soft"), DeletionMode::Soft).await == soft), (true, true));
    let hard = delete(as_admin("hard"), DeletionMode::Hard).await;
    assert_eq!((hard.is_ok(), delete(as_admin("hard"), DeletionMode::Hard).await == hard), (true, true));
    assert!(delete(as_ann("own"), DeletionMode::Hard).await.is_err());
}
