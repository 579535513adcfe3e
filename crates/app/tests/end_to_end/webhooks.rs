//! Who is told of what becomes of users: everything, once it happened, in order, and whatever the receiver is like.

use crate::common::{Client, Heard, Lethe, Mood, Receiver, Store, on_both_stores, until};
use serde_json::{Value, json};

on_both_stores!(
    a_whole_life_is_told,
    what_happens_by_itself_is_told,
    what_was_not_heard_is_told_again_in_order,
    what_is_never_heard_is_given_up_until_somebody_asks,
    an_endpoint_that_is_gone_is_left_alone_until_somebody_asks,
    what_is_waiting_survives_a_power_cut,
    each_endpoint_is_told_what_it_wants,
    private_addresses_are_told_nothing_unless_they_may
);

/// An installation that tells this receiver everything.
fn telling(store: Store, receiver: &Receiver) -> Lethe {
    let webhooks = format!(r#"[{{ url = "{}", secret = "{}" }}]"#, receiver.url(), Receiver::SECRET);
    Lethe::install(store).with("webhooks", &webhooks).with("delivery.allowed_networks", "127.0.0.0/8")
}

/// The same, started, with these pauses.
fn started(store: Store, receiver: &Receiver, retry_after: &str) -> Lethe {
    let mut lethe = telling(store, receiver).with("delivery.retry_after", retry_after);
    lethe.serve();
    lethe
}

/// So many pauses of some milliseconds that nothing is ever given up.
fn again_and_again() -> String {
    ["20ms"; 1_000].join(",")
}

#[track_caller]
fn deliveries(admin: &Client, state: &str) -> Vec<Value> {
    admin.get(&format!("/v1/webhooks/deliveries?limit=100&state={state}")).items()
}

/// The first delivery in that state with that answer, once there is one.
#[track_caller]
fn answered(admin: &Client, state: &str, answer: &str) -> Value {
    let find = || deliveries(admin, state).into_iter().find(|delivery| delivery["last_answer"] == answer);
    until(&format!("a delivery is {state} with {answer}"), find)
}

#[track_caller]
fn retry(admin: &Client, delivery: &Value) -> Value {
    admin.send("POST", &format!("/v1/webhooks/deliveries/{}/retry", delivery["id"].as_str().unwrap()), &[], b"").body(202)
}

/// Restores a user by the ticket of a soft delete that is made for it.
fn go_and_come_back(lethe: &Lethe, user: i64) {
    let answer = lethe.admin().send("DELETE", &format!("/v1/users/{user}?mode=soft"), &[("prefer", "return=representation")], b"");
    let ticket = lethe.bearing(answer.body(200)["restore_token"].as_str().unwrap());
    ticket.send("POST", "/v1/users/me/restore", &[], b"").body(200);
}

fn assert_well_formed(heard: &Heard) {
    assert!(heard.head.starts_with("POST /hook HTTP/1.1\r\n"), "{heard:?}");
    assert_eq!((heard.header("content-type"), heard.header("user-agent")), ("application/json", concat!("Lethe/", env!("CARGO_PKG_VERSION"))));
    assert!(heard.headers.get("authorization").is_none());
    assert!(heard.is_signed_with(Receiver::SECRET) && !heard.is_signed_with("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "{heard:?}");
    let event = heard.json();
    let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&event), ["type", "timestamp", "data"]);
    assert_eq!(names(&event["data"]), ["user_id", "ext_id", "deletion_epoch"]);
    let (data, kind) = (&event["data"], event["type"].as_str().unwrap());
    let moment = chrono::DateTime::parse_from_rfc3339(event["timestamp"].as_str().unwrap()).unwrap().timestamp_micros();
    assert_eq!(heard.id(), format!("evt_{}_{}_{kind}_{moment}", data["user_id"], data["deletion_epoch"]));
}

fn a_whole_life_is_told(store: Store) {
    let receiver = Receiver::open();
    let lethe = started(store, &receiver, &again_and_again());
    let admin = lethe.admin();
    let signup = json!({ "username": "ann", "ext_id": "E-1", "email": "ann@example.org", "real_name": "Ann" });
    let ann = admin.post("/api/v2/sso/signup/", &signup).body(201)["id"].as_i64().unwrap();
    let stranger = lethe.sign_up("stranger");
    go_and_come_back(&lethe, ann);
    admin.delete(&format!("/api/v2/user/{ann}/")).nothing();

    // What is refused, and what is rolled back, never happened.
    admin.post("/api/v2/sso/signup/", &signup).expect(400);
    admin.post("/v1/users", &json!({ "username": "ANN" })).problem(409, "identifier-reserved");
    admin.delete(&format!("/api/v2/user/{ann}/")).expect(400);
    admin.delete(&format!("/v1/users/{ann}?mode=soft")).problem(409, "already-deleted");
    stranger.client.delete(&format!("/v1/users/{ann}?mode=hard")).problem(403, "forbidden");
    admin.send("DELETE", &format!("/v1/users/{ann}?mode=hard"), &[("if-match", "\"an-old-plan\"")], b"").problem(412, "plan-changed");
    let hold = admin.post(&format!("/v1/users/{ann}/holds"), &json!({ "reason": "court order" })).body(201);
    admin.delete(&format!("/v1/users/{ann}?mode=hard")).problem(409, "on-hold");
    admin.delete(&format!("/v1/users/{ann}/holds/{}", hold["id"])).nothing();

    admin.send("POST", &format!("/v1/users/{ann}/restore"), &[], b"").body(200);
    admin.send("POST", &format!("/v1/users/{ann}/restore"), &[], b"").body(200);
    admin.delete(&format!("/api/v2/user/{ann}/?hard=1")).nothing();
    admin.delete(&format!("/v1/users/{ann}?mode=hard")).problem(410, "user-erased");

    // Whoever comes by an import is told of, too; also once.
    let user = |id: i64, status: &str| json!({ "type": "user", "id": id, "username": format!("user{id}"), "ext_id": format!("E-{id}"), "status": status });
    let posts = (1..=2_500).map(|id| json!({ "type": "post", "user_id": 5001, "id": id, "kind": "post", "text": "text" }));
    let records: Vec<_> = [user(5001, "a"), user(5002, "d"), json!({ "type": "user", "id": 5003, "status": "u" })].into_iter().chain(posts).collect();
    lethe.import_records(records.clone());
    lethe.import_records(records);
    // Whatever an import makes of a user is told once, all at once or one after the other.
    lethe.import_records([user(5004, "a"), user(5004, "d"), user(5004, "b")]);
    for status in ["d", "d", "a"] {
        lethe.import_records([user(5004, status)]);
    }
    admin.delete("/v1/users/5001?mode=hard").nothing();

    let expected = ["0_created", "1_soft_deleted", "1_restored", "2_soft_deleted", "2_restored", "3_erasure_started", "3_erased"];
    assert_eq!(receiver.story(ann, "3_erased"), expected);
    assert_eq!(receiver.story(stranger.id, "0_created"), ["0_created"]);
    assert_eq!(receiver.story(5001, "1_erased"), ["0_created", "1_erasure_started", "1_erased"]);
    assert_eq!(receiver.story(5002, "0_soft_deleted"), ["0_created", "0_soft_deleted"]);
    assert_eq!(receiver.story(5004, "2_restored"), ["0_created", "1_soft_deleted", "1_restored", "2_soft_deleted", "2_restored"]);
    until("everything is told", || deliveries(&admin, "pending").is_empty().then_some(()));
    let heard = receiver.heard();
    assert_eq!(heard.len(), 7 + 1 + 3 + 2 + 5, "and nothing else was told, nor twice: {:?}", receiver.taken());
    for heard in &heard {
        assert_well_formed(heard);
        let data = &heard.json()["data"];
        let ext_id = if data["user_id"] == ann {
            json!("E-1")
        } else if data["user_id"] == stranger.id {
            Value::Null
        } else {
            json!(format!("E-{}", data["user_id"]))
        };
        assert_eq!(data["ext_id"], ext_id, "{heard:?}");
    }

    let told = deliveries(&admin, "delivered");
    assert_eq!(told.len(), heard.len());
    assert!(told.iter().all(|delivery| delivery["attempts"] == 1 && delivery["last_answer"] == "204" && delivery["due_at"].is_null()), "{told:?}");
    let known: Vec<_> = told.iter().map(|delivery| delivery["event_id"].as_str().unwrap().to_owned()).collect();
    assert!(receiver.heard().iter().all(|heard| known.iter().any(|id| id == heard.id())));
    // Newest first, part by part.
    let mut parts = Vec::new();
    let mut cursor = String::new();
    loop {
        let part = admin.get(&format!("/v1/webhooks/deliveries?limit=4{cursor}")).body(200);
        parts.extend(part["items"].as_array().unwrap().clone());
        let Some(next) = part["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(parts, told);
}

fn what_happens_by_itself_is_told(store: Store) {
    let receiver = Receiver::open();
    let mut lethe = telling(store, &receiver).with("deletion.grace", "100ms");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    ann.client.delete(&ann.path()).nothing();
    assert_eq!(receiver.story(ann.id, "2_erased"), ["0_created", "1_soft_deleted", "2_erasure_started", "2_erased"]);
    assert_eq!(receiver.heard().len(), 4);
}

fn what_was_not_heard_is_told_again_in_order(store: Store) {
    let mut receiver = Receiver::open();
    let lethe = started(store, &receiver, &again_and_again());
    let admin = lethe.admin();
    receiver.be(Mood::Answers(500));
    let ann = lethe.sign_up("ann");
    let refused = answered(&admin, "pending", "500");
    assert_eq!((&refused["user_id"], &refused["type"]), (&json!(ann.id), &json!("user.created")));
    ann.client.delete(&ann.path()).nothing();
    receiver.be(Mood::Cuts);
    answered(&admin, "pending", "the connection was cut");
    receiver.close();
    answered(&admin, "pending", "connection refused");
    admin.delete(&format!("{}?hard=1", ann.path())).nothing();
    let created = format!("evt_{}_0_user.created", ann.id);
    let in_vain = receiver.heard();
    assert!(in_vain.len() >= 2 && in_vain.iter().all(|heard| heard.event() == created), "what comes later waits: {in_vain:?}");

    receiver.be(Mood::Answers(200));
    receiver.reopen();
    assert_eq!(receiver.story(ann.id, "2_erased"), ["0_created", "1_soft_deleted", "2_erasure_started", "2_erased"]);
    until("everything is told", || deliveries(&admin, "pending").is_empty().then_some(()));
    let heard = receiver.heard();
    heard.iter().for_each(assert_well_formed);
    let told: Vec<_> = heard.iter().filter(|heard| heard.event() == created).map(|heard| (heard.id(), &heard.body)).collect();
    assert!(told.len() > in_vain.len() && told.iter().all(|message| *message == told[0]), "each time the same event");
    let told = deliveries(&admin, "delivered");
    assert!(told.last().unwrap()["attempts"].as_u64() > Some(2), "{told:?}");
}

fn what_is_never_heard_is_given_up_until_somebody_asks(store: Store) {
    let receiver = Receiver::open();
    let lethe = started(store, &receiver, "10ms,10ms");
    let admin = lethe.admin();
    receiver.be(Mood::Answers(503));
    let ann = lethe.sign_up("ann");
    let failed = answered(&admin, "failed", "503");
    assert_eq!((&failed["attempts"], &failed["due_at"], receiver.heard().len()), (&json!(3), &Value::Null, 3));
    assert_eq!(lethe.anonymous().get("/readyz").body(200)["backlog"]["failed_deliveries"], 1);
    receiver.be(Mood::Answers(204));
    ann.client.delete(&ann.path()).nothing();
    assert_eq!(receiver.story(ann.id, "1_soft_deleted"), ["1_soft_deleted"], "what was given up holds up nobody");

    let pending = retry(&admin, &failed);
    assert_eq!((&pending["id"], &pending["state"]), (&failed["id"], &json!("pending")));
    assert_eq!(receiver.story(ann.id, "0_created"), ["1_soft_deleted", "0_created"]);
    until("nothing is failed any more", || deliveries(&admin, "failed").is_empty().then_some(()));
    // What was told can be told anew.
    let told = until("it is told", || deliveries(&admin, "delivered").into_iter().find(|delivery| delivery["id"] == failed["id"]));
    retry(&admin, &told);
    until("it is told again", || (receiver.taken().len() == 3).then_some(()));
    for unknown in ["evt_4711_0_user.created.0123456789abcdef", "evt_1", "x", "1"] {
        admin.send("POST", &format!("/v1/webhooks/deliveries/{unknown}/retry"), &[], b"").problem(404, "not-found");
    }
}

fn an_endpoint_that_is_gone_is_left_alone_until_somebody_asks(store: Store) {
    let receiver = Receiver::open();
    let mut lethe = started(store, &receiver, &again_and_again());
    receiver.be(Mood::Answers(410));
    lethe.sign_up("ann");
    let gone = answered(&lethe.admin(), "failed", "410: the endpoint wants no more events");
    receiver.be(Mood::Answers(204));
    lethe.sign_up("bob");
    answered(&lethe.admin(), "failed", "the endpoint wants no more events");
    lethe.stop();
    lethe.serve();
    lethe.sign_up("carol");
    until("carol's is failed, too", || (deliveries(&lethe.admin(), "failed").len() == 3).then_some(()));
    assert_eq!(receiver.heard().len(), 1, "nothing was sent any more");

    retry(&lethe.admin(), &gone);
    let dave = lethe.sign_up("dave");
    assert_eq!(receiver.story(dave.id, "0_created"), ["0_created"]);
    let is_anns = |heard: &Heard| heard.mood == Mood::Answers(204) && gone["event_id"] == heard.id();
    until("ann's is told", || receiver.heard().iter().any(is_anns).then_some(()));
    assert_eq!(deliveries(&lethe.admin(), "failed").len(), 2, "the others are told when somebody asks for it");
}

fn what_is_waiting_survives_a_power_cut(store: Store) {
    let mut receiver = Receiver::open();
    receiver.close();
    let mut lethe = started(store, &receiver, "1h");
    let ann = lethe.sign_up("ann");
    let waiting = answered(&lethe.admin(), "pending", "connection refused");
    assert!(waiting["due_at"].as_str() > waiting["attempted_at"].as_str(), "{waiting}");
    ann.client.delete(&format!("{}?hard=1", ann.path())).nothing();
    lethe.kill();
    receiver.reopen();
    lethe.serve();
    assert_eq!(deliveries(&lethe.admin(), "pending").len(), 3);
    retry(&lethe.admin(), &waiting);
    assert_eq!(receiver.story(ann.id, "1_erased"), ["0_created", "1_erasure_started", "1_erased"]);
}

fn each_endpoint_is_told_what_it_wants(store: Store) {
    let (all, ends) = (Receiver::open(), Receiver::open());
    let secret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let webhooks = format!(
        r#"[{{ url = "{}", secret = "{}" }}, {{ url = "{}", secret = "{secret}", events = ["user.erased", "user.soft_deleted"] }}]"#,
        all.url(),
        Receiver::SECRET,
        ends.url()
    );
    let mut lethe = Lethe::install(store).with("webhooks", &webhooks).with("delivery.allowed_networks", "127.0.0.0/8");
    lethe.serve();
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    ann.client.delete(&ann.path()).nothing();
    ann.client.delete(&format!("{}?hard=1", ann.path())).nothing();
    assert_eq!(ends.story(ann.id, "2_erased"), ["1_soft_deleted", "2_erased"]);
    assert_eq!(all.story(ann.id, "2_erased"), ["0_created", "1_soft_deleted", "2_erasure_started", "2_erased"]);
    assert_eq!(all.story(bob.id, "0_created"), ["0_created"]);
    assert!(ends.heard().iter().all(|heard| heard.is_signed_with(secret) && !heard.is_signed_with(Receiver::SECRET)));
    assert_eq!(ends.heard().len(), 2);
    // An event has one id, whoever is told.
    assert!(ends.taken().iter().all(|id| all.taken().contains(id)));
    // A secret is nobody's business.
    let listing = lethe.run(&["config"]);
    assert!(listing.contains(&all.url()) && !listing.contains(secret) && !listing.contains(&secret[6..]), "{listing}");
}

fn private_addresses_are_told_nothing_unless_they_may(store: Store) {
    let receiver = Receiver::open();
    let mut lethe = telling(store, &receiver).with("delivery.allowed_networks", "").with("delivery.retry_after", "10ms");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    let refused = answered(&lethe.admin(), "failed", "the address 127.0.0.1 is not allowed");
    assert_eq!((&refused["user_id"], &refused["attempts"]), (&json!(ann.id), &json!(2)));
    assert_eq!(receiver.heard().len(), 0);
    lethe.stop();
    let mut lethe = lethe.with("delivery.allowed_networks", "127.0.0.0/8");
    lethe.serve();
    retry(&lethe.admin(), &refused);
    assert_eq!(receiver.story(ann.id, "0_created"), ["0_created"]);
}

/// Whatever one node takes up no other tells.
#[test]
fn two_nodes_tell_everything_once() {
    let receiver = Receiver::open();
    let lethe = started(Store::postgres(), &receiver, &again_and_again());
    let node = lethe.another_node();
    let admins = [lethe.admin(), node.bearing(lethe.admin_token())];
    let users: Vec<_> =
        (0..20).map(|at| (at, admins[at % 2].post("/v1/users", &json!({ "username": format!("user{at}") })).body(201)["id"].as_i64().unwrap())).collect();
    for (at, user) in &users {
        admins[(at + 1) % 2].delete(&format!("/v1/users/{user}?mode=soft")).nothing();
        admins[at % 2].delete(&format!("/v1/users/{user}?mode=hard")).nothing();
    }
    for (_, user) in &users {
        assert_eq!(receiver.story(*user, "2_erased"), ["0_created", "1_soft_deleted", "2_erasure_started", "2_erased"]);
    }
    assert_eq!(receiver.heard().len(), users.len() * 4);
    receiver.heard().iter().for_each(assert_well_formed);
}
