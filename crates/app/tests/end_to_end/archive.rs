//! Import and export: what goes out can come in again and is the same, on either store and across them.

use crate::common::{Lethe, NOBODY, Store, User, Watch, feed, on_both_stores, until};
use serde_json::{Value, json};

on_both_stores!(
    an_export_of_an_import_is_equal,
    nobody_takes_a_moved_store_for_the_old_one,
    lines_are_refused_one_by_one,
    imports_can_be_repeated,
    what_was_imported_is_served,
    ids_go_on_after_an_import,
    no_import_brings_a_dead_token_back,
    who_is_on_hold_stays_and_what_was_revoked_stays_dead
);

/// Users of every state with everything that can belong to one, in the order of an export.
fn village() -> String {
    let lines = [
        r#"{"type":"user","id":1,"username":"Ann","ext_id":"E 1","real_name":"Ann Ö","email":"ann@example.org","role":"admin","bio":"a\nb","location":"here","description":"d","gender":"Female","website":"w","status":"a","date_joined":"2026-01-01T00:00:00.000001Z"}"#,
        r#"{"type":"user","id":2,"username":"bob","status":"b","date_joined":"2026-01-02T00:00:00Z"}"#,
        r#"{"type":"user","id":3,"username":"carol","ext_id":"E3","status":"d","date_joined":"2026-01-03T00:00:00Z","deleted_at":"2026-02-01T00:00:00Z","deleted_from":"b","deletion_epoch":2}"#,
        r#"{"type":"user","id":4,"status":"u","erased_at":"2026-03-01T00:00:00Z"}"#,
        r#"{"type":"user","id":77,"username":"dave"}"#,
        r#"{"type":"hold","user_id":1,"id":7,"reason":"a\ncourt","expires_at":"2026-02-01T00:00:00Z","placed_at":"2026-01-04T00:00:00Z","placed_by":900}"#,
        r#"{"type":"hold","user_id":3,"id":2,"reason":"audit","placed_by":1}"#,
        r#"{"type":"preference","user_id":1,"key":"b.value","value":{"b":1.50,"a":[1E400,"\u0000é"],"b":null},"created_at":"2026-01-05T00:00:00Z","last_updated_at":"2026-01-06T00:00:00Z"}"#,
        r#"{"type":"preference","user_id":1,"key":"é/?\"","value":null}"#,
        r#"{"type":"preference","user_id":2,"key":"theme","value":"dark"}"#,
        r#"{"type":"preference","user_id":3,"key":"kept","value":true}"#,
        r#"{"type":"post","user_id":1,"id":10,"kind":"post","title":"T","text":"hello","created_at":"2026-01-07T00:00:00Z"}"#,
        r#"{"type":"post","user_id":3,"id":11,"kind":"discussion","text":"a\nb"}"#,
        r#"{"type":"post","user_id":1,"id":500,"kind":"status","text":"s"}"#,
        r#"{"type":"vote","user_id":1,"post_id":11,"created_at":"2026-01-08T00:00:00Z"}"#,
        r#"{"type":"vote","user_id":2,"post_id":10}"#,
        r#"{"type":"vote","user_id":3,"post_id":10}"#,
        &format!(r#"{{"type":"revocation","id":"{}","revoked_at":"2026-01-09T00:00:00Z"}}"#, "0a".repeat(64)),
        &format!(r#"{{"type":"revocation","id":"{}","expires_at":"2999-01-01T00:00:00Z"}}"#, "0b".repeat(64)),
    ];
    lines.join("\n")
}

/// An export with users who left through the service, and all that is in the village.
fn lived_in(store: Store) -> String {
    let lethe = Lethe::start(store);
    lethe.import_all(&village());
    let (erin, frank) = (lethe.sign_up("erin"), lethe.sign_up("frank"));
    erin.prefer("theme", &json!({ "z": 1, "a": 2 }));
    erin.vote("post", 10);
    frank.prefer("theme", &json!(1));
    frank.publish("post", "gone with me");
    erin.client.delete(&erin.path()).nothing();
    frank.client.delete(&format!("{}?hard=1", frank.path())).nothing();
    lethe.run(&["export"])
}

fn an_export_of_an_import_is_equal(store: Store) {
    let other = match store {
        Store::Sqlite => Store::postgres,
        Store::Postgres(_) => Store::sqlite,
    };
    let first = lived_in(store);
    let users: Vec<Value> = first.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).filter(|line| line["type"] == "user").collect();
    assert_eq!(users.iter().map(|user| user["status"].as_str().unwrap_or("a")).collect::<String>(), "abduadu");
    assert_eq!(users[3], json!({ "type": "user", "id": 4, "status": "u", "erased_at": users[3]["erased_at"] }));
    assert_eq!(users[6].as_object().unwrap().keys().collect::<Vec<_>>(), ["type", "id", "status", "erased_at"], "an erased user is an id and nothing else");
    assert!(!first.contains("frank") && !first.contains("gone with me"));
    assert!(first.contains(r#""value":{"b":1.50,"a":[1E400,"\u0000é"],"b":null}"#), "{first}");

    // Into the other kind of store, and from there back.
    for to in [other, Store::sqlite, Store::postgres] {
        let lethe = Lethe::install(to());
        let output = lethe.import(&first);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(lethe.run(&["export"]), first);
    }
}

fn revisions_since(user: &User, revision: i64) -> usize {
    user.client.get(&user.v1(&format!("/changes?since={revision}"))).body(200)["changes"].as_array().unwrap().len()
}

/// A store that was moved counts anew, and so would give its numbers twice.
fn nobody_takes_a_moved_store_for_the_old_one(store: Store) {
    let old = Lethe::start(store);
    let ann = old.sign_up("ann");
    ann.keep("theme", "1");
    for at in 1..=3 {
        ann.keep("gone", &at.to_string());
    }
    ann.client.delete(&ann.key("gone")).nothing();
    let lethe = Lethe::start(Store::sqlite());
    lethe.import_all(&old.run(&["export"]));
    let here = lethe.user(ann.id, "ann");
    let watch = Watch::open(lethe.address(), &here.token, &here.v1("/changes/watch?since=0"), &[]);
    assert_eq!(watch.next().id, Some(1));
    assert_eq!(lethe.run(&["renumber"]), "users whose revisions have new numbers: 1\n");

    // Who watches is told within a second, though another process did it.
    let resync = watch.next();
    let revision = here.revision();
    assert_eq!((resync.name.as_str(), resync.id), ("resync", Some(revision)));
    assert!(revision > 1_700_000_000_000);
    // As many changes later as the old store had made, nothing is mixed up.
    let theme = here.client.get(&here.key("theme")).body(200)["revision"].clone();
    assert_eq!(theme, json!(revision));
    for at in 1..=9 {
        here.keep("new", &at.to_string());
    }
    for since in [0, 1, 5, 9] {
        here.client.get(&here.v1(&format!("/changes?since={since}"))).problem(410, "cursor-expired");
    }
    assert_eq!(revisions_since(&here, revision), 9);
    let replace = |tag: &Value| here.client.send("PUT", &here.key("theme"), &[("If-Match", &format!("\"{tag}\"")), ("Content-Type", "application/json")], b"2");
    replace(&json!(1)).problem(412, "precondition-failed");
    replace(&theme).expect(200);
}

fn lines_are_refused_one_by_one(store: Store) {
    let lethe = Lethe::install(store);
    lethe.import_all(&village());
    let before = lethe.run(&["export"]);
    let refused = [
        "nonsense",
        "[]",
        r#"{"type":"king","id":1}"#,
        r#"{"id":1}"#,
        r#"{"type":"user"}"#,
        r#"{"type":"user","id":0,"username":"zero"}"#,
        r#"{"type":"user","id":20}"#,
        r#"{"type":"user","id":20,"username":"a b"}"#,
        r#"{"type":"user","id":20,"username":"ANN"}"#,
        r#"{"type":"user","id":20,"username":"carol"}"#,
        r#"{"type":"user","id":20,"username":"new","ext_id":"E 1"}"#,
        r#"{"type":"user","id":20,"username":"new","status":"x"}"#,
        r#"{"type":"user","id":4,"username":"back from the dead"}"#,
        r#"{"type":"user","id":4,"username":"lazarus"}"#,
        r#"{"type":"preference","user_id":4,"key":"theme","value":1}"#,
        r#"{"type":"preference","user_id":99,"key":"theme","value":1}"#,
        r#"{"type":"preference","user_id":1,"key":"","value":1}"#,
        r#"{"type":"preference","user_id":1,"key":"novalue"}"#,
        r#"{"type":"preference","user_id":1,"key":"k","value":"\ud800"}"#,
        r#"{"type":"post","user_id":99,"id":30,"kind":"post","text":"x"}"#,
        r#"{"type":"post","user_id":1,"id":30,"kind":"poem","text":"x"}"#,
        r#"{"type":"post","user_id":1,"id":30,"kind":"post","text":" "}"#,
        r#"{"type":"post","user_id":2,"id":10,"kind":"post","text":"not mine"}"#,
        r#"{"type":"vote","user_id":1,"post_id":31}"#,
        r#"{"type":"vote","user_id":99,"post_id":10}"#,
        r#"{"type":"hold","user_id":99,"id":30,"reason":"x","placed_by":900}"#,
        r#"{"type":"hold","user_id":4,"id":30,"reason":"x","placed_by":900}"#,
        r#"{"type":"hold","user_id":1,"id":30,"reason":" ","placed_by":900}"#,
        r#"{"type":"hold","user_id":1,"id":0,"reason":"x","placed_by":900}"#,
        r#"{"type":"revocation","id":"ab"}"#,
    ];
    // One good line before, between and after.
    let good = |at: usize| format!("{}\n", json!({ "type": "preference", "user_id": 77, "key": format!("good{at}"), "value": at }));
    let input: String = refused.iter().enumerate().map(|(at, line)| format!("{}{line}\n", good(at))).chain([good(refused.len())]).collect();
    let output = lethe.import(&input);
    assert_eq!(output.status.code(), Some(1));
    let report = String::from_utf8(output.stderr).unwrap();
    let numbers: Vec<usize> = report.lines().filter_map(|line| line.strip_prefix("line ")?.split_once(": ")?.0.parse().ok()).collect();
    assert_eq!(numbers, (1..=refused.len()).map(|at| at * 2).collect::<Vec<_>>(), "{report}");
    let after = lethe.run(&["export"]);
    let added: Vec<_> = after.lines().filter(|line| !before.contains(*line)).collect();
    assert_eq!(added.len(), refused.len() + 1, "{added:?}");
    assert!(before.lines().all(|line| after.contains(line)), "what was there is as it was");
}

fn imports_can_be_repeated(store: Store) {
    let lethe = Lethe::start(store);
    lethe.import_all(&village());
    let once = lethe.run(&["export"]);
    lethe.import_all(&once);
    assert_eq!(lethe.run(&["export"]), once);
    lethe.import_all(r#"{"type":"preference","user_id":2,"key":"theme","value":"light"}"#);
    lethe.import_all(r#"{"type":"user","id":2,"username":"bobby","status":"a"}"#);
    let bob = lethe.user(2, "bobby");
    let theme = bob.client.get("/api/v2/user/me/preference/").body(200);
    assert_eq!((&theme["count"], &theme["results"][0]["value"]), (&json!(1), &json!("light")));
    assert_eq!(lethe.sign_up("bob").username, "bob", "a name that was given up is free");
}

fn what_was_imported_is_served(store: Store) {
    let lethe = Lethe::start(store);
    lethe.import_all(&village());
    let (ann, admin) = (lethe.user(1, "Ann"), lethe.admin());
    assert_eq!(ann.client.get("/api/v2/user/me/").body(200)["email"], "ann@example.org");
    let preferences = ann.client.get("/api/v2/user/me/preference/?key=b.value").body(200);
    assert_eq!(preferences["results"][0]["created_at"], "2026-01-05T00:00:00.000000Z");
    let post = ann.client.get("/api/v2/post/10/").body(200);
    assert_eq!((&post["vote_count"], &post["title"], &post["added_at"]), (&json!(2), &json!("T"), &json!("2026-01-07T00:00:00.000000Z")));
    assert_eq!(ann.client.get("/api/v2/discussion/11/").body(200)["author"], json!({ "id": 3, "username": "carol", "deleted": true }));
    assert_eq!(lethe.state_of(3), Some("d"));
    assert_eq!(lethe.state_of(4), Some("u"));
    let (held, reason) = (admin.get("/v1/users/1/holds").items(), json!("a\ncourt"));
    assert_eq!((held.len(), &held[0]["id"], &held[0]["reason"], &held[0]["placed_by"]), (1, &json!(7), &reason, &json!(900)));
    admin.get("/api/v2/user/4/").user_not_found();
    ann.vote("discussion", 11);
    assert_eq!(ann.client.get("/api/v2/discussion/11/").body(200)["vote_count"], 0, "an imported vote can be taken back");
    admin.get(&format!("/api/v2/user/{NOBODY}/")).user_not_found();
}

fn ids_go_on_after_an_import(store: Store) {
    let lethe = Lethe::start(store);
    lethe.import_all(&village());
    lethe.import_all(r#"{"type":"preference","user_id":77,"id":4000,"key":"far","value":1}"#);
    let erin = lethe.sign_up("erin");
    assert!(erin.id > 77);
    assert!(erin.publish("post", "next") > 500);
    let dave = lethe.user(77, "dave");
    assert!(dave.prefer("next", &json!(1))["id"].as_i64() > Some(4000));
    // An id in the middle that was free is not handed out again either.
    lethe.import_all(r#"{"type":"user","id":50,"username":"late"}"#);
    assert!(lethe.sign_up("frank").id > erin.id);
}

fn no_import_brings_a_dead_token_back(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let user = |status: &str| json!({ "type": "user", "id": ann.id, "username": "ann", "status": status, "deleted_at": (status == "d").then_some("2020-01-01T00:00:00Z") });
    lethe.import_records([user("d")]);
    ann.client.get("/api/v2/user/me/").unauthorized();
    let meanwhile = lethe.token(ann.id);
    lethe.import_records([user("a")]);
    lethe.bearing(&lethe.token(ann.id)).get("/api/v2/user/me/").body(200);
    for token in [&ann.token, &meanwhile] {
        lethe.bearing(token).get("/api/v2/user/me/").unauthorized();
    }
}

fn who_is_on_hold_stays_and_what_was_revoked_stays_dead(store: Store) {
    let to = match store {
        Store::Sqlite => Store::postgres,
        Store::Postgres(_) => Store::sqlite,
    };
    let mut old = Lethe::install(store).with("deletion.grace", "100ms");
    old.serve();
    let (ann, bob, carol, admin) = (old.sign_up("ann"), old.sign_up("bob"), old.sign_up("carol"), old.admin());
    let hold = admin.post(&format!("/v1/users/{}/holds", ann.id), &json!({ "reason": "court order" })).expect(201).json();
    for user in [&ann, &bob] {
        user.client.delete(&user.path()).nothing();
    }
    let revoke = |token: &str| assert!(feed(old.command(&["token", "revoke"]), token).status.success());
    let [late, living] = [old.token(carol.id), old.token(carol.id)];
    revoke(&carol.token);
    // Whoever was due later is gone.
    old.erased(bob.id);
    let exported = old.run(&["export"]);
    let of_type = |name: &str| exported.lines().filter(|line| line.starts_with(&format!(r#"{{"type":"{name}""#))).count();
    assert_eq!((of_type("hold"), of_type("revocation")), (1, 1), "{exported}");
    revoke(&late);

    // The keys move along.
    let mut new = Lethe::install(to());
    let folder = new.data_dir().join("keys");
    std::fs::create_dir_all(&folder).unwrap();
    for file in std::fs::read_dir(old.data_dir().join("keys")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    new.import_all(&exported);
    assert_eq!(new.run(&["export"]), exported);
    let witness = json!({ "type": "user", "id": 1000, "username": "dan", "status": "d", "purge_at": &members(&exported, "erased_at")[0] });
    new.import_records([witness]);
    new.serve();
    new.erased(1000);
    assert_eq!(new.state_of(ann.id), Some("d"), "due before the one that is gone, and on hold");
    assert_eq!(new.admin().get(&format!("/v1/users/{}/holds", ann.id)).items(), std::slice::from_ref(&hold));
    for token in [&late, &living] {
        new.bearing(token).get("/api/v2/user/me/").body(200);
    }
    new.bearing(&carol.token).get("/api/v2/user/me/").unauthorized();

    // A running service learns of what is imported, however long ago it was revoked.
    let mut revoked =
        old.run(&["export"]).lines().map(|line| serde_json::from_str(line).unwrap()).filter(|line: &Value| line["type"] == "revocation").collect::<Vec<_>>();
    assert_eq!(revoked.len(), 2);
    for line in &mut revoked {
        line["revoked_at"] = json!("2020-01-01T00:00:00Z");
    }
    new.import_records(revoked);
    until("the token is dead", || (new.bearing(&late).get("/api/v2/user/me/").status == 401).then_some(()));
    new.bearing(&living).get("/api/v2/user/me/").body(200);

    // Nothing but the hold was in the way of the purge.
    new.admin().delete(&format!("/v1/users/{}/holds/{}", ann.id, hold["id"])).nothing();
    new.erased(ann.id);
}

/// What the users of an export have under a name, as far as they have it.
fn members(exported: &str, name: &str) -> Vec<Value> {
    let values = exported.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()[name].take());
    values.filter(|value| !value.is_null()).collect()
}
