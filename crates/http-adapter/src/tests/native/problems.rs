//! Every failure of every inbound port, as the native dialect words it; and of the router.

use super::{json, key};
use crate::tests::house::{Reply, With, ask, delete, get, now, post, request};
use crate::tests::mocks::Mocks;
use actix_web::http::Method;
use lethe_domain::account::TransitionError;
use lethe_domain::draft::{Item, KeyRefusal};
use lethe_domain::limits::QuotaError;
use lethe_domain::profile::UniqueName;
use lethe_domain::{PatchError, Revision, Unmet, ValueError};
use lethe_ports::inbound::{AccessError, AccountError, CreateUserError, DeleteUserError, KeyedError, LookUpError, Reservation, RestoreError};
use lethe_ports::outbound::StoreError;

const SECRET: &str = "duplicate key value violates unique constraint";

fn stores() -> [(StoreError, u16, &'static str); 3] {
    [
        (StoreError::Unavailable(SECRET.into()), 503, "unavailable"),
        (StoreError::Contention(SECRET.into()), 503, "unavailable"),
        (StoreError::Failed(SECRET.into()), 500, "failed"),
    ]
}

fn accesses() -> Vec<(AccessError, u16, &'static str)> {
    let mut table = vec![
        (AccessError::CallerGone, 401, "token-invalid"),
        (AccessError::TokenExpired, 401, "token-invalid"),
        (AccessError::Forbidden, 403, "forbidden"),
        (AccessError::NoSuchUser, 404, "user-not-found"),
        (AccessError::UserErased, 410, "user-erased"),
        (AccessError::UserSoftDeleted, 409, "user-deleted"),
        (AccessError::AttemptMalformed, 400, "malformed-header, Idempotency-Key: invalid"),
        (AccessError::AttemptRunning, 409, "idempotency-key-in-use"),
        (AccessError::AttemptReused, 422, "idempotency-key-reused"),
        (AccessError::AttemptExpired, 410, "idempotency-outcome-expired"),
        (AccessError::Undecided, 503, "unavailable"),
    ];
    table.extend(stores().map(|(error, status, slug)| (AccessError::Store(error), status, slug)));
    table
}

/// The table of an error that wraps those of access and of the store.
fn with_common<E: From<AccessError> + From<StoreError>>(own: Vec<(E, u16, &'static str)>) -> Vec<(E, u16, &'static str)> {
    let accesses = accesses().into_iter().map(|(error, status, slug)| (error.into(), status, slug));
    own.into_iter().chain(accesses).chain(stores().map(|(error, status, slug)| (error.into(), status, slug))).collect()
}

fn assert_worded(reply: &Reply, status: u16, slug: &str) {
    assert_eq!(reply.native_problem(), (status, slug.to_owned()), "{reply:?}");
    assert!(!reply.body.contains(SECRET), "{reply:?}");
    let is_for_later = status == 503 || slug == "idempotency-key-in-use";
    assert_eq!(reply.header("retry-after"), if is_for_later { "1" } else { "" });
    assert_eq!(reply.body.contains(r#""retry_after":1"#), is_for_later, "{reply:?}");
    assert_eq!(reply.header("www-authenticate"), if status == 401 { "Bearer realm=\"api\"" } else { "" });
}

#[actix_web::test]
async fn of_users() {
    for (error, status, slug) in with_common::<AccountError>(vec![]) {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_show().once().return_once(|_, _| Err(error));
        assert_worded(&ask(mocks, get("/v1/users/1").by(1)).await, status, slug);
    }
}

#[actix_web::test]
async fn of_preferences_by_key() {
    let unmet = || KeyRefusal::Unmet(Unmet::Match, None);
    let patch = |error: PatchError| KeyedError::Refused(KeyRefusal::Patch(error));
    let table = with_common(vec![
        (KeyedError::Refused(KeyRefusal::NotFound), 404, "not-found"),
        (KeyedError::Refused(unmet()), 412, "precondition-failed"),
        (KeyedError::Unmet(Unmet::Match, Revision::new(7)), 412, "precondition-failed"),
        (KeyedError::Refused(QuotaError::TooManyKeys { limit: 9 }.into()), 422, "quota-exceeded"),
        (patch(PatchError::TestFailed { operation: 1, path: String::new() }), 409, "patch-test-failed"),
        (patch(PatchError::Impossible { operation: 1, path: String::new(), reason: String::new() }), 422, "patch-failed"),
        (patch(PatchError::Value(ValueError::TooDeep { depth: 9, limit: 8 })), 422, "unprocessable, : too_deep"),
        (KeyedError::RefusedAt { operation: 3, refusal: unmet() }, 412, "precondition-failed"),
        (KeyedError::RefusedKey { key: key("a/b"), refusal: ValueError::TooLarge { bytes: 9, limit: 8 }.into() }, 422, "unprocessable, /a~1b: too_large"),
        (KeyedError::Forgotten, 410, "revision-expired"),
        (KeyedError::Ahead, 422, "unprocessable, /to: invalid"),
    ]);
    for (error, status, slug) in table {
        let mut mocks = Mocks::default();
        mocks.keyed.expect_change().once().return_once(|_, _, _| Err(error));
        let asked = request(Method::PUT, "/v1/users/1/preferences/a").by(1).with_json("1");
        assert_worded(&ask(mocks, asked).await, status, slug);
    }
}

#[actix_web::test]
async fn what_is_there_now_is_shown_with_the_problem() {
    let item = || Item { key: key("a"), value: json("1.0"), revision: Revision::new(7), created_at: now(), updated_at: now() };
    let unmet = |item: Option<Item>| KeyRefusal::Unmet(Unmet::Match, item.map(Box::new));
    let shown = r#""current":{"key":"a","value":1.0,"revision":7,"created_at":"2026-01-01T00:00:00.123456Z","updated_at":"2026-01-01T00:00:00.123456Z"}"#;
    let table = [
        (KeyedError::Refused(unmet(Some(item()))), format!("{shown}}}")),
        (KeyedError::Refused(unmet(None)), r#""current":null}"#.to_owned()),
        (KeyedError::RefusedAt { operation: 3, refusal: unmet(Some(item())) }, format!(r#"{shown},"operation":3}}"#)),
        (KeyedError::Unmet(Unmet::Match, Revision::new(7)), r#""current":{"revision":7}}"#.to_owned()),
    ];
    for (error, end) in table {
        let mut mocks = Mocks::default();
        mocks.keyed.expect_batch().once().return_once(|_, _, _| Err(error));
        let reply = ask(mocks, request(Method::POST, "/v1/users/1/batch").by(1).with_json(r#"{"operations":[]}"#)).await;
        assert!(reply.body.ends_with(&end), "{reply:?}");
    }
}

#[actix_web::test]
async fn of_adding_users() {
    let table = with_common(vec![
        (CreateUserError::Taken(UniqueName::Username, Reservation::InUse), 409, "identifier-taken"),
        (CreateUserError::Taken(UniqueName::ExtId, Reservation::InUse), 409, "identifier-taken"),
        (CreateUserError::Taken(UniqueName::Username, Reservation::Reserved), 409, "identifier-reserved"),
        (CreateUserError::Taken(UniqueName::ExtId, Reservation::Reserved), 409, "identifier-reserved"),
    ]);
    for (error, status, slug) in table {
        let field = if let CreateUserError::Taken(name, _) = &error { Some(name.name()) } else { None };
        let mut mocks = Mocks::default();
        mocks.accounts.expect_create().once().return_once(|_, _| Err(error));
        let reply = ask(mocks, post("/v1/users").by_admin().with_json(r#"{"username":"ann"}"#)).await;
        assert_worded(&reply, status, slug);
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(body["field"].as_str(), field);
    }
}

#[actix_web::test]
async fn of_deleting_users() {
    let table = with_common(vec![
        (DeleteUserError::Transition(TransitionError::AlreadySoftDeleted), 409, "already-deleted"),
        (DeleteUserError::Transition(TransitionError::Erased), 410, "user-erased"),
        (DeleteUserError::Transition(TransitionError::OnHold), 409, "on-hold"),
        (DeleteUserError::PlanChanged, 412, "plan-changed"),
    ]);
    for (error, status, slug) in table {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_delete().once().return_once(|_, _, _| Err(error));
        assert_worded(&ask(mocks, delete("/v1/users/1?mode=soft").by(1)).await, status, slug);
    }
}

#[actix_web::test]
async fn of_restoring_users() {
    for (error, status, slug) in with_common::<RestoreError>(vec![]) {
        let mut mocks = Mocks::default();
        mocks.life_cycle.expect_restore().once().return_once(|_, _| Err(error));
        assert_worded(&ask(mocks, post("/v1/users/1/restore").by_admin()).await, status, slug);
    }
}

#[actix_web::test]
async fn of_looking_things_up() {
    for (error, status, slug) in with_common(vec![(LookUpError::NotFound, 404, "not-found")]) {
        let mut mocks = Mocks::default();
        mocks.holds.expect_lift().once().return_once(|_, _, _| Err(error));
        assert_worded(&ask(mocks, delete("/v1/users/1/holds/9").by_admin()).await, status, slug);
    }
}

#[actix_web::test]
async fn of_the_router() {
    for uri in ["/v1", "/v1/", "/v1/user", "/v1/users/1/nothing", "/v1/users//holds", "/v1//users", "/v1/users/1/holds/9/x"] {
        let reply = ask(Mocks::default(), get(uri)).await;
        assert_eq!(reply.body, r#"{"type":"/problems/not-found","title":"There is nothing here","status":404}"#, "{uri}");
    }
    let table = [
        ("/v1/users", "GET, HEAD, POST, OPTIONS"),
        ("/v1/users/1", "GET, HEAD, DELETE, OPTIONS"),
        ("/v1/users/1/holds/9", "DELETE, OPTIONS"),
        ("/v1/users/1/restore", "POST, OPTIONS"),
    ];
    for (uri, allow) in table {
        let reply = ask(Mocks::default(), request(Method::PATCH, uri).by(1)).await;
        assert_worded(&reply, 405, "method-not-allowed");
        assert_eq!(reply.header("allow"), allow);
        assert!(reply.body.contains("The method PATCH is not allowed."), "{reply:?}");
        let reply = ask(Mocks::default(), request(Method::OPTIONS, uri)).await;
        assert_eq!((reply.status.as_u16(), reply.header("allow")), (204, allow));
    }
}
