//! The native account dialect, where it differs from the community's: lists, names that are not free, plans, and problems with a page each.

use crate::common::{Answer, Client, Lethe, NOBODY, Store, User, on_both_stores, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_stores!(users_are_added_and_shown, lists_are_read_part_by_part, names_that_are_not_free, a_deletion_is_made_by_its_plan, every_problem_has_a_page);

/// Deletes a user in that mode under that plan.
fn delete(client: &Client, user: i64, mode: &str, plan: &str) -> Answer {
    client.send("DELETE", &format!("/v1/users/{user}?mode={mode}"), &[("if-match", plan)], b"")
}

/// Everything on a list, read in parts of two.
fn all_parts(client: &Client, list: &str) -> Vec<i64> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let part = client.get(&format!("{list}limit=2{cursor}")).body(200);
        let items = part["items"].as_array().unwrap();
        assert!(items.len() == 2 || part["next"].is_null(), "{part}");
        ids.extend(items.iter().map(|item| item["id"].as_i64().unwrap()));
        let Some(next) = part["next"].as_str() else { return ids };
        cursor = format!("&cursor={next}");
    }
}

fn users_are_added_and_shown(store: Store) {
    let lethe = Lethe::start(store);
    let admin = lethe.admin();
    let answer = admin.post("/v1/users", &json!({ "username": "Ann", "ext_id": "E 1", "real_name": "Ann Ö", "email": "ann@example.org" })).expect(201);
    let ann = answer.json();
    let id = ann["id"].as_i64().unwrap();
    assert_eq!(answer.header("location"), Some(format!("/v1/users/{id}").as_str()));
    let expected = json!({
        "id": id, "username": "Ann", "ext_id": "E 1", "real_name": "Ann Ö", "email": "ann@example.org", "role": null, "status": "active",
        "created_at": ann["created_at"], "deleted_at": null, "purge_at": null, "erased_at": null,
    });
    assert_eq!(ann, expected);
    assert_eq!(admin.get(&format!("/v1/users/{id}")).body(200), ann);
    // The user itself is not shown how it would end.
    let own = lethe.user(id, "Ann").client;
    let mut seen = expected;
    for name in ["deleted_at", "purge_at", "erased_at"] {
        seen.as_object_mut().unwrap().remove(name);
    }
    assert_eq!(own.get("/v1/users/me").body(200), seen);
    assert_eq!(own.get(&format!("/v1/users/{id}")).body(200), seen);
    admin.get("/v1/users/me").problem(404, "user-not-found");
    assert_eq!(own.get("/api/v2/user/me/").body(200)["username"], "Ann", "the dialects show the same user");

    own.delete(&format!("/v1/users/{id}?mode=soft")).nothing();
    let deleted = admin.get(&format!("/v1/users/{id}")).body(200);
    assert_eq!((&deleted["status"], deleted["deleted_at"].is_string(), &deleted["username"]), (&json!("deleted"), true, &json!("Ann")));
    own.delete(&format!("/v1/users/{id}?mode=soft")).problem(409, "already-deleted");
    own.delete("/v1/users/me?mode=hard").nothing();
    own.delete("/v1/users/me?mode=hard").problem(410, "user-erased");
    admin.get(&format!("/v1/users/{id}")).problem(410, "user-erased");

    for (body, pointer, code) in [
        (json!({}), "/username", "required"),
        (json!({ "username": 5 }), "/username", "not_a_string"),
        (json!({ "username": "" }), "/username", "blank"),
        (json!({ "username": "a b" }), "/username", "invalid"),
        (json!({ "username": "x".repeat(256) }), "/username", "too_long"),
        (json!({ "username": "x", "email": "nobody" }), "/email", "invalid"),
        (json!({ "username": "x", "ext_id": 7 }), "/ext_id", "not_a_string"),
    ] {
        let problem = admin.post("/v1/users", &body).problem(422, "unprocessable");
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!(pointer), &json!(code)), "{body}: {problem}");
    }
    let two = admin.post("/v1/users", &json!({ "username": "a b", "email": "nobody" })).problem(422, "unprocessable");
    assert_eq!(two["errors"].as_array().unwrap().len(), 2, "{two}");
}

fn lists_are_read_part_by_part(store: Store) {
    let lethe = Lethe::start(store);
    let admin = lethe.admin();
    let users: Vec<_> = (0..7).map(|at| lethe.sign_up(&format!("user{at}"))).collect();
    let id = |at: usize| users[at].id;
    admin.delete(&format!("/v1/users/{}?mode=soft", id(1))).nothing();
    for at in [2, 3, 4] {
        admin.delete(&format!("/v1/users/{}?mode=hard", id(at))).nothing();
    }
    lethe.import_all(&json!({ "type": "user", "id": id(5), "username": "user5", "status": "b" }).to_string());
    assert_eq!(all_parts(&admin, "/v1/users?"), [id(0), id(5), id(6)], "the deleted are listed when they are asked for");
    assert_eq!(all_parts(&admin, "/v1/users?status=active&"), [id(0), id(6)]);
    assert_eq!(all_parts(&admin, "/v1/users?status=blocked&"), [id(5)]);
    assert_eq!(all_parts(&admin, "/v1/users?status=deleted&"), [id(1)]);
    assert_eq!(all_parts(&admin, "/v1/users?status=erased&"), [id(2), id(3), id(4)]);
    assert_eq!(all_parts(&admin, "/v1/erasures?"), [id(2), id(3), id(4)]);
    assert_eq!(all_parts(&admin, "/v1/erasures?state=done&"), [id(2), id(3), id(4)]);
    assert_eq!(all_parts(&admin, "/v1/erasures?state=failed&"), Vec::<i64>::new());
    // Who joins meanwhile moves nobody to another part.
    let first = admin.get("/v1/users?limit=1").body(200);
    admin.delete(&format!("/v1/users/{}?mode=hard", id(0))).nothing();
    let next = first["next"].as_str().unwrap();
    assert_eq!(admin.get(&format!("/v1/users?limit=1&cursor={next}")).items()[0]["id"], id(5));

    for list in ["/v1/users", "/v1/erasures", "/v1/audit", "/v1/webhooks/deliveries"] {
        for (query, parameter, code) in [
            ("limit=0", "limit", "invalid"),
            ("limit=101", "limit", "invalid"),
            ("limit=01", "limit", "invalid"),
            ("limit=", "limit", "invalid"),
            ("cursor=-1", "cursor", "invalid"),
            ("limit=1&limit=2", "limit", "repeated"),
        ] {
            let problem = admin.get(&format!("{list}?{query}")).problem(400, "malformed-query");
            assert_eq!((&problem["errors"][0]["parameter"], &problem["errors"][0]["code"]), (&json!(parameter), &json!(code)), "{list}?{query}: {problem}");
        }
    }
    for (list, parameter) in [("/v1/users?status=d", "status"), ("/v1/erasures?state=over", "state"), ("/v1/webhooks/deliveries?state=told", "state")] {
        assert_eq!(admin.get(list).problem(400, "malformed-query")["errors"][0]["parameter"], parameter);
    }
}

fn names_that_are_not_free(store: Store) {
    let lethe = Lethe::start(store);
    let admin = lethe.admin();
    let add = |username: &str, ext_id: &str| admin.post("/v1/users", &json!({ "username": username, "ext_id": ext_id }));
    let ann = add("ann", "E1").body(201)["id"].as_i64().unwrap();
    assert_eq!(add("ANN", "E2").problem(409, "identifier-taken")["field"], "username");
    assert_eq!(add("bob", "E1").problem(409, "identifier-taken")["field"], "ext_id");
    assert_eq!(add("ann", "E1").problem(409, "identifier-taken")["field"], "username");
    admin.delete(&format!("/v1/users/{ann}?mode=soft")).nothing();
    assert_eq!(add("Ann", "E2").problem(409, "identifier-reserved")["field"], "username");
    assert_eq!(add("bob", "E1").problem(409, "identifier-reserved")["field"], "ext_id");
    admin.delete(&format!("/v1/users/{ann}?mode=hard")).nothing();
    let heir = add("Ann", "E1").body(201);
    assert!(heir["id"].as_i64() > Some(ann), "an id is never used again");
}

fn a_deletion_is_made_by_its_plan(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, admin) = (lethe.sign_up("ann"), lethe.admin());
    ann.prefer("theme", &json!("dark"));
    let post = ann.publish("post", "hello");
    let path = format!("/v1/users/{}/deletion-plan?mode=hard", ann.id);
    let answer = ann.client.get(&path).expect(200);
    let (plan, tag) = (answer.json(), answer.header("etag").unwrap().to_owned());
    let count = |plan: &Value, kind: &str| plan["kinds"].as_array().unwrap().iter().find(|entry| entry["kind"] == kind).unwrap()["count"].clone();
    assert_eq!((&plan["mode"], &plan["frees"], &plan["blockers"]), (&json!("hard"), &json!(["username"]), &json!([])));
    assert_eq!((count(&plan, "posts"), count(&plan, "preferences"), count(&plan, "votes_cast")), (json!(1), json!(1), json!(0)));
    assert!(plan["kinds"].as_array().unwrap().iter().all(|kind| kind["fate"] == "removed"), "{plan}");
    assert_eq!(admin.get(&path).header("etag"), Some(tag.as_str()), "it is one plan, whoever asks");
    for known in [tag.as_str(), "*", &format!("\"x\", W/{tag}")] {
        let answer = ann.client.send("GET", &path, &[("if-none-match", known)], b"").expect(304);
        assert_eq!((answer.text.as_str(), answer.header("etag")), ("", Some(tag.as_str())));
    }

    let second = ann.publish("post", "another one");
    ann.client.send("GET", &path, &[("if-none-match", &tag)], b"").expect(200);
    delete(&ann.client, ann.id, "hard", &tag).problem(412, "plan-changed");
    delete(&admin, ann.id, "hard", &format!("W/{tag}")).problem(412, "plan-changed");
    delete(&admin, ann.id, "hard", "\"x\"").problem(412, "plan-changed");
    let malformed = delete(&admin, ann.id, "hard", "x").problem(400, "malformed-header");
    assert_eq!(malformed["errors"][0]["header"], "If-Match");
    assert_eq!(lethe.state_of(ann.id), Some("a"), "nothing was deleted");
    ann.client.get(&format!("/api/v2/post/{post}/")).body(200);

    // What is again as it was counted can be deleted by the old plan.
    ann.client.delete(&format!("/api/v2/post/{second}/")).nothing();
    let soft = ann.client.get(&path.replace("hard", "soft")).expect(200);
    assert!(soft.json()["kinds"].as_array().unwrap().iter().all(|kind| kind["fate"] == "kept"), "{soft:?}");
    delete(&ann.client, ann.id, "hard", soft.header("etag").unwrap()).problem(412, "plan-changed");
    delete(&ann.client, ann.id, "soft", soft.header("etag").unwrap()).nothing();
    let tag = admin.get(&path).header("etag").unwrap().to_owned();
    delete(&admin, ann.id, "hard", &tag).nothing();
    admin.get(&path).problem(410, "user-erased");
    let erasure = lethe.erasure(ann.id);
    for step in erasure["steps"].as_array().unwrap() {
        assert_eq!(step["done"], count(&plan, step["kind"].as_str().unwrap()), "{erasure}");
    }
}

/// The problems of preferences, on a service that keeps three changes of each user, and a user who has none.
fn problems_of_preferences(ann: &User, soft: &User, admin: &Client) -> Vec<(Answer, u16, &'static str)> {
    let (set, one, me) = (ann.v1("/preferences"), ann.key("k"), &ann.client);
    for at in 1..=5 {
        ann.keep("k", &at.to_string());
    }
    until("the log is short", || (me.get(&ann.v1("/changes?since=1")).status == 410).then_some(()));
    let batch = |key: &str, operations: &Value| {
        let body = json!({ "operations": operations }).to_string();
        me.send("POST", &ann.v1("/batch"), &[("content-type", "application/json"), ("idempotency-key", key)], body.as_bytes())
    };
    let puts = |count: usize| -> Value { (0..count).map(|at| json!({ "op": "put", "key": format!("k{at}"), "value": 1 })).collect() };
    batch("used", &json!([])).expect(200);
    let conditional = |method: &str, path: &str, condition: (&str, &str)| me.send(method, path, &[condition], b"");
    vec![
        (me.get(&ann.key("none")), 404, "not-found"),
        (me.get(&ann.v1("/preferences?at=9")), 422, "unprocessable"),
        (me.put_text(&one, "{"), 400, "malformed-json"),
        (me.put_text(&ann.key(" "), "1"), 422, "unprocessable"),
        (me.send_as("PATCH", &one, "text/plain", "{}"), 415, "unsupported-media-type"),
        (admin.put_text(&soft.key("k"), "1"), 409, "user-deleted"),
        (conditional("DELETE", &one, ("if-match", "\"1\"")), 412, "precondition-failed"),
        (conditional("GET", &set, ("if-match", "\"1\"")), 412, "precondition-failed"),
        (conditional("DELETE", &one, ("if-match", "1")), 400, "malformed-header"),
        (conditional("GET", &ann.v1("/changes/watch"), ("last-event-id", "x")), 400, "malformed-header"),
        (me.json_patch(&one, r#"[{"op":"test","path":"","value":0}]"#), 409, "patch-test-failed"),
        (me.json_patch(&one, r#"[{"op":"remove","path":"/none"}]"#), 422, "patch-failed"),
        (batch("new", &puts(4)), 422, "quota-exceeded"),
        (batch("used", &puts(1)), 422, "idempotency-key-reused"),
        (batch("no key", &puts(1)), 400, "malformed-header"),
        (me.get(&ann.v1("/changes?since=1")), 410, "cursor-expired"),
        (me.get(&ann.v1("/preferences?at=1")), 410, "revision-expired"),
        (me.post(&ann.v1("/revert"), &json!({ "to": 1 })), 410, "revision-expired"),
        (me.send("POST", &one, &[], b""), 405, "method-not-allowed"),
    ]
}

fn every_problem_has_a_page(store: Store) {
    let mut lethe = Lethe::install(store).with("history.max_changes", "3").with("history.look_every", "1s").with("limits.keys_per_user", "4");
    lethe.serve();
    let (ann, soft, gone) = (lethe.sign_up("ann"), lethe.sign_up("soft"), lethe.sign_up("gone"));
    let (admin, anonymous) = (lethe.admin(), lethe.anonymous());
    soft.client.delete(&soft.path()).nothing();
    gone.client.delete(&format!("{}?hard=1", gone.path())).nothing();
    let held = lethe.sign_up("held");
    admin.post(&format!("/v1/users/{}/holds", held.id), &json!({ "reason": "court order" })).body(201);
    let of = |user: i64, rest: &str| format!("/v1/users/{user}{rest}");
    let raw = |kind: &str, body: &[u8]| admin.send("POST", "/v1/users", &[("content-type", kind)], body);
    let json_type = "application/json";
    let seen = [
        (raw(json_type, b"{"), 400, "malformed-json"),
        (raw(json_type, b"[]"), 400, "malformed-json"),
        (raw(json_type, b""), 400, "malformed-json"),
        (raw(json_type, b"\xff"), 400, "malformed-json"),
        (raw("text/plain", b"{}"), 415, "unsupported-media-type"),
        (admin.send("POST", "/v1/users", &[("content-type", json_type), ("content-encoding", "br")], b"{}"), 415, "unsupported-media-type"),
        (raw(json_type, &b" ".repeat(200_000)), 413, "body-too-large"),
        (raw(json_type, b"{}"), 422, "unprocessable"),
        (admin.get("/v1/users?limit=x"), 400, "malformed-query"),
        (ann.client.delete(&of(ann.id, "")), 400, "malformed-query"),
        (ann.client.delete(&of(ann.id, "?mode=1")), 400, "malformed-query"),
        (ann.client.delete(&of(ann.id, "?mode=soft&mode=hard")), 400, "malformed-query"),
        (delete(&ann.client, ann.id, "soft", "x"), 400, "malformed-header"),
        (anonymous.get("/v1/users/me"), 401, "not-authenticated"),
        (lethe.bearing("x").get("/v1/users/me"), 401, "token-invalid"),
        (ann.client.get("/v1/users"), 403, "forbidden"),
        (ann.client.get(&of(NOBODY, "")), 403, "forbidden"),
        (ann.client.get(&of(gone.id, "")), 403, "forbidden"),
        (ann.client.get("/v1/users/x"), 403, "forbidden"),
        (admin.get(&of(NOBODY, "")), 404, "user-not-found"),
        (admin.get("/v1/users/01"), 404, "user-not-found"),
        (admin.get("/v1/users/x/deletion-plan"), 404, "user-not-found"),
        (admin.delete(&of(NOBODY, "?mode=hard")), 404, "user-not-found"),
        (admin.get("/v1/nothing"), 404, "not-found"),
        (admin.get("/v1/erasures/x"), 404, "not-found"),
        (admin.get(&format!("/v1/erasures/{}", ann.id)), 404, "not-found"),
        (anonymous.get("/problems/none"), 404, "not-found"),
        (admin.put("/v1/users", &json!({})), 405, "method-not-allowed"),
        (admin.delete(&of(soft.id, "?mode=soft")), 409, "already-deleted"),
        (admin.delete(&of(held.id, "?mode=hard")), 409, "on-hold"),
        (admin.post("/v1/users", &json!({ "username": "ann" })), 409, "identifier-taken"),
        (admin.post("/v1/users", &json!({ "username": "soft" })), 409, "identifier-reserved"),
        (admin.get(&of(gone.id, "")), 410, "user-erased"),
        (admin.delete(&of(gone.id, "?mode=soft")), 410, "user-erased"),
        (admin.delete(&of(gone.id, "")), 410, "user-erased"),
        (delete(&admin, ann.id, "hard", "\"x\""), 412, "plan-changed"),
    ];
    let of_preferences = problems_of_preferences(&ann, &soft, &admin);
    let mut slugs = BTreeSet::new();
    for (answer, status, slug) in seen.into_iter().chain(of_preferences) {
        if status == 405 {
            assert!(answer.header("allow").is_some_and(|methods| methods.contains("GET") && methods.contains("OPTIONS")), "{answer:?}");
        }
        let problem = answer.problem(status, slug);
        slugs.insert(slug);
        let page = anonymous.get(problem["type"].as_str().unwrap()).expect(200);
        assert!(page.header("content-type").unwrap().starts_with("text/html"), "{page:?}");
        let title = problem["title"].as_str().unwrap();
        assert!(page.text.contains(&format!("<h1>{title}</h1>")) && page.text.contains(&status.to_string()), "{title}: {page:?}");
        assert!(!page.text.contains("http://") && !page.text.contains("https://") && !page.text.contains("<script"), "{page:?}");
    }
    // What it takes for `idempotency-key-in-use` is in `retrying`.
    assert_eq!(slugs.len(), 26, "{slugs:?}");
    let list = anonymous.get("/problems").expect(200);
    assert!(slugs.iter().all(|slug| list.text.contains(&format!("\"/problems/{slug}\""))), "{list:?}");
    // All that are listed have one, also those that cannot be brought about here.
    let links: Vec<_> = list.text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.len() > slugs.len());
    for link in links {
        anonymous.get(link).expect(200);
    }
}
