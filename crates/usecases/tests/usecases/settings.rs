//! Settings: the same rows as preferences, changed as a document.

use crate::world::{World, admin, narrowed, nobody, world, world_with};
use lethe_domain::access::MOST_KEYS_JUDGED;
use lethe_domain::account::DeletionMode;
use lethe_domain::limits::{Limits, QuotaError};
use lethe_domain::page::PageRequest;
use lethe_domain::settings::{Document, SettingName};
use lethe_domain::{Precondition, Revision, Tags, Unmet};
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, KeyFilter, Preferences, Settings, SettingsChange, SettingsError};
use lethe_testkit::fixture::preference;

fn document(text: &str) -> Document {
    Document::parse(text, &Limits::default()).unwrap()
}

fn names(names: &[&str]) -> Vec<SettingName> {
    names.iter().filter_map(|name| SettingName::parse(name, &Limits::default())).collect()
}

async fn read(world: &World, caller: &Caller) -> Result<Document, SettingsError> {
    Settings::read(&world.lethe, caller).await.map(|(_, document)| document)
}

async fn change(world: &World, caller: &Caller, change: SettingsChange) -> Result<(), SettingsError> {
    Settings::change(&world.lethe, caller, change, Precondition::NONE).await.map(drop)
}

async fn replace(world: &World, caller: &Caller, wanted: Document) -> Result<(), SettingsError> {
    change(world, caller, SettingsChange::Replace(wanted)).await
}

async fn merge(world: &World, caller: &Caller, changes: Document) -> Result<(), SettingsError> {
    change(world, caller, SettingsChange::Merge(changes)).await
}

async fn remove(world: &World, caller: &Caller, names: Vec<SettingName>) -> Result<(), SettingsError> {
    change(world, caller, SettingsChange::Remove(names)).await
}

#[tokio::test]
async fn replace_merge_remove() {
    let world = world();
    let ann = world.user("ann").await;
    assert_eq!(read(&world, &ann).await, Ok(Document::default()));
    replace(&world, &ann, document(r#"{"theme":"dark","notifications":{"email":true,"push":true}}"#)).await.unwrap();
    merge(&world, &ann, document(r#"{"notifications":{"push":null},"new":1.0}"#)).await.unwrap();
    let merged = document(r#"{"theme":"dark","notifications":{"email":true,"push":null},"new":1.0}"#);
    assert_eq!(read(&world, &ann).await, Ok(merged));
    remove(&world, &ann, names(&["theme", "notifications.push", "absent"])).await.unwrap();
    assert_eq!(read(&world, &ann).await, Ok(document(r#"{"notifications":{"email":true},"new":1.0}"#)));
    replace(&world, &ann, document(r#"{"only":1}"#)).await.unwrap();
    assert_eq!(read(&world, &ann).await, Ok(document(r#"{"only":1}"#)));
}

#[tokio::test]
async fn settings_and_preferences_are_the_same_rows() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let owner = ann.actor.user;
    let theme = Preferences::create(&world.lethe, &ann, owner, preference("theme", "\"dark\"")).await.unwrap();
    assert_eq!(read(&world, &ann).await, Ok(document(r#"{"theme":"dark"}"#)));
    merge(&world, &ann, document(r#"{"theme":"light"}"#)).await.unwrap();
    let listed = Preferences::list(&world.lethe, &ann, owner, KeyFilter::All, PageRequest::from_text(None, None)).await.unwrap();
    assert_eq!((listed.items[0].id, listed.items[0].value.as_str()), (theme.id, "\"light\""), "the preference keeps its id");
    assert_eq!(read(&world, &bob).await, Ok(Document::default()));
}

#[tokio::test]
async fn who_is_not_there_has_no_settings() {
    let world = world();
    let ann = world.user("ann").await;
    let gone = SettingsError::Access(AccessError::CallerGone);
    assert_eq!(read(&world, &nobody()).await, Err(gone.clone()));
    assert_eq!(remove(&world, &nobody(), names(&["a"])).await, Err(gone.clone()));
    assert_eq!(read(&world, &admin()).await, Err(SettingsError::Access(AccessError::NoSuchUser)));
    assert_eq!(merge(&world, &admin(), document("{}")).await, Err(SettingsError::Access(AccessError::NoSuchUser)));
    world.delete(&ann, ann.actor.user, DeletionMode::Soft).await.unwrap();
    assert_eq!(read(&world, &ann).await, Err(gone.clone()));
    assert_eq!(replace(&world, &ann, document("{}")).await, Err(gone));
}

#[tokio::test]
async fn a_token_for_some_keys_cannot_walk_into_another() {
    let world = world();
    let ann = world.user("ann").await;
    replace(&world, &ann, document(r#"{"n":{"push":1},"n.mail":1}"#)).await.unwrap();
    let some = narrowed(&ann, "n.");
    let forbidden = SettingsError::Access(AccessError::Forbidden);
    assert_eq!(read(&world, &some).await, Err(forbidden.clone()));
    assert_eq!(replace(&world, &some, document("{}")).await, Err(forbidden.clone()));
    assert_eq!(remove(&world, &some, names(&["n.push"])).await, Err(forbidden.clone()), "that would change `n`");
    assert_eq!(merge(&world, &some, document(r#"{"n.a":1,"m":1}"#)).await, Err(forbidden));
    assert_eq!(remove(&world, &some, names(&["n.mail"])).await, Ok(()));
    assert_eq!(merge(&world, &some, document(r#"{"n.a":1}"#)).await, Ok(()));
    assert_eq!(read(&world, &ann).await, Ok(document(r#"{"n":{"push":1},"n.a":1}"#)));
}

#[tokio::test]
async fn who_is_gone_is_told_so_whichever_key_is_refused() {
    let world = world();
    let ann = world.user("ann").await;
    let some = narrowed(&ann, "n.");
    let many: Vec<_> = (0..=MOST_KEYS_JUDGED).map(|number| format!(r#""n.{number}":1"#)).collect();
    let documents = [r#"{"n.a":1,"x":1}"#.to_owned(), format!("{{{}}}", many.join(","))];
    for text in &documents {
        assert_eq!(merge(&world, &some, document(text)).await, Err(AccessError::Forbidden.into()));
    }
    world.delete(&ann, ann.actor.user, DeletionMode::Soft).await.unwrap();
    for text in &documents {
        assert_eq!(merge(&world, &some, document(text)).await, Err(AccessError::CallerGone.into()));
    }
}

#[tokio::test]
async fn limits_hold_for_the_whole_document() {
    let world = world_with(Limits { keys_per_user: 2, ..Limits::default() });
    let ann = world.user("ann").await;
    let quota = Err(SettingsError::Quota(QuotaError::TooManyKeys { limit: 2 }));
    assert_eq!(merge(&world, &ann, document(r#"{"a":1,"b":1,"c":1}"#)).await, quota);
    assert_eq!(read(&world, &ann).await, Ok(Document::default()), "all or nothing");
}

#[tokio::test]
async fn a_change_is_made_to_what_was_seen_or_not_at_all() {
    let world = world();
    let ann = world.user("ann").await;
    replace(&world, &ann, document(r#"{"a":1}"#)).await.unwrap();
    let (seen, _) = Settings::read(&world.lethe, &ann).await.unwrap();
    let matching = |revision| Precondition { matching: Some(Tags::OneOf(vec![revision])), none_matching: None };
    let merge = |text| SettingsChange::Merge(document(text));
    let after = Settings::change(&world.lethe, &ann, merge(r#"{"b":2}"#), matching(seen)).await.unwrap();
    assert_eq!(after, seen.next());
    let late = Settings::change(&world.lethe, &ann, merge(r#"{"b":3}"#), matching(seen)).await;
    assert_eq!(late, Err(SettingsError::Unmet(Unmet::Match)));
    assert_eq!(Settings::change(&world.lethe, &ann, merge(r#"{"b":2}"#), matching(after)).await, Ok(after), "no change, no revision");
    assert_eq!(Settings::read(&world.lethe, &ann).await, Ok((Revision::new(2), document(r#"{"a":1,"b":2}"#))));
}
