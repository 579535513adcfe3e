//! Bodies that are refused, each with what is wrong with it.

use super::house::{FORM, JSON, Reply, With, ask, ask_at, patch, post, preference, put};
use super::mocks::Mocks;
use crate::HttpConfig;
use actix_web::test::TestRequest;
use lethe_ports::inbound::PreferenceError;

/// A service that lets everyone do everything, has every preference, and expects nothing to be done.
fn permissive() -> Mocks {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().return_once(|_, _| Ok(()));
    mocks.preferences.expect_get().returning(|_, _, _| Ok(preference("theme", "1")));
    mocks
}

async fn refuse(request: TestRequest) -> Reply {
    ask(permissive(), request.by(1)).await
}

fn creation(body: impl Into<actix_web::web::Bytes>) -> TestRequest {
    post("/api/v2/user/1/preference/").insert_header(("content-type", JSON)).set_payload(body.into())
}

#[actix_web::test]
async fn what_is_not_there_is_not_asked_what_it_should_become() {
    for request in [put("/api/v2/user/1/preference/7/"), patch("/api/v2/user/1/preference/7/")] {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().return_once(|_, _| Ok(()));
        mocks.preferences.expect_get().return_once(|_, _, _| Err(PreferenceError::NotFound));
        assert_eq!(ask(mocks, request.by(1).with_json("{}")).await.problem(), (404, "not_found".into()));
    }
}

#[actix_web::test]
async fn each_field_is_named_with_what_is_wrong() {
    let long = format!("{{\"key\":\"{}\",\"value\":1}}", "x".repeat(256));
    let deep = format!("{{\"key\":\"a\",\"value\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let deeper = format!("{{\"key\":\"a\",\"value\":{}{}}}", "[".repeat(30_000), "]".repeat(30_000));
    let large = format!("{{\"key\":\"a\",\"value\":\"{}\"}}", "x".repeat(65_535));
    let table = [
        ("", "key: required, value: required"),
        ("  ", "key: required, value: required"),
        ("{}", "key: required, value: required"),
        (r#"{"value":1}"#, "key: required"),
        (r#"{"key":"a"}"#, "value: required"),
        (r#"{"key":null,"value":1}"#, "key: invalid"),
        (r#"{"key":5,"value":1}"#, "key: invalid"),
        (r#"{"key":["a"]}"#, "key: invalid, value: required"),
        (r#"{"key":"","value":1}"#, "key: blank"),
        (r#"{"key":"  ","value":1}"#, "key: blank"),
        (r#"{"key":"a\u0000b","value":1}"#, "key: invalid"),
        (r#"{"key":"..","value":1}"#, "key: invalid"),
        (r#"{"key":"\ud800","value":1}"#, "key: invalid"),
        (r#"{"key":"a","value":"\ud800"}"#, "value: invalid"),
        (&long, "key: max_length"),
        (&deep, "value: max_depth"),
        (&deeper, "value: max_depth"),
        (&large, "value: max_length"),
    ];
    for (body, problem) in table {
        assert_eq!(refuse(creation(body.to_owned())).await.problem(), (400, problem.into()), "{}", &body[..body.len().min(60)]);
    }
}

#[actix_web::test]
async fn a_required_field_is_asked_for_in_the_words_that_clients_know() {
    let reply = refuse(put("/api/v2/user/1/preference/1/").with_json(r#"{"value":1}"#)).await;
    assert_eq!(reply.body, r#"{"errors":[{"field":"key","messages":[{"code":"required","message":"This field is required."}]}]}"#);
}

#[actix_web::test]
async fn what_is_no_json_object_is_refused() {
    let utf16: Vec<u8> = "{\"key\":\"a\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let table: [(&[u8], &str); 12] = [
        (b"{", "parse_error"),
        (b"{\"key\":\"a\",\"value\":1", "parse_error"),
        (b"{\"key\":\"a\",\"value\":1}x", "parse_error"),
        (b"{\"key\":\"a\",\"value\":1}{}", "parse_error"),
        (b"{\"key\":\"a\",\"value\":NaN}", "parse_error"),
        (b"{'key':'a'}", "parse_error"),
        (b"\xef\xbb\xbf{\"key\":\"a\",\"value\":1}", "parse_error"),
        (b"{\"key\":\"\xff\",\"value\":1}", "parse_error"),
        (&utf16, "parse_error"),
        (b"[]", "invalid"),
        (b"null", "invalid"),
        (b"\"key\"", "invalid"),
    ];
    for (body, code) in table {
        assert_eq!(refuse(creation(body.to_vec())).await.problem(), (400, code.into()), "{}", String::from_utf8_lossy(body));
    }
    assert_eq!(refuse(creation("x=1").insert_header(("content-type", FORM))).await.problem(), (400, "key: required, value: required".into()));
    assert_eq!(refuse(creation("key=%ff&value=1").insert_header(("content-type", FORM))).await.problem(), (400, "parse_error".into()));
}

#[actix_web::test]
async fn a_patch_must_name_something() {
    for body in ["{}", "", r#"{"id":1,"created_at":"x"}"#] {
        let reply = refuse(patch("/api/v2/user/1/preference/1/").with_json(body)).await;
        assert_eq!(reply.problem(), (400, "non_field_errors: required".into()), "{body}");
    }
}

#[actix_web::test]
async fn a_body_is_bounded_and_plain() {
    let config = HttpConfig { max_body_bytes: 30, ..HttpConfig::default() };
    let at = async |body: &str| ask_at(config.clone(), permissive(), creation(body.to_owned()).by(1)).await.problem();
    assert_eq!(at(&" ".repeat(30)).await, (400, "key: required, value: required".into()), "exactly the limit");
    assert_eq!(at(&" ".repeat(31)).await, (413, "request_too_large".into()));
    for encoding in ["gzip", "br", "identity, gzip", "nonsense"] {
        let reply = refuse(creation("{}").insert_header(("content-encoding", encoding))).await;
        assert_eq!(reply.problem(), (415, "unsupported_media_type".into()), "{encoding}");
    }
    let reply = refuse(creation("{}").insert_header(("content-encoding", "Identity"))).await;
    assert_eq!(reply.problem().0, 400, "which is no encoding");
    let reply = refuse(creation("--x").insert_header(("content-type", "multipart/form-data; boundary=x"))).await;
    assert_eq!(reply.problem(), (415, "unsupported_media_type".into()));
}
