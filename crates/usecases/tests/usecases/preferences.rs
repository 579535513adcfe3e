//! Preferences: who may, in which order refusals come, and what a token for some keys only can reach.

use crate::world::{admin, all_but, expired, narrowed, nobody, world};
use lethe_domain::account::DeletionMode;
use lethe_domain::page::PageRequest;
use lethe_domain::preference::PreferenceUpdate;
use lethe_domain::{Precondition, PreferenceId, Tags, Unmet, UserId};
use lethe_ports::inbound::{AccessError, KeyFilter, PreferenceError, Preferences, Settings, SettingsError};
use lethe_testkit::fixture::{json, key, preference};

fn page() -> PageRequest {
    PageRequest::from_text(None, None)
}

#[tokio::test]
async fn owner_and_admin_share_what_a_stranger_cannot_see() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let owner = ann.actor.user;
    let made = Preferences::create(&world.lethe, &ann, owner, preference("theme", "1")).await.unwrap();
    assert_eq!(Preferences::get(&world.lethe, &admin(), owner, made.id).await, Ok(made.clone()));
    let forbidden = PreferenceError::Access(AccessError::Forbidden);
    assert_eq!(Preferences::get(&world.lethe, &bob, owner, made.id).await, Err(forbidden.clone()));
    assert_eq!(Preferences::get(&world.lethe, &bob, UserId::new(777), made.id).await, Err(forbidden), "the same for a user who does not exist");
    let gone = PreferenceError::Access(AccessError::NoSuchUser);
    assert_eq!(Preferences::get(&world.lethe, &admin(), UserId::new(777), made.id).await, Err(gone));
    assert_eq!(Preferences::get(&world.lethe, &ann, owner, PreferenceId::new(777)).await, Err(PreferenceError::NotFound));
}

#[tokio::test]
async fn a_caller_who_is_not_there_is_told_so_before_anything_else() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    let gone = Err(PreferenceError::Access(AccessError::CallerGone));
    assert_eq!(Preferences::get(&world.lethe, &nobody(), nobody().actor.user, PreferenceId::new(1)).await, gone);
    assert_eq!(Preferences::get(&world.lethe, &nobody(), owner, PreferenceId::new(1)).await, gone, "before it is told that it may not");
    let over = Err(PreferenceError::Access(AccessError::TokenExpired));
    assert_eq!(Preferences::get(&world.lethe, &expired(&ann), owner, PreferenceId::new(1)).await, over);
    assert_eq!(Preferences::get(&world.lethe, &admin(), admin().actor.user, PreferenceId::new(1)).await, Err(PreferenceError::Access(AccessError::NoSuchUser)));
}

#[tokio::test]
async fn a_soft_deleted_owner_is_read_by_admins_and_written_by_nobody() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    let made = Preferences::create(&world.lethe, &ann, owner, preference("theme", "1")).await.unwrap();
    world.delete(&ann, owner, DeletionMode::Soft).await.unwrap();
    assert_eq!(Preferences::get(&world.lethe, &admin(), owner, made.id).await, Ok(made.clone()));
    let closed = PreferenceError::Access(AccessError::UserSoftDeleted);
    assert_eq!(Preferences::create(&world.lethe, &admin(), owner, preference("b", "1")).await, Err(closed.clone()));
    assert_eq!(Preferences::delete(&world.lethe, &admin(), owner, made.id, Precondition::NONE).await, Err(closed));
    let gone = PreferenceError::Access(AccessError::CallerGone);
    assert_eq!(Preferences::get(&world.lethe, &ann, owner, made.id).await, Err(gone));
}

#[tokio::test]
async fn a_token_for_some_keys_reaches_no_other() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    let theme = Preferences::create(&world.lethe, &ann, owner, preference("theme", "1")).await.unwrap();
    let push = Preferences::create(&world.lethe, &ann, owner, preference("n.push", "1")).await.unwrap();
    let some = narrowed(&ann, "n.");
    let forbidden = PreferenceError::Access(AccessError::Forbidden);
    let set = |text| PreferenceUpdate::Value(json(text));

    assert_eq!(Preferences::get(&world.lethe, &some, owner, push.id).await, Ok(push.clone()));
    assert!(Preferences::update(&world.lethe, &some, owner, push.id, set("2"), Precondition::NONE).await.is_ok());
    assert!(Preferences::create(&world.lethe, &some, owner, preference("n.mail", "1")).await.is_ok());
    let listed = Preferences::list(&world.lethe, &some, owner, KeyFilter::Exactly(key("n.push")), page()).await.unwrap();
    assert_eq!(listed.count, 1);

    assert_eq!(Preferences::get(&world.lethe, &some, owner, theme.id).await, Err(forbidden.clone()));
    assert_eq!(Preferences::get(&world.lethe, &some, owner, PreferenceId::new(777)).await, Err(forbidden.clone()), "nor does it learn what is there");
    assert_eq!(Preferences::update(&world.lethe, &some, owner, theme.id, set("2"), Precondition::NONE).await, Err(forbidden.clone()));
    assert_eq!(Preferences::delete(&world.lethe, &some, owner, theme.id, Precondition::NONE).await, Err(forbidden.clone()));
    assert_eq!(Preferences::create(&world.lethe, &some, owner, preference("m", "1")).await, Err(forbidden.clone()));
    assert_eq!(Preferences::list(&world.lethe, &some, owner, KeyFilter::All, page()).await, Err(forbidden.clone()));
    let rename = PreferenceUpdate::Key(key("stolen"));
    assert_eq!(Preferences::update(&world.lethe, &some, owner, push.id, rename, Precondition::NONE).await, Err(forbidden));
    assert!(Preferences::delete(&world.lethe, &some, owner, push.id, Precondition::NONE).await.is_ok());
    assert_eq!(Preferences::get(&world.lethe, &ann, owner, theme.id).await, Ok(theme));
}

#[tokio::test]
async fn a_token_for_all_keys_but_one_finds_no_way_around_it() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    Preferences::create(&world.lethe, &ann, owner, preference("secret", "1")).await.unwrap();
    let narrowed = all_but(&ann, "secret");
    assert!(Preferences::create(&world.lethe, &narrowed, owner, preference("open", "1")).await.is_ok());
    let listed = Preferences::list(&world.lethe, &narrowed, owner, KeyFilter::All, page()).await;
    assert_eq!(listed, Err(PreferenceError::Access(AccessError::Forbidden)));
    let read = Settings::read(&world.lethe, &narrowed).await;
    assert_eq!(read, Err(SettingsError::Access(AccessError::Forbidden)));
}

#[tokio::test]
async fn a_filter_that_can_be_no_key_finds_nothing_but_is_guarded_as_any() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let owner = ann.actor.user;
    let listed = Preferences::list(&world.lethe, &ann, owner, KeyFilter::Nothing, page()).await.unwrap();
    assert_eq!((listed.count, listed.items), (0, vec![]));
    let forbidden = Err(PreferenceError::Access(AccessError::Forbidden));
    assert_eq!(Preferences::list(&world.lethe, &bob, owner, KeyFilter::Nothing, page()).await, forbidden);
}

#[tokio::test]
async fn a_condition_is_held_against_what_is_there() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    let made = Preferences::create(&world.lethe, &ann, owner, preference("theme", "1")).await.unwrap();
    let matching = |revision| Precondition { matching: Some(Tags::OneOf(vec![revision])), none_matching: None };
    let set = |text| PreferenceUpdate::Value(json(text));
    let changed = Preferences::update(&world.lethe, &ann, owner, made.id, set("2"), matching(made.revision)).await.unwrap();
    let late = Preferences::update(&world.lethe, &ann, owner, made.id, set("3"), matching(made.revision)).await;
    assert_eq!(late, Err(PreferenceError::Unmet(Unmet::Match)));
    assert_eq!(Preferences::delete(&world.lethe, &ann, owner, made.id, matching(made.revision)).await, Err(PreferenceError::Unmet(Unmet::Match)));
    assert_eq!(Preferences::delete(&world.lethe, &ann, owner, PreferenceId::new(777), matching(made.revision)).await, Err(PreferenceError::NotFound));
    assert_eq!(Preferences::delete(&world.lethe, &ann, owner, made.id, matching(changed.revision)).await, Ok(()));
}
