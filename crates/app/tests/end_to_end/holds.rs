//! Holds: as long as one is in force, nobody is hard deleted, and what was begun does not go on.

use crate::common::{Client, Lethe, NOBODY, Store, on_both_stores, until};
use serde_json::{Value, json};

on_both_stores!(
    a_hard_delete_is_refused_and_not_remembered,
    a_hold_ends_by_itself,
    a_running_erasure_stops_and_goes_on_by_itself,
    a_purge_waits,
    holds_that_cannot_be_placed
);

/// So many that their erasure goes on for a while.
const POSTS: i64 = 14_000;

const ON_HOLD: &str = "The user is on hold and cannot be hard deleted";

#[track_caller]
fn place(admin: &Client, user: i64, terms: &Value) -> i64 {
    let answer = admin.post(&format!("/v1/users/{user}/holds"), terms).expect(201);
    let hold = answer.json();
    assert_eq!(answer.header("location"), Some(format!("/v1/users/{user}/holds/{}", hold["id"]).as_str()));
    assert_eq!((&hold["reason"], &hold["expires_at"]), (&terms["reason"], &terms["expires_at"]));
    hold["id"].as_i64().unwrap()
}

#[track_caller]
fn lift(admin: &Client, user: i64, hold: i64) {
    admin.delete(&format!("/v1/users/{user}/holds/{hold}")).nothing();
}

/// The holds that are in force, by the deletion plan.
#[track_caller]
fn blockers(admin: &Client, user: i64) -> Vec<i64> {
    let plan = admin.get(&format!("/v1/users/{user}/deletion-plan?mode=hard")).body(200);
    plan["blockers"].as_array().unwrap().iter().map(|blocker| blocker["id"].as_i64().unwrap()).collect()
}

/// A moment that is so far off, as the API writes it.
fn soon(milliseconds: i64) -> String {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    lethe_domain::Timestamp::from_micros(i64::try_from(now.as_micros()).unwrap() + milliseconds * 1_000).to_string()
}

fn a_hard_delete_is_refused_and_not_remembered(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, admin) = (lethe.sign_up("ann"), lethe.admin());
    ann.prefer("theme", &json!("dark"));
    let before = admin.get(&ann.path()).body(200);
    let first = place(&admin, ann.id, &json!({ "reason": "court order", "expires_at": null }));
    let second = place(&admin, ann.id, &json!({ "reason": "audit" , "expires_at": "2999-01-01T00:00:00.000000Z" }));
    assert_eq!(blockers(&admin, ann.id), [first, second]);
    let listed = admin.get(&format!("/v1/users/{}/holds", ann.id)).items();
    assert_eq!(listed.iter().map(|hold| hold["id"].as_i64().unwrap()).collect::<Vec<_>>(), [first, second]);
    assert_eq!(listed[0]["placed_by"], 900_000_000);

    let refused = |client: &Client| {
        client.delete(&format!("{}?hard=1", ann.path())).refused(409, "on_hold", ON_HOLD);
        client.delete(&format!("/v1/users/{}?mode=hard", ann.id)).problem(409, "on-hold");
    };
    for hold in [first, second] {
        refused(&admin);
        refused(&ann.client);
        assert_eq!(admin.get(&ann.path()).body(200), before);
        lift(&admin, ann.id, hold);
    }
    assert_eq!(blockers(&admin, ann.id), Vec::<i64>::new());
    // What was refused was not remembered.
    assert_eq!(lethe.state_of(ann.id), Some("a"));
    admin.get(&format!("/v1/erasures/{}", ann.id)).problem(404, "not-found");
    admin.delete(&format!("/v1/users/{}/holds/{first}", ann.id)).problem(404, "not-found");

    // A soft delete is none of a hold's business, nor is a restore.
    place(&admin, ann.id, &json!({ "reason": "again", "expires_at": null }));
    ann.client.delete(&ann.path()).nothing();
    refused(&admin);
    refused(&ann.client);
    assert_eq!(admin.send("POST", &format!("/v1/users/{}/restore", ann.id), &[], b"").body(200), json!({ "restored": true }));
    refused(&admin);
    let third = blockers(&admin, ann.id)[0];
    lift(&admin, ann.id, third);
    admin.delete(&format!("{}?hard=1", ann.path())).nothing();
    let acts: Vec<_> = admin.get(&format!("/v1/audit?subject={}", ann.id)).items().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect();
    let expected = ["user.erased", "user.erasure_started", "hold.lifted", "user.restored", "user.soft_deleted", "hold.placed"];
    assert_eq!(acts[..6], expected);
}

fn a_hold_ends_by_itself(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, admin) = (lethe.sign_up("ann"), lethe.admin());
    place(&admin, ann.id, &json!({ "reason": "over long ago", "expires_at": "2020-01-01T00:00:00.000000Z" }));
    assert_eq!(blockers(&admin, ann.id), Vec::<i64>::new());
    assert_eq!(admin.get(&format!("/v1/users/{}/holds", ann.id)).items().len(), 1, "what is over is still listed");
    let end = soon(300);
    place(&admin, ann.id, &json!({ "reason": "over soon", "expires_at": end }));
    until("the hold is over", || {
        let answer = admin.delete(&format!("{}?hard=1", ann.path()));
        if answer.status == 409 {
            answer.refused(409, "on_hold", ON_HOLD);
            return None;
        }
        answer.nothing();
        Some(())
    });
    let erasure = lethe.erased(ann.id);
    assert!(erasure["requested_at"].as_str() >= Some(&end), "{erasure}");
    admin.get(&format!("/v1/users/{}/holds", ann.id)).problem(410, "user-erased");
}

fn a_running_erasure_stops_and_goes_on_by_itself(store: Store) {
    let lethe = Lethe::start(store);
    let user = |id: i64| json!({ "type": "user", "id": id, "username": format!("leaver{id}") });
    let post = |user: i64, id: i64| json!({ "type": "post", "user_id": user, "id": id, "kind": "post", "text": "text" });
    let posts = (1..=POSTS).map(|id| post(1, id)).chain((POSTS + 1..=POSTS + 3_000).map(|id| post(2, id)));
    lethe.import_records([user(1), user(2)].into_iter().chain(posts));
    let admin = lethe.admin();
    admin.delete("/v1/users/1?mode=hard").nothing();
    let holds = ["court order", "another one"].map(|reason| place(&admin, 1, &json!({ "reason": reason, "expires_at": null })));
    let erasure = lethe.erasure(1);
    assert_eq!((&erasure["state"], &erasure["finished_at"]), (&json!("blocked"), &Value::Null), "{erasure}");
    let done = |erasure: &Value| erasure["steps"].as_array().unwrap().iter().map(|step| step["done"].as_i64().unwrap()).sum::<i64>();
    assert!(done(&erasure) < POSTS, "{erasure}");
    assert_eq!(admin.get("/v1/erasures?state=blocked").items(), std::slice::from_ref(&erasure));
    assert_eq!(lethe.anonymous().get("/readyz").body(200)["backlog"]["blocked_erasures"], 1);
    admin.get("/v1/users/1").problem(410, "user-erased");
    admin.get("/api/v2/user/1/").user_not_found();

    // One is enough. What it did until it stopped is all that it does.
    lift(&admin, 1, holds[0]);
    // An erasure that waits since later is not looked at before.
    admin.delete("/v1/users/2?mode=hard").nothing();
    lethe.erased(2);
    let later = lethe.erasure(1);
    assert_eq!((&later["state"], done(&later)), (&json!("blocked"), done(&erasure)), "somebody has looked at the hold that is left");
    lift(&admin, 1, holds[1]);
    let end = lethe.erased(1);
    assert_eq!(done(&end), POSTS + 2, "the posts, the profile and the name");
    admin.get("/v1/users/1/holds").problem(410, "user-erased");
}

fn a_purge_waits(store: Store) {
    let mut lethe = Lethe::install(store).with("deletion.grace", "100ms");
    lethe.serve();
    let (ann, bob, admin) = (lethe.sign_up("ann"), lethe.sign_up("bob"), lethe.admin());
    let hold = place(&admin, ann.id, &json!({ "reason": "court order", "expires_at": null }));
    ann.client.delete(&ann.path()).nothing();
    bob.client.delete(&bob.path()).nothing();
    // Whoever was due later is gone.
    lethe.erased(bob.id);
    assert_eq!(lethe.state_of(ann.id), Some("d"));
    assert_eq!(lethe.anonymous().get("/readyz").body(200)["backlog"]["overdue_purges"], 0);
    lift(&admin, ann.id, hold);
    lethe.erased(ann.id);
}

fn holds_that_cannot_be_placed(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, gone, admin) = (lethe.sign_up("ann"), lethe.sign_up("gone"), lethe.admin());
    gone.client.delete(&format!("{}?hard=1", gone.path())).nothing();
    let path = format!("/v1/users/{}/holds", ann.id);
    for (terms, pointer, code) in [
        (json!({}), "/reason", "required"),
        (json!({ "reason": " " }), "/reason", "blank"),
        (json!({ "reason": 5 }), "/reason", "not_a_string"),
        (json!({ "reason": "x".repeat(501) }), "/reason", "too_long"),
        (json!({ "reason": "x", "expires_at": "soon" }), "/expires_at", "invalid"),
    ] {
        let problem = admin.post(&path, &terms).problem(422, "unprocessable");
        assert_eq!((&problem["errors"][0]["pointer"], &problem["errors"][0]["code"]), (&json!(pointer), &json!(code)), "{problem}");
    }
    let hold = json!({ "reason": "court order" });
    admin.post(&format!("/v1/users/{NOBODY}/holds"), &hold).problem(404, "user-not-found");
    admin.post(&format!("/v1/users/{}/holds", gone.id), &hold).problem(410, "user-erased");
    for id in ["0", "x", "987654321"] {
        admin.delete(&format!("{path}/{id}")).problem(404, "not-found");
    }
    assert_eq!(admin.get(&path).items(), Vec::<Value>::new());
}
