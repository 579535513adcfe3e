//! What happened to preferences: told from the first change on, gone back to, and forgotten in the end.

use crate::common::{Event, Lethe, Store, User, Watch, encode, on_both_stores, until};
use serde_json::{Value, json};

on_both_stores!(changes_are_told_in_order, sets_of_the_past, the_history_of_a_key, going_back, going_back_is_a_change_like_any_other, what_is_forgotten);

fn revisions(changes: &Value) -> Vec<i64> {
    changes.as_array().unwrap().iter().map(|change| change["revision"].as_i64().unwrap()).collect()
}

fn changes_are_told_in_order(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let changes = |query: &str| ann.client.get(&ann.v1(&format!("/changes{query}"))).body(200);
    assert_eq!(changes(""), json!({ "changes": [], "revision": 0, "more": false }));
    // Each dialect writes something.
    ann.keep("a", "1.0");
    ann.prefer("b", &json!(2));
    ann.client.put("/settings/user", &json!({ "c": { "d": null } })).expect(200);
    lethe.admin().put_text(&ann.key("a"), "2").expect(200);
    ann.client.delete(&ann.key("b")).nothing();
    ann.client.merge(&ann.v1("/preferences"), r#"{"c":null,"e":5}"#).expect(200);
    let all = changes("");
    let told: Vec<_> = all["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["key"].as_str().unwrap(), change["op"].as_str().unwrap(), change.get("value").cloned()))
        .collect();
    let expected = [
        ("a", "put", Some(json!(1.0))),
        ("b", "put", Some(json!(2))),
        ("c", "put", Some(json!({ "d": null }))),
        ("a", "put", Some(json!(2))),
        ("b", "delete", None),
        ("c", "delete", None),
        ("e", "put", Some(json!(5))),
    ];
    assert_eq!(told, expected);
    assert_eq!((revisions(&all["changes"]), &all["revision"], &all["more"]), ((1..=7).collect(), &json!(7), &json!(false)));
    let actors: Vec<_> = all["changes"].as_array().unwrap().iter().map(|change| change["actor"] == ann.id).collect();
    assert_eq!(actors, [true, true, true, false, true, true, true]);
    let item = ann.client.get(&ann.key("e")).body(200);
    assert_eq!(all["changes"][6]["at"], item["updated_at"]);

    assert_eq!(changes("?since=0"), all);
    for (query, expected, more) in [
        ("?since=5", vec![6, 7], false),
        ("?since=7", vec![], false),
        ("?limit=3", vec![1, 2, 3], true),
        ("?since=3&limit=3", vec![4, 5, 6], true),
        ("?since=6&limit=1", vec![7], false),
        // Who has seen more than there is learns so from the revision.
        ("?since=99", vec![], false),
        ("?since=9223372036854775807", vec![], false),
    ] {
        let page = changes(query);
        assert_eq!((revisions(&page["changes"]), &page["more"], &page["revision"]), (expected, &json!(more), &json!(7)), "{query}");
    }
    for query in ["since=x", "since=01", "since=1.0", "since=", "since=9223372036854775808", "since=1&since=2", "limit=0", "limit=101"] {
        ann.client.get(&ann.v1(&format!("/changes?{query}"))).problem(400, "malformed-query");
    }
    ann.client.get(&ann.v1("/changes?since=-1")).problem(422, "unprocessable");
    assert_eq!(lethe.admin().get(&ann.v1("/changes")).body(200), all);
    lethe.sign_up("bob").client.get(&ann.v1("/changes")).problem(403, "forbidden");
}

fn sets_of_the_past(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let mut sets = vec![Vec::<(String, Value)>::new()];
    let step = |what: &dyn Fn()| {
        what();
        let items = ann.client.get(&ann.v1("/preferences")).items();
        items.iter().map(|item| (item["key"].as_str().unwrap().to_owned(), json!([item["value"], item["revision"], item["updated_at"]]))).collect::<Vec<_>>()
    };
    sets.push(step(&|| drop(ann.keep("b", "1"))));
    sets.push(step(&|| drop(ann.keep("a", r#"{"x":1e400}"#))));
    sets.push(step(&|| drop(ann.keep("b", "2"))));
    sets.push(step(&|| ann.client.delete(&ann.key("a")).nothing()));
    sets.push(step(&|| drop(ann.keep("a", "3"))));
    sets.push(step(&|| ann.client.delete(&ann.key("b")).nothing()));
    for (revision, expected) in sets.iter().enumerate() {
        let past = ann.client.get(&ann.v1(&format!("/preferences?at={revision}"))).expect(200);
        assert_eq!(past.header("etag"), Some(format!("\"{revision}\"").as_str()));
        let past = past.json();
        let items: Vec<_> = past["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["key"].as_str().unwrap().to_owned(), json!([item["value"], item["revision"], item["updated_at"]])))
            .collect();
        assert_eq!((&items, &past["revision"], &past["next"]), (expected, &json!(revision), &Value::Null));
    }
    for at in 0..30 {
        ann.keep(&format!("many{at:02}"), "1");
    }
    ann.keep("many00", "2");
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let part = ann.client.get(&ann.v1(&format!("/preferences?at=36&limit=7&prefix=many{cursor}"))).body(200);
        all.extend(part["items"].as_array().unwrap().iter().map(|item| (item["key"].clone(), item["value"].clone())));
        let Some(next) = part["next"].as_str() else { break };
        cursor = format!("&cursor={}", encode(next));
    }
    assert_eq!(all, (0..30).map(|at| (json!(format!("many{at:02}")), json!(1))).collect::<Vec<_>>());
}

fn the_history_of_a_key(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    for at in 0..7 {
        ann.keep("k", &at.to_string());
        ann.keep("other", &at.to_string());
    }
    ann.client.delete(&ann.key("k")).nothing();
    let history = |query: &str| ann.client.get(&ann.v1(&format!("/history/k{query}"))).body(200);
    let all = history("");
    assert_eq!((revisions(&all["items"]), &all["next"]), (vec![15, 13, 11, 9, 7, 5, 3, 1], &Value::Null));
    assert_eq!((&all["items"][0]["op"], all["items"][0].get("value"), &all["items"][1]["value"]), (&json!("delete"), None, &json!(6)));
    let mut changes: Vec<_> = ann.changes().into_iter().filter(|change| change["key"] == "k").collect();
    changes.reverse();
    assert_eq!(all["items"], json!(changes));
    let (mut parts, mut cursor) = (Vec::new(), String::new());
    loop {
        let part = history(&format!("?limit=3{cursor}"));
        parts.extend(part["items"].as_array().unwrap().clone());
        let Some(next) = part["next"].as_str() else { break };
        cursor = format!("&cursor={}", encode(next));
    }
    assert_eq!(json!(parts), all["items"]);
    assert_eq!(ann.client.get(&ann.v1("/history/never")).items(), Vec::<Value>::new());
    for query in ["limit=0", "limit=101", "cursor=x", "cursor=-1"] {
        ann.client.get(&ann.v1(&format!("/history/k?{query}"))).problem(400, "malformed-query");
    }
}

fn going_back(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let revert = |body: Value| ann.client.post(&ann.v1("/revert"), &body);
    let set = || -> Value { ann.client.get("/settings/user").body(200)["settings"].clone() };
    ann.keep("a", "1.0");
    ann.keep("b", "1");
    ann.keep("c", "1");
    let third = set();
    ann.keep("a", "2");
    ann.client.delete(&ann.key("b")).nothing();
    ann.keep("d", "1");
    let sixth = set();

    let answer = revert(json!({ "to": 3 })).expect(200);
    assert_eq!(answer.json(), json!({ "revision": 9, "changed": ["a", "b"], "removed": ["d"] }));
    assert_eq!(answer.header("etag"), Some("\"9\""));
    assert_eq!(set(), third);
    assert!(ann.client.get(&ann.key("a")).text.contains("\"value\":1.0,"));
    assert_eq!(ann.changes().len(), 9, "what happened is not undone in the log");
    // And back again, and to nothing at all.
    assert_eq!(revert(json!({ "to": 6 })).body(200)["revision"], 12);
    assert_eq!(set(), sixth);
    assert_eq!(revert(json!({ "to": 0 })).body(200), json!({ "revision": 15, "changed": [], "removed": ["a", "c", "d"] }));
    assert_eq!(revert(json!({ "to": 15 })).body(200), json!({ "revision": 15, "changed": [], "removed": [] }));
    // One key.
    assert_eq!(revert(json!({ "to": 3, "key": "a" })).body(200), json!({ "revision": 16, "changed": ["a"], "removed": [] }));
    assert_eq!(revert(json!({ "to": 5, "key": "b" })).body(200), json!({ "revision": 16, "changed": [], "removed": [] }));
    assert_eq!(revert(json!({ "to": 0, "key": "a" })).body(200), json!({ "revision": 17, "changed": [], "removed": ["a"] }));
    assert_eq!(revert(json!({ "to": 3, "key": "never" })).body(200), json!({ "revision": 17, "changed": [], "removed": [] }));

    for (body, pointer, code) in [
        (json!({}), "/to", "required"),
        (json!({ "to": null }), "/to", "invalid"),
        (json!({ "to": "3" }), "/to", "invalid"),
        (json!({ "to": 1.5 }), "/to", "invalid"),
        (json!({ "to": -1 }), "/to", "invalid"),
        (json!({ "to": 18 }), "/to", "invalid"),
        (json!({ "to": 1, "key": 5 }), "/key", "not_a_string"),
        (json!({ "to": 1, "key": null }), "/key", "not_a_string"),
        (json!({ "to": 1, "key": " a" }), "/key", "invalid"),
    ] {
        let problem = revert(body.clone()).problem(422, "unprocessable");
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!(pointer), &json!(code)), "{body}: {problem}");
    }
    for body in ["", "{", "[]"] {
        ann.client.send_as("POST", &ann.v1("/revert"), "application/json", body).problem(400, "malformed-json");
    }
    assert_eq!(ann.revision(), 17);
}

fn going_back_is_a_change_like_any_other(store: Store) {
    let mut lethe = Lethe::install(store).with("limits.keys_per_user", "2");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    ann.keep("a", "1");
    ann.keep("b", "1");
    ann.client.delete(&ann.key("a")).nothing();
    ann.keep("c", "1");
    ann.client.post(&ann.v1("/revert"), &json!({ "to": 1, "key": "a" })).problem(422, "quota-exceeded");
    assert_eq!(ann.revision(), 4);
    // As a whole, it makes the room that it takes.
    ann.client.post(&ann.v1("/revert"), &json!({ "to": 2 })).expect(200);
    let last: Vec<_> = ann.changes().split_off(4).iter().map(|change| json!([change["op"], change["key"], change["revision"]])).collect();
    assert_eq!(last, [json!(["delete", "c", 5]), json!(["put", "a", 6])]);
}

/// Waits until the log of a user begins after that revision.
fn until_begun_after(ann: &User, revision: i64) {
    let since = |revision: i64| ann.client.get(&ann.v1(&format!("/changes?since={revision}&limit=1"))).status;
    until("the log is short", || (since(revision - 1) == 410).then_some(()));
    assert_eq!(since(revision), 200, "no more is forgotten than has to be");
}

fn what_is_forgotten(store: Store) {
    let mut lethe = Lethe::install(store).with("history.max_changes", "5").with("history.look_every", "1s");
    lethe.serve();
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    for at in 1..=3 {
        bob.keep("k", &at.to_string());
    }
    ann.keep("old", r#"{"x":1.0}"#);
    ann.keep("gone", "1");
    for at in 3..=17 {
        ann.keep("k", &at.to_string());
    }
    ann.client.delete(&ann.key("gone")).nothing();
    ann.keep("k", "19");
    ann.keep("new", "20");
    until_begun_after(&ann, 15);
    let set = ann.client.get(&ann.v1("/preferences")).body(200);
    assert_eq!(
        set["items"].as_array().unwrap().iter().map(|item| json!([item["key"], item["revision"]])).collect::<Vec<_>>(),
        [json!(["k", 19]), json!(["new", 20]), json!(["old", 1])]
    );

    // Followers that come too late are told where to begin anew, and can.
    for since in [0, 1, 14] {
        let problem = ann.client.get(&ann.v1(&format!("/changes?since={since}"))).problem(410, "cursor-expired");
        assert_eq!(problem["resync"], ann.v1("/preferences"));
        assert_eq!(ann.client.get(problem["resync"].as_str().unwrap()).body(200), set);
    }
    assert_eq!(revisions(&ann.client.get(&ann.v1("/changes?since=15")).body(200)["changes"]), (16..=20).collect::<Vec<_>>());
    ann.client.get(&ann.v1("/changes")).problem(410, "cursor-expired");

    // Sets of the past, and what they were, as far back as the log reaches.
    for at in [0, 1, 14] {
        ann.client.get(&ann.v1(&format!("/preferences?at={at}"))).problem(410, "revision-expired");
        ann.client.post(&ann.v1("/revert"), &json!({ "to": at })).problem(410, "revision-expired");
        ann.client.post(&ann.v1("/revert"), &json!({ "to": at, "key": "k" })).problem(410, "revision-expired");
    }
    let at = |revision: i64| -> Vec<Value> {
        let items = ann.client.get(&ann.v1(&format!("/preferences?at={revision}"))).items();
        items.iter().map(|item| json!([item["key"], item["value"], item["revision"]])).collect()
    };
    assert_eq!(at(15), [json!(["gone", 1, 2]), json!(["k", 15, 15]), json!(["old", { "x": 1.0 }, 1])]);
    assert_eq!(at(18), [json!(["k", 17, 17]), json!(["old", { "x": 1.0 }, 1])]);
    let history = ann.client.get(&ann.v1("/history/k")).items();
    assert_eq!(revisions(&json!(history))[..3], [19, 17, 16]);

    // A stream begins with what has to be read anew, and goes on from there.
    for headers in [&[("Last-Event-ID", "3")][..], &[]] {
        let revision = ann.revision();
        let watch = Watch::open(lethe.address(), &ann.token, &ann.v1("/changes/watch?since=0"), headers);
        assert_eq!(watch.next(), Event { id: Some(revision), name: "resync".into(), data: json!({ "revision": revision }) });
        ann.keep("new", &format!("[{revision}]"));
        let next = watch.next();
        assert_eq!((next.id, next.name.as_str(), &next.data["value"]), (Some(revision + 1), "put", &json!([revision])));
    }
    // The bounds hold for each user, and the forgotten stays so.
    assert_eq!(bob.changes().len(), 3);
    lethe.stop();
    lethe.serve();
    let ann = lethe.user(ann.id, "ann");
    ann.client.get(&ann.v1("/changes?since=14")).problem(410, "cursor-expired");
    ann.client.post(&ann.v1("/revert"), &json!({ "to": 18 })).expect(200);
    assert_eq!(ann.client.get(&ann.key("old")).body(200)["revision"], 1);
    // Nothing of it is in the way of the deletion.
    ann.client.delete(&ann.v1("?mode=hard")).nothing();
    lethe.erased(ann.id);
}
