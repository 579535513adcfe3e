//! Tokens from the command line: issued, narrowed, explained, and of several root keys.

use crate::common::{Lethe, Store, feed, on_both_stores};
use serde_json::json;

on_both_stores!(read_only_tokens_read, tokens_for_some_keys, narrowed_tokens_end_sooner);

/// Narrows a token.
fn narrow(lethe: &Lethe, token: &str, options: &[&str]) -> String {
    let output = feed(lethe.command(&[&["token", "attenuate"], options].concat()), token);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn read_only_tokens_read(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let preference = ann.prefer("theme", &json!("dark"));
    let one = format!("{}{}/", ann.preferences(), preference["id"]);
    let post = ann.publish("post", "hello");
    let reader = lethe.bearing(&narrow(&lethe, &ann.token, &["--read-only"]));
    assert_eq!(reader.get(&one).body(200), preference);
    for path in [ann.preferences().as_str(), "/api/v2/user/me/", "/api/v2/user/", "/api/v2/post/", "/settings/user"] {
        reader.get(path).body(200);
    }
    reader.post(&ann.preferences(), &json!({ "key": "k", "value": 1 })).forbidden();
    reader.patch(&one, &json!({ "value": 1 })).forbidden();
    reader.put(&one, &json!({ "key": "k", "value": 1 })).forbidden();
    reader.delete(&one).forbidden();
    reader.patch(&ann.path(), &json!({ "bio": "x" })).forbidden();
    reader.delete(&ann.path()).forbidden();
    reader.delete(&format!("{}?hard=1", ann.path())).forbidden();
    reader.post("/api/v2/post/", &json!({ "text": "x" })).forbidden();
    reader.delete(&format!("/api/v2/post/{post}/")).forbidden();
    reader.send("POST", &format!("/api/v2/post/{post}/vote/"), &[], b"").forbidden();
    for answer in [
        reader.post("/settings/user", &json!({ "settings": {} })),
        reader.put("/settings/user", &json!({ "a": 1 })),
        reader.send_json("DELETE", "/settings/user", &json!({ "keys": ["theme"] })),
    ] {
        assert_eq!(answer.body(403)["success"], false);
    }
    let admin = lethe.bearing(&narrow(&lethe, lethe.admin_token(), &["--read-only"]));
    assert_eq!(admin.get(&one).body(200), preference);
    admin.post("/api/v2/sso/signup/", &json!({ "username": "eve" })).forbidden();
    assert_eq!(ann.client.get(&ann.preferences()).body(200)["results"], json!([preference]));
}

fn tokens_for_some_keys(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let theme = format!("{}{}/", ann.preferences(), ann.prefer("theme", &json!("dark"))["id"]);
    let holder = lethe.bearing(&narrow(&lethe, &ann.token, &["--key-prefix", "notifications."]));
    let push = holder.post(&ann.preferences(), &json!({ "key": "notifications.push", "value": true })).body(201);
    let one = format!("{}{}/", ann.preferences(), push["id"]);
    assert_eq!(holder.get(&one).body(200), push);
    assert_eq!(holder.get(&format!("{}?key=notifications.push", ann.preferences())).body(200)["results"], json!([push]));
    assert_eq!(holder.patch(&one, &json!({ "value": false })).body(200)["value"], false);
    assert_eq!(holder.patch(&one, &json!({ "key": "notifications.sms" })).body(200)["key"], "notifications.sms");

    holder.post(&ann.preferences(), &json!({ "key": "theme2", "value": 1 })).forbidden();
    holder.patch(&one, &json!({ "key": "theme2" })).forbidden();
    holder.put(&one, &json!({ "key": "theme2", "value": 1 })).forbidden();
    holder.get(&theme).forbidden();
    holder.patch(&theme, &json!({ "value": 1 })).forbidden();
    holder.patch(&theme, &json!({ "key": "notifications.theme" })).forbidden();
    holder.delete(&theme).forbidden();
    holder.get(&ann.preferences()).forbidden();
    holder.get(&format!("{}?key=theme", ann.preferences())).forbidden();
    holder.delete(&ann.path()).forbidden();
    assert_eq!(ann.client.get(&theme).body(200)["value"], "dark");
    holder.delete(&one).nothing();
}

fn narrowed_tokens_end_sooner(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let brief = lethe.bearing(&narrow(&lethe, &ann.token, &["--expires-in", "1s"]));
    loop {
        let answer = brief.get(&ann.preferences());
        if answer.status == 401 {
            answer.refused(401, "token_not_valid", "Given token not valid for any token type");
            break;
        }
        answer.expect(200);
    }
    // Nothing that is appended makes a token live longer.
    let longer = narrow(&lethe, &narrow(&lethe, &ann.token, &["--expires-in", "1s"]), &["--expires-in", "10h"]);
    let longer = lethe.bearing(&longer);
    while longer.get("/api/v2/user/me/").status != 401 {}
    assert_eq!(ann.client.get(&ann.preferences()).status, 200);
}

#[test]
fn tokens_are_explained() {
    let lethe = Lethe::install(Store::sqlite());
    let token = narrow(&lethe, &lethe.token(42), &["--read-only", "--key-prefix", "a.", "--expires-in", "5m"]);
    let output = feed(lethe.command(&["token", "inspect"]), &token);
    let explanation = String::from_utf8(output.stdout).unwrap();
    for part in ["user(42)", "issued_at(", "check if operation(\"read\")", "starts_with(\"a.\")"] {
        assert!(explanation.contains(part), "{part} is missing in {explanation}");
    }
    let revocation_ids = explanation.split_whitespace().filter(|word| word.len() == 128 && word.bytes().all(|byte| byte.is_ascii_hexdigit())).count();
    assert_eq!(revocation_ids, 2, "{explanation}");
    assert!(!explanation.contains(&token), "an explanation can be shown around");
}

#[test]
fn tokens_that_cannot_be_made() {
    let lethe = Lethe::install(Store::sqlite());
    for arguments in [
        &["token", "issue"][..],
        &["token", "issue", "--user", "0"],
        &["token", "issue", "--user", "me"],
        &["token", "issue", "--user", "1", "--role", "king"],
        &["token", "issue", "--user", "1", "--ttl", "soon"],
        &["token", "attenuate"],
    ] {
        let output = lethe.command(arguments).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    for arguments in [&["token", "attenuate", "--read-only"][..], &["token", "inspect"]] {
        let output = feed(lethe.command(arguments), "garbage");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{arguments:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 1);
    }
}

#[test]
fn root_keys_can_be_rotated() {
    let mut lethe = Lethe::start(Store::sqlite());
    let old = lethe.sign_up("ann");
    let public = lethe.run(&["keys", "generate"]);
    assert!(public.starts_with("2:ed25519/"), "{public}");
    let list = lethe.run(&["keys", "list"]);
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(!list.contains("private/"), "{list}");
    lethe.stop();
    lethe.serve();
    let new = lethe.user(old.id, "ann");
    assert_ne!(new.token, old.token);
    for token in [&old.token, &new.token] {
        lethe.bearing(token).get("/api/v2/user/me/").body(200);
    }
    // Production: public keys only, and of those only the new one.
    lethe.stop();
    let mut lethe = lethe.with("auth.public_keys", public.trim());
    lethe.serve();
    lethe.bearing(&new.token).get("/api/v2/user/me/").body(200);
    lethe.bearing(&old.token).get("/api/v2/user/me/").unauthorized();
}
