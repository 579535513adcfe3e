//! The settings document over HTTP.

use super::house::{FORM, JSON, Reply, With, ask, ask_at, delete, get, post, put, request};
use super::mocks::Mocks;
use crate::HttpConfig;
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use lethe_domain::limits::QuotaError;
use lethe_domain::settings::{Document, DocumentError, SettingName};
use lethe_domain::{Limits, Precondition, Revision, Tags, Unmet, ValueError};
use lethe_ports::inbound::{AccessError, SettingsChange, SettingsError};
use lethe_ports::outbound::StoreError;
use mockall::predicate::{always, eq};

fn document(json: &str) -> Document {
    Document::parse(json, &Limits::default()).unwrap()
}

fn names(names: &[&str]) -> Vec<SettingName> {
    names.iter().filter_map(|name| SettingName::parse(name, &Limits::default())).collect()
}

fn removing(expected: &[&str]) -> Mocks {
    let mut mocks = Mocks::default();
    mocks
        .settings
        .expect_change()
        .with(always(), eq(SettingsChange::Remove(names(expected))), eq(Precondition::NONE))
        .once()
        .return_once(|_, _, _| Ok(Revision::new(7)));
    mocks
}

fn assert_says(reply: &Reply, status: u16, body: &str) {
    assert_eq!((reply.status.as_u16(), reply.body.as_str()), (status, body));
    assert_eq!(reply.header("content-type"), JSON);
}

const REMOVED: &str = r#"{"success":true,"message":"User settings keys deleted successfully"}"#;

#[actix_web::test]
async fn the_page_on_deleting_keys_works_as_printed() {
    let body = "{\n    \"keys\": [\"theme\", \"notifications.push\"]\n  }";
    let uris = ["/settings/user", "/settings/user/", "/settings/user?", "https://backend.flashback.tech/settings/user"];
    for uri in uris {
        for content_type in [JSON, FORM, "", "text/plain"] {
            let asked = delete(uri).by(1).insert_header(("accept", JSON)).with(content_type, body);
            assert_says(&ask(removing(&["theme", "notifications.push"]), asked).await, 200, REMOVED);
        }
    }
}

#[actix_web::test]
async fn names_that_can_name_nothing_are_as_absent_as_any_other() {
    let asked = delete("/settings/user").by(1).with_json(r#"{"keys":[""," a ","\u0000"]}"#);
    assert_says(&ask(removing(&["a"]), asked).await, 200, REMOVED);
}

#[actix_web::test]
async fn the_document_is_shown_to_the_letter() {
    let mut mocks = Mocks::default();
    let shown = document(r#"{"theme":"dark","a":{"z":1.0,"b":1e400},"n":null}"#);
    mocks.settings.expect_read().once().return_once(|_| Ok((Revision::new(7), shown)));
    let shown = r#"{"success":true,"settings":{"a":{"z":1.0,"b":1e400},"n":null,"theme":"dark"}}"#;
    assert_says(&ask(mocks, get("/settings/user").by(1)).await, 200, shown);
}

#[actix_web::test]
async fn the_document_is_replaced_and_merged_into() {
    let mut mocks = Mocks::default();
    let change = SettingsChange::Replace(document(r#"{"theme":"dark"}"#));
    mocks.settings.expect_change().with(always(), eq(change), always()).once().return_once(|_, _, _| Ok(Revision::new(7)));
    let asked = post("/settings/user").by(1).with_json(r#"{"settings":{"theme":"dark"},"unknown":1}"#);
    assert_says(&ask(mocks, asked).await, 200, r#"{"success":true,"message":"User settings updated successfully"}"#);

    let mut mocks = Mocks::default();
    let change = SettingsChange::Merge(document(r#"{"n":{"email":false}}"#));
    mocks.settings.expect_change().with(always(), eq(change), always()).once().return_once(|_, _, _| Ok(Revision::new(7)));
    let asked = put("/settings/user").by(1).with_json(r#"{"n":{"email":false}}"#);
    assert_says(&ask(mocks, asked).await, 200, r#"{"success":true,"message":"User settings partially updated successfully"}"#);
}

async fn refuse(request: TestRequest) -> Reply {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
    ask(mocks, request.by(1)).await
}

fn assert_refused(reply: &Reply, message: &str) {
    let start = format!("{{\"success\":false,\"message\":\"{message}\",\"error\":\"");
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{reply:?}");
    assert!(reply.body.starts_with(&start), "{reply:?}");
    assert_eq!(reply.header("content-type"), JSON);
}

#[actix_web::test]
async fn bad_bodies_are_refused_in_the_words_of_the_operation() {
    for body in ["", "{}", "[]", "{", "null", r#"{"settings":[]}"#, r#"{"settings":{"":1}}"#, r#"[{"settings":{}}]"#, r#"{"settings":{"a":"\ud800"}}"#] {
        assert_refused(&refuse(post("/settings/user").with_json(body)).await, "Failed to update user settings");
    }
    for body in ["", "[]", "1", "{\"a\"", r#"{"..":1}"#, "{}x"] {
        assert_refused(&refuse(put("/settings/user").with_json(body)).await, "Failed to partially update user settings");
    }
    let no_keys = r#"{"success":false,"message":"Keys array is required and must not be empty"}"#;
    for body in ["", "{}", "[]", "nonsense", r#"{"keys":null}"#, r#"{"keys":[]}"#, r#"{"keys":"a"}"#, r#"{"keys":[1]}"#, r#"{"keys":["a",null]}"#, r#"[["a"]]"#]
    {
        assert_says(&refuse(delete("/settings/user").with_json(body)).await, 400, no_keys);
    }
    assert_says(&refuse(delete("/settings/user").set_payload(&b"{\"keys\":[\"\xff\"]}"[..])).await, 400, no_keys);
    let many = format!("{{\"keys\":[{}]}}", vec!["\"a\""; 5_000].join(","));
    assert_refused(&refuse(delete("/settings/user").with_json(&many)).await, "Failed to delete user settings keys");
    let just_enough = format!("{{\"keys\":[{}]}}", vec!["\"a\""; 100].join(","));
    assert_says(&ask(removing(&["a"; 100]), delete("/settings/user").by(1).with_json(&just_enough)).await, 200, REMOVED);
}

fn failures() -> Vec<(SettingsError, u16, &'static str)> {
    let secret = || "syntax error at or near".to_owned();
    let stores = || [(StoreError::Unavailable(secret()), 503), (StoreError::Contention(secret()), 503), (StoreError::Failed(secret()), 500)];
    let worded = |status| {
        if status == 500 {
            r#"{"success":false,"message":"Internal server error"}"#
        } else {
            r#"{"success":false,"message":"Service temporarily unavailable"}"#
        }
    };
    let unauthorized = r#"{"success":false,"message":"Unauthorized"}"#;
    let not_found = r#"{"success":false,"message":"User not found"}"#;
    let mut table = vec![
        (AccessError::CallerGone.into(), 401, unauthorized),
        (AccessError::TokenExpired.into(), 401, unauthorized),
        (AccessError::Forbidden.into(), 403, r#"{"success":false,"message":"Forbidden"}"#),
        (AccessError::NoSuchUser.into(), 404, not_found),
        (AccessError::UserErased.into(), 404, not_found),
        (AccessError::UserSoftDeleted.into(), 404, not_found),
        (AccessError::AttemptMalformed.into(), 400, r#"{"success":false,"message":"Malformed header","error":"The header Idempotency-Key cannot be read."}"#),
        (AccessError::AttemptReused.into(), 422, r#"{"success":false,"message":"Idempotency key was used for another request"}"#),
        (AccessError::AttemptExpired.into(), 410, r#"{"success":false,"message":"The request was served before, and what came of it is no longer known"}"#),
        (SettingsError::Unmet(Unmet::Match), 412, r#"{"success":false,"message":"Settings have changed"}"#),
        (AccessError::Undecided.into(), 503, worded(503)),
    ];
    table.extend(stores().map(|(error, status)| (error.into(), status, worded(status))));
    table.extend(stores().map(|(error, status)| (AccessError::from(error).into(), status, worded(status))));
    table
}

#[actix_web::test]
async fn every_failure_is_worded() {
    for (error, status, body) in failures() {
        let mut mocks = Mocks::default();
        mocks.settings.expect_change().once().return_once(|_, _, _| Err(error));
        let reply = ask(mocks, delete("/settings/user").by(1).with_json(r#"{"keys":["a"]}"#)).await;
        assert_says(&reply, status, body);
        assert_eq!(reply.header("retry-after"), if status == 503 { "1" } else { "" });
        assert_eq!(reply.header("www-authenticate"), if status == 401 { "Bearer realm=\"api\"" } else { "" });
    }
}

#[actix_web::test]
async fn limits_are_refused_in_the_words_of_the_operation() {
    let too_large = DocumentError::Value { name: "a".into(), error: ValueError::TooLarge { bytes: 2, limit: 1 } };
    for error in [SettingsError::from(too_large), SettingsError::from(QuotaError::TooManyKeys { limit: 9 }), QuotaError::TooManyBytes { limit: 9 }.into()] {
        let mut mocks = Mocks::default();
        mocks.settings.expect_change().once().return_once(|_, _, _| Err(error));
        assert_refused(&ask(mocks, put("/settings/user").by(1).with_json("{}")).await, "Failed to partially update user settings");
    }
}

#[actix_web::test]
async fn nobody_is_unauthorized_and_a_stranger_forbidden() {
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
        let reply = ask(Mocks::default(), request(method, "/settings/user").with_json("{")).await;
        assert_says(&reply, 401, r#"{"success":false,"message":"Unauthorized"}"#);
    }
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().once().return_once(|_, _| Err(AccessError::Forbidden));
    assert_says(&ask(mocks, put("/settings/user").by(1).with_json("{")).await, 403, r#"{"success":false,"message":"Forbidden"}"#);
}

#[actix_web::test]
async fn what_holds_for_bodies_holds_here_too() {
    let encoded = refuse(put("/settings/user").insert_header(("content-encoding", "gzip")).with_json("{}")).await;
    let said = r#"{"success":false,"message":"Unsupported content encoding","error":"The content encoding \"gzip\" is not read."}"#;
    assert_says(&encoded, 415, said);
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
    let config = HttpConfig { max_body_bytes: 5, ..HttpConfig::default() };
    let said = r#"{"success":false,"message":"Payload too large","error":"The body may have at most 5 bytes."}"#;
    assert_says(&ask_at(config, mocks, put("/settings/user").by(1).with_json("{\"a\":1}")).await, 413, said);
}

#[actix_web::test]
async fn nothing_else_is_below_settings() {
    for uri in ["/settings", "/settings/", "/settings/organization", "/settings/user/x", "/settings//user"] {
        assert_says(&ask(Mocks::default(), get(uri).by(1)).await, 404, r#"{"success":false,"message":"Not found"}"#);
    }
    let reply = ask(Mocks::default(), request(Method::PATCH, "/settings/user").by(1)).await;
    assert_says(&reply, 405, r#"{"success":false,"message":"Method not allowed"}"#);
    assert_eq!(reply.header("allow"), "GET, HEAD, POST, PUT, DELETE, OPTIONS");
}

#[actix_web::test]
async fn a_document_has_a_tag_and_conditions_are_handed_on() {
    for (name, value, status) in [("if-none-match", "W/\"7\"", 304), ("if-none-match", "\"8\"", 200), ("if-match", "\"8\"", 412), ("if-match", "x", 400)] {
        let mut mocks = Mocks::default();
        mocks.settings.expect_read().once().return_once(|_| Ok((Revision::new(7), Document::default())));
        let reply = ask(mocks, get("/settings/user").by(1).insert_header((name, value))).await;
        let tag = if status < 400 { "\"7\"" } else { "" };
        assert_eq!((reply.status.as_u16(), reply.header("etag")), (status, tag), "{name}: {value}");
    }
    let mut mocks = Mocks::default();
    let condition = Precondition { matching: Some(Tags::OneOf(vec![Revision::new(7)])), none_matching: None };
    mocks.settings.expect_change().with(always(), always(), eq(condition)).once().return_once(|_, _, _| Ok(Revision::new(8)));
    let reply = ask(mocks, put("/settings/user").by(1).insert_header(("if-match", "\"7\"")).with_json("{}")).await;
    assert_eq!((reply.status.as_u16(), reply.header("etag")), (200, "\"8\""));
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
    let reply = ask(mocks, put("/settings/user").by(1).insert_header(("if-match", "7")).with_json("{}")).await;
    assert_says(&reply, 400, r#"{"success":false,"message":"Malformed header","error":"The header If-Match cannot be read."}"#);
}

#[actix_web::test]
async fn a_request_that_is_being_served_is_to_be_sent_again_later() {
    let mut mocks = Mocks::default();
    mocks.settings.expect_change().once().return_once(|_, _, _| Err(AccessError::AttemptRunning.into()));
    let reply = ask(mocks, post("/settings/user").by(1).insert_header(("idempotency-key", "k")).with_json(r#"{"settings":{}}"#)).await;
    assert_says(&reply, 409, r#"{"success":false,"message":"The same request is being served"}"#);
    assert_eq!(reply.header("retry-after"), "1");
}
