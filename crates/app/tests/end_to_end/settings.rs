//! The settings dialect, as its pages describe it.

use crate::common::{Answer, Lethe, Store, User, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(
    the_documented_deletion,
    deletions_that_name_nothing,
    settings_are_replaced_and_merged,
    settings_are_the_preferences,
    bad_requests_change_nothing,
    who_is_not_there,
    settings_of_one_user_are_of_nobody_else
);

const KEYS_NEEDED: &str = "Keys array is required and must not be empty";
const NOT_REPLACED: &str = "Failed to update user settings";
const NOT_MERGED: &str = "Failed to partially update user settings";

fn settings(user: &User) -> Value {
    let body = user.client.get("/settings/user").body(200);
    assert_eq!(body["success"], true);
    assert_eq!(body.as_object().unwrap().len(), 2);
    body["settings"].clone()
}

fn replace(user: &User, document: &Value) -> Answer {
    user.client.post("/settings/user", &json!({ "settings": document }))
}

#[track_caller]
fn done(answer: Answer, message: &str) {
    assert_eq!(answer.body(200), json!({ "success": true, "message": message }));
}

#[track_caller]
fn delete(user: &User, keys: &Value) {
    done(user.client.send_json("DELETE", "/settings/user", &json!({ "keys": keys })), "User settings keys deleted successfully");
}

fn the_documented_deletion(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let before = json!({ "theme": "dark", "notifications": { "email": true, "push": true }, "language": "el" });
    replace(&ann, &before).expect(200);
    // The answer is documented to the letter.
    let answer = ann.client.send("DELETE", "/settings/user", &[("content-type", "application/json")], br#"{"keys": ["theme", "notifications.push"]}"#);
    assert_eq!(answer.expect(200).text, r#"{"success":true,"message":"User settings keys deleted successfully"}"#);
    assert_eq!(settings(&ann), json!({ "notifications": { "email": true }, "language": "el" }));
    for keys in [r#"{"keys":[]}"#, "{}", ""] {
        let answer = ann.client.send("DELETE", "/settings/user", &[("content-type", "application/json")], keys.as_bytes());
        assert_eq!(answer.expect(400).text, r#"{"success":false,"message":"Keys array is required and must not be empty"}"#);
    }
    for slash in ["/settings/user/", "/settings/user?", "/settings/user/?"] {
        done(ann.client.send_json("DELETE", slash, &json!({ "keys": ["language"] })), "User settings keys deleted successfully");
    }
    assert_eq!(settings(&ann), json!({ "notifications": { "email": true } }));
    delete(&ann, &json!(["notifications.email"]));
    assert_eq!(settings(&ann), json!({ "notifications": {} }), "a parent stays");
}

fn deletions_that_name_nothing(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    assert_eq!(settings(&ann), json!({}));
    delete(&ann, &json!(["theme"]));
    let document = json!({ "a.b": 1, "a": { "b": 2, "c": [1, { "d": 3 }], "e.f": 4 }, "x": "text" });
    replace(&ann, &document).expect(200);
    delete(&ann, &json!(["none", "a.none", "a.b.none", "x.y", "a.c.0", "a.c.d", "", ".", "a.", ".a", "a..b"]));
    assert_eq!(settings(&ann), document);
    // A literal name comes before a path, and both are gone in two steps.
    delete(&ann, &json!(["a.b"]));
    assert_eq!(settings(&ann), json!({ "a": { "b": 2, "c": [1, { "d": 3 }], "e.f": 4 }, "x": "text" }));
    delete(&ann, &json!(["a.b", "a.b"]));
    assert_eq!(settings(&ann), json!({ "a": { "c": [1, { "d": 3 }], "e.f": 4 }, "x": "text" }));
    delete(&ann, &json!(["a", "x"]));
    assert_eq!(settings(&ann), json!({}));
}

fn settings_are_replaced_and_merged(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    done(replace(&ann, &json!({ "theme": "dark", "gone": 1 })), "User settings updated successfully");
    done(replace(&ann, &json!({ "theme": "dark", "notifications": { "email": true, "push": { "sound": "loud" } } })), "User settings updated successfully");
    let changes = json!({ "theme": null, "notifications": { "push": { "badge": 1 }, "sms": false }, "language": "el" });
    for _ in 0..2 {
        done(ann.client.put("/settings/user", &changes), "User settings partially updated successfully");
        assert_eq!(
            settings(&ann),
            json!({ "theme": null, "notifications": { "email": true, "push": { "sound": "loud", "badge": 1 }, "sms": false }, "language": "el" })
        );
    }
    done(ann.client.put("/settings/user", &json!({ "notifications": [] })), "User settings partially updated successfully");
    done(ann.client.put("/settings/user", &json!({})), "User settings partially updated successfully");
    assert_eq!(settings(&ann)["notifications"], json!([]));
    done(replace(&ann, &json!({})), "User settings updated successfully");
    assert_eq!(settings(&ann), json!({}));
}

fn settings_are_the_preferences(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let theme = ann.prefer("theme", &json!({ "name": "dark" }));
    ann.prefer("notifications.push", &json!(true));
    assert_eq!(settings(&ann), json!({ "notifications.push": true, "theme": { "name": "dark" } }));
    ann.client.put("/settings/user", &json!({ "theme": { "size": 2 } })).expect(200);
    let one = format!("{}{}/", ann.preferences(), theme["id"]);
    let after = ann.client.get(&one).body(200);
    assert_eq!((&after["id"], &after["value"]), (&theme["id"], &json!({ "name": "dark", "size": 2 })));
    delete(&ann, &json!(["theme.name", "notifications.push"]));
    assert_eq!(ann.client.get(&one).body(200)["value"], json!({ "size": 2 }));
    assert_eq!(ann.client.get(&ann.preferences()).body(200)["count"], 1);
}

fn bad_requests_change_nothing(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    replace(&ann, &json!({ "kept": true })).expect(200);
    let send = |method: &str, body: &[u8]| ann.client.send(method, "/settings/user", &[("content-type", "application/json")], body);
    for body in [
        r#"{"keys":"kept"}"#,
        r#"{"keys":[1]}"#,
        r#"{"keys":["kept",null]}"#,
        r#"{"keys":{"0":"kept"}}"#,
        r#"["kept"]"#,
        r#"{"keys":["kept"]"#,
        "kept",
        "\u{feff}{}",
    ] {
        send("DELETE", body.as_bytes()).refused_settings(400, KEYS_NEEDED);
    }
    let many = json!({ "keys": (0..5_000).map(|at| format!("k{at}")).chain(["kept".into()]).collect::<Vec<_>>() });
    assert_eq!(send("DELETE", many.to_string().as_bytes()).body(400)["success"], false);
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let long_key = "k".repeat(256);
    let documents = ["", "[]", "null", "1", "{", "{}{}", "{\"a\":1}x", "{\"a\":NaN}", "{\"a\":\"\\ud800\"}", "{\" \":1}", "{\"a\\u0000\":1}"];
    let documents = documents.into_iter().map(str::to_owned).chain([format!("{{\"a\":{deep}}}"), format!("{{\"{long_key}\":1}}")]);
    for document in documents {
        send("PUT", document.as_bytes()).refused_settings(400, NOT_MERGED);
        send("POST", format!("{{\"settings\":{document}}}").as_bytes()).refused_settings(400, NOT_REPLACED);
        assert_eq!(settings(&ann), json!({ "kept": true }), "after {document}");
    }
    for body in ["{}", "", "[]", r#"{"theme":1}"#, r#"{"settings":null}"#] {
        send("POST", body.as_bytes()).refused_settings(400, NOT_REPLACED);
    }
    let patched = send("PATCH", b"{}").expect(405);
    assert_eq!(patched.json()["success"], false);
    let mut allowed: Vec<_> = patched.header("allow").unwrap().split(',').map(str::trim).filter(|method| !["HEAD", "OPTIONS"].contains(method)).collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["DELETE", "GET", "POST", "PUT"]);
    assert_eq!(settings(&ann), json!({ "kept": true }));
}

fn who_is_not_there(store: Store) {
    let lethe = Lethe::start(store);
    let (soft, hard) = (lethe.sign_up("soft"), lethe.sign_up("hard"));
    soft.client.delete(&soft.path()).nothing();
    hard.client.delete(&format!("{}?hard=1", hard.path())).nothing();
    for nobody in [&lethe.anonymous(), &lethe.bearing("not-a-token"), &soft.client, &hard.client] {
        nobody.get("/settings/user").refused_settings(401, "Unauthorized");
        nobody.post("/settings/user", &json!({ "settings": {} })).refused_settings(401, "Unauthorized");
        nobody.put("/settings/user", &json!({})).refused_settings(401, "Unauthorized");
        nobody.send_json("DELETE", "/settings/user", &json!({ "keys": ["a"] })).refused_settings(401, "Unauthorized");
        nobody.send_json("DELETE", "/settings/user", &json!({})).refused_settings(401, "Unauthorized");
    }
    lethe.admin().get("/settings/user").refused_settings(404, "User not found");
}

fn settings_of_one_user_are_of_nobody_else(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    replace(&ann, &json!({ "theme": "dark" })).expect(200);
    replace(&bob, &json!({ "theme": "light" })).expect(200);
    delete(&bob, &json!(["theme"]));
    assert_eq!((settings(&ann), settings(&bob)), (json!({ "theme": "dark" }), json!({})));
}
