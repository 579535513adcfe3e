//! Holds.

use super::assert_shows;
use crate::tests::house::{Reply, With, ask, delete, get, now, post};
use crate::tests::mocks::Mocks;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use lethe_domain::{Hold, HoldId, HoldReason, NewHold, Timestamp, UserId};
use lethe_ports::inbound::{AccessError, LookUpError};
use mockall::predicate::{always, eq};

fn terms(reason: &str, expires_at: Option<Timestamp>) -> NewHold {
    NewHold { reason: HoldReason::from_store(reason.into()), expires_at }
}

fn hold(expires_at: Option<Timestamp>) -> Hold {
    Hold { id: HoldId::new(9), user: UserId::new(1), terms: terms("why", expires_at), placed_at: now(), placed_by: UserId::new(99) }
}

fn shown(expires_at: &str) -> String {
    format!(r#"{{"id":9,"reason":"why","placed_at":"2026-01-01T00:00:00.123456Z","placed_by":99,"expires_at":{expires_at}}}"#)
}

#[actix_web::test]
async fn holds_are_placed() {
    let table = [
        (r#"{"reason":"why"}"#, None),
        (r#"{"reason":" why ","expires_at":null}"#, None),
        (r#"{"reason":"why","expires_at":"2026-01-01T01:00:00.123456789+01:00"}"#, Some(now())),
        (r#"{"reason":"why","expires_at":"9999-12-31T23:59:59.999999Z"}"#, Some(Timestamp::from_micros(253_402_300_799_999_999))),
    ];
    for (body, expires_at) in table {
        let mut mocks = Mocks::default();
        let placed = hold(expires_at);
        mocks.holds.expect_place().with(always(), eq(UserId::new(1)), eq(terms("why", expires_at))).once().return_once(|_, _, _| Ok(placed));
        let reply = ask(mocks, post("/v1/users/1/holds").by_admin().with_json(body)).await;
        let expiry = expires_at.map_or_else(|| "null".to_owned(), |time| format!("\"{time}\""));
        assert_eq!((reply.status, reply.header("location"), reply.body.as_str()), (StatusCode::CREATED, "/v1/users/1/holds/9", shown(&expiry).as_str()));
    }
}

#[actix_web::test]
async fn holds_are_listed_and_lifted() {
    let mut mocks = Mocks::default();
    mocks.holds.expect_list().with(always(), eq(UserId::new(1))).once().return_once(|_, _| Ok(vec![hold(None)]));
    assert_shows(&ask(mocks, get("/v1/users/1/holds").by_admin()).await, &format!(r#"{{"items":[{}],"next":null}}"#, shown("null")));
    let mut mocks = Mocks::default();
    mocks.holds.expect_lift().with(always(), eq(UserId::new(1)), eq(HoldId::new(9))).once().return_once(|_, _, _| Ok(()));
    assert_eq!(ask(mocks, delete("/v1/users/1/holds/9").by_admin()).await.status, StatusCode::NO_CONTENT);
}

#[actix_web::test]
async fn a_hold_is_checked_member_by_member() {
    let long = format!(r#"{{"reason":"{}"}}"#, "x".repeat(501));
    let table = [
        ("{}", "/reason: required"),
        (r#"{"reason":null,"expires_at":5}"#, "/reason: not_a_string, /expires_at: not_a_string"),
        (r#"{"reason":" ","expires_at":""}"#, "/reason: blank, /expires_at: invalid"),
        (&long, "/reason: too_long"),
        (r#"{"reason":"why","expires_at":"tomorrow"}"#, "/expires_at: invalid"),
        (r#"{"reason":"why","expires_at":"2026-02-30T00:00:00Z"}"#, "/expires_at: invalid"),
        (r#"{"reason":"why","expires_at":"2026-01-01"}"#, "/expires_at: invalid"),
        (r#"{"reason":"why","expires_at":"2026-01-01T00:00:00"}"#, "/expires_at: invalid"),
        (r#"{"reason":"why","expires_at":"+262142-12-31T00:00:00Z"}"#, "/expires_at: invalid"),
        (r#"{"reason":"why","expires_at":"-0001-12-31T00:00:00Z"}"#, "/expires_at: invalid"),
        (r#"{"reason":"why","expires_at":"9999-12-31T23:59:59-01:00"}"#, "/expires_at: invalid"),
    ];
    for (body, wrong) in table {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
        mocks.holds.expect_list().once().return_once(|_, _| Ok(vec![]));
        let reply = ask(mocks, post("/v1/users/1/holds").by_admin().with_json(body)).await;
        assert_eq!(reply.native_problem(), (422, format!("unprocessable, {wrong}")), "{body}");
    }
}

async fn refuse(request: TestRequest, access: Result<(), AccessError>, user: Option<LookUpError>) -> Reply {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().once().return_once(|_, _| access);
    if let Some(error) = user {
        mocks.holds.expect_list().once().return_once(|_, _| Err(error));
    }
    ask(mocks, request.by_admin()).await
}

/// Who may not is told so first, then who is not there, then what is wrong with the form.
#[actix_web::test]
async fn a_user_who_is_not_there_comes_before_the_form() {
    let misshapen = || {
        [
            (post("/v1/users/1/holds").with_json("{"), (400, "malformed-json")),
            (post("/v1/users/1/holds").with("text/plain", "x"), (415, "unsupported-media-type")),
            (delete("/v1/users/1/holds/x"), (404, "not-found")),
        ]
    };
    for (request, _) in misshapen() {
        assert_eq!(refuse(request, Err(AccessError::Forbidden), None).await.native_problem(), (403, "forbidden".into()));
    }
    for (error, problem) in [(AccessError::NoSuchUser, (404, "user-not-found")), (AccessError::UserErased, (410, "user-erased"))] {
        for (request, _) in misshapen() {
            let reply = refuse(request, Ok(()), Some(error.clone().into())).await;
            assert_eq!(reply.native_problem(), (problem.0, problem.1.to_owned()));
        }
    }
    for (request, problem) in misshapen() {
        let reply = refuse(request, Ok(()), Some(AccessError::Forbidden.into())).await;
        assert_eq!(reply.native_problem(), (problem.0, problem.1.to_owned()), "a token may be narrowed to what it is used for here");
    }
}
