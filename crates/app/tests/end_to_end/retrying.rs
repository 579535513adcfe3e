//! Requests that are sent again because their answers were lost: each has its effect once.

use crate::common::forge::append;
use crate::common::raw::{exchange, status};
use crate::common::{Answer, Client, Lethe, Store, User, feed, on_both_stores, until};
use serde_json::{Value, json};
use std::fmt;

on_both_stores!(
    every_act_has_its_effect_once,
    another_body_is_another_request,
    others_are_independent,
    a_refusal_is_not_remembered,
    all_at_once_have_one_effect,
    it_is_remembered_through_a_power_cut,
    it_is_forgotten_with_the_user,
    what_can_be_no_key,
    nothing_is_told_to_a_token_that_may_not
);

const KEY: &str = "idempotency-key";

/// A request as it is sent again and again.
#[derive(Clone)]
struct Request<'a> {
    client: &'a Client,
    method: &'static str,
    path: String,
    kind: &'static str,
    body: String,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} with {}", self.method, self.path, self.body)
    }
}

impl<'a> Request<'a> {
    fn new(client: &'a Client, method: &'static str, path: impl Into<String>, kind: &'static str, body: impl Into<String>) -> Self {
        Self { client, method, path: path.into(), kind, body: body.into() }
    }

    fn json(client: &'a Client, method: &'static str, path: impl Into<String>, body: &Value) -> Self {
        Self::new(client, method, path, "application/json", body.to_string())
    }

    fn send(&self, key: &str) -> Answer {
        self.client.send(self.method, &self.path, &[("content-type", self.kind), (KEY, key)], self.body.as_bytes())
    }
}

fn is_replay(answer: &Answer) -> bool {
    match answer.header("idempotency-replayed") {
        None => false,
        Some("true") => true,
        Some(other) => panic!("{other:?} in {answer:?}"),
    }
}

/// Sends a request with a key twice: it succeeds, and the same is answered again.
#[track_caller]
fn twice(request: &Request<'_>, key: &str) -> Answer {
    let first = request.send(key);
    assert!((200..300).contains(&first.status) && !is_replay(&first), "{request:?}: {first:?}");
    is_told_again(request, key, &first);
    first
}

#[track_caller]
fn is_told_again(request: &Request<'_>, key: &str, first: &Answer) {
    let again = request.send(key);
    assert!(is_replay(&again), "{request:?}: {again:?}");
    assert_eq!((again.status, &again.text), (first.status, &first.text), "{request:?}");
    for header in ["content-type", "etag", "location"] {
        assert_eq!(again.header(header), first.header(header), "{header} of {request:?}");
    }
}

/// What everybody has and has done.
fn state(lethe: &Lethe, ann: &User) -> Value {
    let admin = lethe.admin();
    let paths = [
        ann.v1("/preferences"),
        ann.v1("/changes"),
        ann.v1("/holds"),
        ann.path(),
        "/api/v2/post/?limit=100".to_owned(),
        "/v1/users?limit=100".to_owned(),
        "/v1/users?status=deleted".to_owned(),
        "/v1/users?status=erased".to_owned(),
        "/v1/audit?limit=100".to_owned(),
    ];
    paths.into_iter().map(|path| admin.get(&path).body(200)).collect()
}

fn every_act_has_its_effect_once(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob, soft, hard) = (lethe.sign_up("ann"), lethe.sign_up("bob"), lethe.sign_up("soft"), lethe.sign_up("hard"));
    let admin = lethe.admin();
    ann.keep("k", r#"{"n":[1]}"#);
    ann.keep("gone", "1");
    let entry = |key: &str| format!("{}{}/", ann.preferences(), ann.client.get(&format!("{}?key={key}", ann.preferences())).body(200)["results"][0]["id"]);
    let (post, other) = (ann.publish("post", "to be liked"), ann.publish("post", "to go"));
    let me = &ann.client;
    let json_patch = "application/json-patch+json";
    let requests = [
        Request::new(me, "PATCH", ann.key("k"), json_patch, r#"[{"op":"add","path":"/n/-","value":2}]"#),
        Request::new(me, "PATCH", ann.key("k"), "application/merge-patch+json", r#"{"m":1.0}"#),
        Request::new(me, "DELETE", ann.key("gone"), json_patch, ""),
        Request::new(me, "PATCH", ann.v1("/preferences"), "application/merge-patch+json", r#"{"k":{"m":2},"l":1,"none":null}"#),
        Request::json(me, "POST", ann.v1("/batch"), &json!({ "operations": [{ "op": "put", "key": "b", "value": 1 }, { "op": "delete", "key": "l" }] })),
        Request::json(
            me,
            "POST",
            ann.v1("/batch"),
            &json!({ "operations": [{ "op": "delete", "key": "b" }, { "op": "delete", "key": "none" }], "atomic": false }),
        ),
        Request::json(me, "POST", "/v1/users/me/revert", &json!({ "to": 1 })),
        Request::json(&admin, "POST", ann.v1("/batch"), &json!({ "operations": [{ "op": "put", "key": "by admin", "value": 1 }] })),
        Request::json(&admin, "POST", "/v1/users", &json!({ "username": "native", "email": "n@example.org", "real_name": "Native" })),
        Request::json(&admin, "POST", ann.v1("/holds"), &json!({ "reason": "court order" })),
        Request::json(me, "POST", ann.preferences(), &json!({ "key": "community", "value": 1 })),
        Request::json(me, "PATCH", ann.path(), &json!({ "bio": "new" })),
        Request::json(&admin, "POST", "/api/v2/sso/signup/", &json!({ "username": "community" })),
        Request::json(me, "POST", "/api/v2/post/", &json!({ "text": "new" })),
        Request::new(me, "DELETE", format!("/api/v2/post/{other}/"), "", ""),
        Request::new(&bob.client, "POST", format!("/api/v2/post/{post}/vote/"), "", ""),
        Request::json(me, "POST", "/settings/user", &json!({ "settings": { "k": 1, "s": { "t": 1, "u": 2 } } })),
        Request::json(me, "DELETE", "/settings/user", &json!({ "keys": ["k", "s.t"] })),
        Request::new(&soft.client, "DELETE", soft.v1("?mode=soft"), "", ""),
        Request::json(&admin, "POST", soft.v1("/restore"), &json!({})),
        Request::new(&admin, "DELETE", soft.path(), "", ""),
        Request::new(&admin, "DELETE", hard.v1("?mode=hard"), "", ""),
    ];
    for (place, request) in requests.into_iter().enumerate() {
        eprintln!("{request:?}");
        let key = format!("key{place}");
        let before = state(&lethe, &ann);
        let first = request.send(&key);
        assert!((200..300).contains(&first.status) && !is_replay(&first), "{request:?}: {first:?}");
        let after = state(&lethe, &ann);
        assert_ne!(after, before, "it does something");
        is_told_again(&request, &key, &first);
        is_told_again(&request, &key, &first);
        assert_eq!(state(&lethe, &ann), after, "{request:?}");
    }
    // By what the acts above have made.
    let hold = admin.get(&ann.v1("/holds")).items()[0]["id"].as_i64().unwrap();
    let requests = [
        Request::new(&admin, "DELETE", ann.v1(&format!("/holds/{hold}")), "", ""),
        Request::json(me, "PATCH", entry("s"), &json!({ "key": "renamed", "value": 2 })),
        Request::new(me, "DELETE", entry("s"), "", ""),
    ];
    for request in &requests[..2] {
        twice(request, "two");
    }
    twice(&requests[2], "three");
    // `PUT` may be sent again anyway, and reading does nothing.
    for request in [
        Request::json(me, "PUT", ann.key("k"), &json!(1)),
        Request::json(me, "PUT", "/settings/user", &json!({})),
        Request::new(me, "GET", ann.key("k"), "", ""),
    ] {
        for _ in 0..2 {
            let answer = request.send("one");
            assert!((200..300).contains(&answer.status) && !is_replay(&answer), "{request:?}: {answer:?}");
        }
    }
    // A vote that was cast is not taken back by being cast again; by another key it is.
    let cast = "key15";
    let vote = |key: &str| bob.client.send("POST", &format!("/api/v2/post/{post}/vote/"), &[(KEY, key)], b"").nothing();
    let count = || me.get(&format!("/api/v2/post/{post}/")).body(200)["vote_count"].clone();
    assert_eq!(count(), 1);
    vote(cast);
    assert_eq!(count(), 1);
    vote("another");
    assert_eq!(count(), 0);
    vote(cast);
    assert_eq!(count(), 0);
}

fn reused(answer: &Answer, path: &str) {
    assert!(!is_replay(answer), "{answer:?}");
    if path.starts_with("/v1/") {
        answer.clone().problem(422, "idempotency-key-reused");
    } else if path.starts_with("/settings/") {
        assert_eq!(answer.clone().body(422)["success"], false);
    } else {
        answer.clone().refused(422, "idempotency_key_reused", "The idempotency key was used for another request.");
    }
}

fn another_body_is_another_request(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, soft) = (lethe.sign_up("ann"), lethe.sign_up("soft"));
    let (admin, me) = (lethe.admin(), &ann.client);
    ann.keep("k", "{}");
    let merge = "application/merge-patch+json";
    let put = |value: i64| json!({ "operations": [{ "op": "put", "key": "a", "value": value }] });
    let pairs = [
        (Request::json(me, "POST", ann.v1("/batch"), &put(1)), put(2).to_string()),
        // To the letter: who writes it anew may mean something else.
        (Request::new(me, "POST", ann.v1("/revert"), "application/json", r#"{"to":1}"#), r#"{"to": 1}"#.to_owned()),
        (Request::new(me, "PATCH", ann.key("k"), merge, r#"{"a":1}"#), r#"{"a":2}"#.to_owned()),
        (Request::new(me, "PATCH", ann.v1("/preferences"), merge, r#"{"a":1}"#), r#"{"b":2}"#.to_owned()),
        (Request::json(me, "POST", ann.preferences(), &json!({ "key": "c", "value": 1 })), json!({ "key": "d", "value": 1 }).to_string()),
        (Request::json(me, "POST", "/api/v2/post/", &json!({ "text": "one" })), json!({ "text": "two" }).to_string()),
        (Request::json(me, "DELETE", "/settings/user", &json!({ "keys": ["c"] })), json!({ "keys": ["k"] }).to_string()),
        (Request::json(&admin, "POST", "/v1/users", &json!({ "username": "one" })), json!({ "username": "two" }).to_string()),
        (Request::json(&admin, "POST", ann.v1("/holds"), &json!({ "reason": "one" })), json!({ "reason": "two" }).to_string()),
    ];
    for (request, other) in pairs {
        let first = twice(&request, "same");
        let before = state(&lethe, &ann);
        reused(&Request { body: other.clone(), ..request.clone() }.send("same"), &request.path);
        assert_eq!(state(&lethe, &ann), before, "{request:?}");
        is_told_again(&request, "same", &first);
    }
    // What kind of patch it is counts as well, and on what condition it is made.
    let patch = |kind: &str, condition: &str| me.send("PATCH", &ann.key("k"), &[("content-type", kind), ("if-match", condition), (KEY, "conditional")], b"[]");
    let tag = me.get(&ann.key("k")).header("etag").unwrap().to_owned();
    patch("application/json-patch+json", &tag).expect(200);
    assert!(is_replay(&patch("application/json-patch+json", &tag).expect(200)));
    patch("application/json-patch+json", "*").problem(422, "idempotency-key-reused");
    patch(merge, &tag).problem(422, "idempotency-key-reused");
    // And so does what the query asks for.
    admin.send("DELETE", &soft.v1("?mode=soft"), &[(KEY, "same")], b"").nothing();
    admin.send("DELETE", &soft.v1("?mode=hard"), &[(KEY, "same")], b"").problem(422, "idempotency-key-reused");
    assert_eq!(lethe.state_of(soft.id), Some("d"));
}

fn others_are_independent(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let admin = lethe.admin();
    for user in [&ann, &bob] {
        user.keep("k", "[]");
        user.keep("l", "[]");
    }
    let add = |client: &'static str| format!(r#"[{{"op":"add","path":"/-","value":"{client}"}}]"#);
    let request = |client, path: String| Request::new(client, "PATCH", path, "application/json-patch+json", add("x"));
    // Another user, another path, another caller for the same user, another method, another key.
    for request in [
        request(&ann.client, ann.key("k")),
        request(&bob.client, bob.key("k")),
        request(&ann.client, ann.key("l")),
        request(&admin, ann.key("k")),
        request(&ann.client, "/v1/users/me/preferences/k".to_owned()),
        Request::new(&bob.client, "DELETE", bob.key("k"), "", ""),
    ] {
        twice(&request, "key");
    }
    twice(&request(&ann.client, ann.key("k")), "another");
    twice(&request(&ann.client, ann.key("k")), "Key");
    assert_eq!(ann.client.get(&ann.key("k")).body(200)["value"].as_array().unwrap().len(), 5);
    // It belongs to who acts, whichever token it is done with.
    let second = lethe.bearing(&lethe.token(ann.id));
    assert!(is_replay(&request(&second, ann.key("k")).send("key")));
    // Without a key each request has its effect.
    for _ in 0..2 {
        ann.client.json_patch(&ann.key("k"), &add("x")).expect(200);
    }
    assert_eq!(ann.client.get(&ann.key("k")).body(200)["value"].as_array().unwrap().len(), 7);
}

fn a_refusal_is_not_remembered(store: Store) {
    let mut lethe = Lethe::install(store).with("limits.keys_per_user", "2");
    lethe.serve();
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let (admin, me) = (lethe.admin(), &ann.client);
    ann.keep("a", "1");
    let delete = Request::new(me, "DELETE", ann.key("k"), "", "");
    delete.send("x").problem(404, "not-found");
    ann.keep("k", "1");
    twice(&delete, "x");
    ann.keep("b", "1");
    let batch = Request::json(me, "POST", ann.v1("/batch"), &json!({ "operations": [{ "op": "put", "key": "c", "value": 1 }] }));
    batch.send("x").problem(422, "quota-exceeded");
    ann.client.delete(&ann.key("b")).nothing();
    twice(&batch, "x");
    let stale =
        || me.send("PATCH", &ann.v1("/preferences"), &[("content-type", "application/merge-patch+json"), ("if-match", "\"9\""), (KEY, "x")], br#"{"a":2}"#);
    stale().problem(412, "precondition-failed");
    while ann.revision() < 9 {
        ann.keep("a", &ann.revision().to_string());
    }
    assert!(!is_replay(&stale().expect(200)));
    // The condition is the first request's: what it did holds, whatever is there by now.
    assert!(is_replay(&stale().expect(200)));
    let wrong = Request::json(me, "POST", ann.v1("/batch"), &json!({ "operations": 1 }));
    wrong.send("y").problem(422, "unprocessable");
    assert!(!is_replay(&Request { body: json!({ "operations": [] }).to_string(), ..wrong }.send("y").expect(200)), "another body after a refusal");
    let add = Request::json(&admin, "POST", "/v1/users", &json!({ "username": "bob" }));
    add.send("x").problem(409, "identifier-taken");
    admin.delete(&bob.v1("?mode=hard")).nothing();
    twice(&add, "x");
    let deletion = Request::new(&admin, "DELETE", ann.v1("?mode=hard"), "", "");
    let hold = admin.post(&ann.v1("/holds"), &json!({ "reason": "court order" })).body(201)["id"].clone();
    deletion.send("x").problem(409, "on-hold");
    admin.delete(&ann.v1(&format!("/holds/{hold}"))).nothing();
    twice(&deletion, "x");
}

fn all_at_once_have_one_effect(store: Store) {
    const SENDERS: usize = 10;
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let (admin, me) = (lethe.admin(), &ann.client);
    ann.keep("k", "[]");
    let post = ann.publish("post", "to be liked");
    let requests = [
        Request::new(me, "PATCH", ann.key("k"), "application/json-patch+json", r#"[{"op":"add","path":"/-","value":1}]"#),
        Request::json(me, "POST", ann.v1("/batch"), &json!({ "operations": [{ "op": "put", "key": "new", "value": 1 }] })),
        Request::json(me, "POST", "/api/v2/post/", &json!({ "text": "new" })),
        Request::new(me, "POST", format!("/api/v2/post/{post}/vote/"), "", ""),
        Request::json(&admin, "POST", ann.v1("/holds"), &json!({ "reason": "court order" })),
        Request::json(&admin, "POST", "/v1/users", &json!({ "username": "new" })),
        Request::json(me, "DELETE", "/settings/user", &json!({ "keys": ["new"] })),
        Request::new(me, "DELETE", ann.key("k"), "", ""),
    ];
    for request in requests {
        let answers: Vec<_> = std::thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(|| request.send("key"))).collect();
            senders.into_iter().map(|sender| sender.join().unwrap()).collect()
        });
        let (served, waiting): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status < 300);
        for answer in waiting {
            assert_eq!((answer.status, answer.header("retry-after")), (409, Some("1")), "{answer:?}");
        }
        assert_eq!(served.iter().filter(|answer| !is_replay(answer)).count(), 1, "{request:?}: {served:?}");
        let first = served.iter().find(|answer| !is_replay(answer)).unwrap();
        assert!(served.iter().all(|answer| (answer.status, &answer.text) == (first.status, &first.text)), "{served:?}");
        is_told_again(&request, "key", first);
    }
    assert_eq!(ann.changes().len(), 5, "each had its effect once: {:?}", ann.changes());
    assert_eq!(me.get("/api/v2/post/").body(200)["count"], 2);
    assert_eq!(me.get(&format!("/api/v2/post/{post}/")).body(200)["vote_count"], 1);
    assert_eq!(admin.get(&ann.v1("/holds")).items().len(), 1);
}

fn it_is_remembered_through_a_power_cut(store: Store) {
    let mut lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    ann.keep("k", "[]");
    let one = ann.key("k");
    let patch = r#"[{"op":"add","path":"/-","value":1}]"#;
    let user = json!({ "username": "new" });
    let first = twice(&Request::new(&ann.client, "PATCH", one.clone(), "application/json-patch+json", patch), "key");
    let added = twice(&Request::json(&lethe.admin(), "POST", "/v1/users", &user), "key");
    for end in [Lethe::kill, Lethe::stop, Lethe::kill] {
        end(&mut lethe);
        lethe.serve();
        let (client, admin) = (lethe.bearing(&ann.token), lethe.admin());
        is_told_again(&Request::new(&client, "PATCH", one.clone(), "application/json-patch+json", patch), "key", &first);
        is_told_again(&Request::json(&admin, "POST", "/v1/users", &user), "key", &added);
    }
    assert_eq!(lethe.bearing(&ann.token).get(&one).body(200)["value"], json!([1]));
}

/// What is remembered of or about a user. In a store that tests speak SQL to.
fn remembered(lethe: &Lethe, user: i64) -> Vec<Vec<Option<String>>> {
    lethe.sql(&format!("SELECT user_id::text, actor::text, outcome FROM attempts WHERE user_id = {user} OR actor = {user} ORDER BY 1, 2, 3"))
}

fn it_is_forgotten_with_the_user(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let admin = lethe.admin();
    ann.keep("k", r#"["secret of ann"]"#);
    bob.keep("k", "[]");
    let post = bob.publish("post", "to be liked");
    let of_ann = [
        Request::new(&ann.client, "PATCH", ann.key("k"), "application/json-patch+json", r#"[{"op":"add","path":"/-","value":1}]"#),
        Request::json(&ann.client, "POST", "/api/v2/post/", &json!({ "text": "secret of ann" })),
        Request::new(&ann.client, "POST", format!("/api/v2/post/{post}/vote/"), "", ""),
        Request::json(&ann.client, "PATCH", ann.path(), &json!({ "bio": "secret of ann" })),
        Request::json(&ann.client, "POST", "/settings/user", &json!({ "settings": { "s": "secret of ann" } })),
        Request::json(&admin, "POST", ann.v1("/batch"), &json!({ "operations": [{ "op": "put", "key": "x", "value": "secret of ann" }] })),
        Request::json(&admin, "POST", ann.v1("/holds"), &json!({ "reason": "secret of ann", "expires_at": "2000-01-01T00:00:00Z" })),
    ];
    for request in &of_ann[..6] {
        twice(request, "key");
    }
    let new = json!({ "username": "carl", "email": "secret@example.org", "real_name": "secret of carl" });
    let carl = twice(&Request::json(&admin, "POST", "/v1/users", &new), "key").json()["id"].as_i64().unwrap();
    let of_bob = Request::new(&bob.client, "PATCH", bob.key("k"), "application/json-patch+json", r#"[{"op":"add","path":"/-","value":1}]"#);
    let first = twice(&of_bob, "key");
    if lethe.speaks_sql() {
        assert!(remembered(&lethe, ann.id).len() >= 6);
    }
    let count = |kind: &str| {
        let plan = admin.get(&ann.v1("/deletion-plan?mode=hard")).body(200);
        plan["kinds"].as_array().unwrap().iter().find(|entry| entry["kind"] == kind).unwrap()["count"].as_i64().unwrap()
    };
    assert_eq!(count("attempts"), 6);
    for user in [ann.id, carl] {
        let deletion = Request::new(&admin, "DELETE", format!("/v1/users/{user}?mode=hard"), "", "");
        twice(&deletion, "key");
        let erasure = lethe.erased(user);
        let step = erasure["steps"].as_array().unwrap().iter().find(|step| step["kind"] == "attempts").unwrap();
        assert_eq!(step["done"], if user == ann.id { 6 } else { 0 }, "{erasure}");
    }
    if lethe.speaks_sql() {
        assert_eq!(remembered(&lethe, ann.id), Vec::<Vec<_>>::new());
        assert_eq!(remembered(&lethe, carl), Vec::<Vec<_>>::new());
        let all = lethe.sql("SELECT outcome FROM attempts");
        assert!(!all.is_empty() && all.iter().flatten().flatten().all(|outcome| !outcome.contains("secret")), "{all:?}");
    }
    is_told_again(&of_bob, "key", &first);
    // Whoever is gone is told nothing any more.
    for request in &of_ann[..5] {
        request.send("key").unauthorized();
    }
    of_ann[5].send("key").problem(410, "user-erased");
}

fn what_can_be_no_key(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    ann.keep("k", "{}");
    let longest = "k".repeat(255);
    let requests = [
        Request::new(&ann.client, "PATCH", ann.key("k"), "application/merge-patch+json", r#"{"a":1}"#),
        Request::json(&ann.client, "POST", ann.v1("/batch"), &json!({ "operations": [{ "op": "put", "key": "a", "value": 1 }] })),
        Request::json(&ann.client, "POST", ann.preferences(), &json!({ "key": "b", "value": 1 })),
        Request::json(&ann.client, "POST", "/settings/user", &json!({ "settings": {} })),
        Request::json(&ann.client, "POST", "/api/v2/post/", &json!({ "text": "x" })),
        Request::new(&ann.client, "DELETE", ann.v1("?mode=soft"), "", ""),
    ];
    let malformed = |answer: &Answer, path: &str| {
        if path.starts_with("/v1/") {
            assert_eq!(answer.clone().problem(400, "malformed-header")["errors"][0]["header"], "Idempotency-Key");
        } else if path.starts_with("/settings/") {
            assert_eq!(answer.clone().body(400)["success"], false);
        } else {
            answer.clone().refused(400, "invalid", "The header Idempotency-Key cannot be read.");
        }
    };
    let before = state(&lethe, &ann);
    for request in &requests {
        for key in ["", " ", "a b", "a\tb", &"k".repeat(256)] {
            malformed(&request.send(key), &request.path);
        }
        let headers = [("content-type", request.kind), (KEY, "a"), (KEY, "b")];
        malformed(&ann.client.send(request.method, &request.path, &headers, request.body.as_bytes()), &request.path);
    }
    // Letters that are no ASCII, which not every library would send.
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
        ann.v1("/batch"),
        ann.token
    );
    let request = format!("{head}Idempotency-Key: schlüssel\r\nContent-Length: 17\r\n\r\n{{\"operations\":[]}}");
    assert_eq!(status(&exchange(lethe.address(), request.as_bytes())), Some(400));
    assert_eq!(state(&lethe, &ann), before);
    // What is more basic is said first, and who only reads or may send again anyway is not bothered.
    lethe.anonymous().send("PATCH", &ann.key("k"), &[(KEY, "")], b"").problem(401, "not-authenticated");
    ann.client.send("PATCH", &ann.key("k"), &[(KEY, "")], b"").problem(415, "unsupported-media-type");
    ann.client.send("GET", &ann.key("k"), &[(KEY, "")], b"").expect(200);
    ann.client.send("PUT", &ann.key("k"), &[("content-type", "application/json"), (KEY, "")], b"2").expect(200);
    for key in ["!", "~", &longest, "\"quoted\"", "8e03978e-40d5-43dd-bc93-6894a57f9324"] {
        let put = json!({ "operations": [{ "op": "put", "key": "k", "value": key }] });
        twice(&Request::json(&ann.client, "POST", ann.v1("/batch"), &put), key);
    }
}

fn nothing_is_told_to_a_token_that_may_not(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let dead = lethe.token(ann.id);
    let patch = |client: &Client| client.send("PATCH", &ann.key("k"), &[("content-type", "application/merge-patch+json"), (KEY, "x")], br#"{"secret":1}"#);
    let publish = |client: &Client| client.send("POST", "/api/v2/post/", &[("content-type", "application/json"), (KEY, "x")], br#"{"text":"x"}"#);
    let replace = |client: &Client| client.send("POST", "/settings/user", &[("content-type", "application/json"), (KEY, "x")], br#"{"settings":{"k":1}}"#);
    ann.keep("k", "{}");
    for act in [&patch as &dyn Fn(&Client) -> Answer, &publish, &replace] {
        assert!((200..300).contains(&act(&lethe.bearing(&dead)).status));
        assert!(is_replay(&act(&ann.client)), "another token of the same user");
    }
    let refused = |client: &Client, status: u16| {
        for answer in [patch(client), publish(client), replace(client)] {
            assert!(!is_replay(&answer) && answer.status == status && !answer.text.contains("secret"), "{answer:?}");
        }
    };
    refused(&lethe.bearing(&append(&ann.token, "check if operation(\"read\")")), 403);
    refused(&lethe.bearing(&append(&ann.token, "check if key(\"other\")")), 403);
    refused(&lethe.bearing(&append(&ann.token, "check if time($now), $now < 2020-01-01T00:00:00Z")), 401);
    refused(&lethe.anonymous(), 401);
    assert!(feed(lethe.command(&["token", "revoke"]), &dead).status.success());
    until("the token is dead", || (patch(&lethe.bearing(&dead)).status == 401).then_some(()));
    refused(&lethe.bearing(&dead), 401);
    assert!(is_replay(&patch(&ann.client)));
    // Of a deleted user no token is good for it, and of one that came back only newer ones.
    ann.client.delete(&ann.v1("?mode=soft")).nothing();
    refused(&ann.client, 401);
    lethe.admin().post(&ann.v1("/restore"), &json!({})).body(200);
    refused(&ann.client, 401);
    assert!(is_replay(&patch(&lethe.bearing(&lethe.token(ann.id)))));
    // Whoever deletes itself softly may be told so again, and nobody else.
    let bob = lethe.sign_up("bob");
    let leave = |client: &Client| client.send("DELETE", &bob.v1("?mode=soft"), &[(KEY, "x")], b"");
    leave(&bob.client).nothing();
    let again = leave(&bob.client);
    assert!(is_replay(&again));
    again.nothing();
    leave(&lethe.bearing(&append(&bob.token, "check if operation(\"read\")"))).problem(403, "forbidden");
    lethe.admin().post(&bob.v1("/restore"), &json!({})).body(200);
    leave(&bob.client).problem(401, "token-invalid");
}

/// The first one is kept from going on by somebody else's lock; whoever sends it again meanwhile is told to wait.
#[test]
fn who_is_being_served_is_not_served_twice() {
    let lethe = Lethe::start(Store::postgres());
    let (ann, node) = (lethe.sign_up("ann"), lethe.another_node());
    let put = json!({ "operations": [{ "op": "put", "key": "k", "value": 1 }] });
    let elsewhere = node.bearing(&ann.token);
    let (here, there) = (Request::json(&ann.client, "POST", ann.v1("/batch"), &put), Request::json(&elsewhere, "POST", ann.v1("/batch"), &put));
    let lock = lethe.lock(&format!("SELECT 1 FROM users WHERE id = {} FOR UPDATE", ann.id));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| here.send("key"));
        until("the first waits for the lock", || {
            let waiting = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            (lethe.sql(waiting) == [[Some("1".to_owned())]]).then_some(())
        });
        for request in [&here, &there] {
            let answer = request.send("key");
            assert_eq!(answer.header("retry-after"), Some("1"));
            let problem = answer.problem(409, "idempotency-key-in-use");
            assert_eq!(problem["retry_after"], 1);
            let page = lethe.anonymous().get(problem["type"].as_str().unwrap()).expect(200);
            assert!(page.text.contains(problem["title"].as_str().unwrap()));
        }
        drop(lock);
        first.join().unwrap().expect(200);
    });
    for request in [&here, &there] {
        assert!(is_replay(&request.send("key").expect(200)));
    }
    assert_eq!(ann.revision(), 1);
}
