//! Several changes as one, and everybody at once: all of it or nothing, and never more than there may be.

use crate::common::{Answer, Lethe, Store, User, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(
    a_batch_is_made_as_one,
    the_first_refusal_undoes_all,
    each_operation_for_itself,
    batches_that_are_none,
    a_batch_for_one_state_of_the_set,
    a_patch_of_the_set_is_made_as_one,
    nobody_sees_half_of_it,
    writers_at_the_limit_of_keys,
    writers_at_the_limit_of_bytes
);

fn batch(ann: &User, body: &Value) -> Answer {
    ann.client.post(&ann.v1("/batch"), body)
}

/// Revision, key and value of each change after a revision.
fn told(ann: &User, since: i64) -> Vec<(i64, String, Option<Value>)> {
    let row = |change: &Value| (change["revision"].as_i64().unwrap(), change["key"].as_str().unwrap().to_owned(), change.get("value").cloned());
    ann.changes().iter().map(row).filter(|(revision, ..)| *revision > since).collect()
}

fn a_batch_is_made_as_one(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    ann.keep("old", r#"{"a":1}"#);
    ann.keep("same", "1");
    ann.keep("gone", "1");
    let operations = json!({ "operations": [
        { "op": "put", "key": "new", "value": { "z": 1, "a": 2 } },
        { "op": "merge", "key": "old", "value": { "b": 2 } },
        { "op": "merge", "key": "made", "value": { "c": null, "d": 1 } },
        { "op": "put", "key": "same", "value": 1 },
        { "op": "delete", "key": "gone" },
        { "op": "put", "key": "new", "value": null },
        { "op": "put", "key": "brief", "value": 1 },
        { "op": "delete", "key": "brief" },
    ] });
    let answer = batch(&ann, &operations).expect(200);
    assert_eq!(answer.header("etag"), Some("\"10\""));
    let result = |key: &str, status: u16, revision: i64| json!({ "key": key, "status": status, "revision": revision });
    let results = json!([
        result("new", 201, 4),
        result("old", 200, 5),
        result("made", 201, 6),
        result("same", 200, 2),
        result("gone", 204, 7),
        result("new", 200, 8),
        result("brief", 201, 9),
        result("brief", 204, 10),
    ]);
    assert_eq!(answer.json(), json!({ "revision": 10, "results": results }));
    let expected = [
        (4, "new", Some(json!({ "z": 1, "a": 2 }))),
        (5, "old", Some(json!({ "a": 1, "b": 2 }))),
        (6, "made", Some(json!({ "d": 1 }))),
        (7, "gone", None),
        (8, "new", Some(Value::Null)),
        (9, "brief", Some(json!(1))),
        (10, "brief", None),
    ];
    assert_eq!(told(&ann, 3), expected.map(|(revision, key, value)| (revision, key.to_owned(), value)));
    let keys: Vec<_> = ann.client.get(&ann.v1("/preferences")).items().iter().map(|item| item["key"].clone()).collect();
    assert_eq!(keys, ["made", "new", "old", "same"]);
    assert_eq!(batch(&ann, &json!({ "operations": [], "atomic": false })).body(200), json!({ "revision": 10, "results": [] }));
    let hundred: Vec<_> = (0..100).map(|at| json!({ "op": "put", "key": format!("k{at}"), "value": at })).collect();
    assert_eq!(batch(&ann, &json!({ "operations": hundred })).body(200)["revision"], 110);
}

fn the_first_refusal_undoes_all(store: Store) {
    let mut lethe = Lethe::install(store).with("limits.keys_per_user", "3");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    let kept = ann.keep("kept", r#"{"a":1}"#);
    let before = (ann.client.get(&ann.v1("/preferences")).text, ann.changes(), ann.client.get(&ann.v1("/usage")).text);
    let (put, delete) = (|key: &str| json!({ "op": "put", "key": key, "value": 1 }), |key: &str| json!({ "op": "delete", "key": key }));
    let table = [
        (json!([put("a"), delete("none"), delete("none too")]), 1, 404, "not-found"),
        (json!([delete("kept"), delete("kept")]), 1, 404, "not-found"),
        (json!([put("a"), put("b"), put("c")]), 2, 422, "quota-exceeded"),
        (json!([put("a"), { "op": "put", "key": "kept", "value": 1, "if_match": "\"99\"" }]), 1, 412, "precondition-failed"),
        (json!([put("a"), put("b"), { "op": "put", "key": " ", "value": 1 }]), 2, 422, "unprocessable"),
        (json!([put("a"), { "op": "rename", "key": "kept" }]), 1, 422, "unprocessable"),
        (json!([put("a"), { "op": "put", "key": "kept" }]), 1, 422, "unprocessable"),
        (json!([put("a"), 5]), 1, 422, "unprocessable"),
    ];
    for (operations, operation, status, slug) in table {
        let problem = batch(&ann, &json!({ "operations": operations })).problem(status, slug);
        assert_eq!(problem["operation"], operation, "{operations}: {problem}");
        if status == 412 {
            assert_eq!(problem["current"], kept);
        }
        let after = (ann.client.get(&ann.v1("/preferences")).text, ann.changes(), ann.client.get(&ann.v1("/usage")).text);
        assert_eq!(after, before, "after {operations}");
    }
    assert_eq!(ann.keep("next", "1")["revision"], 2, "no revision was used up");
}

fn each_operation_for_itself(store: Store) {
    let mut lethe = Lethe::install(store).with("limits.keys_per_user", "3").with("limits.depth", "2");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    ann.keep("kept", r#"{"a":[1]}"#);
    let operations = json!([
        { "op": "delete", "key": "none" },
        { "op": "put", "key": "a", "value": 1 },
        { "op": "put", "key": " bad", "value": 1 },
        { "op": "put", "key": "deep", "value": [[[1]]] },
        { "op": "merge", "key": "kept", "value": { "a": { "b": 1 } } },
        { "op": "put", "key": "b", "value": 1, "if_none_match": "*" },
        { "op": "put", "key": "c", "value": 1 },
        { "op": "delete", "key": "a", "if_match": "\"1\"" },
        { "op": "delete", "key": "a", "if_match": "\"2\"" },
        { "op": "put", "key": "c", "value": 1 },
        "no operation",
        { "op": "put", "key": "kept", "value": { "a": { "b": 1 } } },
        { "key": "kept" },
    ]);
    let problem = |key: &str, status: u16, slug: &str| json!({ "key": key, "status": status, "type": format!("/problems/{slug}") });
    let result = |key: &str, status: u16, revision: i64| json!({ "key": key, "status": status, "revision": revision });
    let expected = json!([
        problem("none", 404, "not-found"),
        result("a", 201, 2),
        problem(" bad", 422, "unprocessable"),
        problem("deep", 422, "unprocessable"),
        result("kept", 200, 3),
        result("b", 201, 4),
        problem("c", 422, "quota-exceeded"),
        problem("a", 412, "precondition-failed"),
        result("a", 204, 5),
        result("c", 201, 6),
        problem("", 422, "unprocessable"),
        result("kept", 200, 3),
        problem("kept", 422, "unprocessable"),
    ]);
    let answer = batch(&ann, &json!({ "atomic": false, "operations": operations })).body(200);
    assert_eq!(answer, json!({ "revision": 6, "results": expected }));
    assert_eq!(
        told(&ann, 1).iter().map(|(revision, key, _)| (*revision, key.as_str())).collect::<Vec<_>>(),
        [(2, "a"), (3, "kept"), (4, "b"), (5, "a"), (6, "c")]
    );
}

fn batches_that_are_none(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let put = json!({ "op": "put", "key": "k", "value": 1 });
    let many = vec![put.clone(); 101];
    for (body, pointer, code) in [
        (json!({}), "/operations", "required"),
        (json!({ "operations": null }), "/operations", "invalid"),
        (json!({ "operations": {} }), "/operations", "invalid"),
        (json!({ "operations": many }), "/operations", "invalid"),
        (json!({ "operations": many, "atomic": false }), "/operations", "invalid"),
        (json!({ "operations": [put], "atomic": null }), "/atomic", "invalid"),
        (json!({ "operations": [put], "atomic": "yes" }), "/atomic", "invalid"),
        (json!({ "operations": [{ "key": "k", "value": 1 }] }), "/operations/0/op", "required"),
        (json!({ "operations": [{ "op": 1, "key": "k", "value": 1 }] }), "/operations/0/op", "not_a_string"),
        (json!({ "operations": [{ "op": "PUT", "key": "k", "value": 1 }] }), "/operations/0/op", "invalid"),
        (json!({ "operations": [{ "op": "put", "value": 1 }] }), "/operations/0/key", "required"),
        (json!({ "operations": [put, { "op": "put", "key": 1, "value": 1 }] }), "/operations/1/key", "not_a_string"),
        (json!({ "operations": [{ "op": "put", "key": "k" }] }), "/operations/0/value", "required"),
        (json!({ "operations": [{ "op": "merge", "key": "k" }] }), "/operations/0/value", "required"),
        (json!({ "operations": [{ "op": "delete", "key": "k", "if_match": 1 }] }), "/operations/0/if_match", "not_a_string"),
        (json!({ "operations": [{ "op": "delete", "key": "k", "if_match": "1" }] }), "/operations/0/if_match", "invalid"),
    ] {
        let problem = batch(&ann, &body).problem(422, "unprocessable");
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!(pointer), &json!(code)), "{body}: {problem}");
    }
    for body in ["", "{", "[]", "null", "{}x"] {
        ann.client.send_as("POST", &ann.v1("/batch"), "application/json", body).problem(400, "malformed-json");
    }
    ann.client.send_as("POST", &ann.v1("/batch"), "text/plain", "{}").problem(415, "unsupported-media-type");
    // Of two errors in one operation both are told.
    let both = batch(&ann, &json!({ "operations": [{ "op": "put", "key": " " }] })).problem(422, "unprocessable");
    assert_eq!(both["errors"].as_array().unwrap().len(), 2, "{both}");
    assert_eq!(ann.revision(), 0);
}

fn a_batch_for_one_state_of_the_set(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    ann.keep("k", "1");
    let send = |condition: (&str, &str), operation: &Value, atomic: bool| {
        let body = json!({ "atomic": atomic, "operations": [operation] }).to_string();
        ann.client.send("POST", &ann.v1("/batch"), &[("content-type", "application/json"), condition], body.as_bytes())
    };
    let (put, none) = (json!({ "op": "put", "key": "k", "value": 2 }), json!({ "op": "delete", "key": "none" }));
    for atomic in [true, false] {
        for condition in [("if-match", "\"0\""), ("if-none-match", "\"1\""), ("if-none-match", "*")] {
            let problem = send(condition, &put, atomic).problem(412, "precondition-failed");
            assert_eq!(problem["current"], json!({ "revision": 1 }), "{condition:?}");
        }
        send(("if-match", "1"), &put, atomic).problem(400, "malformed-header");
    }
    send(("if-match", "\"0\""), &none, true).problem(404, "not-found");
    assert_eq!(ann.revision(), 1);
    send(("if-match", "\"1\""), &put, true).expect(200);
    send(("if-match", "\"2\""), &none, false).expect(200);
    assert_eq!(ann.revision(), 2);
}

fn a_patch_of_the_set_is_made_as_one(store: Store) {
    let mut lethe = Lethe::install(store).with("limits.keys_per_user", "4").with("limits.depth", "2").with("limits.value_bytes", "40");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    ann.keep("a.b", r#"{"x":1}"#);
    ann.keep("a", "1");
    ann.keep("gone", "1");
    let set = ann.v1("/preferences");
    let answer = ann.client.merge(&set, r#"{"new":{"n":null,"m":1},"a.b":{"y":{"z":2}},"gone":null,"none":null,"a":1}"#).expect(200);
    assert_eq!(answer.json(), json!({ "revision": 6, "changed": ["a.b", "new"], "removed": ["gone"] }));
    assert_eq!(answer.header("etag"), Some("\"6\""));
    assert_eq!(ann.client.get(&ann.key("a.b")).body(200)["value"], json!({ "x": 1, "y": { "z": 2 } }), "members are keys, not paths");
    assert_eq!(told(&ann, 3).len(), 3);
    let before = (ann.client.get(&set).text, ann.changes());
    for (patch, slug, pointer) in [
        (r#"{"a":2,"x":1,"y":1}"#, "quota-exceeded", None),
        (r#"{"a":2," ":1}"#, "unprocessable", Some("/ ")),
        (r#"{"a":2,"a.b":{"y":{"z":[1]}}}"#, "unprocessable", Some("/a.b")),
        (r#"{"a":2,"a.b":{"y":"0123456789012345678901234567890123456789"}}"#, "unprocessable", Some("/a.b")),
        (r#"{"a":null,"new":{"m":"0123456789012345678901234567890123456"}}"#, "unprocessable", Some("/new")),
    ] {
        let problem = ann.client.merge(&set, patch).problem(422, slug);
        assert_eq!(problem["errors"][0]["pointer"].as_str(), pointer, "{patch}: {problem}");
        assert_eq!((ann.client.get(&set).text, ann.changes()), before, "after {patch}");
    }
    let everything = ann.client.merge(&set, r#"{"a":null,"a.b":null,"new":null}"#).body(200);
    assert_eq!(everything, json!({ "revision": 9, "changed": [], "removed": ["a", "a.b", "new"] }));
}

/// Two keys that always change together are always seen together.
fn nobody_sees_half_of_it(store: Store) {
    const ROUNDS: usize = 60;
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let put = |value: usize| json!({ "operations": [{ "op": "put", "key": "a", "value": value }, { "op": "put", "key": "b", "value": value }] });
    batch(&ann, &put(0)).expect(200);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let ann = &ann;
                scope.spawn(move || {
                    for round in 1..=ROUNDS {
                        let value = round * 2 + writer;
                        let answer = if round % 2 == 0 {
                            batch(ann, &put(value))
                        } else {
                            ann.client.merge(&ann.v1("/preferences"), &json!({ "a": value, "b": value }).to_string())
                        };
                        answer.expect(200);
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let items = ann.client.get(&ann.v1("/preferences")).items();
            assert_eq!(items[0]["value"], items[1]["value"]);
            let document = ann.client.get("/settings/user").body(200)["settings"].clone();
            assert_eq!(document["a"], document["b"]);
            let revision = ann.revision();
            let then = ann.client.get(&ann.v1(&format!("/preferences?at={revision}"))).items();
            assert_eq!((revision % 2, &then[0]["value"]), (0, &then[1]["value"]));
        }
    });
    let told = told(&ann, 0);
    assert_eq!(told.iter().map(|(revision, ..)| *revision).collect::<Vec<_>>(), (1..=ann.revision()).collect::<Vec<_>>());
    assert!(told.chunks(2).all(|pair| pair[0].1 == "a" && pair[1].1 == "b" && pair[0].2 == pair[1].2), "{told:?}");
}

const WRITERS: usize = 100;

/// A hundred writers in every dialect, each with a key of its own, at once. What each was answered.
fn all_at_once(ann: &User, value: &str) -> Vec<Answer> {
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (ann, key) = (ann, format!("w{writer:02}"));
                scope.spawn(move || {
                    let operation = format!(r#"{{"operations":[{{"op":"put","key":"{key}","value":{value}}}]}}"#);
                    match writer % 5 {
                        0 => ann.client.put_text(&ann.key(&key), value),
                        1 => ann.client.send_as("POST", &ann.v1("/batch"), "application/json", &operation),
                        2 => ann.client.merge(&ann.v1("/preferences"), &format!(r#"{{"{key}":{value}}}"#)),
                        3 => ann.client.send_as("POST", &ann.preferences(), "application/json", &format!(r#"{{"key":"{key}","value":{value}}}"#)),
                        _ => ann.client.send_as("PUT", "/settings/user", "application/json", &format!(r#"{{"{key}":{value}}}"#)),
                    }
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    })
}

#[track_caller]
fn are_done_or_refused(ann: &User, answers: &[Answer], done: usize) {
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 201 | 400 | 422)), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.status < 300).count(), done);
    let kept = ann.client.get(&ann.v1("/preferences?limit=100")).items();
    assert_eq!(kept.len(), done, "what was acknowledged is there, and nothing else");
    assert_eq!(ann.changes().len(), done);
}

fn writers_at_the_limit_of_keys(store: Store) {
    let mut lethe = Lethe::install(store).with("limits.keys_per_user", "37");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    are_done_or_refused(&ann, &all_at_once(&ann, "1"), 37);
    assert_eq!(ann.client.get(&ann.v1("/usage")).body(200)["keys"], 37);
}

fn writers_at_the_limit_of_bytes(store: Store) {
    // Three bytes of a key and seven of its value: there is room for 37, and seven bytes are left over.
    let mut lethe = Lethe::install(store).with("limits.bytes_per_user", "377");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    are_done_or_refused(&ann, &all_at_once(&ann, r#""12345""#), 37);
    assert_eq!(ann.client.get(&ann.v1("/usage")).body(200), json!({ "keys": 37, "bytes": 370 }));
}
