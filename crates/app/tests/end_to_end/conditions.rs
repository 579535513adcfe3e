//! Conditions of requests: what must be there for something to be done, in every dialect.

use crate::common::{Answer, Client, Lethe, NOBODY, Store, User, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(
    every_condition_on_one_preference,
    two_conditions_at_once,
    conditions_on_the_set,
    conditions_of_the_operations_of_a_batch,
    conditions_on_single_preferences_of_the_community,
    conditions_on_the_settings,
    a_condition_hides_nothing,
    of_those_who_change_the_same_one_wins
);

const MATCH: &str = "if-match";
const NONE_MATCH: &str = "if-none-match";

/// What comes of a condition for one who reads and one who writes.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    Done,
    Unmet,
    /// The reader has it already; a writer is told that the condition does not hold.
    Known,
    Malformed,
    /// It cannot be read: a reader is shown what there is, and a writer told so.
    Ignored,
}
use Outcome::{Done, Ignored, Known, Malformed, Unmet};

/// Conditions on something whose tag is `present`, and what comes of them.
fn conditions_on(present: &str) -> Vec<(&'static str, String, Outcome)> {
    let number = present.trim_matches('"');
    let other = "\"998\"";
    vec![
        (MATCH, present.to_owned(), Done),
        (MATCH, other.to_owned(), Unmet),
        (MATCH, format!("W/{present}"), Unmet),
        (MATCH, format!("{other}, {present}"), Done),
        (MATCH, format!(" {present} ,, {other},"), Done),
        (MATCH, format!("{other}, W/{present}"), Unmet),
        (MATCH, format!("\"x\", \"\", \"{number}0\", \"0{number}\", \"+{number}\""), Unmet),
        (MATCH, "*".to_owned(), Done),
        (NONE_MATCH, present.to_owned(), Known),
        (NONE_MATCH, other.to_owned(), Done),
        (NONE_MATCH, format!("W/{present}"), Known),
        (NONE_MATCH, format!("{other}, W/{present}"), Known),
        (NONE_MATCH, format!("\"x\",{other}"), Done),
        (NONE_MATCH, "*".to_owned(), Known),
        (MATCH, number.to_owned(), Malformed),
        (MATCH, format!("\"{number}"), Malformed),
        (MATCH, format!("w/{present}"), Malformed),
        (MATCH, format!("*, {present}"), Malformed),
        (MATCH, format!("{present} {other}"), Malformed),
        (MATCH, ",".to_owned(), Malformed),
        (NONE_MATCH, number.to_owned(), Ignored),
        (NONE_MATCH, format!("{present}x"), Ignored),
        (NONE_MATCH, format!("*, {present}"), Ignored),
    ]
}

/// What can be done to a preference, with a body.
const ACTS: [(&str, &str, &str, u16); 6] = [
    ("GET", "", "", 200),
    ("HEAD", "", "", 200),
    ("PUT", "application/json", "2", 200),
    ("PATCH", "application/merge-patch+json", "2", 200),
    ("PATCH", "application/json-patch+json", r#"[{"op":"replace","path":"","value":2}]"#, 200),
    ("DELETE", "", "", 204),
];

fn act(client: &Client, path: &str, (method, kind, body, _): (&str, &str, &str, u16), conditions: &[(&str, &str)]) -> Answer {
    let kind = (!kind.is_empty()).then_some(("content-type", kind));
    let headers: Vec<_> = conditions.iter().copied().chain(kind).collect();
    client.send(method, path, &headers, body.as_bytes())
}

fn is_reading(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

/// A refusal, whose body `HEAD` leaves out.
#[track_caller]
fn problem(method: &str, answer: Answer, status: u16, slug: &str) -> Value {
    if method == "HEAD" {
        assert_eq!(answer.expect(status).text, "");
        return Value::Null;
    }
    answer.problem(status, slug)
}

fn every_condition_on_one_preference(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let path = ann.key("k");
    for what in ACTS {
        let (method, _, _, success) = what;
        ann.keep("k", "1");
        let tag = ann.client.get(&path).header("etag").unwrap().to_owned();
        let fresh = |place: usize| {
            ann.keep("k", &json!(["fresh", method, place]).to_string());
            let item = ann.client.get(&path).expect(200);
            (item.header("etag").unwrap().to_owned(), item.json())
        };
        for place in 0..conditions_on(&tag).len() {
            let (tag, item) = fresh(place);
            let (header, text, outcome) = conditions_on(&tag).swap_remove(place);
            eprintln!("{method} {header}: {text}");
            let answer = act(&ann.client, &path, what, &[(header, &text)]);
            match (outcome, is_reading(method)) {
                (Done, _) | (Ignored, true) => drop(answer.expect(success)),
                (Known, true) => {
                    assert_eq!(answer.header("etag"), Some(tag.as_str()));
                    assert_eq!(answer.header("content-type"), None);
                    assert_eq!(answer.expect(304).text, "");
                }
                (Unmet, _) | (Known, false) => {
                    let problem = problem(method, answer, 412, "precondition-failed");
                    assert!(method == "HEAD" || problem["current"] == item, "{problem}");
                }
                (Malformed, _) | (Ignored, false) => {
                    let problem = problem(method, answer, 400, "malformed-header");
                    let name = if header == MATCH { "If-Match" } else { "If-None-Match" };
                    assert!(method == "HEAD" || problem["errors"][0]["header"] == name, "{problem}");
                }
            }
            let is_done = matches!(outcome, Done) && !is_reading(method);
            let now = ann.client.get(&path);
            assert_eq!(now.status == 200 && now.json() == item, !is_done, "{now:?}");
        }
    }
    // Where there is nothing.
    for what in ACTS {
        let (method, ..) = what;
        for (header, text, outcome) in conditions_on("\"7\"") {
            let absent = ann.key("absent");
            eprintln!("{method} {header}: {text}, of nothing");
            let answer = act(&ann.client, &absent, what, &[(header, &text)]);
            match (method, header, outcome) {
                ("PUT", _, Malformed | Ignored) => drop(answer.problem(400, "malformed-header")),
                ("PUT", NONE_MATCH, _) => {
                    assert_eq!(answer.expect(201).json()["value"], 2);
                    ann.client.delete(&absent).nothing();
                }
                ("PUT", _, _) => assert_eq!(answer.problem(412, "precondition-failed").get("current"), Some(&Value::Null)),
                _ => drop(problem(method, answer, 404, "not-found")),
            }
        }
    }
}

fn two_conditions_at_once(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let path = ann.key("k");
    ann.keep("k", "1");
    for (matching, none_matching, read, written) in [
        ("\"1\"", "\"9\"", 200, 200),
        ("\"1\"", "\"1\"", 304, 412),
        ("*", "*", 304, 412),
        ("\"9\"", "\"1\"", 412, 412),
        ("\"9\"", "\"9\"", 412, 412),
        ("*", "\"9\"", 200, 200),
    ] {
        let conditions = [(MATCH, matching), (NONE_MATCH, none_matching)];
        ann.client.send("GET", &path, &conditions, b"").expect(read);
        let headers = [conditions[0], conditions[1], ("content-type", "application/json")];
        ann.client.send("PUT", &path, &headers, b"1").expect(written);
    }
    // Two headers of one name are one list.
    ann.client.send("GET", &path, &[(NONE_MATCH, "\"9\""), (NONE_MATCH, "\"1\"")], b"").expect(304);
    // Dates are no conditions here.
    let date = "Wed, 21 Oct 2015 07:28:00 GMT";
    ann.client.send("GET", &path, &[("if-modified-since", date), ("if-unmodified-since", date)], b"").expect(200);
    ann.client.send("DELETE", &path, &[("if-unmodified-since", date)], b"").expect(204);
}

fn conditions_on_the_set(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let (set, revert) = (ann.v1("/preferences"), ann.v1("/revert"));
    ann.client.send("GET", &set, &[(NONE_MATCH, "\"0\"")], b"").expect(304);
    ann.keep("k", "1");
    let acts = [
        ("GET", set.as_str(), "", ""),
        ("PATCH", set.as_str(), "application/merge-patch+json", r#"{"k":2}"#),
        ("POST", revert.as_str(), "application/json", r#"{"to":1}"#),
        ("POST", revert.as_str(), "application/json", r#"{"to":1,"key":"k"}"#),
    ];
    for (method, path, kind, body) in acts {
        for place in 0..conditions_on("\"1\"").len() {
            ann.keep("k", &json!([method, place, body]).to_string());
            let revision = ann.revision();
            let tag = format!("\"{revision}\"");
            let (header, text, outcome) = conditions_on(&tag).swap_remove(place);
            eprintln!("{method} {path} {header}: {text}");
            let answer = act(&ann.client, path, (method, kind, body, 200), &[(header, &text)]);
            let after = match (outcome, method) {
                (Done, _) | (Ignored, "GET") => {
                    let answer = answer.expect(200);
                    assert_eq!(answer.header("etag"), Some(format!("\"{}\"", answer.json()["revision"]).as_str()));
                    if method == "GET" { revision } else { revision + 1 }
                }
                (Known, "GET") => {
                    assert_eq!((answer.header("etag"), answer.text.as_str()), (Some(tag.as_str()), ""));
                    answer.expect(304);
                    revision
                }
                (Unmet | Known, _) => {
                    assert_eq!(answer.problem(412, "precondition-failed")["current"], json!({ "revision": revision }));
                    revision
                }
                (Malformed | Ignored, _) => {
                    answer.problem(400, "malformed-header");
                    revision
                }
            };
            assert_eq!(ann.revision(), after);
        }
    }
    let past = format!("{set}?at=1");
    assert_eq!(ann.client.get(&past).header("etag"), Some("\"1\""));
    ann.client.send("GET", &past, &[(NONE_MATCH, "\"1\"")], b"").expect(304);
}

fn conditions_of_the_operations_of_a_batch(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let batch = |atomic: bool, operations: Value| ann.client.post(&ann.v1("/batch"), &json!({ "atomic": atomic, "operations": operations }));
    for op in ["put", "merge", "delete"] {
        for (header, text, outcome) in conditions_on("\"7\"") {
            let member = if header == MATCH { "if_match" } else { "if_none_match" };
            eprintln!("{op} {member}: {text}");
            let item = ann.keep("k", &json!([op, text]).to_string());
            let text = text.replace('7', &item["revision"].to_string());
            let operation = json!([{ "op": op, "key": "k", "value": 1, member: text }]);
            let (done, at_once) = (batch(false, operation.clone()).body(200), batch(true, operation));
            let result = &done["results"][0];
            match outcome {
                // The first has done it already.
                Done => assert_eq!((&result["status"], result.get("type")), (&json!(if op == "delete" { 204 } else { 200 }), None), "{done}"),
                Unmet | Known => {
                    assert_eq!(done["results"], json!([{ "key": "k", "status": 412, "type": "/problems/precondition-failed" }]));
                    let problem = at_once.problem(412, "precondition-failed");
                    assert_eq!((&problem["operation"], &problem["current"]), (&json!(0), &item));
                }
                Malformed | Ignored => {
                    assert_eq!(done["results"], json!([{ "key": "k", "status": 422, "type": "/problems/unprocessable" }]));
                    let problem = at_once.problem(422, "unprocessable");
                    assert_eq!(problem["errors"][0]["pointer"], format!("/operations/0/{member}"));
                }
            }
        }
    }
    // Each operation sees what those before it did.
    let revision = ann.revision();
    let operations = json!([
        { "op": "put", "key": "new", "value": 1, "if_none_match": "*" },
        { "op": "put", "key": "new", "value": 2, "if_match": format!("\"{}\"", revision + 1) },
        { "op": "put", "key": "new", "value": 3, "if_none_match": "*" },
    ]);
    let problem = batch(true, operations.clone()).problem(412, "precondition-failed");
    assert_eq!((&problem["operation"], &problem["current"]["value"], ann.revision()), (&json!(2), &json!(2), revision));
    let statuses: Vec<_> = batch(false, operations).body(200)["results"].as_array().unwrap().iter().map(|result| result["status"].clone()).collect();
    assert_eq!(statuses, [201, 200, 412]);
    let absent = batch(true, json!([{ "op": "put", "key": "none", "value": 1, "if_match": "*" }])).problem(412, "precondition-failed");
    assert_eq!((absent.get("current"), &absent["operation"]), (Some(&Value::Null), &json!(0)));
}

fn conditions_on_single_preferences_of_the_community(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let created = ann.client.post(&ann.preferences(), &json!({ "key": "k", "value": 0 })).expect(201);
    assert_eq!(created.header("etag"), Some("\"1\""));
    let refused = ("precondition_failed", "The preference has changed.");
    for (method, body) in [("GET", ""), ("HEAD", ""), ("PATCH", r#"{"value":2}"#), ("PUT", r#"{"key":"k","value":3}"#), ("DELETE", "")] {
        for place in 0..conditions_on("\"1\"").len() {
            // Who is deleted comes back under another id.
            let path = match ann.client.get(&format!("{}?key=k", ann.preferences())).body(200)["results"].get(0) {
                Some(preference) => format!("{}{}/", ann.preferences(), preference["id"]),
                None => format!("{}{}/", ann.preferences(), ann.prefer("k", &json!(0))["id"]),
            };
            ann.client.patch(&path, &json!({ "value": [method, place] })).expect(200);
            let before = ann.client.get(&path).expect(200);
            let tag = before.header("etag").unwrap().to_owned();
            let (header, text, outcome) = conditions_on(&tag).swap_remove(place);
            eprintln!("{method} {header}: {text}");
            let answer = act(&ann.client, &path, (method, "application/json", body, 0), &[(header, &text)]);
            match (outcome, is_reading(method)) {
                (Done, _) | (Ignored, true) => {
                    let success = if method == "DELETE" { 204 } else { 200 };
                    assert_eq!(answer.clone().expect(success).header("etag").is_some(), method != "DELETE");
                    if matches!(method, "PATCH" | "PUT") {
                        assert_eq!(answer.header("etag"), ann.client.get(&path).header("etag"));
                        assert_ne!(answer.header("etag"), Some(tag.as_str()));
                    }
                }
                (Known, true) => assert_eq!((answer.clone().expect(304).header("etag"), answer.text.as_str()), (Some(tag.as_str()), "")),
                (Unmet, true) if method == "HEAD" => drop(answer.expect(412)),
                (Unmet, _) | (Known, false) => answer.refused(412, refused.0, refused.1),
                (Malformed, true) if method == "HEAD" => drop(answer.expect(400)),
                (Malformed, _) | (Ignored, false) => {
                    let name = if header == MATCH { "If-Match" } else { "If-None-Match" };
                    answer.refused(400, "invalid", &format!("The header {name} cannot be read."));
                }
            }
            if is_reading(method) || !matches!(outcome, Done) {
                assert_eq!(ann.client.get(&path).text, before.text);
            }
        }
    }
    // The tag is the preference's own, and the same in both dialects.
    ann.prefer("other", &json!(1));
    let path = format!("{}{}/", ann.preferences(), ann.prefer("own", &json!(1))["id"]);
    let tag = ann.client.get(&path).header("etag").unwrap().to_owned();
    ann.keep("other", "2");
    assert_eq!(ann.client.get(&path).header("etag"), Some(tag.as_str()));
    assert_eq!(ann.client.get(&ann.key("own")).header("etag"), Some(tag.as_str()));
    // Another name is a change to both names.
    let renamed = ann.client.patch(&path, &json!({ "key": "renamed" })).expect(200);
    assert_ne!(renamed.header("etag"), Some(tag.as_str()));
    assert_eq!(ann.client.get(&ann.key("renamed")).header("etag"), renamed.header("etag"));
    ann.client.get(&ann.key("own")).problem(404, "not-found");
    let last: Vec<_> = ann.changes().iter().rev().take(2).map(|change| (change["op"].clone(), change["key"].clone())).collect();
    assert!(last.contains(&(json!("put"), json!("renamed"))) && last.contains(&(json!("delete"), json!("own"))), "{last:?}");
}

fn conditions_on_the_settings(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    assert_eq!(ann.client.get("/settings/user").header("etag"), Some("\"0\""));
    for (method, body) in [("GET", ""), ("HEAD", ""), ("POST", r#"{"settings":{"k":1}}"#), ("PUT", r#"{"k":2}"#), ("DELETE", r#"{"keys":["k"]}"#)] {
        for place in 0..conditions_on("\"1\"").len() {
            ann.keep("k", &json!([method, place]).to_string());
            let before = ann.client.get("/settings/user").expect(200);
            let tag = before.header("etag").unwrap().to_owned();
            assert_eq!(tag, format!("\"{}\"", ann.revision()));
            let (header, text, outcome) = conditions_on(&tag).swap_remove(place);
            eprintln!("{method} {header}: {text}");
            let answer = act(&ann.client, "/settings/user", (method, "application/json", body, 0), &[(header, &text)]);
            match (outcome, is_reading(method)) {
                (Done, _) | (Ignored, true) => {
                    assert_eq!(answer.clone().expect(200).header("etag"), Some(format!("\"{}\"", ann.revision()).as_str()));
                    assert_eq!(ann.client.get("/settings/user").text == before.text, is_reading(method));
                    continue;
                }
                (Known, true) => assert_eq!((answer.clone().expect(304).header("etag"), answer.text.as_str()), (Some(tag.as_str()), "")),
                (Unmet | Malformed, true) if method == "HEAD" => drop(answer.expect(if matches!(outcome, Unmet) { 412 } else { 400 })),
                (Unmet, _) | (Known, false) => assert_eq!(answer.body(412)["success"], false),
                (Malformed, _) | (Ignored, false) => assert_eq!(answer.body(400)["success"], false),
            }
            assert_eq!(ann.client.get("/settings/user").text, before.text);
        }
    }
}

/// Whatever a condition says, and whether it can be read: who may not, what is not there and what is no good comes first.
fn a_condition_hides_nothing(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob, soft) = (lethe.sign_up("ann"), lethe.sign_up("bob"), lethe.sign_up("soft"));
    soft.client.delete(&soft.path()).nothing();
    let (admin, anonymous) = (lethe.admin(), lethe.anonymous());
    let entry = format!("{}{}/", ann.preferences(), ann.prefer("k", &json!(1))["id"]);
    let native = |user: &User, key: &str| user.key(key);
    let json = "application/json";
    for condition in [(MATCH, "\"999\""), (MATCH, "x"), (NONE_MATCH, "*"), (NONE_MATCH, "x")] {
        eprintln!("{condition:?}");
        let send = |client: &Client, method: &str, path: &str, kind: &str, body: &str| act(client, path, (method, kind, body, 0), &[condition]);
        for (method, kind, body) in
            [("PUT", json, "2"), ("PATCH", "application/merge-patch+json", "2"), ("PATCH", "application/json-patch+json", "[]"), ("DELETE", json, "")]
        {
            let one = |client: &Client, path: &str| send(client, method, path, kind, body);
            one(&anonymous, &native(&ann, "k")).problem(401, "not-authenticated");
            one(&soft.client, &native(&soft, "k")).problem(401, "token-invalid");
            one(&bob.client, &native(&ann, "k")).problem(403, "forbidden");
            one(&reader(&lethe, &ann), &native(&ann, "k")).problem(403, "forbidden");
            one(&admin, &format!("/v1/users/{NOBODY}/preferences/k")).problem(404, "user-not-found");
            one(&admin, &native(&soft, "k")).problem(409, "user-deleted");
            if method != "PUT" {
                one(&bob.client, &native(&ann, "none")).problem(403, "forbidden");
                one(&reader(&lethe, &ann), &native(&ann, "none")).problem(403, "forbidden");
                one(&ann.client, &native(&ann, "none")).problem(404, "not-found");
            }
        }
        for (method, body) in [("PATCH", r#"{"value":2}"#), ("PUT", r#"{"key":"k","value":2}"#), ("DELETE", "")] {
            let one = |client: &Client, path: &str| send(client, method, path, json, body);
            one(&anonymous, &entry).unauthorized();
            one(&soft.client, &format!("{}1/", soft.preferences())).unauthorized();
            one(&bob.client, &entry).forbidden();
            one(&reader(&lethe, &ann), &entry).forbidden();
            one(&admin, &format!("/api/v2/user/{NOBODY}/preference/1/")).user_not_found();
            one(&ann.client, &format!("{}987654321/", ann.preferences())).not_found();
            if method != "DELETE" {
                assert_eq!(send(&ann.client, method, &entry, json, "{").body(400)["errors"][0]["code"], "parse_error");
            }
        }
        for (method, body) in [("POST", r#"{"settings":{}}"#), ("PUT", "{}"), ("DELETE", r#"{"keys":["k"]}"#)] {
            let one = |client: &Client, body: &str| send(client, method, "/settings/user", json, body);
            one(&anonymous, body).unauthorized();
            one(&soft.client, body).unauthorized();
            assert_eq!(one(&reader(&lethe, &ann), body).body(403)["success"], false);
            one(&admin, body).refused_settings(404, "User not found");
            assert!(one(&ann.client, "{").body(400)["message"].as_str().is_some_and(|message| !message.contains("header")));
        }
    }
    assert_eq!((ann.revision(), ann.client.get(&ann.key("k")).body(200)["value"].clone()), (1, json!(1)));
}

fn reader(lethe: &Lethe, user: &User) -> Client {
    lethe.bearing(&crate::common::forge::append(&user.token, "check if operation(\"read\")"))
}

fn of_those_who_change_the_same_one_wins(store: Store) {
    const WRITERS: usize = 12;
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    ann.keep("k", "0");
    let (one, set, batch, revert) = (ann.key("k"), ann.v1("/preferences"), ann.v1("/batch"), ann.v1("/revert"));
    let entry = format!("{}{}/", ann.preferences(), ann.client.get(&ann.preferences()).body(200)["results"][0]["id"]);
    for round in 0..5 {
        let revision = ann.revision();
        let tag = format!("\"{revision}\"");
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .map(|writer| {
                    let (client, tag, one, set, batch, entry) = (ann.client.clone(), &tag, &one, &set, &batch, &entry);
                    let (value, revert) = (json!([round, writer]), &revert);
                    scope.spawn(move || {
                        let headers = [("content-type", "application/json"), (MATCH, tag.as_str())];
                        let merge = [("content-type", "application/merge-patch+json"), (MATCH, tag.as_str())];
                        let operations = json!({ "operations": [{ "op": "put", "key": "k", "value": value, "if_match": tag }] });
                        match writer % 6 {
                            0 => client.send("PUT", one, &headers, value.to_string().as_bytes()),
                            1 => client.send("PATCH", one, &merge, value.to_string().as_bytes()),
                            2 => client.send("PATCH", set, &merge, json!({ "k": value }).to_string().as_bytes()),
                            3 => client.send("POST", batch, &headers, operations.to_string().as_bytes()),
                            4 => client.send("PATCH", entry, &headers, json!({ "value": value }).to_string().as_bytes()),
                            _ if revision > 1 => client.send("POST", revert, &headers, br#"{"to":1}"#),
                            _ => client.send("PUT", "/settings/user", &headers, json!({ "k": value }).to_string().as_bytes()),
                        }
                        .status
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 200 | 412)), "{statuses:?}");
        assert_eq!(ann.revision(), revision + 1);
        // Who goes back in the next round has to change something, or would be in nobody's way.
        ann.keep("k", &json!([round]).to_string());
    }
}
