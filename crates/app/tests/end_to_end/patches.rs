//! Changes to a part of a value: merge patches (RFC 7396) and JSON patches (RFC 6902).

use crate::common::{Lethe, Store, User, on_both_stores};
use serde_json::json;

on_both_stores!(
    merge_patches_of_the_specification,
    merge_patches_keep_what_they_do_not_touch,
    json_patches_are_applied_as_a_whole,
    tests_that_fail,
    patches_that_cannot_be_applied,
    patches_that_are_none,
    patches_that_would_grow_without_bound,
    patches_of_other_kinds
);

/// RFC 7396, appendix A.
const APPENDIX_A: [(&str, &str, &str); 15] = [
    (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
    (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
    (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
    (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
    (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
    (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
    (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
    (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
    (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
    (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
    (r#"{"a":"foo"}"#, "null", "null"),
    (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
    (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
    ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
    ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
];

/// The text of a value, as it is shown.
#[track_caller]
fn value(ann: &User, key: &str) -> String {
    let text = ann.client.get(&ann.key(key)).expect(200).text;
    let (_, rest) = text.split_once("\"value\":").unwrap();
    rest.rsplit_once(",\"revision\":").unwrap().0.to_owned()
}

fn merge_patches_of_the_specification(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    for (before, patch, after) in APPENDIX_A {
        for way in 0..3 {
            ann.keep("k", before);
            match way {
                0 => drop(ann.client.merge(&ann.key("k"), patch).expect(200)),
                1 => {
                    let operations = format!(r#"{{"operations":[{{"op":"merge","key":"k","value":{patch}}}]}}"#);
                    ann.client.send_as("POST", &ann.v1("/batch"), "application/json", &operations).expect(200);
                }
                // As a member of a patch of the set, `null` is a removal.
                _ => {
                    let outcome = ann.client.merge(&ann.v1("/preferences"), &format!(r#"{{"k":{patch}}}"#)).body(200);
                    if patch == "null" {
                        assert_eq!((&outcome["changed"], &outcome["removed"]), (&json!([]), &json!(["k"])));
                        ann.client.get(&ann.key("k")).problem(404, "not-found");
                        continue;
                    }
                    assert_eq!((&outcome["changed"], &outcome["removed"]), (&json!(["k"]), &json!([])));
                }
            }
            assert_eq!(value(&ann, "k"), after, "{before} with {patch}");
        }
        // A batch and a patch of the set make what is not there from nothing.
        if patch.starts_with('{') {
            let member = format!(r#"{{"new":{patch}}}"#);
            ann.client.merge(&ann.v1("/preferences"), &member).expect(200);
            let from_nothing = value(&ann, "new");
            assert!(!from_nothing.contains("null"), "{patch} makes {from_nothing}");
            ann.client.delete(&ann.key("new")).nothing();
        }
    }
}

fn merge_patches_keep_what_they_do_not_touch(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    ann.keep("k", r#"{"z":1.0,"a":{"n":1e400,"s":"\u00e9"},"m":[1, 2.50],"y":"\/"}"#);
    ann.client.merge(&ann.key("k"), r#"{ "a": {"t": 9007199254740993.0}, "m": null, "new": {"x": null, "y": 1.10} }"#).expect(200);
    assert_eq!(value(&ann, "k"), r#"{"z":1.0,"a":{"n":1e400,"s":"\u00e9","t":9007199254740993.0},"y":"\/","new":{"y":1.10}}"#);
    ann.client.merge(&ann.key("k"), r#"{"a":{"n":1,"n":2},"z":null,"z":3}"#).expect(200);
    assert_eq!(value(&ann, "k"), r#"{"z":3,"a":{"n":2,"s":"\u00e9","t":9007199254740993.0},"y":"\/","new":{"y":1.10}}"#, "the last of one name counts");
}

fn json_patches_are_applied_as_a_whole(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    for (before, patch, after) in [
        (r#"{"a":1}"#, r#"[{"op":"add","path":"/b","value":[1.0,1e+400]}]"#, r#"{"a":1,"b":[1.0,1e+400]}"#),
        ("[1,3]", r#"[{"op":"add","path":"/1","value":2},{"op":"add","path":"/-","value":4}]"#, "[1,2,3,4]"),
        (r#"{"a":1,"b":2}"#, r#"[{"op":"remove","path":"/a"}]"#, r#"{"b":2}"#),
        (r#"{"z":1.0,"a":2}"#, r#"[{"op":"replace","path":"/a","value":null}]"#, r#"{"z":1.0,"a":null}"#),
        (r#"{"a":{"b":1},"c":{}}"#, r#"[{"op":"move","from":"/a/b","path":"/c/d"}]"#, r#"{"a":{},"c":{"d":1}}"#),
        (r#"{"a":[1]}"#, r#"[{"op":"copy","from":"/a","path":"/b"}]"#, r#"{"a":[1],"b":[1]}"#),
        ("1", r#"[{"op":"replace","path":"","value":{"a":2}}]"#, r#"{"a":2}"#),
        (
            r#"{"a/b":1,"m~n":2,"":3}"#,
            r#"[{"op":"remove","path":"/a~1b"},{"op":"replace","path":"/m~0n","value":4},{"op":"remove","path":"/"}]"#,
            r#"{"m~n":4}"#,
        ),
        (
            r#"{"a":100}"#,
            r#"[{"op":"test","path":"/a","value":1e2},{"op":"test","path":"/a","value":100.00},{"op":"add","path":"/b","value":1}]"#,
            r#"{"a":100,"b":1}"#,
        ),
        (r#"{"a":{"x":1,"y":[]}}"#, r#"[{"op":"test","path":"/a","value":{"y":[],"x":1}},{"op":"remove","path":"/a/x","unknown":1}]"#, r#"{"a":{"y":[]}}"#),
        (
            r#"{"n":123456789012345678901234567890}"#,
            r#"[{"op":"copy","from":"/n","path":"/m"}]"#,
            r#"{"n":123456789012345678901234567890,"m":123456789012345678901234567890}"#,
        ),
    ] {
        ann.keep("k", before);
        let answer = ann.client.json_patch(&ann.key("k"), patch).expect(200);
        assert_eq!(answer.header("etag"), Some(format!("\"{}\"", ann.revision()).as_str()));
        assert_eq!(value(&ann, "k"), after, "{before} with {patch}");
    }
    let last = ann.changes().pop().unwrap();
    assert_eq!((&last["op"], &last["revision"]), (&json!("put"), &json!(ann.revision())), "a patch is told as the value that comes of it");
}

fn tests_that_fail(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let item = ann.keep("k", r#"{"a":1,"b":[1,"1"],"c":null}"#);
    for (patch, operation) in [
        (r#"[{"op":"test","path":"/a","value":2}]"#, 0),
        (r#"[{"op":"test","path":"/a","value":"1"}]"#, 0),
        (r#"[{"op":"test","path":"/c","value":0}]"#, 0),
        (r#"[{"op":"test","path":"/b","value":["1",1]}]"#, 0),
        (r#"[{"op":"add","path":"/d","value":1},{"op":"remove","path":"/a"},{"op":"test","path":"/b","value":[]},{"op":"remove","path":"/none"}]"#, 2),
        (r#"[{"op":"replace","path":"/a","value":2},{"op":"test","path":"/a","value":1}]"#, 1),
        (r#"[{"op":"test","path":"","value":{}}]"#, 0),
    ] {
        let problem = ann.client.json_patch(&ann.key("k"), patch).problem(409, "patch-test-failed");
        assert_eq!(problem["operation"], operation, "{patch}: {problem}");
        assert_eq!(ann.client.get(&ann.key("k")).body(200), item, "after {patch}");
    }
    assert_eq!(ann.revision(), 1);
}

fn patches_that_cannot_be_applied(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let item = ann.keep("k", r#"{"a":{"b":1},"l":[1,2]}"#);
    for (patch, operation) in [
        (r#"[{"op":"remove","path":"/none"}]"#, 0),
        (r#"[{"op":"replace","path":"/none","value":1}]"#, 0),
        (r#"[{"op":"add","path":"/none/x","value":1}]"#, 0),
        (r#"[{"op":"add","path":"/a/b/c","value":1}]"#, 0),
        (r#"[{"op":"add","path":"/l/3","value":1}]"#, 0),
        (r#"[{"op":"add","path":"/l/01","value":1}]"#, 0),
        (r#"[{"op":"add","path":"/l/-1","value":1}]"#, 0),
        (r#"[{"op":"add","path":"/l/x","value":1}]"#, 0),
        (r#"[{"op":"remove","path":"/l/-"}]"#, 0),
        (r#"[{"op":"remove","path":"/l/2"}]"#, 0),
        (r#"[{"op":"move","from":"/none","path":"/x"}]"#, 0),
        (r#"[{"op":"move","from":"/a","path":"/a/b"}]"#, 0),
        (r#"[{"op":"copy","from":"/none","path":"/x"}]"#, 0),
        (r#"[{"op":"remove","path":"/a"},{"op":"remove","path":"/a"}]"#, 1),
    ] {
        let problem = ann.client.json_patch(&ann.key("k"), patch).problem(422, "patch-failed");
        assert_eq!(problem["operation"], operation, "{patch}: {problem}");
        assert_eq!(ann.client.get(&ann.key("k")).body(200), item, "after {patch}");
    }
    // A test of what is not there fails as a test or as an operation that leads nowhere: it is refused either way.
    let absent = ann.client.json_patch(&ann.key("k"), r#"[{"op":"test","path":"/none","value":null}]"#);
    assert!(matches!(absent.status, 409 | 422), "{absent:?}");
    assert_eq!(ann.revision(), 1);
}

fn patches_that_are_none(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let item = ann.keep("k", "{}");
    let path = ann.key("k");
    for text in ["", " ", "{", "[", "[{]", r#"[{"op":"x"},"#, r#"{"op":"x"}x"#, "[]x", "nul", "\u{feff}[]", r#"[{"op":"add","path":"/a","value":"\ud800"}]"#] {
        ann.client.json_patch(&path, text).problem(400, "malformed-json");
    }
    for text in [
        "{}",
        "null",
        "1",
        "\"x\"",
        "[1]",
        "[[]]",
        "[{}]",
        r#"{"op":"remove","path":""}"#,
        r#"[{"op":"remove"}]"#,
        r#"[{"path":"/a"}]"#,
        r#"[{"op":"add","path":"/a"}]"#,
        r#"[{"op":"test","path":"/a"}]"#,
        r#"[{"op":"move","path":"/a"}]"#,
        r#"[{"op":"copy","path":"/a"}]"#,
        r#"[{"op":"spam","path":"/a"}]"#,
        r#"[{"op":"ADD","path":"/a","value":1}]"#,
        r#"[{"op":"add","path":"a","value":1}]"#,
        r#"[{"op":"add","path":null,"value":1}]"#,
        r#"[{"op":"add","path":"/~2","value":1}]"#,
        r#"[{"op":"add","path":"/a","value":{"$serde_json::private::Number":"1"}}]"#,
    ] {
        let problem = ann.client.json_patch(&path, text).problem(422, "unprocessable");
        assert_eq!(problem["errors"][0]["pointer"], "", "{text}: {problem}");
    }
    for text in ["", "{", "{}x", "nul", r#"{"a":"\ud800"}"#] {
        ann.client.merge(&path, text).problem(400, "malformed-json");
        ann.client.merge(&ann.v1("/preferences"), text).problem(400, "malformed-json");
    }
    for text in ["[]", "1", "null", "\"x\""] {
        ann.client.merge(&ann.v1("/preferences"), text).problem(400, "malformed-json");
    }
    assert_eq!(ann.client.get(&path).body(200), item);
}

/// Short patches that double what there is again and again.
fn patches_that_would_grow_without_bound(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let text = "x".repeat(1_000);
    let item = ann.keep("k", &json!({ "a": [text] }).to_string());
    let path = ann.key("k");
    let doubling = |turns: usize| -> String {
        let steps: Vec<_> = (0..turns).map(|turn| json!({ "op": "copy", "from": "", "path": format!("/{turn}") })).collect();
        json!(steps).to_string()
    };
    let flat = |copies: usize| -> String {
        let steps: Vec<_> = (0..copies).map(|copy| json!({ "op": "copy", "from": "/a", "path": format!("/{copy}") })).collect();
        json!(steps).to_string()
    };
    for (patch, code) in
        [(doubling(8), "too_large"), (doubling(30), "too_large"), (doubling(2_000), "invalid"), (flat(70), "too_large"), (flat(1_500), "invalid")]
    {
        let problem = ann.client.json_patch(&path, &patch).problem(422, "unprocessable");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
        assert_eq!(ann.client.get(&path).body(200), item);
    }
    // Nor may it grow in depth: an empty name takes one byte a level.
    let mut steps = vec![json!({ "op": "add", "path": "", "value": (0..30).fold(json!(1), |inner, _| json!({ "": inner })) })];
    steps.extend((0..11).map(|turn| json!({ "op": "copy", "from": "", "path": "/".repeat(30 << turn) })));
    let problem = ann.client.json_patch(&path, &json!(steps).to_string()).problem(422, "unprocessable");
    assert_eq!(problem["errors"][0]["code"], "too_deep", "{problem}");
    // Whoever copies and throws away is bounded, too.
    let long = ann.keep("long", &json!({ "a": "x".repeat(20_000) }).to_string());
    let steps: Vec<_> = (0..50).flat_map(|_| [json!({ "op": "copy", "from": "/a", "path": "/b" }), json!({ "op": "remove", "path": "/b" })]).collect();
    let problem = ann.client.json_patch(&ann.key("long"), &json!(steps).to_string()).problem(422, "unprocessable");
    assert_eq!(problem["errors"][0]["code"], "too_large", "{problem}");
    assert_eq!(ann.client.get(&ann.key("long")).body(200), long);
    ann.client.json_patch(&path, &flat(60)).expect(200);
}

fn patches_of_other_kinds(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    ann.keep("k", "{}");
    let both = "application/merge-patch+json, application/json-patch+json";
    for (path, known) in [(ann.key("k"), both), (ann.v1("/preferences"), "application/merge-patch+json")] {
        for kind in ["application/json", "text/plain", "application/x-www-form-urlencoded", "application/merge-patch", "json", ""] {
            let answer = ann.client.send("PATCH", &path, &[("content-type", kind)], b"{}");
            assert_eq!(answer.header("accept-patch"), Some(known), "{kind}: {answer:?}");
            answer.problem(415, "unsupported-media-type");
        }
        let answer = ann.client.send("PATCH", &path, &[], b"{}");
        assert_eq!(answer.header("accept-patch"), Some(known), "{answer:?}");
        answer.problem(415, "unsupported-media-type");
        for kind in ["Application/Merge-Patch+JSON", "application/merge-patch+json; charset=utf-8"] {
            ann.client.send("PATCH", &path, &[("content-type", kind)], b"{}").expect(200);
        }
    }
    let answer = ann.client.json_patch(&ann.v1("/preferences"), "[]");
    assert_eq!(answer.header("accept-patch"), Some("application/merge-patch+json"));
    answer.problem(415, "unsupported-media-type");
    assert_eq!(ann.revision(), 1);
}
