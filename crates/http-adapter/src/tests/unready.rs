//! A node that has just started, and does not know yet which tokens are dead.

use super::house::{Reply, With, ask_verifying, get, now, post, preference, ticket, token, unready_verifier};
use super::mocks::Mocks;
use crate::tokens::{NewToken, SigningKey, issue};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use lethe_domain::UserId;
use lethe_ports::Errand;
use lethe_ports::inbound::{AccessError, AccountError};
use lethe_ports::outbound::Backlog;
use std::time::Duration;

const PATHS: [&str; 5] = ["/api/v2/user/me/", "/api/v2/user/1/preference/", "/settings/user", "/v1/users/me", "/v1/erasures/1"];

/// One request, of which no use case hears.
async fn ask(request: TestRequest) -> Reply {
    ask_verifying(&unready_verifier(), Mocks::default(), request).await
}

#[actix_web::test]
async fn whoever_sends_a_token_is_told_to_try_again() {
    let follow = Errand::FollowErasure { user: UserId::new(1) };
    for path in PATHS {
        for token in [token(1, false), token(99, true)] {
            let reply = ask(get(path).bearing(&token)).await;
            assert_eq!((reply.status, reply.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"), "{path} {reply:?}");
            assert!(reply.headers.get("www-authenticate").is_none() && !reply.body.contains("revoked"), "{reply:?}");
        }
    }
    assert_eq!(ask(get("/api/v2/user/me/").by(1)).await.problem(), (503, "unavailable".into()));
    assert_eq!(ask(get("/settings/user").by(1)).await.body, r#"{"success":false,"message":"Service temporarily unavailable"}"#);
    assert_eq!(ask(get("/v1/users/me").by(1)).await.native_problem(), (503, "unavailable".into()));
    assert_eq!(ask(get("/v1/erasures/me").bearing(&ticket(follow))).await.native_problem(), (503, "unavailable".into()));
    assert_eq!(ask(post("/v1/users").by(1).with_json("{")).await.native_problem(), (503, "unavailable".into()), "before anything about the form");
}

#[actix_web::test]
async fn whoever_sends_none_or_a_bad_one_is_told_so_at_once() {
    let issue = |key: &SigningKey, time| issue(key, &NewToken { user: UserId::new(1), admin: true, ttl: Duration::from_hours(1) }, time).unwrap();
    let foreign = issue(&SigningKey::generate(1), now());
    let expired = issue(&super::house::signing_key(), now().before(Duration::from_hours(2)));
    for path in PATHS {
        for request in [get(path), get(path).bearing("garbage"), get(path).bearing(&foreign), get(path).bearing(&expired)] {
            let reply = ask(request).await;
            assert_eq!((reply.status, reply.header("retry-after")), (StatusCode::UNAUTHORIZED, ""), "{path} {reply:?}");
        }
    }
}

#[actix_web::test]
async fn what_needs_no_token_is_there() {
    for path in ["/healthz", "/openapi.json", "/docs/", "/problems", "/metrics"] {
        assert_eq!(ask(get(path)).await.status, StatusCode::OK, "{path}");
    }
    let mut mocks = Mocks::default();
    mocks.accounts.expect_get().once().return_once(|_| Err(AccountError::Access(AccessError::NoSuchUser)));
    assert_eq!(ask_verifying(&unready_verifier(), mocks, get("/api/v2/user/7/").by(1)).await.problem(), (404, "not_found".into()));
}

#[actix_web::test]
async fn it_is_ready_as_soon_as_it_has_learnt() {
    let verifier = unready_verifier();
    let mocks = || {
        let mut mocks = Mocks::default();
        mocks.health.expect_ready().returning(|| Ok(Backlog::default()));
        mocks.preferences.expect_get().returning(|_, _, _| Ok(preference("theme", "1")));
        mocks
    };
    let readiness = ask_verifying(&verifier, mocks(), get("/readyz")).await;
    assert_eq!((readiness.status, readiness.body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unavailable"}"#));
    let mine = "/api/v2/user/1/preference/7/";
    assert_eq!(ask_verifying(&verifier, mocks(), get(mine).by(1)).await.status, StatusCode::SERVICE_UNAVAILABLE);
    verifier.revocations().learn([]);
    assert_eq!(ask_verifying(&verifier, mocks(), get("/readyz")).await.status, StatusCode::OK);
    assert_eq!(ask_verifying(&verifier, mocks(), get(mine).by(1)).await.status, StatusCode::OK);
}
