//! What a deletion takes along and what it leaves.

use crate::common::{Lethe, Store, User, on_both_stores};
use serde_json::json;

on_both_stores!(
    a_soft_delete_hides_and_spares,
    a_hard_delete_removes_everything,
    a_hard_delete_of_the_soft_deleted_removes_everything,
    names_are_reserved_and_set_free,
    nothing_comes_back
);

/// Two users who voted on each other's posts; the first is about to leave.
struct Village {
    lethe: Lethe,
    leaver: User,
    other: User,
    leavers_post: i64,
    others_post: i64,
}

impl Village {
    fn settle(store: Store) -> Self {
        let lethe = Lethe::start(store);
        let (leaver, other) = (lethe.sign_up("leaver"), lethe.sign_up("other"));
        leaver.prefer("theme", &json!("dark"));
        leaver.client.put("/settings/user", &json!({ "language": "el" })).body(200);
        leaver.client.patch(&leaver.path(), &json!({ "real_name": "Lea Ver", "bio": "was here" })).body(200);
        let (leavers_post, others_post) = (leaver.publish("post", "hello"), other.publish("discussion", "well met"));
        leaver.publish("status", "alone");
        other.vote("post", leavers_post);
        leaver.vote("discussion", others_post);
        leaver.vote("post", leavers_post);
        Self { lethe, leaver, other, leavers_post, others_post }
    }

    fn listed(&self) -> Vec<i64> {
        self.other.client.get("/api/v2/user/?limit=100").ids()
    }

    fn votes(&self, kind: &str, post: i64) -> (Option<u64>, Vec<i64>) {
        let count = self.other.client.get(&format!("/api/v2/{kind}/{post}/")).body(200)["vote_count"].as_u64();
        let page = self.other.client.get(&format!("/api/v2/{kind}/{post}/vote/")).body(200);
        (count, page["results"].as_array().unwrap().iter().map(|vote| vote["user"]["id"].as_i64().unwrap()).collect())
    }

    /// The leaver's token opens nothing.
    fn assert_locked_out(&self) {
        let client = &self.leaver.client;
        client.get("/api/v2/user/me/").unauthorized();
        client.get("/api/v2/user/me/preference/").unauthorized();
        client.get("/settings/user").unauthorized();
        client.post("/api/v2/post/", &json!({ "text": "again" })).unauthorized();
        self.lethe.bearing(&self.lethe.token(self.leaver.id)).get("/api/v2/user/me/").unauthorized();
    }

    fn assert_erased(&self) {
        let admin = self.lethe.admin();
        self.assert_locked_out();
        assert_eq!(self.listed(), [self.other.id]);
        admin.get(&self.leaver.path()).user_not_found();
        self.lethe.anonymous().get(&self.leaver.path()).user_not_found();
        admin.get(&self.leaver.preferences()).user_not_found();
        admin.get("/api/v2/account/search/?username=leaver").user_not_found();
        let post = format!("/api/v2/post/{}/", self.leavers_post);
        self.other.client.get(&post).not_found();
        self.other.client.get(&format!("{post}vote/")).not_found();
        assert_eq!(self.other.client.get("/api/v2/status/").ids(), Vec::<i64>::new());
        assert_eq!(self.votes("discussion", self.others_post), (Some(0), vec![]));
        let tombstones = admin.get("/api/v2/moderation/user/?status=u").body(200);
        assert_eq!(tombstones["results"][0]["id"], self.leaver.id);
        assert!(!tombstones.to_string().contains("Lea Ver") && !tombstones.to_string().contains("leaver"), "{tombstones}");
        let export = self.lethe.run(&["export"]);
        let about: Vec<_> = export.lines().filter(|line| line.contains(&format!("\"id\":{},", self.leaver.id)) || line.contains("leaver")).collect();
        assert_eq!(about.len(), 1, "{about:?}");
        assert!(about[0].contains("\"status\":\"u\""), "{about:?}");
        assert!(!export.contains(&format!("\"user_id\":{},", self.leaver.id)), "{export}");
    }
}

fn a_soft_delete_hides_and_spares(store: Store) {
    let village = Village::settle(store);
    let (leaver, admin) = (&village.leaver, village.lethe.admin());
    let preferences = leaver.client.get(&leaver.preferences()).body(200);
    assert_eq!(village.listed(), [leaver.id, village.other.id]);
    leaver.client.delete(&leaver.path()).nothing();

    village.assert_locked_out();
    assert_eq!(village.listed(), [village.other.id]);
    assert_eq!(admin.get("/api/v2/user/?search=leaver").ids(), Vec::<i64>::new());
    assert_eq!(admin.get("/api/v2/moderation/user/?status=d").ids(), [leaver.id]);
    let shown = village.lethe.anonymous().get(&leaver.path()).body(200);
    assert_eq!((&shown["deleted"], shown["deleted_at"].is_string()), (&json!(true), true));

    let post = village.other.client.get(&format!("/api/v2/post/{}/", village.leavers_post)).body(200);
    assert_eq!((&post["author"]["deleted"], &post["text"], &post["vote_count"]), (&json!(true), &json!("hello"), &json!(2)));
    let listed = village.other.client.get("/api/v2/post/").body(200);
    assert_eq!(listed["results"][0]["author"], json!({ "id": leaver.id, "username": "leaver", "deleted": true }));
    assert_eq!(village.votes("discussion", village.others_post), (Some(1), vec![leaver.id]));

    assert_eq!(admin.get(&leaver.preferences()).body(200), preferences);
    let theme = format!("{}{}/", leaver.preferences(), preferences["results"][0]["id"]);
    admin.get(&theme).body(200);
    for refused in [admin.post(&leaver.preferences(), &json!({ "key": "new", "value": 1 })), admin.patch(&theme, &json!({ "value": 1 })), admin.delete(&theme)]
    {
        assert!((400..500).contains(&refused.status), "what a deleted user left stays as it was: {refused:?}");
    }
    assert_eq!(admin.get(&leaver.preferences()).body(200), preferences);
}

fn a_hard_delete_removes_everything(store: Store) {
    let village = Village::settle(store);
    village.leaver.client.delete(&format!("{}?hard=1", village.leaver.path())).nothing();
    village.assert_erased();
}

fn a_hard_delete_of_the_soft_deleted_removes_everything(store: Store) {
    let village = Village::settle(store);
    village.lethe.admin().delete(&village.leaver.path()).nothing();
    village.lethe.admin().delete(&format!("{}?hard=1", village.leaver.path())).nothing();
    village.assert_erased();
}

fn names_are_reserved_and_set_free(store: Store) {
    let lethe = Lethe::start(store);
    let admin = lethe.admin();
    let sign_up = |username: &str, ext_id: &str| admin.post("/api/v2/sso/signup/", &json!({ "username": username, "ext_id": ext_id }));
    let first = sign_up("ann", "E1").body(201);
    let path = format!("/api/v2/user/{}/", first["id"]);
    for state in ["living", "soft deleted"] {
        sign_up("ann", "E2").refused_fields(&[("username", "unique")]);
        sign_up("ANN", "E2").refused_fields(&[("username", "unique")]);
        sign_up("bob", "E1").refused_fields(&[("ext_id", "unique")]);
        if state == "living" {
            admin.delete(&path).nothing();
        }
    }
    admin.delete(&format!("{path}?hard=1")).nothing();
    let second = sign_up("Ann", "E1").body(201);
    assert!(second["id"].as_i64() > first["id"].as_i64());
    admin.get(&path).user_not_found();
}

/// Writers race the deleter; after its 204 nothing of theirs is left.
fn nothing_comes_back(store: Store) {
    let lethe = Lethe::start(store);
    let admin = lethe.admin();
    for round in 0..3 {
        let user = lethe.sign_up(&format!("user{round}"));
        let (client, preferences) = (&user.client, user.preferences());
        std::thread::scope(|scope| {
            let (started, starts) = std::sync::mpsc::channel();
            for writer in 0..4 {
                let (admin, preferences, started) = (&admin, &preferences, started.clone());
                scope.spawn(move || {
                    for at in 0.. {
                        let answer = match writer {
                            0 => client.post(preferences, &json!({ "key": format!("k{at}"), "value": at })),
                            1 => client.put("/settings/user", &json!({ "s": at })),
                            2 => admin.post(preferences, &json!({ "key": format!("a{at}"), "value": at })),
                            _ => client.post("/api/v2/status/", &json!({ "text": format!("status {at}") })),
                        };
                        match answer.status {
                            200 | 201 => drop(started.send(())),
                            401 | 404 => break,
                            // The user went between two steps; asking again tells.
                            503 => {}
                            _ => panic!("{answer:?}"),
                        }
                    }
                });
            }
            starts.iter().take(8).for_each(drop);
            admin.delete(&format!("{}?hard=1", user.path())).nothing();
        });
        admin.get(&user.preferences()).user_not_found();
        assert!(!lethe.run(&["export"]).contains(&format!("\"user_id\":{},", user.id)));
    }
    assert_eq!(admin.get("/api/v2/status/").ids(), Vec::<i64>::new());
}
