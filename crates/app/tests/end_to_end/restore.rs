//! A soft delete that is taken back, or that ends by itself.

use crate::common::{Client, Lethe, Store, User, on_both_stores, until};
use serde_json::{Value, json};

on_both_stores!(
    what_comes_back_is_what_was_there,
    a_ticket_is_good_once_and_for_one_deletion,
    a_ticket_opens_nothing_else,
    a_date_that_was_given_stays,
    what_is_due_goes_by_itself,
    without_a_grace_nothing_is_due
);

/// Deletes a user softly; what the answer says.
#[track_caller]
fn soft_delete(client: &Client, user: i64) -> Value {
    let answer = client.send("DELETE", &format!("/v1/users/{user}?mode=soft"), &[("prefer", "return=representation")], b"").expect(200);
    assert_eq!(answer.header("preference-applied"), Some("return=representation"));
    let deletion = answer.body(200);
    assert_eq!(deletion["status"], "deleted");
    deletion
}

fn ticket(lethe: &Lethe, deletion: &Value) -> Client {
    lethe.bearing(deletion["restore_token"].as_str().unwrap())
}

fn restore(client: &Client, user: &str) -> crate::common::Answer {
    client.send("POST", &format!("/v1/users/{user}/restore"), &[], b"")
}

/// Everything of a user that anybody can read, byte for byte.
fn everything(lethe: &Lethe, user: &User, posts: [i64; 2]) -> Vec<String> {
    let own = lethe.user(user.id, &user.username).client;
    let other = lethe.admin();
    let [post, status] = posts;
    let mine = ["/api/v2/user/me/", "/api/v2/user/me/preference/?limit=100", "/settings/user", "/v1/users/me", "/v1/users/me/deletion-plan?mode=hard"];
    let seen = [
        user.path(),
        format!("/v1/users/{}", user.id),
        format!("/api/v2/post/{post}/"),
        format!("/api/v2/post/{post}/vote/"),
        format!("/api/v2/status/{status}/"),
        "/api/v2/post/".to_owned(),
        "/api/v2/user/".to_owned(),
        "/v1/users?status=active".to_owned(),
        format!("/api/v2/account/search/?username={}", user.username),
    ];
    let looked = mine.iter().map(|path| own.get(path)).chain(seen.iter().map(|path| other.get(path)));
    looked.map(|answer| answer.expect(200).text).collect()
}

fn what_comes_back_is_what_was_there(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    ann.client.patch(&ann.path(), &json!({ "real_name": "Ann Ö", "bio": "a\nb", "location": "here", "website": "w" })).body(200);
    ann.client.send("PUT", "/settings/user", &[("content-type", "application/json")], br#"{"language":"el","z":{"b":1.50,"a":[1E400]}}"#).body(200);
    ann.prefer("theme", &json!("dark"));
    ann.client.send("POST", &ann.preferences(), &[], r#"{"key":"é/?","value":{"b":1.50,"a":[1E400,"é"],"b":null}}"#.as_bytes()).body(201);
    let posts = [ann.publish("post", "hello"), ann.publish("status", "alone")];
    let theirs = bob.publish("discussion", "well met");
    ann.vote("discussion", theirs);
    bob.vote("post", posts[0]);
    let before = everything(&lethe, &ann, posts);

    let deletion = soft_delete(&ann.client, ann.id);
    assert_eq!(lethe.state_of(ann.id), Some("d"));
    let meanwhile = lethe.token(ann.id);
    assert_eq!(restore(&ticket(&lethe, &deletion), "me").body(200), json!({ "restored": true }));
    assert_eq!(everything(&lethe, &ann, posts), before);
    for (when, token) in [("before the deletion", &ann.token), ("before the restore", &meanwhile)] {
        eprintln!("a token from {when}");
        lethe.bearing(token).get("/api/v2/user/me/").unauthorized();
        lethe.bearing(token).get("/settings/user").unauthorized();
        lethe.bearing(token).get("/v1/users/me").problem(401, "token-invalid");
        lethe.bearing(token).delete(&ann.path()).unauthorized();
    }

    // An admin needs no ticket.
    let admin = lethe.admin();
    soft_delete(&admin, ann.id);
    admin.send("DELETE", &format!("/v1/users/{}?mode=soft", ann.id), &[], b"").problem(409, "already-deleted");
    assert_eq!(restore(&admin, &ann.id.to_string()).body(200), json!({ "restored": true }));
    assert_eq!(restore(&admin, &ann.id.to_string()).body(200), json!({ "restored": false }));
    assert_eq!(everything(&lethe, &ann, posts), before);
    restore(&admin, "987654321").problem(404, "user-not-found");

    // Who was blocked is blocked again.
    lethe.import_all(r#"{"type":"user","id":77,"username":"carol","status":"b"}"#);
    let deletion = soft_delete(&admin, 77);
    restore(&ticket(&lethe, &deletion), "77").body(200);
    assert_eq!(lethe.state_of(77), Some("b"));
}

fn a_ticket_is_good_once_and_for_one_deletion(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob, admin) = (lethe.sign_up("ann"), lethe.sign_up("bob"), lethe.admin());
    let id = ann.id.to_string();
    let first = ticket(&lethe, &soft_delete(&ann.client, ann.id));
    restore(&first, &bob.id.to_string()).problem(403, "forbidden");
    restore(&first, "987654321").problem(403, "forbidden");
    restore(&first, &id).body(200);
    restore(&first, &id).problem(401, "token-invalid");
    assert_eq!(lethe.state_of(ann.id), Some("a"));

    let second = ticket(&lethe, &soft_delete(&admin, ann.id));
    restore(&first, &id).problem(401, "token-invalid");
    assert_eq!(lethe.state_of(ann.id), Some("d"), "a later deletion is none of the first ticket's business");
    restore(&second, &id).body(200);

    let third = ticket(&lethe, &soft_delete(&admin, ann.id));
    restore(&admin, &id).body(200);
    restore(&third, &id).problem(401, "token-invalid");
    let fourth = ticket(&lethe, &soft_delete(&admin, ann.id));
    admin.delete(&format!("/v1/users/{id}?mode=hard")).nothing();
    for gone in [&fourth, &first, &admin] {
        restore(gone, &id).problem(410, "user-erased");
    }
    assert_eq!(lethe.state_of(ann.id), Some("u"));
}

fn a_ticket_opens_nothing_else(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let post = ann.publish("post", "hello");
    let ticket = ticket(&lethe, &soft_delete(&ann.client, ann.id));
    let document = lethe.anonymous().get("/openapi.json").body(200);
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let is_open = ["/healthz", "/readyz", "/metrics", "/openapi.json"].contains(&path.as_str());
        for method in item.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            // What a ticket is for, and what needs no token.
            if is_open || path.ends_with("/restore") || (method == "GET" && path == "/api/v2/user/{user_id}/") {
                continue;
            }
            let filled = path.replace("{user_id}", &ann.id.to_string()).replace("{user}", &ann.id.to_string()).replace("{kind}", "post");
            let filled = filled.replace("{id}", &post.to_string());
            let query = if path.starts_with("/v1/users/{user}") { "?mode=soft" } else { "" };
            let answer = ticket.send(&method, &format!("{filled}{query}"), &[("content-type", "application/json")], b"{}");
            // An erasure is shown to tickets, too, but not to this one.
            if path == "/v1/erasures/{id}" {
                answer.problem(403, "forbidden");
            } else {
                eprintln!("{method} {filled}");
                answer.unauthorized();
            }
            tried += 1;
        }
    }
    assert!(tried > 35, "{tried}");
    assert_eq!(lethe.state_of(ann.id), Some("d"));
    // In the query it is none.
    lethe.anonymous().send("POST", &format!("/v1/users/{}/restore?token=x", ann.id), &[], b"").problem(401, "not-authenticated");
    restore(&ticket, "me").body(200);
}

fn a_date_that_was_given_stays(store: Store) {
    let mut lethe = Lethe::install(store).with("deletion.grace", "30d");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    let deletion = soft_delete(&ann.client, ann.id);
    let shown = |lethe: &Lethe| lethe.admin().get(&format!("/v1/users/{}", ann.id)).body(200);
    let before = shown(&lethe);
    assert_eq!((&before["status"], &before["purge_at"]), (&json!("deleted"), &deletion["purge_at"]));
    assert!(before["purge_at"].as_str() > before["deleted_at"].as_str(), "{before}");
    for grace in ["1ms", ""] {
        lethe.stop();
        lethe = lethe.with("deletion.grace", grace);
        lethe.serve();
        assert_eq!(shown(&lethe), before);
        // Whoever is deleted now goes by the new setting.
        let bob = lethe.sign_up(&format!("bob{grace}"));
        let deletion = soft_delete(&bob.client, bob.id);
        if grace.is_empty() {
            assert_eq!(deletion["purge_at"], Value::Null);
        } else {
            lethe.erased(bob.id);
        }
        assert_eq!(shown(&lethe), before);
    }
    assert_eq!(restore(&ticket(&lethe, &deletion), "me").body(200), json!({ "restored": true }));
    assert_eq!(shown(&lethe)["purge_at"], Value::Null);
}

fn what_is_due_goes_by_itself(store: Store) {
    let mut lethe = Lethe::install(store).with("deletion.grace", "300ms");
    lethe.serve();
    let (ann, bob, carol) = (lethe.sign_up("ann"), lethe.sign_up("bob"), lethe.sign_up("carol"));
    ann.prefer("theme", &json!("dark"));
    let post = ann.publish("post", "hello");
    bob.vote("post", post);
    let deletion = soft_delete(&ann.client, ann.id);
    // The community dialect gives the same date, and says nothing of it.
    bob.client.delete(&bob.path()).nothing();
    let erasure = lethe.erased(ann.id);
    assert!(erasure["requested_at"].as_str() >= deletion["purge_at"].as_str(), "{erasure} is too early for {deletion}");
    lethe.erased(bob.id);
    lethe.admin().get(&ann.path()).user_not_found();
    lethe.admin().get(&format!("/v1/users/{}", ann.id)).problem(410, "user-erased");
    carol.client.get(&format!("/api/v2/post/{post}/")).not_found();
    // Its ticket ends with the date, give or take a second.
    let refusal = restore(&ticket(&lethe, &deletion), &ann.id.to_string());
    if refusal.status == 410 {
        refusal.problem(410, "user-erased")
    } else {
        refusal.problem(401, "token-invalid")
    };
    let audit = lethe.admin().get(&format!("/v1/audit?subject={}", ann.id)).items();
    let acts: Vec<_> = audit.iter().map(|entry| (entry["action"].as_str().unwrap(), entry["actor"].as_i64())).collect();
    assert_eq!(acts[..2], [("user.erased", None), ("user.erasure_started", None)], "nobody asked for it");
    assert_eq!(acts[2], ("user.soft_deleted", Some(ann.id)));
    assert_eq!(lethe.state_of(carol.id), Some("a"));

    // Whoever was restored in time does not go. There is no telling how fast the purge is, so it may have to be tried again.
    let restored = until("somebody is restored in time", || {
        let dave = lethe.sign_up("dave");
        let deletion = soft_delete(&dave.client, dave.id);
        let is_back = restore(&ticket(&lethe, &deletion), "me").status == 200;
        if !is_back {
            lethe.erased(dave.id);
        }
        is_back.then_some(dave.id)
    });
    let eve = lethe.sign_up("eve");
    soft_delete(&eve.client, eve.id);
    lethe.erased(eve.id);
    assert_eq!(lethe.state_of(restored), Some("a"), "what was due after it is gone by now");
}

fn without_a_grace_nothing_is_due(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    assert_eq!(soft_delete(&ann.client, ann.id)["purge_at"], Value::Null);
    let shown = lethe.admin().get(&format!("/v1/users/{}", ann.id)).body(200);
    assert_eq!((&shown["status"], &shown["purge_at"], &shown["erased_at"]), (&json!("deleted"), &Value::Null, &Value::Null));
}
