//! Every failure of every inbound port, as the community dialect words it.

use super::house::{Reply, With, ask, delete, get, post, put};
use super::mocks::Mocks;
use lethe_domain::Unmet;
use lethe_domain::account::TransitionError;
use lethe_domain::limits::QuotaError;
use lethe_domain::profile::UniqueName;
use lethe_ports::inbound::{AccessError, AccountError, ContentError, CreateUserError, DeleteUserError, PreferenceError, Reservation};
use lethe_ports::outbound::StoreError;

const SECRET: &str = "duplicate key value violates unique constraint";

fn stores() -> [(StoreError, u16, &'static str); 3] {
    [
        (StoreError::Unavailable(SECRET.into()), 503, "unavailable"),
        (StoreError::Contention(SECRET.into()), 503, "unavailable"),
        (StoreError::Failed(SECRET.into()), 500, "error"),
    ]
}

fn accesses() -> Vec<(AccessError, u16, &'static str)> {
    let mut table = vec![
        (AccessError::CallerGone, 401, "user_inactive"),
        (AccessError::TokenExpired, 401, "token_not_valid"),
        (AccessError::Forbidden, 403, "permission_denied"),
        (AccessError::NoSuchUser, 404, "not_found"),
        (AccessError::UserErased, 404, "not_found"),
        (AccessError::UserSoftDeleted, 400, "invalid"),
        (AccessError::AttemptMalformed, 400, "invalid"),
        (AccessError::AttemptRunning, 409, "idempotency_key_in_use"),
        (AccessError::AttemptReused, 422, "idempotency_key_reused"),
        (AccessError::AttemptExpired, 410, "idempotency_outcome_expired"),
        (AccessError::Undecided, 503, "unavailable"),
    ];
    table.extend(stores().map(|(error, status, code)| (AccessError::Store(error), status, code)));
    table
}

/// The table of an error that wraps those of access and of the store.
fn with_common<E: From<AccessError> + From<StoreError>>(own: Vec<(E, u16, &'static str)>) -> Vec<(E, u16, &'static str)> {
    let accesses = accesses().into_iter().map(|(error, status, code)| (error.into(), status, code));
    own.into_iter().chain(accesses).chain(stores().map(|(error, status, code)| (error.into(), status, code))).collect()
}

fn assert_worded(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.problem(), (status, code.to_owned()), "{reply:?}");
    assert!(!reply.body.contains(SECRET), "{reply:?}");
    assert_eq!(reply.header("retry-after"), if status == 503 || code == "idempotency_key_in_use" { "1" } else { "" });
    assert_eq!(reply.header("www-authenticate"), if status == 401 { "Bearer realm=\"api\"" } else { "" });
}

#[actix_web::test]
async fn of_preferences() {
    let table = with_common(vec![
        (PreferenceError::NotFound, 404, "not_found"),
        (PreferenceError::KeyTaken, 400, "key: unique"),
        (PreferenceError::Unmet(Unmet::Match), 412, "precondition_failed"),
        (PreferenceError::Quota(QuotaError::TooManyKeys { limit: 9 }), 400, "non_field_errors: limit_exceeded"),
        (PreferenceError::Quota(QuotaError::TooManyBytes { limit: 9 }), 400, "non_field_errors: limit_exceeded"),
    ]);
    for (error, status, code) in table {
        let mut mocks = Mocks::default();
        mocks.preferences.expect_update().once().return_once(|_, _, _, _, _| Err(error));
        let reply = ask(mocks, put("/api/v2/user/1/preference/7/").by(1).with_json(r#"{"key":"a","value":1}"#)).await;
        assert_worded(&reply, status, code);
    }
}

#[actix_web::test]
async fn of_accounts() {
    for (error, status, code) in with_common::<AccountError>(vec![]) {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_get().once().return_once(|_| Err(error));
        assert_worded(&ask(mocks, get("/api/v2/user/1/")).await, status, code);
    }
}

#[actix_web::test]
async fn of_creating_users() {
    let table = with_common(vec![
        (CreateUserError::Taken(UniqueName::Username, Reservation::InUse), 400, "username: unique"),
        (CreateUserError::Taken(UniqueName::ExtId, Reservation::Reserved), 400, "ext_id: unique"),
    ]);
    for (error, status, code) in table {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_create().once().return_once(|_, _| Err(error));
        assert_worded(&ask(mocks, post("/api/v2/sso/signup/").by_admin().with_json(r#"{"username":"ann"}"#)).await, status, code);
    }
}

#[actix_web::test]
async fn of_deleting_users() {
    let table = with_common(vec![
        (DeleteUserError::Transition(TransitionError::AlreadySoftDeleted), 400, "invalid"),
        (DeleteUserError::Transition(TransitionError::Erased), 404, "not_found"),
        (DeleteUserError::Transition(TransitionError::OnHold), 409, "on_hold"),
        (DeleteUserError::PlanChanged, 500, "error"),
    ]);
    for (error, status, code) in table {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_delete().once().return_once(|_, _, _| Err(error));
        assert_worded(&ask(mocks, delete("/api/v2/user/1/").by(1)).await, status, code);
    }
}

#[actix_web::test]
async fn of_content() {
    for (error, status, code) in with_common(vec![(ContentError::NotFound, 404, "not_found")]) {
        let mut mocks = Mocks::default();
        mocks.content.expect_delete_post().once().return_once(|_, _, _| Err(error));
        assert_worded(&ask(mocks, delete("/api/v2/post/1/").by(1)).await, status, code);
    }
}

#[actix_web::test]
async fn the_page_on_deleting_users_is_quoted_to_the_letter() {
    let table: [(DeleteUserError, u16, &str); 3] = [
        (TransitionError::AlreadySoftDeleted.into(), 400, r#"{"errors":[{"code":"invalid","message":"The user has already been soft deleted"}]}"#),
        (TransitionError::Erased.into(), 404, r#"{"errors":[{"code":"not_found","message":"User not found"}]}"#),
        (TransitionError::OnHold.into(), 409, r#"{"errors":[{"code":"on_hold","message":"The user is on hold and cannot be hard deleted"}]}"#),
    ];
    for (error, status, body) in table {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_delete().once().return_once(|_, _, _| Err(error));
        let reply = ask(mocks, delete("/api/v2/user/1/").by(1)).await;
        assert_eq!((reply.status.as_u16(), reply.body.as_str()), (status, body));
    }
}
