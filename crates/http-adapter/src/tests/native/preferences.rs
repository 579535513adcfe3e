//! Preferences by key: what is handed on, and what is made of it.

use super::{json, key};
use crate::tests::house::{With, ask, get, now, request};
use crate::tests::mocks::Mocks;
use actix_web::http::Method;
use actix_web::test::TestRequest;
use futures_util::{StreamExt, stream};
use lethe_domain::change::{Change, ChangeKind, LogPage};
use lethe_domain::draft::{Item, KeyAction, KeyChange, KeyOutcome, SetOutcome};
use lethe_domain::{Patch, Precondition, Revision, Tags, UserId};
use lethe_ports::inbound::{Atomicity, BatchOutcome, BatchStep, FeedEnd, FeedEvent};
use lethe_ports::outbound::Snapshot;
use mockall::predicate::{always, eq};

fn item() -> Item {
    Item { key: key("a"), value: json("1.0"), revision: Revision::new(7), created_at: now(), updated_at: now() }
}

fn change(revision: i64) -> Change {
    Change { revision: Revision::new(revision), key: key("a"), kind: ChangeKind::Put { value: json("1"), created_at: now() }, at: now(), actor: UserId::new(1) }
}

fn at(method: Method, rest: &str) -> TestRequest {
    request(method, &format!("/v1/users/me/{rest}")).by(1)
}

#[actix_web::test]
async fn the_key_is_one_encoded_segment() {
    for (segment, name) in [
        ("notifications.push", "notifications.push"),
        ("a.json", "a.json"),
        ("a%2Fb", "a/b"),
        ("100%25", "100%"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("a%20b", "a b"),
        ("changes", "changes"),
        ("%F0%9F%98%80", "\u{1f600}"),
        ("%252F", "%2F"),
        ("a%3Fb%23c", "a?b#c"),
    ] {
        let mut mocks = Mocks::default();
        mocks.keyed.expect_show().with(always(), eq(UserId::new(1)), eq(key(name))).once().return_once(|_, _, _| Ok(item()));
        assert_eq!(ask(mocks, at(Method::GET, &format!("preferences/{segment}"))).await.status.as_u16(), 200, "{segment}");
    }
    for segment in ["%20a", "a%20", ".%2E", "%2E", "a%00", "%FF", &"x".repeat(256)] {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
        let reply = ask(mocks, at(Method::GET, &format!("preferences/{segment}"))).await;
        assert_eq!(reply.native_problem().0, 422, "{segment}: {reply:?}");
    }
}

#[actix_web::test]
async fn a_body_says_what_is_to_be_done_and_headers_under_which_conditions() {
    let put = |value: &str, precondition| KeyChange { key: key("a"), action: KeyAction::Put(json(value)), precondition };
    let only_new = Precondition { matching: None, none_matching: Some(Tags::Any) };
    let mut mocks = Mocks::default();
    mocks.keyed.expect_change().with(always(), always(), eq(put("1.0", only_new))).once().return_once(|_, _, _| Ok(KeyOutcome::Created(item())));
    let reply = ask(mocks, at(Method::PUT, "preferences/a").insert_header(("if-none-match", "*")).with_json(" 1.0 ")).await;
    let shown = r#"{"key":"a","value":1.0,"revision":7,"created_at":"2026-01-01T00:00:00.123456Z","updated_at":"2026-01-01T00:00:00.123456Z"}"#;
    assert_eq!((reply.status.as_u16(), reply.header("etag"), reply.body.as_str()), (201, "\"7\"", shown));

    for (kind, body, is_merge) in [("application/merge-patch+json", "{\"a\":null}", true), ("Application/JSON-Patch+json; x=y", "[]", false)] {
        let mut mocks = Mocks::default();
        let is_it = move |change: &KeyChange| {
            matches!((&change.action, is_merge), (KeyAction::Patch(Patch::Merge(_)), true) | (KeyAction::Patch(Patch::Json(_)), false))
        };
        mocks.keyed.expect_change().withf(move |_, _, change| is_it(change)).once().return_once(|_, _, _| Ok(KeyOutcome::Changed(item())));
        assert_eq!(ask(mocks, at(Method::PATCH, "preferences/a").with(kind, body)).await.status.as_u16(), 200, "{kind}");
    }
    let mut mocks = Mocks::default();
    mocks.keyed.expect_change().once().return_once(|_, _, change| {
        assert_eq!(change.action, KeyAction::Delete);
        Ok(KeyOutcome::Removed(Revision::new(8)))
    });
    assert_eq!(ask(mocks, at(Method::DELETE, "preferences/a")).await.status.as_u16(), 204);
}

#[actix_web::test]
async fn what_is_known_is_not_sent_again() {
    for (name, value, status) in [("if-none-match", "\"7\"", 304), ("if-none-match", "\"8\"", 200), ("if-match", "\"8\"", 412), ("if-match", "\"7\"", 200)] {
        let mut mocks = Mocks::default();
        mocks.keyed.expect_show().once().return_once(|_, _, _| Ok(item()));
        let reply = ask(mocks, at(Method::GET, "preferences/a").insert_header((name, value))).await;
        assert_eq!((reply.status.as_u16(), reply.body.is_empty()), (status, status == 304), "{name}: {value}");
        let mut mocks = Mocks::default();
        mocks.keyed.expect_part().once().return_once(|_, _, _| Ok(Snapshot { revision: Revision::new(7), preferences: vec![] }));
        let reply = ask(mocks, at(Method::GET, "preferences?prefix=a").insert_header((name, value))).await;
        assert_eq!((reply.status.as_u16(), reply.header("etag")), (status, if status == 412 { "" } else { "\"7\"" }), "{name}: {value}");
    }
}

#[actix_web::test]
async fn the_form_is_refused_in_order() {
    let merge = "application/merge-patch+json";
    let table = [
        (at(Method::PUT, "preferences/a").with("text/plain", "1"), 415, "unsupported-media-type"),
        (at(Method::PUT, "preferences/%20a").with_json("{"), 400, "malformed-json"),
        (at(Method::PUT, "preferences/a").with_json("").insert_header(("if-match", "7")), 400, "malformed-json"),
        (at(Method::PUT, "preferences/%20a").with_json("1").insert_header(("if-match", "7")), 400, "malformed-header, If-Match: invalid"),
        (at(Method::PUT, "preferences/%20a").with_json("1"), 422, "unprocessable, key: invalid"),
        (at(Method::PATCH, "preferences").with_json("{}"), 415, "unsupported-media-type"),
        (at(Method::PATCH, "preferences").with(merge, "[]"), 400, "malformed-json"),
        (at(Method::PATCH, "preferences").with(merge, "{\" \":1}"), 422, "unprocessable, / : blank"),
        (at(Method::POST, "batch").with_json("{}"), 422, "unprocessable, /operations: required"),
        (at(Method::POST, "batch").with_json(r#"{"operations":[],"atomic":1}"#), 422, "unprocessable, /atomic: invalid"),
        (at(Method::POST, "batch").with_json(r#"{"operations":[1]}"#), 422, "unprocessable, /operations/0: invalid"),
        (
            at(Method::POST, "batch").with_json(r#"{"operations":[{"op":"put","key":"a","value":1},{"op":"jump","if_match":"7"}]}"#),
            422,
            "unprocessable, /operations/1/key: required, /operations/1/op: invalid, /operations/1/if_match: invalid",
        ),
        (at(Method::POST, "revert").with_json(r#"{"to":-1,"key":1}"#), 422, "unprocessable, /to: invalid, /key: not_a_string"),
        (at(Method::GET, "preferences?at=x"), 400, "malformed-query, at: invalid"),
        (at(Method::GET, "preferences?at=-1"), 422, "unprocessable, at: invalid"),
        (at(Method::GET, "preferences?cursor=!"), 400, "malformed-query, cursor: invalid"),
        (at(Method::GET, "changes?since=1.5"), 400, "malformed-query, since: invalid"),
        (at(Method::GET, "changes?limit=101"), 400, "malformed-query, limit: invalid"),
        (at(Method::GET, "changes/watch").insert_header(("last-event-id", "x")), 400, "malformed-header, Last-Event-ID: invalid"),
        (at(Method::GET, "history/a?cursor=x"), 400, "malformed-query, cursor: invalid"),
    ];
    for (asked, status, slug) in table {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
        assert_eq!(ask(mocks, asked).await.native_problem(), (status, slug.to_owned()));
    }
}

#[actix_web::test]
async fn a_patch_of_another_kind_is_told_which_there_are() {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
    mocks.keyed.expect_show().once().return_once(|_, _, _| Ok(item()));
    let reply = ask(mocks, at(Method::PATCH, "preferences/a").with_json("{}")).await;
    assert_eq!((reply.status.as_u16(), reply.header("accept-patch")), (415, "application/merge-patch+json, application/json-patch+json"));
}

#[actix_web::test]
async fn operations_that_are_none_have_a_status_of_their_own() {
    let mut mocks = Mocks::default();
    mocks.keyed.expect_batch().once().return_once(|_, _, batch| {
        assert_eq!((batch.atomicity, batch.changes.len()), (Atomicity::EachForItself, 2));
        Ok(BatchOutcome { revision: Revision::new(9), results: vec![Ok(BatchStep::Created(Revision::new(7))), Ok(BatchStep::Removed(Revision::new(9)))] })
    });
    let operations = r#"[{"op":"put","key":"a","value":1},{"op":"put","key":" b","value":1},{"op":"delete","key":"c"}]"#;
    let reply = ask(mocks, at(Method::POST, "batch").with_json(&format!(r#"{{"atomic":false,"operations":{operations}}}"#))).await;
    let results = r#"[{"key":"a","status":201,"revision":7},{"key":" b","status":422,"type":"/problems/unprocessable"},{"key":"c","status":204,"revision":9}]"#;
    assert_eq!(reply.body, format!(r#"{{"revision":9,"results":{results}}}"#));
}

#[actix_web::test]
async fn a_log_is_shown_with_its_end() {
    for (latest, more) in [(4, false), (9, true)] {
        let mut mocks = Mocks::default();
        let page = LogPage { begins_after: Revision::ZERO, latest: Revision::new(latest), changes: vec![change(3), change(4)] };
        mocks.keyed.expect_changes().with(always(), always(), eq(Revision::new(2)), eq(2)).once().return_once(|_, _, _, _| Ok(page));
        let reply = ask(mocks, at(Method::GET, "changes?since=2&limit=2")).await;
        let first = r#"{"changes":[{"revision":3,"key":"a","op":"put","value":1,"at":"2026-01-01T00:00:00.123456Z","actor":1},"#;
        assert!(reply.body.starts_with(first) && reply.body.ends_with(&format!(r#""revision":{latest},"more":{more}}}"#)), "{reply:?}");
    }
    let mut mocks = Mocks::default();
    mocks.keyed.expect_changes().once().return_once(|_, _, _, _| Err(lethe_ports::inbound::KeyedError::Forgotten));
    let reply = ask(mocks, at(Method::GET, "changes")).await;
    assert_eq!(reply.native_problem(), (410, "cursor-expired".to_owned()));
    assert!(reply.body.contains(r#""resync":"/v1/users/1/preferences""#), "{reply:?}");
}

#[actix_web::test]
async fn events_are_framed() {
    let mut mocks = Mocks::default();
    let events = vec![FeedEvent::Change(change(3)), FeedEvent::Resync(Revision::new(9)), FeedEvent::End(FeedEnd::Deleted)];
    let begins_after = eq(Some(Revision::new(2)));
    mocks.feed.expect_watch().with(always(), always(), begins_after).once().return_once(|_, _, _| Ok(stream::iter(events).boxed()));
    let reply = ask(mocks, at(Method::GET, "changes/watch?since=1").insert_header(("last-event-id", "2"))).await;
    let expected = concat!(
        ": watching\n\n",
        "id: 3\nevent: put\ndata: {\"revision\":3,\"key\":\"a\",\"op\":\"put\",\"value\":1,\"at\":\"2026-01-01T00:00:00.123456Z\",\"actor\":1}\n\n",
        "id: 9\nevent: resync\ndata: {\"revision\":9}\n\n",
        "event: end\ndata: {\"reason\":\"deleted\"}\n\n",
    );
    assert_eq!((reply.header("content-type"), reply.header("cache-control"), reply.body.as_str()), ("text/event-stream", "no-store", expected));
}

#[actix_web::test]
async fn a_set_is_patched_and_reverted() {
    let outcome = || SetOutcome { revision: Revision::new(9), changed: vec![key("a")], removed: vec![key("b")] };
    let said = r#"{"revision":9,"changed":["a"],"removed":["b"]}"#;
    let mut mocks = Mocks::default();
    mocks.keyed.expect_patch().once().return_once(move |_, _, patch, _| {
        assert_eq!((patch.given(), patch.removed()), (vec![key("a")], vec![key("b")]));
        Ok(outcome())
    });
    let reply = ask(mocks, at(Method::PATCH, "preferences").with("application/merge-patch+json", r#"{"a":1,"b":null}"#)).await;
    assert_eq!((reply.status.as_u16(), reply.header("etag"), reply.body.as_str()), (200, "\"9\"", said));
    let mut mocks = Mocks::default();
    mocks.keyed.expect_revert().once().return_once(move |_, _, reversion, _| {
        assert_eq!((reversion.to, reversion.key), (Revision::ZERO, Some(key("a"))));
        Ok(outcome())
    });
    let reply = ask(mocks, at(Method::POST, "revert").with_json(r#"{"to":0,"key":"a"}"#)).await;
    assert_eq!((reply.status.as_u16(), reply.body.as_str()), (200, said));
}

#[actix_web::test]
async fn limits_are_for_every_user() {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
    let reply = ask(mocks, get("/v1/limits").by(1)).await;
    assert_eq!(reply.body, r#"{"keys":1000,"bytes":1048576,"key_characters":255,"value_bytes":65536,"depth":32}"#);
}
