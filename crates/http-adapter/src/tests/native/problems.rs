//! Every failure of every inbound port, as the native dialect words it; and of the router.

use crate::tests::house::{Reply, With, ask, delete, get, post, request};
use crate::tests::mocks::Mocks;
use actix_web::http::Method;
use lethe_domain::account::TransitionError;
use lethe_domain::profile::UniqueName;
use lethe_ports::inbound::{AccessError, AccountError, CreateUserError, DeleteUserError, LookUpError, Reservation, RestoreError};
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
    assert_eq!(reply.header("retry-after"), if status == 503 { "1" } else { "" });
    assert_eq!(reply.body.contains(r#""retry_after":1"#), status == 503, "{reply:?}");
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
