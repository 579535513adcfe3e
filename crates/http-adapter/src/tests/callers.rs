//! Who may ask, and what is said first to whoever may not.

use super::house::{Reply, With, ask, delete, get, patch, post, preference, request, token};
use super::mocks::Mocks;
use crate::app::Setup;
use actix_web::http::header::HeaderValue;
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use lethe_domain::{Audience, Operation, UserId};
use lethe_ports::inbound::{AccessError, PreferenceError};
use mockall::predicate::eq;

const NO_CREDENTIALS: &str = r#"{"errors":[{"code":"not_authenticated","message":"Authentication credentials were not provided."}]}"#;
const BAD_TOKEN: &str = r#"{"errors":[{"code":"token_not_valid","message":"Given token not valid for any token type"}]}"#;

fn assert_unauthorized(reply: &Reply, body: &str) {
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::UNAUTHORIZED, body));
    assert_eq!(reply.header("www-authenticate"), "Bearer realm=\"api\"");
    assert_eq!(reply.header("content-type"), "application/json");
}

#[actix_web::test]
async fn nobody_is_told_to_say_who_they_are() {
    let path = "/api/v2/user/1/preference/";
    assert_unauthorized(&ask(Mocks::default(), get(path)).await, NO_CREDENTIALS);
    let in_query = format!("{path}?token={0}&access_token={0}&authorization=Bearer%20{0}", token(1, false));
    assert_unauthorized(&ask(Mocks::default(), get(&in_query)).await, NO_CREDENTIALS);
    for value in ["", "Basic dTpw", "garbage", "Bearer,"] {
        assert_unauthorized(&ask(Mocks::default(), get(path).insert_header(("authorization", value))).await, NO_CREDENTIALS);
    }
}

#[actix_web::test]
async fn a_bad_token_is_refused() {
    let good = token(1, false);
    let mut flipped = good.clone().into_bytes();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let values = [
        HeaderValue::from_static("Bearer"),
        HeaderValue::from_static("Bearer x"),
        HeaderValue::from_str(&format!("Bearer {good}x")).unwrap(),
        HeaderValue::from_bytes(&[b"Bearer ".as_slice(), &flipped].concat()).unwrap(),
        HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap(),
        HeaderValue::from_str(&format!("Bearer {}", "x".repeat(100_000))).unwrap(),
        HeaderValue::from_str(&format!("Bearer {good} {good}")).unwrap(),
    ];
    for value in values {
        let reply = ask(Mocks::default(), get("/api/v2/user/1/preference/").insert_header(("authorization", value))).await;
        assert_unauthorized(&reply, BAD_TOKEN);
    }
    let twice = get("/api/v2/user/me/").by(1).append_header(("authorization", format!("Bearer {good}")));
    assert_unauthorized(&ask(Mocks::default(), twice).await, BAD_TOKEN);
}

#[actix_web::test]
async fn both_schemes_are_taken() {
    for scheme in ["Bearer", "bearer", "Token", "TOKEN"] {
        let mut mocks = Mocks::default();
        mocks.preferences.expect_delete().once().withf(|caller, _, _, _| caller.actor.user == UserId::new(1)).return_once(|_, _, _, _| Ok(()));
        let header = ("authorization", format!("{scheme} {}", token(1, false)));
        let reply = ask(mocks, delete("/api/v2/user/1/preference/1/").insert_header(header)).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT, "{scheme}");
    }
}

/// Every endpoint but the public ones answers 401 to whoever has no token, whatever else is wrong with the request.
#[actix_web::test]
async fn no_endpoint_forgets_to_ask_for_a_token() {
    let public = ["/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/docs/", "/docs/{file}", "/problems", "/problems/{slug}"];
    let setup: Setup = super::house::setup(crate::HttpConfig::default(), Mocks::default());
    let mut asked = 0;
    for endpoint in setup.endpoints().iter().filter(|endpoint| !public.contains(&endpoint.path())) {
        for method in endpoint.methods().filter(|method| (*method, endpoint.path()) != (&Method::GET, "/api/v2/user/{user_id}/")) {
            let uri = endpoint.path().replace("{user_id}", "x").replace("{user}", "x").replace("{id}", "0").replace("{kind}", "post");
            let reply = ask(Mocks::default(), request(method.clone(), &uri).with_json("{")).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {uri}");
            asked += 1;
        }
    }
    assert!(asked > 35, "only {asked} operations were asked");
}

/// A service whose use cases are not to be called, and whose answer on access is this one.
fn refusing(error: AccessError, operation: Operation, audience: Audience) -> Mocks {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().with(eq(operation), eq(audience)).once().return_once(|_, _| Err(error));
    mocks
}

fn misshapen() -> Vec<(TestRequest, Operation, Audience)> {
    let two = Audience::Owner(UserId::new(2));
    vec![
        (post("/api/v2/user/2/preference/").by(1).with_json("{"), Operation::Create, two),
        (post("/api/v2/user/2/preference/").by(1).with_json("{}"), Operation::Create, two),
        (patch("/api/v2/user/2/preference/1/").by(1).with_json("{\"key\":1}"), Operation::Update, two),
        (patch("/api/v2/user/2/preference/01/").by(1).with_json("{\"key\":\"a\"}"), Operation::Update, two),
        (get("/api/v2/user/2/preference/abc/").by(1), Operation::Read, two),
        (delete("/api/v2/user/2/preference/0/").by(1), Operation::Delete, two),
        (patch("/api/v2/user/2/").by(1).with_json("[]"), Operation::Update, two),
        (post("/api/v2/user/2/preference/").by(1).insert_header(("content-encoding", "gzip")).with_json("{}"), Operation::Create, two),
        (post("/api/v2/sso/signup/").by(1).with_json("{}"), Operation::Create, Audience::Admins),
        (get("/api/v2/account/search/").by(1), Operation::Read, Audience::Admins),
        (get("/api/v2/moderation/user/?status=x").by(1), Operation::Read, Audience::Admins),
        (get("/api/v2/user/?gender=x").by(1), Operation::Read, Audience::Members),
        (get("/api/v2/post/?author=x").by(1), Operation::Read, Audience::Members),
        (get("/api/v2/post/x/").by(1), Operation::Read, Audience::Members),
        (post("/api/v2/post/").by(1).with_json("{}"), Operation::Create, Audience::Members),
    ]
}

#[actix_web::test]
async fn who_may_not_is_told_so_before_anything_about_the_form_of_the_request() {
    for (request, operation, audience) in misshapen() {
        let reply = ask(refusing(AccessError::Forbidden, operation, audience), request).await;
        assert_eq!(reply.problem(), (403, "permission_denied".into()), "{operation:?} {audience:?}");
    }
    for (request, operation, audience) in misshapen() {
        let reply = ask(refusing(AccessError::CallerGone, operation, audience), request).await;
        assert_eq!(reply.problem(), (401, "user_inactive".into()), "{operation:?} {audience:?}");
    }
    for (request, operation, audience) in misshapen() {
        let reply = ask(refusing(AccessError::NoSuchUser, operation, audience), request).await;
        assert_eq!((reply.problem(), reply.body.contains("User not found")), ((404, "not_found".into()), true));
    }
}

#[actix_web::test]
async fn who_may_is_told_what_is_wrong_with_the_form() {
    for (request, operation, audience) in misshapen() {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
        mocks.preferences.expect_get().returning(|_, _, _| Ok(preference("theme", "1")));
        let reply = ask(mocks, request).await;
        assert!([400, 404, 415].contains(&reply.problem().0), "{operation:?} {audience:?} {reply:?}");
    }
}

#[actix_web::test]
async fn a_path_that_can_name_nobody_is_not_found_by_anybody_who_is_there() {
    for user in ["0", "-1", "+1", "01", "1.0", "1e0", "0x1", "abc", "9223372036854775808", "%EF%BC%91", "1%00", "%31%2F", "Me", "ME", "me%20"] {
        for request in [get(&format!("/api/v2/user/{user}/preference/")), delete(&format!("/api/v2/user/{user}/")), get(&format!("/api/v2/user/{user}/"))] {
            let mut mocks = Mocks::default();
            mocks.access.expect_check_act().returning(|_, _| Ok(()));
            let reply = ask(mocks, request.by(1)).await;
            let body = r#"{"errors":[{"code":"not_found","message":"User not found"}]}"#;
            assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NOT_FOUND, body), "{user}");
        }
    }
}

#[actix_web::test]
async fn ids_of_things_have_one_spelling_too() {
    for id in ["0", "-1", "+1", "01", "1.0", "1e0", "0x1", "abc", "9223372036854775808", "%EF%BC%91", "%00", "1%2F2", "me"] {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
        let reply = ask(mocks, patch(&format!("/api/v2/user/1/preference/{id}/")).by(1).with_json("{")).await;
        let body = r#"{"errors":[{"code":"not_found","message":"Not found."}]}"#;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NOT_FOUND, body), "{id}");
    }
}

#[actix_web::test]
async fn a_use_case_decides_for_requests_in_good_form() {
    let mut mocks = Mocks::default();
    mocks.preferences.expect_delete().once().return_once(|_, _, _, _| Err(PreferenceError::Access(AccessError::Forbidden)));
    let reply = ask(mocks, delete("/api/v2/user/2/preference/1/").by(1)).await;
    assert_eq!(reply.problem(), (403, "permission_denied".into()));
}
