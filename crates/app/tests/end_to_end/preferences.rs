//! Preferences in the community dialect, as their pages describe them.

use crate::common::{Answer, Lethe, NOBODY, Store, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(
    a_preference_lives_and_dies,
    json_is_read_under_the_label_of_a_form,
    forms_are_read,
    a_change_that_changes_nothing_leaves_no_trace,
    values_come_back_to_the_letter,
    keys_are_trimmed_and_are_one_each,
    slashes_and_question_marks_do_not_matter,
    lists_are_paged,
    lists_are_filtered_by_key,
    others_are_kept_out,
    limits_hold
);

/// The six fields that the pages name, in their order.
fn assert_shape(preference: &Value) {
    let names: Vec<_> = preference.as_object().unwrap().keys().collect();
    assert_eq!(names, ["id", "user_id", "key", "value", "created_at", "last_updated_at"]);
    for field in ["created_at", "last_updated_at"] {
        let time = preference[field].as_str().unwrap();
        assert!(time.len() == "2026-01-02T03:04:05.123456Z".len() && time.ends_with('Z'), "{time}");
    }
}

fn key_and_value(answer: Answer, status: u16) -> (String, Value) {
    let preference = answer.body(status);
    (preference["key"].as_str().unwrap().to_owned(), preference["value"].clone())
}

fn a_preference_lives_and_dies(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let created =
        ann.client.post(&ann.preferences(), &json!({ "key": "theme", "value": "dark", "id": 77, "user_id": 78, "created_at": "never", "x": 1 })).body(201);
    assert_shape(&created);
    assert_eq!((&created["user_id"], &created["key"], &created["value"]), (&json!(ann.id), &json!("theme"), &json!("dark")));
    assert_ne!(created["id"], 77);
    let one = format!("{}{}/", ann.preferences(), created["id"]);
    assert_eq!(ann.client.get(&one).body(200), created);
    assert_eq!(ann.client.get("/api/v2/user/me/preference/").body(200), json!({ "count": 1, "next": null, "previous": null, "results": [created] }));

    let patched = ann.client.patch(&one, &json!({ "value": { "name": "light" } })).body(200);
    assert_shape(&patched);
    assert_eq!((&patched["id"], &patched["key"], &patched["created_at"]), (&created["id"], &json!("theme"), &created["created_at"]));
    assert_eq!(patched["value"], json!({ "name": "light" }));
    assert!(patched["last_updated_at"].as_str() > created["last_updated_at"].as_str());
    assert_eq!(key_and_value(ann.client.patch(&one, &json!({ "key": "look" })), 200), ("look".into(), json!({ "name": "light" })));
    assert_eq!(key_and_value(ann.client.patch(&one, &json!({ "key": "theme", "value": 1 })), 200), ("theme".into(), json!(1)));
    assert_eq!(key_and_value(ann.client.put(&one, &json!({ "key": "colours", "value": null })), 200), ("colours".into(), Value::Null));

    ann.client.delete(&one).nothing();
    ann.client.get(&one).not_found();
    ann.client.delete(&one).not_found();
    ann.client.patch(&one, &json!({ "value": 1 })).not_found();
    ann.client.put(&one, &json!({ "key": "k", "value": 1 })).not_found();
    assert_eq!(ann.client.get(&ann.preferences()).body(200)["count"], 0);
    let next = ann.prefer("theme", &json!("again"));
    assert!(next["id"].as_i64() > created["id"].as_i64(), "an id is never used again");
}

/// The pages' own examples call their JSON a form.
fn json_is_read_under_the_label_of_a_form(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    for label in ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8", "text/plain", "application/JSON", "x"] {
        let headers = [("content-type", label)];
        let created = ann.client.send("POST", &ann.preferences(), &headers, b" \n{\"key\": \"string\", \"value\": \"json\"}").body(201);
        let one = format!("{}{}/", ann.preferences(), created["id"]);
        assert_eq!(key_and_value(ann.client.send("PATCH", &one, &headers, b"{\"value\": [1]}"), 200), ("string".into(), json!([1])));
        ann.client.send("DELETE", &one, &headers, b"").nothing();
    }
    let created = ann.client.send("POST", &ann.preferences(), &[], b"{\"key\": \"bare\", \"value\": 1}");
    assert_eq!(key_and_value(created, 201), ("bare".into(), json!(1)));
}

fn forms_are_read(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let table: [(&str, &str, Value); 5] = [
        ("key=a&value=%22json%22", "a", json!("json")),
        ("key=b&value=plain+text", "b", json!("plain text")),
        ("value=%7B%22x%22%3A1%7D&key=c%2Fd", "c/d", json!({ "x": 1 })),
        ("key=e&value=1.50", "e", serde_json::from_str("1.50").unwrap()),
        ("key=f&value=", "f", json!("")),
    ];
    for (body, key, value) in table {
        assert_eq!(key_and_value(ann.client.send("POST", &ann.preferences(), &form, body.as_bytes()), 201), (key.into(), value), "{body}");
    }
    ann.client.send("POST", &ann.preferences(), &form, b"key=g").refused_fields(&[("value", "required")]);
    ann.client.send("POST", &ann.preferences(), &form, b"value=1").refused_fields(&[("key", "required")]);
}

fn a_change_that_changes_nothing_leaves_no_trace(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let created = ann.prefer("theme", &json!({ "b": 1, "a": 2 }));
    let one = format!("{}{}/", ann.preferences(), created["id"]);
    for body in [json!({ "key": "theme" }), json!({ "value": { "b": 1, "a": 2 } }), json!({ "key": " theme ", "value": { "b": 1, "a": 2 } })] {
        assert_eq!(ann.client.patch(&one, &body).body(200), created);
    }
    let reordered = ann.client.patch(&one, &json!({ "value": { "a": 2, "b": 1 } })).body(200);
    assert_ne!(reordered["last_updated_at"], created["last_updated_at"], "another order of members is another value");
}

fn values_come_back_to_the_letter(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let values = [
        "null",
        "false",
        "0.10",
        "-0",
        "1E400",
        "1e131071",
        "123456789012345678901234567890.000",
        r#""\u0000\u00e9é\/😀\ud83d\ude00""#,
        r#"{"b":1,"a":2,"b":3,"":[]}"#,
        "[]",
        r#"[[[{"deep":[[[[null]]]]}]]]"#,
    ];
    for (at, value) in values.into_iter().enumerate() {
        let body = format!(r#"{{"key":"value {at}","value":{value}}}"#);
        let created = ann.client.send("POST", &ann.preferences(), &[("content-type", "application/json")], body.as_bytes()).expect(201);
        assert!(created.text.contains(&format!(r#""value":{value},"#)), "{value} became {}", created.text);
        let listed = ann.client.get(&format!("{}?key=value+{at}", ann.preferences())).expect(200);
        assert!(listed.text.contains(&format!(r#""value":{value},"#)), "{value} became {}", listed.text);
    }
}

fn keys_are_trimmed_and_are_one_each(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let first = ann.prefer("  theme ", &json!(1));
    assert_eq!(first["key"], "theme");
    let second = ann.prefer("other", &json!(2));
    let one = format!("{}{}/", ann.preferences(), second["id"]);
    for key in ["theme", " theme"] {
        ann.client.post(&ann.preferences(), &json!({ "key": key, "value": 3 })).refused_fields(&[("key", "unique")]);
        ann.client.patch(&one, &json!({ "key": key })).refused_fields(&[("key", "unique")]);
        ann.client.put(&one, &json!({ "key": key, "value": 3 })).refused_fields(&[("key", "unique")]);
    }
    assert_eq!(ann.client.get(&one).body(200), second);
    for key in ["Theme", "thème", "the\u{300}me", "theme.", "a/b?c#d%20", "😀"] {
        assert_eq!(ann.prefer(key, &json!(4))["key"], key);
    }
    assert_eq!(bob.prefer("theme", &json!(5))["user_id"], bob.id);
}

fn slashes_and_question_marks_do_not_matter(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let list = format!("/api/v2/user/{}/preference", ann.id);
    for (at, end) in ["", "/", "?", "/?"].into_iter().enumerate() {
        let created = ann.client.post(&format!("{list}{end}"), &json!({ "key": format!("k{at}"), "value": at })).body(201);
        assert_eq!(ann.client.get(&format!("{list}{end}")).body(200)["count"], 1);
        let one = format!("{list}/{}{end}", created["id"]);
        assert_eq!(ann.client.get(&one).body(200), created);
        ann.client.patch(&one, &json!({ "value": "new" })).body(200);
        ann.client.delete(&one).nothing();
    }
}

fn lists_are_paged(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    lethe.import_records((0..101).map(|at| json!({ "type": "preference", "user_id": ann.id, "key": format!("k{at:03}"), "value": at })));
    let list = |query: &str| ann.client.get(&format!("{}{query}", ann.preferences())).body(200);
    let keys = |page: &Value| -> Vec<String> { page["results"].as_array().unwrap().iter().map(|entry| entry["key"].as_str().unwrap().to_owned()).collect() };

    // A client walks the list by the links alone.
    let mut page = list("?limit=40");
    let mut walked = keys(&page);
    assert_eq!((&page["count"], &page["previous"]), (&json!(101), &Value::Null));
    while let Some(next) = page["next"].as_str() {
        let path = next.strip_prefix(&lethe.base()).unwrap_or_else(|| panic!("{next} is elsewhere"));
        let following = ann.client.get(path).body(200);
        let back = following["previous"].as_str().unwrap().strip_prefix(&lethe.base()).unwrap().to_owned();
        assert_eq!(ann.client.get(&back).body(200), page);
        walked.extend(keys(&following));
        page = following;
    }
    assert_eq!(walked, (0..101).map(|at| format!("k{at:03}")).collect::<Vec<_>>());

    for query in ["", "?limit=0", "?limit=-1", "?limit=x", "?offset=-1", "?offset=x", "?limit=&offset="] {
        assert_eq!(keys(&list(query)).len(), 20, "{query}");
    }
    assert_eq!(keys(&list("?limit=1000000")).len(), 100);
    assert_eq!(list("?offset=1000")["results"], json!([]));
    assert_eq!(list("?offset=99999999999999999999999")["count"], 101);
}

fn lists_are_filtered_by_key(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    for key in ["theme", "theme.dark", "100%"] {
        ann.prefer(key, &json!(1));
    }
    let count = |query: &str| ann.client.get(&format!("{}?{query}", ann.preferences())).body(200)["count"].clone();
    for parameter in ["key", "search"] {
        assert_eq!(count(&format!("{parameter}=theme")), 1);
        assert_eq!(count(&format!("{parameter}=100%25")), 1);
        for nothing in ["them", "THEME", "theme%25", "%25", "_", "%00", "unknown"] {
            assert_eq!(count(&format!("{parameter}={nothing}")), 0, "{parameter}={nothing}");
        }
    }
}

fn others_are_kept_out(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob, admin) = (lethe.sign_up("ann"), lethe.sign_up("bob"), lethe.admin());
    let preference = ann.prefer("theme", &json!("dark"));
    let one = format!("{}{}/", ann.preferences(), preference["id"]);
    for path in [ann.preferences(), format!("/api/v2/user/{NOBODY}/preference/")] {
        bob.client.get(&path).forbidden();
        bob.client.post(&path, &json!({ "key": "k", "value": 1 })).forbidden();
        bob.client.post(&path, &json!("not even an object")).forbidden();
    }
    bob.client.get(&one).forbidden();
    bob.client.patch(&one, &json!({ "value": 1 })).forbidden();
    bob.client.put(&one, &json!({})).forbidden();
    bob.client.delete(&one).forbidden();
    // Another's preference is not found below one's own path.
    let below_bob = format!("{}{}/", bob.preferences(), preference["id"]);
    bob.client.get(&below_bob).not_found();
    bob.client.patch(&below_bob, &json!({ "value": 1 })).not_found();
    bob.client.delete(&below_bob).not_found();
    admin.get(&below_bob).not_found();

    assert_eq!(admin.get(&one).body(200), preference);
    assert_eq!(admin.patch(&one, &json!({ "value": "light" })).body(200)["value"], "light");
    admin.get(&format!("/api/v2/user/{NOBODY}/preference/")).user_not_found();
    admin.post(&format!("/api/v2/user/{NOBODY}/preference/"), &json!({ "key": "k", "value": 1 })).user_not_found();
    admin.get("/api/v2/user/me/preference/").user_not_found();
}

fn limits_hold(store: Store) {
    let mut lethe = Lethe::install(store)
        .with("limits.keys_per_user", "3")
        .with("limits.bytes_per_user", "100")
        .with("limits.value_bytes", "50")
        .with("limits.depth", "2")
        .with("limits.key_characters", "5");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    let create = |key: &str, value: Value| ann.client.post(&ann.preferences(), &json!({ "key": key, "value": value }));
    create("toolong", json!(1)).refused_fields(&[("key", "max_length")]);
    assert_eq!(create("ééééé", json!(1)).body(201)["key"], "ééééé");
    assert_eq!(create("deep", json!([[[]]])).expect(400).json()["errors"][0]["field"], "value");
    assert_eq!(create("big", json!("x".repeat(49))).expect(400).json()["errors"][0]["field"], "value");
    create("a", json!("x".repeat(48))).body(201);
    create("b", json!("x".repeat(48))).expect(400);
    create("b", json!(1)).body(201);
    create("c", json!(1)).expect(400);
    assert_eq!(ann.client.get(&ann.preferences()).body(200)["count"], 3);
}
