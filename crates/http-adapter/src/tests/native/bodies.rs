//! Bodies that are refused, each with what is wrong with it.

use super::ann;
use crate::HttpConfig;
use crate::tests::house::{FORM, Reply, With, ask, ask_at, post};
use crate::tests::mocks::Mocks;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

/// A service that lets everyone do everything and knows every user, and expects nothing to be done.
fn permissive() -> Mocks {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().returning(|_, _| Ok(()));
    mocks.holds.expect_list().returning(|_, _| Ok(vec![]));
    mocks
}

async fn refuse(request: TestRequest) -> Reply {
    ask(permissive(), request.by_admin()).await
}

#[actix_web::test]
async fn a_body_must_say_that_it_is_json() {
    for content_type in ["application/json", "APPLICATION/JSON", "application/json; charset=utf-8", "application/json;charset=latin1"] {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_create().once().return_once(|_, _| Ok(ann()));
        let reply = ask(mocks, post("/v1/users").by_admin().with(content_type, r#"{"username":"ann"}"#)).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{content_type}");
    }
    let foreign =
        ["", "text/plain", "text/json", FORM, "multipart/form-data; boundary=x", "application/merge-patch+json", "application/jsonx", "json", "nonsense"];
    for content_type in foreign {
        for body in [r#"{"username":"ann"}"#, "{", "{}"] {
            for uri in ["/v1/users", "/v1/users/1/holds"] {
                let reply = refuse(post(uri).with(content_type, body)).await;
                assert_eq!(reply.native_problem(), (415, "unsupported-media-type".into()), "{content_type} {body}");
            }
        }
    }
    let unsaid = post("/v1/users").set_payload(r#"{"username":"ann"}"#);
    assert_eq!(refuse(unsaid).await.native_problem(), (415, "unsupported-media-type".into()));
    assert_eq!(refuse(post("/v1/users").with("text/plain", "")).await.native_problem(), (415, "unsupported-media-type".into()));
    assert_eq!(refuse(post("/v1/users")).await.native_problem(), (400, "malformed-json".into()), "no body, no type");
}

#[actix_web::test]
async fn what_is_no_json_object_is_malformed() {
    let bodies: [&[u8]; 14] = [
        b"",
        b"  ",
        b"{",
        b"[]",
        b"null",
        b"1",
        b"\"a\"",
        b"{}{}",
        b"{\"username\":\"a\"}x",
        b"{'username':'a'}",
        b"{\"username\":NaN}",
        b"\xef\xbb\xbf{\"username\":\"a\"}",
        b"{\"username\":\"\xff\"}",
        b"{\"username\":\"a\",}",
    ];
    for body in bodies {
        let reply = refuse(post("/v1/users").insert_header(("content-type", "application/json")).set_payload(body.to_vec())).await;
        assert_eq!(reply.native_problem(), (400, "malformed-json".into()), "{}", String::from_utf8_lossy(body));
        assert!(reply.body.contains(r#""detail":""#), "{reply:?}");
    }
}

#[actix_web::test]
async fn each_member_is_pointed_at_with_what_is_wrong() {
    let long = "x".repeat(256);
    let table = [
        ("{}", ", /username: required"),
        (r#"{"username":null}"#, ", /username: not_a_string"),
        (r#"{"username":7,"ext_id":7}"#, ", /username: not_a_string, /ext_id: not_a_string"),
        (r#"{"username":"\ud800"}"#, ", /username: not_a_string"),
        (r#"{"username":"  "}"#, ", /username: blank"),
        (&format!(r#"{{"username":"{long}"}}"#), ", /username: too_long"),
        (r#"{"username":"a b","ext_id":"","real_name":"a\nb","email":"nobody"}"#, ", /username: invalid, /ext_id: blank, /real_name: invalid, /email: invalid"),
        (r#"{"username":"ann","real_name":["Ann"]}"#, ", /real_name: not_a_string"),
    ];
    for (body, wrong) in table {
        assert_eq!(refuse(post("/v1/users").with_json(body)).await.native_problem(), (422, format!("unprocessable{wrong}")), "{body}");
    }
    let reply = refuse(post("/v1/users").with_json("{}")).await;
    let said = r#"{"type":"/problems/unprocessable","title":"The body breaks a rule","status":422,"errors":[{"pointer":"/username","code":"required","detail":"This is required."}]}"#;
    assert_eq!(reply.body, said);
}

#[actix_web::test]
async fn a_body_is_bounded_whatever_it_is() {
    let config = HttpConfig { max_body_bytes: 30, ..HttpConfig::default() };
    let at = async |request: TestRequest| ask_at(config.clone(), permissive(), request.by_admin()).await.native_problem();
    assert_eq!(at(post("/v1/users").with_json(&" ".repeat(30))).await, (400, "malformed-json".into()), "exactly the limit");
    for request in [post("/v1/users"), post("/v1/users/1/holds"), post("/v1/users").insert_header(("content-encoding", "gzip"))] {
        assert_eq!(at(request.with("text/plain", &" ".repeat(31))).await, (413, "body-too-large".into()));
    }
    for encoding in ["gzip", "br", "identity, gzip", "nonsense"] {
        let reply = refuse(post("/v1/users").insert_header(("content-encoding", encoding)).with_json("{}")).await;
        assert_eq!(reply.native_problem(), (415, "unsupported-media-type".into()), "{encoding}");
    }
}
