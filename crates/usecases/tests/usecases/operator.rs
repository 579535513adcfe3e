//! What whoever runs the service may do: kill tokens, and see that the audit log is whole.

use crate::world::{admin, world};
use lethe_domain::account::DeletionMode::Hard;
use lethe_domain::audit::{AuditAct, AuditAction, AuditEntry, AuditHead};
use lethe_domain::{NodeId, Revision, UserId};
use lethe_ports::inbound::{AccessError, AccountError, Accounts, AuditLog, AuditVerdict, KeyedError, KeyedPreferences, Operator, Preferences, Upkeep, Work};
use lethe_ports::outbound::{AuditFilter, RevokedToken, Store as _, StoreError};
use lethe_testkit::FixedClock;
use lethe_testkit::fixture::{key, preference};
use std::time::Duration;

#[tokio::test]
async fn a_revoked_token_is_made_known_and_logged() {
    let world = world();
    let token = RevokedToken { id: "ab".repeat(64), expires_at: None };
    world.lethe.revoke_token(token.clone(), Some(UserId::new(7))).await.unwrap();
    let seen = world.lethe.revocations(None).await.unwrap();
    assert_eq!(seen.ids, std::slice::from_ref(&token.id));
    let log = world.lethe.entries(&admin(), &AuditFilter::default(), 10).await.unwrap();
    assert_eq!((log[0].act.action.name(), log[0].act.subject, log[0].act.reference.clone()), ("token.revoked", Some(UserId::new(7)), Some(token.id)));
}

#[tokio::test]
async fn all_tokens_of_a_user_can_be_revoked() {
    let world = world();
    let ann = world.user("ann").await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.lethe.revoke_tokens_of(ann.actor.user).await, Ok(true));
    assert_eq!(Accounts::me(&world.lethe, &ann).await, Err(AccountError::Access(AccessError::CallerGone)));
    assert_eq!(world.lethe.revoke_tokens_of(UserId::new(777)).await, Ok(false));
}

#[tokio::test]
async fn revisions_are_renumbered_beyond_all_that_were_in_use() {
    let world = world();
    let mut owners = Vec::new();
    for number in 0..101 {
        let user = world.user(&format!("user{number}")).await;
        Preferences::create(&world.lethe, &user, user.actor.user, preference("a", "1")).await.unwrap();
        owners.push(user);
    }
    assert_eq!(world.lethe.renumber().await, Ok(101));
    let beginning = FixedClock::start().micros() / 1_000;
    for user in &owners {
        assert_eq!(KeyedPreferences::show(&world.lethe, user, user.actor.user, &key("a")).await.unwrap().revision.get(), beginning + 1);
        let remembered = KeyedPreferences::changes(&world.lethe, user, user.actor.user, Revision::new(1), 10).await;
        assert_eq!(remembered, Err(KeyedError::Forgotten));
    }
}

#[tokio::test]
async fn the_audit_log_holds_after_an_erasure_and_shows_what_was_changed() {
    let world = world();
    for name in ["ann", "bob", "cid"] {
        let user = world.user(name).await;
        world.delete(&user, user.actor.user, Hard).await.unwrap();
    }
    let AuditVerdict::Intact(head) = world.lethe.verify_audit().await.unwrap() else { panic!("it holds") };
    assert_eq!(head.seq, 9);
    // Somebody writes an entry that does not follow.
    let forged: Result<(), StoreError> = world
        .store
        .transact(|tx| {
            Box::pin(async move {
                let (action, at) = (AuditAction::HoldPlaced, FixedClock::start());
                let entry = AuditHead::default().seal(AuditAct { action, subject: None, actor: None, reference: None, at });
                let entry = AuditEntry { seq: 10, ..entry };
                tx.append_audit(&[entry]).await
            })
        })
        .await;
    forged.unwrap();
    assert_eq!(world.lethe.verify_audit().await, Ok(AuditVerdict::Broken(10)));
}

#[tokio::test]
async fn the_audit_log_is_for_admins() {
    let world = world();
    let ann = world.user("ann").await;
    assert_eq!(world.lethe.entries(&ann, &AuditFilter::default(), 10).await, Err(AccessError::Forbidden.into()));
}

#[tokio::test]
async fn pruning_is_one_nodes_duty() {
    let world = world();
    let token = RevokedToken { id: "ab".into(), expires_at: Some(FixedClock::start()) };
    world.lethe.revoke_token(token, None).await.unwrap();
    assert_eq!(world.lethe.prune(NodeId::new(1)).await, Ok(Work::Done));
    assert_eq!(world.lethe.prune(NodeId::new(2)).await, Ok(Work::Nothing));
    assert_eq!(world.lethe.revocations(None).await.map(|seen| seen.ids.len()), Ok(0));
}
