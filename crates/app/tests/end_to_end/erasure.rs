//! The erasure of an account that is too big to go at once: nothing of it is seen meanwhile, and it always comes to its end.

use crate::common::{Client, Lethe, Node, Store, User, on_both_stores, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Barrier;

on_both_stores!(nothing_is_seen_from_the_answer_on, what_is_killed_goes_on, a_small_account_is_gone_with_the_answer);

const LEAVER: i64 = 1;
const OTHER: i64 = 2;
const THIRD: i64 = 3;
const POSTS: i64 = 7_000;
/// Half of the votes are the leaver's, on as many discussions of another; the other half are on the leaver's posts.
const VOTES: i64 = 7_000;
const DISCUSSIONS: i64 = VOTES / 2;
/// On so many of those discussions there is a vote of somebody who stays.
const VOTES_THAT_STAY: i64 = 10;
const PREFERENCES: i64 = 100;

/// A user with a long life behind it, and somebody whom it had much to do with.
fn settle(lethe: &Lethe) {
    let user =
        |id: i64, name: &str| json!({ "type": "user", "id": id, "username": name, "ext_id": format!("x-{name}"), "email": format!("{name}@example.org") });
    let post = |user: i64, id: i64, kind: &str| json!({ "type": "post", "user_id": user, "id": id, "kind": kind, "text": "text" });
    let vote = |user: i64, post: i64| json!({ "type": "vote", "user_id": user, "post_id": post });
    let discussions = POSTS + 1..=POSTS + DISCUSSIONS;
    let records = [user(LEAVER, "leaver"), user(OTHER, "other"), user(THIRD, "third")]
        .into_iter()
        .chain((1..=PREFERENCES).map(|at| json!({ "type": "preference", "user_id": LEAVER, "key": format!("key{at}"), "value": at })))
        .chain((1..=POSTS).map(|id| post(LEAVER, id, "post")))
        .chain(discussions.clone().map(|id| post(OTHER, id, "discussion")))
        .chain((1..=VOTES / 2).map(|id| vote(OTHER, id)))
        .chain(discussions.clone().map(|id| vote(LEAVER, id)))
        .chain(discussions.take(VOTES_THAT_STAY.try_into().unwrap()).map(|id| vote(THIRD, id)));
    lethe.import_records(records);
}

/// What everybody can look at, and must not see the leaver in.
struct Onlooker {
    admin: Client,
    other: Client,
    anonymous: Client,
    leaver: User,
}

impl Onlooker {
    fn new(lethe: &Lethe) -> Self {
        let other = lethe.user(OTHER, "other").client;
        Self { admin: lethe.admin(), other, anonymous: lethe.anonymous(), leaver: lethe.user(LEAVER, "leaver") }
    }

    /// Looks at everything that could show something of the leaver; most of it would have before.
    fn sees_nothing(&self) {
        let Self { admin, other, anonymous, leaver } = self;
        let path = leaver.path();
        anonymous.get(&path).user_not_found();
        admin.get(&path).user_not_found();
        admin.get(&leaver.preferences()).user_not_found();
        admin.get("/v1/users/1").problem(410, "user-erased");
        for wanted in ["username=leaver", "ext_id=x-leaver", "email=leaver%40example.org"] {
            admin.get(&format!("/api/v2/account/search/?{wanted}")).user_not_found();
        }
        for search in ["/api/v2/user/?search=leaver", "/api/v2/user/search/?search=leaver", "/api/v2/user/?username=leaver"] {
            assert_eq!(admin.get(search).ids(), Vec::<i64>::new());
        }
        assert!(!admin.get("/v1/users?limit=100").body(200).to_string().contains("leaver"));
        let tombstone = &admin.get("/v1/users?status=erased").items()[0];
        assert_eq!(
            (&tombstone["id"], &tombstone["username"], &tombstone["ext_id"], &tombstone["email"]),
            (&json!(LEAVER), &Value::Null, &Value::Null, &Value::Null)
        );

        for id in [1, 2, POSTS / 2, POSTS - 1, POSTS] {
            other.get(&format!("/api/v2/post/{id}/")).not_found();
            other.get(&format!("/api/v2/post/{id}/vote/")).not_found();
            other.send("POST", &format!("/api/v2/post/{id}/vote/"), &[], b"").not_found();
        }
        for list in ["/api/v2/post/?limit=100", "/api/v2/post/?limit=100&offset=5000", "/api/v2/post/?author=1", "/api/v2/discussion/?author=1"] {
            let page = other.get(list).body(200);
            assert_eq!((&page["count"], &page["results"]), (&json!(0), &json!([])), "{list}");
        }
        for id in [POSTS + 1, POSTS + DISCUSSIONS] {
            let voters = other.get(&format!("/api/v2/discussion/{id}/vote/")).body(200);
            assert!(voters["results"].as_array().unwrap().iter().all(|vote| vote["user"]["id"] != LEAVER), "{voters}");
            assert!(!voters.to_string().contains("leaver"), "{voters}");
        }

        for path in
            ["/api/v2/user/me/", "/api/v2/user/me/preference/", "/settings/user", "/api/v2/post/", "/v1/users/me", "/v1/users/1/deletion-plan?mode=hard"]
        {
            leaver.client.get(path).unauthorized();
        }
        leaver.client.post("/api/v2/post/", &json!({ "text": "again" })).unauthorized();
        admin.post(&leaver.preferences(), &json!({ "key": "again", "value": 1 })).user_not_found();
    }
}

/// What an export says of the leaver.
fn exported(lethe: &Lethe) -> Vec<String> {
    let export = lethe.run(&["export"]);
    let names_it = |line: &&str| line.contains("leaver") || line.contains("\"id\":1,") || line.contains("\"user_id\":1,");
    export.lines().filter(names_it).map(str::to_owned).collect()
}

/// How much of each kind there is, or is gone, by the name of the kind.
fn counts(entries: &Value, count: &str) -> BTreeMap<String, u64> {
    entries.as_array().unwrap().iter().map(|entry| (entry["kind"].as_str().unwrap().to_owned(), entry[count].as_u64().unwrap())).collect()
}

/// What there is of the leaver, by its deletion plan.
fn planned(lethe: &Lethe) -> BTreeMap<String, u64> {
    counts(&lethe.admin().get("/v1/users/1/deletion-plan?mode=hard").body(200)["kinds"], "count")
}

/// What the village has of the leaver.
fn everything() -> BTreeMap<String, u64> {
    let kinds = [
        ("reservations", 2),
        ("profile", 1),
        ("votes_cast", DISCUSSIONS),
        ("votes_received", VOTES / 2),
        ("posts", POSTS),
        ("preferences", PREFERENCES),
        ("changes", PREFERENCES),
        ("holds", 0),
        ("attempts", 0),
    ];
    kinds.map(|(kind, count)| (kind.to_owned(), u64::try_from(count).unwrap())).into()
}

/// Watches an erasure whose progress must never fall.
#[derive(Default)]
struct Progress {
    rows: BTreeMap<String, u64>,
}

impl Progress {
    /// Looks at the erasure, and says what there is to see and how many rows are gone.
    #[track_caller]
    fn look(&mut self, client: &Client) -> (Value, u64) {
        let erasure = client.get("/v1/erasures/1").body(200);
        let rows = counts(&erasure["steps"], "done");
        assert!(self.rows.iter().all(|(kind, before)| rows[kind] >= *before), "{:?}, and then {rows:?}", self.rows);
        assert_ne!(erasure["state"], "failed", "{erasure}");
        let sum = rows.values().sum();
        self.rows = rows;
        (erasure, sum)
    }

    /// Looks on until the erasure is done.
    #[track_caller]
    fn until_done(&mut self, client: &Client) -> Value {
        until("the erasure is done", || {
            let (erasure, _) = self.look(client);
            (erasure["state"] == "done").then_some(erasure)
        })
    }

    /// Looks on until some more rows are gone, or all of them. Whether it goes on.
    #[track_caller]
    fn until_more(&mut self, client: &Client) -> bool {
        let (erasure, before) = self.look(client);
        if erasure["state"] == "done" {
            return false;
        }
        until("the erasure goes on", || {
            let (erasure, now) = self.look(client);
            (erasure["state"] == "done" || now > before).then_some(erasure["state"] != "done")
        })
    }
}

/// Everything of the leaver is gone, was counted once, and whoever stays is as it should be.
fn assert_over(lethe: &Lethe, erasure: &Value) {
    assert_eq!(counts(&erasure["steps"], "done"), everything(), "{erasure}");
    assert_eq!(counts(&erasure["steps"], "total"), everything(), "{erasure}");
    assert!(erasure["finished_at"].is_string() && erasure["last_error"].is_null(), "{erasure}");
    assert!(erasure["steps"].as_array().unwrap().iter().all(|step| step["state"] == "done"), "{erasure}");
    let left = exported(lethe);
    assert!(left.len() == 1 && left[0].starts_with(r#"{"type":"user","id":1,"status":"u","#), "{left:?}");

    let other = lethe.user(OTHER, "other").client;
    let mut discussions = Vec::new();
    for offset in (0..DISCUSSIONS).step_by(100) {
        let page = other.get(&format!("/api/v2/discussion/?limit=100&offset={offset}")).body(200);
        discussions.extend(page["results"].as_array().unwrap().iter().map(|post| (post["id"].as_i64().unwrap(), post["vote_count"].as_i64().unwrap())));
    }
    assert_eq!(i64::try_from(discussions.len()).unwrap(), DISCUSSIONS);
    assert!(discussions.iter().all(|(id, votes)| *votes == i64::from(*id <= POSTS + VOTES_THAT_STAY)), "{discussions:?}");
}

fn nothing_is_seen_from_the_answer_on(store: Store) {
    let lethe = Lethe::start(store);
    settle(&lethe);
    let onlooker = Onlooker::new(&lethe);
    assert_eq!(planned(&lethe), everything());
    let before = onlooker.other.get(&format!("/api/v2/discussion/{}/", POSTS + 1)).body(200);
    assert_eq!(before["vote_count"], 2);

    onlooker.admin.delete("/api/v2/user/1/?hard=1").nothing();
    onlooker.sees_nothing();
    let left = exported(&lethe);
    assert!(left.len() == 1 && left[0].starts_with(r#"{"type":"user","id":1,"status":"u","#), "{left:?}");
    let heir = lethe.admin().post("/v1/users", &json!({ "username": "Leaver", "ext_id": "x-leaver" })).body(201);
    assert!(heir["id"].as_i64() > Some(LEAVER), "the names are free at once, the id never");
    lethe.admin().delete(&format!("/v1/users/{}?mode=hard", heir["id"])).nothing();

    let mut progress = Progress::default();
    while progress.until_more(&onlooker.admin) {
        onlooker.sees_nothing();
    }
    onlooker.sees_nothing();
    assert_over(&lethe, &progress.until_done(&onlooker.admin));
}

/// Ends the leases of the nodes that died. A store that tests do not speak to lets them run out.
fn end_leases(lethe: &Lethe) {
    if lethe.speaks_sql() {
        lethe.sql("UPDATE erasures SET lease_until = lease_until - interval '1 hour'");
    }
}

fn what_is_killed_goes_on(store: Store) {
    let mut lethe = Lethe::start(store);
    settle(&lethe);
    let admin = lethe.admin();
    admin.delete("/api/v2/user/1/?hard=1").nothing();
    let mut progress = Progress::default();
    let kills = if lethe.speaks_sql() { 5 } else { 1 };
    for _ in 0..kills {
        assert!(progress.until_more(&lethe.admin()), "it was over too soon to be killed");
        lethe.kill();
        end_leases(&lethe);
        lethe.serve();
    }
    Onlooker::new(&lethe).sees_nothing();
    let erasure = progress.until_done(&lethe.admin());
    assert_eq!(erasure["attempts"].as_u64(), Some(kills + 1), "{erasure}");
    assert_over(&lethe, &erasure);
}

/// Two nodes, of which one dies: what the one has begun the other ends, and none does what the other did.
#[test]
fn two_nodes_do_nothing_twice() {
    let mut lethe = Lethe::start(Store::postgres());
    settle(&lethe);
    let node = lethe.another_node();
    let admins = |lethe: &Lethe, node: &Node| [lethe.admin(), node.bearing(lethe.admin_token())];
    let mut progress = Progress::default();
    lethe.admin().delete("/api/v2/user/1/?hard=1").nothing();
    for client in admins(&lethe, &node) {
        assert!(progress.until_more(&client), "it was over too soon to see two nodes at it");
    }
    lethe.kill();
    end_leases(&lethe);
    let erasure = progress.until_done(&node.bearing(lethe.admin_token()));
    assert!(matches!(erasure["attempts"].as_u64(), Some(1 | 2)), "one of them works on it, and the other only after its death: {erasure}");
    lethe.serve();
    assert_over(&lethe, &erasure);
}

/// Users in pairs, each of whom voted for all that the other published, leave at the same moment. Whoever took votes off another's posts while
/// its own are locked would wait for the other, who waits for it.
#[test]
fn who_voted_for_each_other_leave_at_once() {
    const PAIRS: i64 = 20;
    const POSTS_EACH: i64 = 50;
    let mut lethe = Lethe::start(Store::postgres());
    let posts_of = |user: i64| user * POSTS_EACH + 1..=(user + 1) * POSTS_EACH;
    let partner = |user: i64| ((user - 1) ^ 1) + 1;
    let users = || 1..=PAIRS * 2;
    let people = users().map(|id| json!({ "type": "user", "id": id, "username": format!("user{id}") }));
    let post = |user: i64, id: i64| json!({ "type": "post", "user_id": user, "id": id, "kind": "post", "text": "text" });
    let posts = users().flat_map(|user| posts_of(user).map(move |id| post(user, id)));
    let votes = users().flat_map(|user| posts_of(partner(user)).map(move |id| json!({ "type": "vote", "user_id": user, "post_id": id })));
    lethe.import_records(people.chain(posts).chain(votes));
    for first in users().step_by(2) {
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            for user in [first, partner(first)] {
                let (admin, start) = (lethe.admin(), &start);
                scope.spawn(move || {
                    start.wait();
                    admin.delete(&format!("/v1/users/{user}?mode=hard")).nothing();
                });
            }
        });
    }
    for user in users() {
        lethe.erased(user);
    }
    // PostgreSQL has counted what became of a session when that is over.
    lethe.stop();
    until("all sessions are over", || {
        let others = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        (lethe.sql(others) == [[Some("0".to_owned())]]).then_some(())
    });
    assert_eq!(lethe.sql("SELECT deadlocks::text FROM pg_stat_database WHERE datname = current_database()"), [[Some("0".to_owned())]]);
}

fn a_small_account_is_gone_with_the_answer(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    ann.prefer("theme", &json!("dark"));
    let post = ann.publish("post", "hello");
    ann.vote("post", post);
    ann.client.delete(&format!("{}?hard=1", ann.path())).nothing();
    let erasure = lethe.erasure(ann.id);
    assert_eq!((&erasure["id"], &erasure["user_id"], &erasure["state"]), (&json!(ann.id), &json!(ann.id), &json!("done")));
    let done = counts(&erasure["steps"], "done");
    let expected = [
        ("reservations", 1),
        ("profile", 1),
        ("votes_cast", 1),
        ("votes_received", 0),
        ("posts", 1),
        ("preferences", 1),
        ("changes", 1),
        ("holds", 0),
        ("attempts", 0),
    ];
    assert_eq!(done, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
    assert_eq!(lethe.admin().get("/v1/erasures?state=done").items(), [erasure]);
    assert_eq!(lethe.admin().get("/v1/erasures?state=running").items(), Vec::<Value>::new());

    let bob = lethe.sign_up("bob");
    let headers = [("prefer", "return=representation")];
    let answer = bob.client.send("DELETE", &format!("/v1/users/{}?mode=hard", bob.id), &headers, b"").expect(200);
    assert_eq!(answer.header("preference-applied"), Some("return=representation"));
    let deletion = answer.body(200);
    assert_eq!((&deletion["status"], &deletion["erasure"]), (&json!("erased"), &json!({ "id": bob.id, "href": format!("/v1/erasures/{}", bob.id) })));
    let follower = lethe.bearing(deletion["erasure_token"].as_str().unwrap());
    assert_eq!(follower.get(deletion["erasure"]["href"].as_str().unwrap()).body(200), lethe.erasure(bob.id));
    follower.get(&format!("/v1/erasures/{}", ann.id)).problem(403, "forbidden");
    for path in ["/v1/erasures", "/v1/users/me", "/v1/audit"] {
        follower.get(path).unauthorized();
    }
    follower.get("/api/v2/user/me/").unauthorized();
    follower.get("/settings/user").unauthorized();
}
