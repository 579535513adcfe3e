//! Preferences by their keys: what goes in comes out again, whatever it is called and whatever it is.

use crate::common::{Answer, Client, Lethe, NOBODY, Store, User, encode, feed, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(
    a_preference_from_its_beginning_to_its_end,
    every_legal_key_leads_to_its_preference,
    what_can_be_no_key,
    values_are_kept_to_the_letter,
    what_changes_nothing_is_told_to_nobody,
    the_more_basic_refusal_comes_first,
    values_within_limits,
    no_more_than_a_user_may_keep,
    the_set_is_listed_part_by_part,
    a_token_for_some_keys
);

fn a_preference_from_its_beginning_to_its_end(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let path = ann.key("theme");
    ann.client.get(&path).problem(404, "not-found");
    let created = ann.client.put_text(&path, r#""dark""#).expect(201);
    assert_eq!(created.header("etag"), Some("\"1\""));
    let item = created.body(201);
    assert_eq!(item, json!({ "key": "theme", "value": "dark", "revision": 1, "created_at": item["created_at"], "updated_at": item["updated_at"] }));
    assert_eq!(item["created_at"], item["updated_at"]);
    assert!(item["created_at"].as_str().is_some_and(|at| at.ends_with('Z') && at.len() == "2026-01-01T00:00:00.000000Z".len()), "{item}");
    let read = ann.client.get(&path).expect(200);
    assert_eq!(read.header("etag"), Some("\"1\""));
    assert_eq!(read.body(200), item);

    let changed = ann.client.put_text(&path, r#"{"name":"light"}"#).expect(200);
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let changed = changed.body(200);
    assert_eq!((&changed["value"], &changed["revision"], &changed["created_at"]), (&json!({ "name": "light" }), &json!(2), &item["created_at"]));
    assert!(changed["updated_at"].as_str() > item["updated_at"].as_str(), "{changed}");
    let merged = ann.client.merge(&path, r#"{"size":2}"#).expect(200);
    assert_eq!((merged.header("etag"), merged.json()["value"].clone()), (Some("\"3\""), json!({ "name": "light", "size": 2 })));
    let patched = ann.client.json_patch(&path, r#"[{"op":"remove","path":"/name"}]"#).expect(200);
    assert_eq!((patched.header("etag"), patched.json()["value"].clone()), (Some("\"4\""), json!({ "size": 2 })));
    assert_eq!(ann.client.get(&format!("{path}/")).body(200), patched.json(), "with a slash at the end as well");

    let head = ann.client.send("HEAD", &path, &[], b"").expect(200);
    assert_eq!((head.header("etag"), head.text.as_str(), head.header("content-type")), (Some("\"4\""), "", Some("application/json")));
    let for_me = format!("/v1/users/me/preferences/{}", encode("theme"));
    assert_eq!(ann.client.get(&for_me).body(200), patched.json());
    assert_eq!(lethe.admin().get(&path).body(200), patched.json());
    assert_eq!(lethe.admin().put_text(&path, "1").body(200)["revision"], 5);
    lethe.admin().get(&for_me).problem(404, "user-not-found");
    lethe.sign_up("bob").client.get(&path).problem(403, "forbidden");

    ann.client.delete(&path).nothing();
    ann.client.get(&path).problem(404, "not-found");
    assert_eq!(ann.client.send("HEAD", &path, &[], b"").expect(404).text, "");
    ann.client.delete(&path).problem(404, "not-found");
    ann.client.merge(&path, "{}").problem(404, "not-found");
    ann.client.json_patch(&path, "[]").problem(404, "not-found");
    assert_eq!(ann.revision(), 6);
    assert_eq!(ann.keep("theme", "2")["revision"], 7, "a revision is never used again");
    let actors: Vec<_> = ann.changes().iter().map(|change| change["actor"].as_i64().unwrap()).collect();
    assert_eq!(actors.iter().filter(|actor| **actor == ann.id).count(), 6, "{actors:?}");
    ann.client.send("POST", &path, &[], b"").problem(405, "method-not-allowed");
}

fn every_legal_key_leads_to_its_preference(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let (long, wide) = ("é".repeat(255), "\u{1f600}".repeat(255));
    let keys = [
        "notifications.push",
        "a.json",
        "a/b",
        "/",
        "//",
        "a/",
        "/a",
        "%",
        "%2F",
        "%41",
        "%zz",
        "+",
        "a b",
        "a+b",
        "changes",
        "changes/watch",
        "batch",
        "preferences",
        "history",
        "me",
        "?",
        "a?b=c",
        "#",
        "a#b",
        "&",
        "=",
        ";",
        ":",
        "@",
        "*",
        "{key}",
        "\"",
        "'",
        "\\",
        "...",
        ".a",
        "a..",
        "../a",
        "a/../b",
        "a/./b",
        "~",
        "~1",
        "<b>",
        "|",
        "^",
        "`",
        "0",
        "null",
        "ключ",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{e9}",
        "e\u{301}",
        "\u{fb01}",
        "\u{feff}a",
        "a\u{a0}b",
        "\u{202e}a",
        "K",
        "k",
        "\u{10ffff}",
        &long,
        &wide,
    ];
    for (place, key) in keys.iter().enumerate() {
        let path = ann.key(key);
        let item = ann.client.put_text(&path, &place.to_string()).body(201);
        assert_eq!((item["key"].as_str(), &item["value"]), (Some(*key), &json!(place)), "{key:?}");
        assert_eq!(ann.client.get(&path).body(200), item, "{key:?}");
        let history = ann.client.get(&ann.v1(&format!("/history/{}", encode(key)))).items();
        assert_eq!((history.len(), history[0]["key"].as_str()), (1, Some(*key)), "{key:?}");
    }
    // Nobody must escape what a path may have as it stands, and whatever else is escaped is the same key.
    for (written, key) in [("notifications.push", "notifications.push"), ("%61.json", "a.json"), ("a%2fb", "a/b"), ("%7e", "~"), ("a+b", "a+b"), (":", ":")] {
        assert_eq!(ann.client.get(&ann.v1(&format!("/preferences/{written}"))).body(200)["key"], key, "{written}");
    }
    let mut listed = Vec::new();
    let mut cursor = String::new();
    loop {
        let part = ann.client.get(&ann.v1(&format!("/preferences?limit=7{cursor}"))).body(200);
        listed.extend(part["items"].as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap().to_owned()));
        let Some(next) = part["next"].as_str() else { break };
        cursor = format!("&cursor={}", encode(next));
    }
    let mut expected: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
    expected.sort_unstable();
    assert_eq!(listed, expected, "ordered by the characters themselves");
    for key in &keys {
        assert_eq!(ann.client.merge(&ann.key(key), r#"{"merged":true}"#).body(200)["key"].as_str(), Some(*key));
        ann.client.delete(&ann.key(key)).nothing();
        ann.client.get(&ann.key(key)).problem(404, "not-found");
    }
    assert_eq!(ann.client.get(&ann.v1("/usage")).body(200), json!({ "keys": 0, "bytes": 0 }));
}

fn what_can_be_no_key(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let too_long = encode(&"é".repeat(256));
    let table = [
        ("%20", "blank"),
        ("%E2%80%83", "blank"),
        ("%20a", "invalid"),
        ("a%20", "invalid"),
        ("a%C2%A0", "invalid"),
        ("%00", "invalid"),
        ("a%00b", "invalid"),
        ("a%0Ab", "invalid"),
        ("a%7Fb", "invalid"),
        ("a%C2%85b", "invalid"),
        ("%2E", "invalid"),
        ("%2e%2e", "invalid"),
        (".", "invalid"),
        ("..", "invalid"),
        ("%FF", "invalid"),
        ("%ED%A0%80", "invalid"),
        (too_long.as_str(), "too_long"),
    ];
    for (written, code) in table {
        let path = ann.v1(&format!("/preferences/{written}"));
        for answer in [
            ann.client.get(&path),
            ann.client.put_text(&path, "1"),
            ann.client.merge(&path, "1"),
            ann.client.json_patch(&path, "[]"),
            ann.client.delete(&path),
            ann.client.get(&ann.v1(&format!("/history/{written}"))),
        ] {
            let problem = answer.problem(422, "unprocessable");
            assert_eq!((&problem["errors"][0]["parameter"], &problem["errors"][0]["code"]), (&json!("key"), &json!(code)), "{written}: {problem}");
        }
    }
    for (key, code) in [("", "blank"), (" ", "blank"), (" a", "invalid"), ("a\u{0}", "invalid"), ("..", "invalid"), (&"x".repeat(256), "too_long")] {
        let operation = json!({ "operations": [{ "op": "put", "key": key, "value": 1 }] });
        let problem = ann.client.post(&ann.v1("/batch"), &operation).problem(422, "unprocessable");
        let expected = (&json!("/operations/0/key"), &json!(code), &json!(0));
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"], &problem["operation"]), expected, "{key:?}: {problem}");
        let problem = ann.client.merge(&ann.v1("/preferences"), &json!({ key: 1 }).to_string()).problem(422, "unprocessable");
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!(format!("/{key}")), &json!(code)), "{key:?}: {problem}");
    }
    // The other dialects drop outer blanks.
    assert_eq!(ann.prefer(" a ", &json!(1))["key"], "a");
    assert_eq!(ann.client.get(&ann.key("a")).body(200)["value"], 1);
    assert_eq!(ann.revision(), 1);
}

/// Texts that a value may be sent as, and what is kept of them.
const TEXTS: [(&str, &str); 32] = [
    ("1", "1"),
    ("1.0", "1.0"),
    ("1.00", "1.00"),
    ("-0", "-0"),
    ("-0.0", "-0.0"),
    ("1e400", "1e400"),
    ("1E+2", "1E+2"),
    ("1e-400", "1e-400"),
    ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
    ("9007199254740993", "9007199254740993"),
    ("123456789012345678901234567890123456789012345678901234567890", "123456789012345678901234567890123456789012345678901234567890"),
    ("-18446744073709551617", "-18446744073709551617"),
    ("null", "null"),
    ("true", "true"),
    ("\"\"", "\"\""),
    (r#""\u0000""#, r#""\u0000""#),
    (r#""a\u0000b\u001f""#, r#""a\u0000b\u001f""#),
    (r#""\u00e9""#, r#""\u00e9""#),
    ("\"é\"", "\"é\""),
    (r#""\/""#, r#""\/""#),
    (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
    ("\"\u{1f600}\u{2028}\"", "\"\u{1f600}\u{2028}\""),
    ("[]", "[]"),
    ("{}", "{}"),
    (" \r\n\t1 ", "1"),
    ("[ 1 ,\n2 ]", "[1,2]"),
    (r#"{ "b" : 1 , "a" : " x  y " }"#, r#"{"b":1,"a":" x  y "}"#),
    (r#"{"z":1,"a":2,"m":[{"k":1.0}]}"#, r#"{"z":1,"a":2,"m":[{"k":1.0}]}"#),
    (r#"{"a":1,"a":2}"#, r#"{"a":1,"a":2}"#),
    (r#"{"":{"":null}}"#, r#"{"":{"":null}}"#),
    (r#"{"__proto__":1,"\u0061":2}"#, r#"{"__proto__":1,"\u0061":2}"#),
    (r#"{"$serde_json::private::Number":"1"}"#, r#"{"$serde_json::private::Number":"1"}"#),
];

fn values_are_kept_to_the_letter(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    for (place, (sent, kept)) in TEXTS.into_iter().enumerate() {
        let key = format!("k{place:02}");
        let (path, since) = (ann.key(&key), ann.revision());
        let begins = format!("{{\"key\":\"{key}\",\"value\":{kept},\"revision\":");
        let put = ann.client.put_text(&path, sent).expect(201);
        assert!(put.text.starts_with(&begins), "{sent}: {put:?}");
        let shown = ann.client.get(&path).expect(200);
        assert!(shown.text.starts_with(&begins), "{sent}: {shown:?}");
        let value = format!("\"value\":{kept},");
        for answer in [
            ann.client.get(&ann.v1(&format!("/preferences?prefix={key}"))),
            ann.client.get(&ann.v1(&format!("/preferences?prefix={key}&at={}", since + 1))),
            ann.client.get(&ann.v1(&format!("/changes?since={since}"))),
            ann.client.get(&ann.v1(&format!("/history/{key}"))),
            ann.client.get(&format!("{}?key={key}", ann.preferences())),
        ] {
            assert!(answer.clone().expect(200).text.contains(&value), "{sent}: {answer:?}");
        }
        // And by other ways in.
        let batch = format!(r#"{{"operations":[{{"op":"put","key":"{key}","value":{sent}}}]}}"#);
        let preference = format!(r#"{{"key":"{key}","value":{sent}}}"#);
        for (way, body, status) in [(ann.v1("/batch"), batch, 200), (ann.preferences(), preference, 201)] {
            ann.client.delete(&path).nothing();
            ann.client.send_as("POST", &way, "application/json", &body).expect(status);
            assert!(ann.client.get(&path).text.starts_with(&begins), "{sent} through {way}");
        }
    }
}

/// A user's preferences as every dialect shows them, and what was told of them.
fn seen(ann: &User) -> [Value; 5] {
    let tagged = |path: &str| {
        let answer = ann.client.get(path).expect(200);
        json!([answer.header("etag"), answer.json()])
    };
    [tagged(&ann.key("k")), tagged(&ann.v1("/preferences")), tagged("/settings/user"), tagged(&ann.preferences()), json!(ann.changes())]
}

fn what_changes_nothing_is_told_to_nobody(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    ann.keep("other", "1");
    ann.keep("k", r#"{"a":1,"b":[1.0]}"#);
    let (one, batch, set) = (ann.key("k"), ann.v1("/batch"), ann.v1("/preferences"));
    let preference = ann.client.get(&format!("{}?key=k", ann.preferences())).body(200)["results"][0].clone();
    let entry = format!("{}{}/", ann.preferences(), preference["id"]);
    let before = seen(&ann);
    let value = r#"{"a":1,"b":[1.0]}"#;
    let json = "application/json";
    let noops: [(&str, &str, &str, &str); 18] = [
        ("PUT", &one, json, value),
        ("PUT", &one, json, "{ \"a\" : 1,\n\"b\": [ 1.0 ] }"),
        ("PATCH", &one, "application/merge-patch+json", "{}"),
        ("PATCH", &one, "application/merge-patch+json", r#"{"a":1,"none":null}"#),
        ("PATCH", &one, "application/json-patch+json", "[]"),
        ("PATCH", &one, "application/json-patch+json", r#"[{"op":"test","path":"/a","value":1}]"#),
        (
            "PATCH",
            &one,
            "application/json-patch+json",
            r#"[{"op":"replace","path":"/a","value":1},{"op":"add","path":"/c","value":2},{"op":"remove","path":"/c"}]"#,
        ),
        ("PATCH", &set, "application/merge-patch+json", "{}"),
        ("PATCH", &set, "application/merge-patch+json", r#"{"k":{"a":1},"none":null,"other":1}"#),
        ("POST", &batch, json, r#"{"operations":[]}"#),
        ("POST", &batch, json, r#"{"operations":[{"op":"put","key":"k","value":{"a":1,"b":[1.0]}},{"op":"merge","key":"other","value":1}]}"#),
        ("POST", &ann.v1("/revert"), json, r#"{"to":2}"#),
        ("POST", &ann.v1("/revert"), json, r#"{"to":2,"key":"k"}"#),
        ("PATCH", &entry, json, r#"{"value":{"a":1,"b":[1.0]}}"#),
        ("PUT", &entry, json, r#"{"key":"k","value":{"a":1,"b":[1.0]}}"#),
        ("PUT", "/settings/user", json, r#"{"k":{"a":1}}"#),
        ("POST", "/settings/user", json, r#"{"settings":{"other":1,"k":{"a":1,"b":[1.0]}}}"#),
        ("DELETE", "/settings/user", json, r#"{"keys":["none","k.none"]}"#),
    ];
    for (method, path, kind, body) in noops {
        let answer = ann.client.send_as(method, path, kind, body).expect(200);
        let present = if path.starts_with(&one) || path == entry { Some("\"2\"") } else { answer.header("etag") };
        assert_eq!((answer.header("etag"), answer.header("etag").unwrap_or("\"2\"")), (present, "\"2\""), "{method} {path} {body}: {answer:?}");
        assert_eq!(seen(&ann), before, "{method} {path} {body}");
    }
    // What means the same in another spelling is something else.
    for (place, other) in [r#"{"b":[1.0],"a":1}"#, r#"{"b":[1],"a":1}"#, r#"{"b":[1e0],"a":1}"#, r#"{"b":[1e0],"\u0061":1}"#].into_iter().enumerate() {
        assert_eq!(ann.keep("k", other)["revision"], json!(place + 3), "{other}");
    }
}

/// Everything that can be wrong with one request, from what counts most to what counts least. Each request has all the faults from one on.
fn the_more_basic_refusal_comes_first(store: Store) {
    let mut lethe = Lethe::install(store).with("limits.depth", "3");
    lethe.serve();
    let (ann, bob, soft, gone) = (lethe.sign_up("ann"), lethe.sign_up("bob"), lethe.sign_up("soft"), lethe.sign_up("gone"));
    soft.client.delete(&soft.path()).nothing();
    gone.client.delete(&gone.v1("?mode=hard")).nothing();
    ann.keep("k", "{}");
    let (admin, anonymous, reader) =
        (lethe.admin(), lethe.anonymous(), lethe.bearing(&crate::common::forge::append(&ann.token, "check if operation(\"read\")")));
    let large = "x".repeat(200_000);
    let (merge, json_patch, json) = ("application/merge-patch+json", "application/json-patch+json", "application/json");
    let of = |user: i64, rest: &str| format!("/v1/users/{user}{rest}");
    let deep = "[[[[1]]]]";
    let stale = ("if-match", "\"999\"");
    let send = |client: &Client, method: &str, path: &str, kind: &str, body: &str| -> Answer {
        client.send(method, path, &[("content-type", kind), stale], body.as_bytes())
    };

    for (method, rest, kind, refused) in [
        ("PUT", "/preferences/k", json, deep),
        ("PATCH", "/preferences/k", merge, deep),
        ("PATCH", "/preferences/k", json_patch, "{}"),
        ("PATCH", "/preferences", merge, r#"{" ":1}"#),
        ("POST", "/batch", json, r#"{"operations":1}"#),
        ("POST", "/revert", json, r#"{"to":-1}"#),
    ] {
        let case = |client: &Client, user: i64, kind: &str, body: &str| send(client, method, &of(user, rest), kind, body);
        case(&anonymous, gone.id, "text/plain", &large).problem(401, "not-authenticated");
        case(&lethe.bearing("x"), gone.id, "text/plain", &large).problem(401, "token-invalid");
        case(&soft.client, soft.id, "text/plain", &large).problem(401, "token-invalid");
        case(&bob.client, gone.id, "text/plain", &large).problem(403, "forbidden");
        case(&reader, ann.id, "text/plain", &large).problem(403, "forbidden");
        case(&admin, NOBODY, "text/plain", &large).problem(404, "user-not-found");
        case(&admin, gone.id, "text/plain", &large).problem(410, "user-erased");
        case(&admin, soft.id, "text/plain", &large).problem(409, "user-deleted");
        if rest == "/preferences/k" && method == "PATCH" {
            send(&reader, method, &of(ann.id, "/preferences/none"), "text/plain", &large).problem(403, "forbidden");
            send(&ann.client, method, &of(ann.id, "/preferences/none"), "text/plain", &large).problem(404, "not-found");
        }
        case(&ann.client, ann.id, "text/plain", &large).problem(413, "body-too-large");
        case(&ann.client, ann.id, kind, &large).problem(413, "body-too-large");
        case(&ann.client, ann.id, "text/plain", "{").problem(415, "unsupported-media-type");
        case(&ann.client, ann.id, "text/plain", refused).problem(415, "unsupported-media-type");
        case(&ann.client, ann.id, kind, "{").problem(400, "malformed-json");
        case(&ann.client, ann.id, kind, refused).problem(422, "unprocessable");
    }
    let impossible = r#"[{"op":"remove","path":"/none"}]"#;
    send(&ann.client, "PATCH", &of(ann.id, "/preferences/k"), json_patch, impossible).problem(422, "patch-failed");
    // Below all of these is the condition.
    for (method, rest, kind, body) in [
        ("PUT", "/preferences/k", json, "1"),
        ("PATCH", "/preferences/k", merge, "1"),
        ("PATCH", "/preferences/k", json_patch, r#"[{"op":"test","path":"","value":1}]"#),
        ("DELETE", "/preferences/k", json, ""),
        ("PATCH", "/preferences", merge, r#"{"k":1}"#),
        ("POST", "/revert", json, r#"{"to":0}"#),
    ] {
        send(&ann.client, method, &of(ann.id, rest), kind, body).problem(412, "precondition-failed");
    }
    send(&ann.client, "DELETE", &of(ann.id, "/preferences/none"), json, "").problem(404, "not-found");
    send(&ann.client, "POST", &of(ann.id, "/revert"), json, r#"{"to":99}"#).problem(422, "unprocessable");
    // A key that is none is refused before a condition is looked at, and after a body that cannot be read.
    send(&ann.client, "PUT", &of(ann.id, "/preferences/%20"), json, "{").problem(400, "malformed-json");
    send(&ann.client, "PUT", &of(ann.id, "/preferences/%20"), json, "1").problem(422, "unprocessable");
    for (path, status, slug) in
        [("/preferences?limit=0", 400, "malformed-query"), ("/preferences?at=99", 422, "unprocessable"), ("/changes?since=x", 400, "malformed-query")]
    {
        bob.client.get(&of(ann.id, path)).problem(403, "forbidden");
        admin.get(&of(gone.id, path)).problem(410, "user-erased");
        ann.client.send("GET", &of(ann.id, path), &[stale], b"").problem(status, slug);
    }
    assert_eq!((ann.revision(), ann.client.get(&ann.key("k")).body(200)["value"].clone()), (1, json!({})));
}

fn values_within_limits(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    assert_eq!(ann.client.get("/v1/limits").body(200), json!({ "keys": 1_000, "bytes": 1_048_576, "key_characters": 255, "value_bytes": 65_536, "depth": 32 }));
    let string = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    let path = ann.key("k");
    let merge_of = |value: &str| ann.client.merge(&path, value);
    let put = |value: &str| ann.client.put_text(&path, value);
    put("0").expect(201);
    for within in [string(65_536), nested(32), format!("{}{}", " ".repeat(60_000), string(65_536)), format!("{{\"a\":{}}}", nested(31))] {
        put(&within).expect(200);
        put("0").expect(200);
        merge_of(&within).expect(200);
    }
    put("{}").expect(200);
    let revision = ann.revision();
    for (beyond, code) in
        [(string(65_537), "too_large"), (nested(33), "too_deep"), (nested(30_000), "too_deep"), (format!("{{\"a\":{}}}", nested(32)), "too_deep")]
    {
        for answer in [put(&beyond), merge_of(&beyond)] {
            let problem = answer.problem(422, "unprocessable");
            assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!(""), &json!(code)), "{problem}");
        }
        let problem = ann.client.merge(&ann.v1("/preferences"), &format!("{{\"a/b\":{beyond}}}")).problem(422, "unprocessable");
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!("/a~1b"), &json!(code)), "{problem}");
        let operations = format!(r#"{{"operations":[{{"op":"put","key":"k","value":{beyond}}}]}}"#);
        let problem = ann.client.send_as("POST", &ann.v1("/batch"), "application/json", &operations).problem(422, "unprocessable");
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!("/operations/0/value"), &json!(code)), "{problem}");
    }
    // What grows too large or too deep by a patch is refused as well.
    let member = |name: char| format!("{{\"{name}\":{}}}", string(40_000));
    merge_of(&member('a')).expect(200);
    let problem = merge_of(&member('b')).problem(422, "unprocessable");
    assert_eq!(problem["errors"][0]["code"], "too_large", "{problem}");
    let problem = ann.client.json_patch(&path, &format!("[{{\"op\":\"add\",\"path\":\"/d\",\"value\":{}}}]", nested(32))).problem(422, "unprocessable");
    assert_eq!(problem["errors"][0]["code"], "too_deep", "{problem}");
    assert_eq!(ann.revision(), revision + 1);
}

fn no_more_than_a_user_may_keep(store: Store) {
    let mut lethe = Lethe::install(store).with("limits.keys_per_user", "3").with("limits.bytes_per_user", "40");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    let limits = ann.client.get("/v1/limits").body(200);
    assert_eq!((&limits["keys"], &limits["bytes"]), (&json!(3), &json!(40)));
    let usage = || ann.client.get(&ann.v1("/usage")).body(200);
    for key in ["a", "b", "é"] {
        ann.keep(key, "1");
    }
    // The bytes of the keys count as well.
    assert_eq!(usage(), json!({ "keys": 3, "bytes": 7 }));
    let batch = |operations: Value| ann.client.post(&ann.v1("/batch"), &json!({ "operations": operations }));
    let one_more = json!([{ "op": "put", "key": "a", "value": 2 }, { "op": "put", "key": "d", "value": 1 }]);
    let detail = ann.client.put_text(&ann.key("d"), "1").problem(422, "quota-exceeded")["detail"].clone();
    assert!(detail.as_str().unwrap().contains('3'), "{detail}");
    ann.client.merge(&ann.v1("/preferences"), r#"{"a":2,"d":1}"#).problem(422, "quota-exceeded");
    assert_eq!(batch(one_more).problem(422, "quota-exceeded")["operation"], 1);
    // What a patch of the set frees can be used by it, and what an operation frees by those after it.
    ann.client.merge(&ann.v1("/preferences"), r#"{"d":1,"a":null}"#).expect(200);
    batch(json!([{ "op": "delete", "key": "d" }, { "op": "put", "key": "a", "value": 1 }])).expect(200);
    assert_eq!(batch(json!([{ "op": "put", "key": "d", "value": 1 }, { "op": "delete", "key": "a" }])).problem(422, "quota-exceeded")["operation"], 0);

    let of_bytes = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    ann.client.put_text(&ann.key("a"), &of_bytes(34)).expect(200);
    assert_eq!(usage(), json!({ "keys": 3, "bytes": 40 }));
    ann.client.put_text(&ann.key("b"), "10").problem(422, "quota-exceeded");
    ann.client.json_patch(&ann.key("b"), r#"[{"op":"replace","path":"","value":10}]"#).problem(422, "quota-exceeded");
    ann.client.merge(&ann.key("b"), "10").problem(422, "quota-exceeded");
    // That is said before a condition that does not hold.
    ann.client.send("PUT", &ann.key("b"), &[("content-type", "application/json"), ("if-match", "\"999\"")], b"10").problem(422, "quota-exceeded");
    ann.client.put_text(&ann.key("b"), "2").expect(200);
    ann.client.put_text(&ann.key("a"), &of_bytes(10)).expect(200);
    assert_eq!(usage(), json!({ "keys": 3, "bytes": 16 }));
}

fn the_set_is_listed_part_by_part(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    assert_eq!(ann.client.get(&ann.v1("/preferences")).body(200), json!({ "items": [], "revision": 0, "next": null }));
    for at in 0..45 {
        ann.keep(&format!("k{at:02}"), &at.to_string());
    }
    ann.keep("K", "1");
    ann.keep("k%_", "1");
    ann.keep("k", "1");
    let get = |query: &str| {
        let body = ann.client.get(&ann.v1(&format!("/preferences{query}"))).body(200);
        let keys: Vec<_> = body["items"].as_array().unwrap().iter().map(|item| item["key"].as_str().unwrap().to_owned()).collect();
        (keys, body)
    };
    let (first, body) = get("");
    assert_eq!((first.len(), &body["revision"], first[0].as_str(), first[1].as_str(), first[2].as_str()), (20, &json!(48), "K", "k", "k%_"));
    let whole = get("?limit=100").0;
    assert_eq!(whole.len(), 48);
    let (mut all, mut cursor) = (Vec::new(), String::new());
    for turn in 0.. {
        let (keys, body) = get(&format!("?limit=5{cursor}"));
        all.extend(keys);
        let Some(next) = body["next"].as_str() else { break };
        cursor = format!("&cursor={}", encode(next));
        if turn == 1 {
            // Who comes or goes meanwhile moves nobody to another part.
            ann.client.delete(&ann.key("K")).nothing();
            ann.keep("L", "1");
        }
    }
    assert_eq!(all, whole);
    assert_eq!(get("?prefix=k1").0, (10..20).map(|at| format!("k{at}")).collect::<Vec<_>>());
    assert_eq!(get("?prefix=k%25").0, ["k%_"], "a prefix is no pattern");
    assert_eq!(get("?prefix=k_").0, Vec::<String>::new());
    assert_eq!(get("?prefix=k4&limit=2").0, ["k40", "k41"]);
    let next = get("?prefix=k4&limit=2").1["next"].as_str().unwrap().to_owned();
    assert_eq!(get(&format!("?prefix=k4&limit=100&cursor={}", encode(&next))).0, ["k42", "k43", "k44"]);
    for query in ["limit=0", "limit=101", "limit=x", "cursor=%20", "cursor=", "at=x", "at=", "at=1&at=2", "prefix=a&prefix=b"] {
        ann.client.get(&ann.v1(&format!("/preferences?{query}"))).problem(400, "malformed-query");
    }
    for query in ["at=-1", "at=1000"] {
        let problem = ann.client.get(&ann.v1(&format!("/preferences?{query}"))).problem(422, "unprocessable");
        assert_eq!(problem["errors"][0]["parameter"], "at");
    }
}

fn a_token_for_some_keys(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    ann.keep("theme", "1");
    ann.keep("notifications.push", "1");
    let narrowed = feed(lethe.command(&["token", "attenuate", "--key-prefix", "notifications."]), &ann.token);
    let holder = lethe.bearing(String::from_utf8(narrowed.stdout).unwrap().trim());
    let (push, sms, theme) = (ann.key("notifications.push"), ann.key("notifications.sms"), ann.key("theme"));
    assert_eq!(holder.get(&push).body(200)["value"], 1);
    holder.put_text(&push, "2").expect(200);
    holder.put_text(&sms, "2").expect(201);
    holder.merge(&sms, r#"{"a":1}"#).expect(200);
    holder.json_patch(&sms, "[]").expect(200);
    assert_eq!(holder.get(&ann.v1("/history/notifications.sms")).items().len(), 2);
    let batch = |keys: &[&str]| {
        let operations: Vec<_> = keys.iter().map(|key| json!({ "op": "put", "key": key, "value": 3 })).collect();
        holder.post(&ann.v1("/batch"), &json!({ "operations": operations, "atomic": false }))
    };
    batch(&["notifications.push", "notifications.new"]).expect(200);
    holder.merge(&ann.v1("/preferences"), r#"{"notifications.new":null,"notifications.push":4}"#).expect(200);
    holder.post(&ann.v1("/revert"), &json!({ "to": 2, "key": "notifications.push" })).expect(200);
    holder.delete(&sms).nothing();
    // What it may do and says wrongly, it is told.
    holder.put_text(&push, "{").problem(400, "malformed-json");
    holder.put_text(&push, &("[".repeat(33) + &"]".repeat(33))).problem(422, "unprocessable");
    holder.send_as("PATCH", &push, "text/plain", "1").problem(415, "unsupported-media-type");
    holder.send("DELETE", &push, &[("if-match", "x")], b"").problem(400, "malformed-header");

    let revision = ann.revision();
    holder.get(&theme).problem(403, "forbidden");
    holder.send("HEAD", &theme, &[], b"").expect(403);
    holder.put_text(&theme, "2").problem(403, "forbidden");
    holder.put_text(&theme, "{").problem(403, "forbidden");
    holder.put_text(&ann.key("other"), "2").problem(403, "forbidden");
    holder.merge(&theme, "2").problem(403, "forbidden");
    holder.json_patch(&theme, "{").problem(403, "forbidden");
    holder.delete(&theme).problem(403, "forbidden");
    batch(&["notifications.push", "theme"]).problem(403, "forbidden");
    batch(&[]).problem(403, "forbidden");
    holder.merge(&ann.v1("/preferences"), r#"{"notifications.push":5,"theme":null}"#).problem(403, "forbidden");
    holder.post(&ann.v1("/revert"), &json!({ "to": 1, "key": "theme" })).problem(403, "forbidden");
    holder.post(&ann.v1("/revert"), &json!({ "to": 1 })).problem(403, "forbidden");
    for path in ["/preferences", "/preferences?prefix=notifications.", "/changes", "/changes/watch", "/history/theme", "/usage"] {
        holder.get(&ann.v1(path)).problem(403, "forbidden");
    }
    assert_eq!(ann.revision(), revision);
}
