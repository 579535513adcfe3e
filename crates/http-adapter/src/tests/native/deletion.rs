//! Deleting users.

use crate::tests::house::{Reply, With, ask, ask_signer, delete, deletion, now, verifier};
use crate::tests::mocks::Mocks;
use actix_web::http::StatusCode;
use lethe_domain::account::DeletionMode;
use lethe_domain::plan::PlanVersion;
use lethe_domain::{Account, AccountState, Erasure, LiveState, Timestamp, UserId};
use lethe_ports::Errand;
use lethe_ports::inbound::{AccessError, Bearer, Deletion, DeletionRequest};
use mockall::predicate::{always, eq};
use std::time::Duration;

const REPRESENTATION: (&str, &str) = ("prefer", "return=representation");

fn expecting(request: DeletionRequest, deletion: Deletion) -> Mocks {
    let mut mocks = Mocks::default();
    mocks.accounts.expect_delete().with(always(), eq(UserId::new(1)), eq(request)).once().return_once(|_, _, _| Ok(deletion));
    mocks
}

fn softly(purge_at: Option<Timestamp>) -> Deletion {
    let state = AccountState::SoftDeleted { at: now(), purge_at, was: LiveState::Active };
    Deletion { account: Account { state, deletion_epoch: 3, ..Account::new(UserId::new(1)) }, erasure: None }
}

fn hard() -> Deletion {
    let account = Account { state: AccountState::Erased { at: now() }, deletion_epoch: 4, ..Account::new(UserId::new(1)) };
    Deletion { account, erasure: Some(Erasure::begin(account.id, 4, None, now())) }
}

#[actix_web::test]
async fn a_mode_deletes() {
    for (query, mode) in [("mode=soft", DeletionMode::Soft), ("mode=hard", DeletionMode::Hard), ("hard=1&mode=%73oft", DeletionMode::Soft)] {
        for path in ["/v1/users/1", "/v1/users/me", "/v1/users/me/"] {
            let reply = ask(expecting(DeletionRequest::unplanned(mode), deletion()), delete(&format!("{path}?{query}")).by(1)).await;
            assert_eq!((reply.status, reply.body.as_str(), reply.header("preference-applied")), (StatusCode::NO_CONTENT, "", ""), "{path} {query}");
        }
    }
}

#[actix_web::test]
async fn there_is_no_mode_by_default() {
    let table = [
        ("", "required"),
        ("?", "required"),
        ("?hard=1", "required"),
        ("?Mode=soft", "required"),
        ("?mode=", "invalid"),
        ("?mode=Soft", "invalid"),
        ("?mode=hard+", "invalid"),
        ("?mode=1", "invalid"),
        ("?mode=soft&mode=hard", "repeated"),
        ("?mode=soft&mode=soft", "repeated"),
    ];
    for (query, code) in table {
        for answer in [Ok(()), Err(AccessError::UserSoftDeleted)] {
            let mut mocks = Mocks::default();
            mocks.access.expect_check_act().once().return_once(|_, _| answer);
            let reply = ask(mocks, delete(&format!("/v1/users/1{query}")).by(1)).await;
            assert_eq!(reply.native_problem(), (400, format!("malformed-query, mode: {code}")), "{query}");
        }
    }
}

#[actix_web::test]
async fn a_plan_may_be_named() {
    let hard = |plan: Option<&str>| DeletionRequest { mode: DeletionMode::Hard, plan: plan.map(|plan| PlanVersion::from_client(plan.into())) };
    for (header, plan) in [("*", None), (r#""hard-a-0-1.2-""#, Some("hard-a-0-1.2-")), (r#"W/"x", "y""#, Some("y")), (r#"W/"x""#, Some(r#"W/"x""#))] {
        let asked = delete("/v1/users/1?mode=hard").insert_header(("if-match", header)).by(1);
        assert_eq!(ask(expecting(hard(plan), deletion()), asked).await.status, StatusCode::NO_CONTENT, "{header}");
    }
    for header in ["", "x", "\"x", r#""x", "y""#, "*, *"] {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
        let reply = ask(mocks, delete("/v1/users/1?mode=hard").insert_header(("if-match", header)).by(1)).await;
        assert_eq!(reply.native_problem(), (400, "malformed-header, If-Match: invalid".into()), "{header}");
    }
}

fn represented(reply: &Reply) -> serde_json::Value {
    assert_eq!((reply.status, reply.header("preference-applied")), (StatusCode::OK, "return=representation"), "{reply:?}");
    serde_json::from_str(&reply.body).unwrap()
}

fn errand(shown: &serde_json::Value) -> Errand {
    match verifier().verify_bearer(shown.as_str().unwrap()).unwrap() {
        Bearer::Ticket(ticket) => ticket.errand,
        Bearer::Caller(caller) => panic!("no ticket: {caller:?}"),
    }
}

#[actix_web::test]
async fn a_soft_delete_comes_with_a_way_back() {
    let soft = || DeletionRequest::unplanned(DeletionMode::Soft);
    let purge_at = now().after(Duration::from_hours(24));
    for (purge_at, shown) in [(None, serde_json::Value::Null), (Some(purge_at), "2026-01-02T00:00:00.123456Z".into())] {
        let reply = ask_signer(expecting(soft(), softly(purge_at)), delete("/v1/users/1?mode=soft").insert_header(REPRESENTATION).by(1)).await;
        let body = represented(&reply);
        assert_eq!((&body["status"], &body["purge_at"]), (&"deleted".into(), &shown));
        assert_eq!(errand(&body["restore_token"]), Errand::Restore { user: UserId::new(1), epoch: 3 });
        assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
        let expiry = crate::tokens::inspect(body["restore_token"].as_str().unwrap()).unwrap().expires_at.unwrap();
        let expected = purge_at.unwrap_or_else(|| now().after(Duration::from_hours(30 * 24)));
        assert_eq!(expiry.micros() / 1_000_000, expected.micros() / 1_000_000);
    }
}

#[actix_web::test]
async fn a_hard_delete_comes_with_a_way_to_follow_it() {
    let reply =
        ask_signer(expecting(DeletionRequest::unplanned(DeletionMode::Hard), hard()), delete("/v1/users/1?mode=hard").insert_header(REPRESENTATION).by(1))
            .await;
    let body = represented(&reply);
    assert_eq!((&body["status"], &body["purge_at"]), (&"erased".into(), &serde_json::Value::Null));
    assert_eq!(body["erasure"], serde_json::json!({"id": 1, "href": "/v1/erasures/1"}));
    assert_eq!(errand(&body["erasure_token"]), Errand::FollowErasure { user: UserId::new(1) });
    assert_eq!(body.as_object().unwrap().len(), 4, "{body}");
}

#[actix_web::test]
async fn a_node_without_a_key_gives_no_tickets() {
    for (mode, deletion, shown) in [
        (DeletionMode::Soft, softly(None), r#"{"status":"deleted","purge_at":null}"#),
        (DeletionMode::Hard, hard(), r#"{"status":"erased","purge_at":null,"erasure":{"id":1,"href":"/v1/erasures/1"}}"#),
    ] {
        let asked = delete(&format!("/v1/users/1?mode={}", mode.name())).insert_header(REPRESENTATION).by(1);
        let reply = ask(expecting(DeletionRequest::unplanned(mode), deletion), asked).await;
        represented(&reply);
        assert_eq!(reply.body, shown);
    }
}

#[actix_web::test]
async fn tickets_are_for_those_who_prefer_them() {
    for value in ["return=minimal", "respond-async", "", "return"] {
        let request = DeletionRequest::unplanned(DeletionMode::Soft);
        let reply = ask_signer(expecting(request, softly(None)), delete("/v1/users/1?mode=soft").insert_header(("prefer", value)).by(1)).await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NO_CONTENT, ""), "{value}");
    }
}
