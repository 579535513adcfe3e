//! Preferences by their keys: who may, what is refused, and what it leaves behind.

use crate::world::{World, admin, narrowed, nobody, world, world_with};
use lethe_domain::draft::{KeyAction, KeyChange, KeyRefusal, SetPatch};
use lethe_domain::limits::{Limits, QuotaError};
use lethe_domain::{NodeId, Precondition, Revision, Tags, Unmet, UserId};
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, Atomicity, Batch, BatchStep, KeyedError, KeyedPreferences, Reversion, Upkeep};
use lethe_ports::outbound::KeyRange;
use lethe_testkit::fixture::{json, key};

fn put(name: &str, value: &str) -> KeyChange {
    KeyChange { key: key(name), action: KeyAction::Put(json(value)), precondition: Precondition::NONE }
}

fn delete(name: &str) -> KeyChange {
    KeyChange { key: key(name), action: KeyAction::Delete, precondition: Precondition::NONE }
}

fn matching(revision: i64) -> Precondition {
    Precondition { matching: Some(Tags::OneOf(vec![Revision::new(revision)])), none_matching: None }
}

fn set_patch(members: &[(&str, Option<&str>)]) -> SetPatch {
    SetPatch(members.iter().map(|(name, value)| (key(name), value.map(json))).collect())
}

fn everything() -> KeyRange {
    KeyRange { limit: 100, ..KeyRange::default() }
}

async fn write(world: &World, caller: &Caller, changes: &[(&str, &str)]) {
    for (name, value) in changes {
        world.lethe.change(caller, caller.actor.user, put(name, value)).await.unwrap();
    }
}

async fn pairs(world: &World, caller: &Caller) -> Vec<(String, String)> {
    let part = world.lethe.part(caller, caller.actor.user, everything()).await.unwrap();
    part.preferences.into_iter().map(|preference| (preference.key.to_string(), preference.value.to_string())).collect()
}

#[tokio::test]
async fn the_owner_and_admins_may_and_nobody_else() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let owner = ann.actor.user;
    write(&world, &ann, &[("a", "1")]).await;
    assert!(world.lethe.change(&admin(), owner, put("a", "2")).await.is_ok());
    let refusals = [(bob, AccessError::Forbidden), (nobody(), AccessError::CallerGone)];
    for (caller, refusal) in refusals {
        let refused = || KeyedError::Access(refusal.clone());
        assert_eq!(world.lethe.show(&caller, owner, &key("a")).await, Err(refused()));
        assert_eq!(world.lethe.change(&caller, owner, put("a", "3")).await, Err(refused()));
        assert_eq!(world.lethe.part(&caller, owner, everything()).await, Err(refused()));
        assert_eq!(world.lethe.patch(&caller, owner, set_patch(&[]), Precondition::NONE).await, Err(refused()));
        let batch = Batch { atomicity: Atomicity::AllOrNothing, changes: vec![], precondition: Precondition::NONE };
        assert_eq!(world.lethe.batch(&caller, owner, batch).await, Err(refused()));
        let reversion = Reversion { to: Revision::ZERO, key: None };
        assert_eq!(world.lethe.revert(&caller, owner, reversion, Precondition::NONE).await, Err(refused()));
        assert_eq!(world.lethe.changes(&caller, owner, Revision::ZERO, 1).await, Err(refused()));
        assert_eq!(world.lethe.history(&caller, owner, &key("a"), None, 1).await, Err(refused()));
        assert_eq!(world.lethe.usage(&caller, owner).await, Err(refused()));
    }
    let nowhere = Err(KeyedError::Access(AccessError::NoSuchUser));
    assert_eq!(world.lethe.usage(&admin(), UserId::new(777)).await, nowhere);
}

#[tokio::test]
async fn a_token_for_some_keys_reaches_no_other() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    write(&world, &ann, &[("n.a", "1"), ("m", "1")]).await;
    let some = narrowed(&ann, "n.");
    let forbidden = KeyedError::Access(AccessError::Forbidden);
    assert!(world.lethe.change(&some, owner, put("n.b", "1")).await.is_ok());
    assert!(world.lethe.patch(&some, owner, set_patch(&[("n.a", None), ("n.c", Some("1"))]), Precondition::NONE).await.is_ok());
    assert!(world.lethe.revert(&some, owner, Reversion { to: Revision::new(1), key: Some(key("n.a")) }, Precondition::NONE).await.is_ok());
    assert_eq!(world.lethe.change(&some, owner, put("m", "2")).await, Err(forbidden.clone()));
    assert_eq!(world.lethe.patch(&some, owner, set_patch(&[("n.a", None), ("m", None)]), Precondition::NONE).await, Err(forbidden.clone()));
    let batch = |changes| Batch { atomicity: Atomicity::EachForItself, changes, precondition: Precondition::NONE };
    assert_eq!(world.lethe.batch(&some, owner, batch(vec![put("n.a", "5"), delete("m")])).await, Err(forbidden.clone()));
    assert!(world.lethe.batch(&some, owner, batch(vec![put("n.a", "5"), delete("n.b")])).await.is_ok());
    let many: Vec<_> = (0..101).map(|number| delete(&format!("n.{number}"))).collect();
    assert!(world.lethe.batch(&some, owner, batch(many[..100].to_vec())).await.is_ok());
    assert_eq!(world.lethe.batch(&some, owner, batch(many)).await, Err(forbidden.clone()), "so many would take long to judge");
    assert_eq!(world.lethe.part(&some, owner, everything()).await, Err(forbidden.clone()));
    assert_eq!(world.lethe.changes(&some, owner, Revision::ZERO, 1).await, Err(forbidden.clone()));
    assert_eq!(world.lethe.revert(&some, owner, Reversion { to: Revision::ZERO, key: None }, Precondition::NONE).await, Err(forbidden));
    assert_eq!(pairs(&world, &ann).await.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["m", "n.a", "n.c"]);
}

#[tokio::test]
async fn a_batch_is_undone_by_its_first_refusal_or_does_what_it_can() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    let changes = vec![put("a", "1"), delete("x"), put("b", "2"), KeyChange { precondition: matching(9), ..put("a", "3") }, delete("a")];
    let batch = |atomicity| Batch { atomicity, changes: changes.clone(), precondition: Precondition::NONE };
    let refused = world.lethe.batch(&ann, owner, batch(Atomicity::AllOrNothing)).await;
    assert_eq!(refused, Err(KeyedError::RefusedAt { operation: 1, refusal: KeyRefusal::NotFound }));
    assert_eq!(world.lethe.changes(&ann, owner, Revision::ZERO, 10).await.unwrap().changes, [], "no trace");
    let outcome = world.lethe.batch(&ann, owner, batch(Atomicity::EachForItself)).await.unwrap();
    assert_eq!(outcome.revision, Revision::new(3));
    assert_eq!(outcome.results[0], Ok(BatchStep::Created(Revision::new(1))));
    assert_eq!(outcome.results[1], Err(KeyRefusal::NotFound));
    assert_eq!(outcome.results[3], Err(KeyRefusal::Unmet(Unmet::Match, None)));
    assert_eq!(outcome.results[4], Ok(BatchStep::Removed(Revision::new(3))));
    assert_eq!(pairs(&world, &ann).await, [("b".into(), "2".into())]);
}

#[tokio::test]
async fn a_set_is_patched_as_a_whole_and_under_its_revision() {
    let world = world_with(Limits { keys_per_user: 2, ..Limits::default() });
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    write(&world, &ann, &[("a", r#"{"x":1}"#)]).await;
    let patch = set_patch(&[("a", Some(r#"{"x":null,"y":2}"#)), ("b", Some("1"))]);
    let unmet = world.lethe.patch(&ann, owner, patch.clone(), matching(7)).await;
    assert_eq!(unmet, Err(KeyedError::Unmet(Unmet::Match, Revision::new(1))));
    let outcome = world.lethe.patch(&ann, owner, patch.clone(), matching(1)).await.unwrap();
    assert_eq!((outcome.revision, outcome.changed.len(), outcome.removed.len()), (Revision::new(3), 2, 0));
    let too_many = world.lethe.patch(&ann, owner, set_patch(&[("a", Some("0")), ("c", Some("1"))]), matching(7)).await;
    assert_eq!(too_many, Err(KeyedError::Refused(QuotaError::TooManyKeys { limit: 2 }.into())), "no condition hides it");
    assert_eq!(pairs(&world, &ann).await, [("a".into(), r#"{"y":2}"#.into()), ("b".into(), "1".into())]);
    let again = world.lethe.patch(&ann, owner, patch, Precondition::NONE).await.unwrap();
    assert_eq!((again.revision, again.changed.len()), (Revision::new(3), 0), "what changes nothing leaves no trace");
}

#[tokio::test]
async fn going_back_takes_new_revisions() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    write(&world, &ann, &[("a", "1"), ("b", "2"), ("a", "3")]).await;
    world.lethe.change(&ann, owner, delete("b")).await.unwrap();
    let to = |to, name: Option<&str>| Reversion { to: Revision::new(to), key: name.map(key) };
    assert_eq!(world.lethe.revert(&ann, owner, to(5, None), Precondition::NONE).await, Err(KeyedError::Ahead));
    assert_eq!(world.lethe.revert(&ann, owner, to(2, None), matching(2)).await, Err(KeyedError::Unmet(Unmet::Match, Revision::new(4))));
    let outcome = world.lethe.revert(&ann, owner, to(2, Some("b")), Precondition::NONE).await.unwrap();
    assert_eq!((outcome.revision, outcome.changed), (Revision::new(5), vec![key("b")]));
    assert_eq!(pairs(&world, &ann).await, [("a".into(), "3".into()), ("b".into(), "2".into())]);
    let outcome = world.lethe.revert(&ann, owner, to(0, None), matching(5)).await.unwrap();
    assert_eq!((outcome.revision, outcome.removed.len()), (Revision::new(7), 2));
    assert_eq!(pairs(&world, &ann).await, []);
}

#[tokio::test]
async fn a_log_that_was_shortened_says_so() {
    let world = world();
    let ann = world.user("ann").await;
    let owner = ann.actor.user;
    for number in 0..12 {
        write(&world, &ann, &[("a", &number.to_string())]).await;
    }
    assert_eq!(world.lethe.shorten_logs(NodeId::new(1), None).await, Ok(Some(owner)), "the world keeps five changes");
    assert_eq!(world.lethe.shorten_logs(NodeId::new(1), Some(owner)).await, Ok(None));
    assert_eq!(world.lethe.changes(&ann, owner, Revision::new(6), 10).await, Err(KeyedError::Forgotten));
    assert_eq!(world.lethe.changes(&ann, owner, Revision::new(7), 10).await.unwrap().changes.len(), 5);
    assert_eq!(world.lethe.as_of(&ann, owner, Revision::new(6), everything()).await, Err(KeyedError::Forgotten));
    assert_eq!(world.lethe.as_of(&ann, owner, Revision::new(7), everything()).await.unwrap().items[0].value.as_str(), "6");
    let back = |to| Reversion { to: Revision::new(to), key: None };
    assert_eq!(world.lethe.revert(&ann, owner, back(6), Precondition::NONE).await, Err(KeyedError::Forgotten));
    assert_eq!(pairs(&world, &ann).await, [("a".into(), "11".into())], "what is there stays as it is");
    assert_eq!(world.lethe.shorten_logs(NodeId::new(2), None).await, Ok(None), "one node does it for all");
}
