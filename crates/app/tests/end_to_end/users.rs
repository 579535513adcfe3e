//! Users in the community dialect: sign-up, lists, profiles, and what admins see.

use crate::common::{Lethe, NOBODY, Store, on_both_stores};
use serde_json::json;

on_both_stores!(
    sign_up_checks_what_it_is_given,
    users_are_listed_and_searched,
    anybody_sees_a_user,
    profiles_are_changed,
    accounts_are_searched,
    moderators_see_every_state
);

fn sign_up_checks_what_it_is_given(store: Store) {
    let lethe = Lethe::start(store);
    let admin = lethe.admin();
    let sign_up = |body: serde_json::Value| admin.post("/api/v2/sso/signup/", &body);
    let ann = sign_up(json!({ "username": "ann", "ext_id": "e1", "real_name": "Ann", "email": "ann@example.org", "role": "editor" })).body(201);
    assert_eq!(ann, json!({ "id": ann["id"], "ext_id": "e1", "username": "ann", "role": "editor", "tags": [], "avatar": ann["avatar"] }));
    assert_eq!(sign_up(json!({ "username": "bob" })).body(201)["ext_id"], json!(null));
    sign_up(json!({})).refused_fields(&[("username", "required")]);
    sign_up(json!({ "username": "" })).refused_fields(&[("username", "blank")]);
    sign_up(json!({ "username": "x".repeat(256) })).refused_fields(&[("username", "max_length")]);
    for (field, value) in [("username", json!("a b")), ("username", json!(5)), ("email", json!("nowhere")), ("role", json!("king")), ("ext_id", json!([]))] {
        let mut body = json!({ "username": "carol" });
        body[field] = value;
        sign_up(body).refused_fields(&[(field, "invalid")]);
    }
    let with_password = sign_up(json!({ "username": "carol", "password": "Secret-123" })).expect(400).json();
    assert_eq!(with_password["errors"][0]["field"], "password");
    sign_up(json!([])).expect(400);
    admin.get("/api/v2/account/search/?username=carol").user_not_found();
    assert_eq!(sign_up(json!({ "username": "carol" })).body(201)["username"], "carol");
}

fn users_are_listed_and_searched(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    lethe.import_records((0..25).map(|at| json!({ "type": "user", "id": 1000 + at, "username": format!("x+_{at}"), "real_name": "100% \\ Real" })));
    let first = ann.client.get("/api/v2/user/").body(200);
    assert_eq!((&first["count"], first["results"].as_array().unwrap().len()), (&json!(26), 20));
    let next = first["next"].as_str().unwrap().strip_prefix(&lethe.base()).unwrap();
    assert_eq!(ann.client.get(next).ids(), [1019, 1020, 1021, 1022, 1023, 1024]);
    assert_eq!(ann.client.get("/api/v2/user/?search=ANN").ids(), [ann.id]);
    assert_eq!(ann.client.get("/api/v2/user/?search=100%25").body(200)["count"], 25);
    assert_eq!(ann.client.get("/api/v2/user/?search=%25%25").body(200)["count"], 0);
    assert_eq!(ann.client.get("/api/v2/user/?username=_2").body(200)["count"], 6);
    assert_eq!(ann.client.get("/api/v2/user/?ordering=-username&limit=1").ids(), [1009]);
    lethe.anonymous().get("/api/v2/user/").unauthorized();
}

fn anybody_sees_a_user(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let seen = lethe.anonymous().get(&ann.path()).body(200);
    assert_eq!((&seen["id"], &seen["username"], &seen["deleted"], &seen["deleted_at"]), (&json!(ann.id), &json!("ann"), &json!(false), &json!(null)));
    assert!(seen.get("email").is_none(), "{seen}");
    for id in [NOBODY.to_string(), "0".into(), "-1".into(), "9223372036854775808".into(), "abc".into()] {
        lethe.anonymous().get(&format!("/api/v2/user/{id}/")).expect(404);
    }
    let me = ann.client.get("/api/v2/user/me/").body(200);
    for field in ["email", "email_isvalid", "permission", "role", "unseen_interactions_counter", "unseen_notification_banners_counter"] {
        assert!(me.get(field).is_some(), "{field} is missing in {me}");
    }
    lethe.anonymous().get("/api/v2/user/me/").unauthorized();
}

fn profiles_are_changed(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let profile = json!({ "real_name": "Ann", "bio": "a\nb", "location": "Athens", "description": "…", "gender": "Female", "website": "https://example.org" });
    for changed in [ann.client.put(&ann.path(), &profile), ann.client.patch(&ann.path(), &json!({})), ann.client.send("PATCH", &ann.path(), &[], b"")] {
        let changed = changed.body(200);
        for (field, value) in profile.as_object().unwrap() {
            assert_eq!(&changed[field], value);
        }
    }
    let changed = lethe.admin().patch(&ann.path(), &json!({ "bio": "", "id": 5, "username": "eve", "status": "b", "unknown": [] })).body(200);
    assert_eq!((&changed["bio"], &changed["location"], &changed["username"], &changed["id"]), (&json!(""), &json!("Athens"), &json!("ann"), &json!(ann.id)));
    ann.client.patch(&ann.path(), &json!({ "gender": "other" })).refused_fields(&[("gender", "invalid")]);
    ann.client.patch(&ann.path(), &json!({ "bio": "x".repeat(10_001) })).refused_fields(&[("bio", "max_length")]);
    ann.client.patch(&ann.path(), &json!({ "bio": "nul\u{0}" })).refused_fields(&[("bio", "invalid")]);
    ann.client.patch(&ann.path(), &json!({ "bio": 5 })).refused_fields(&[("bio", "invalid")]);
    assert_eq!(ann.client.patch("/api/v2/user/me/", &json!({ "bio": "me" })).body(200)["bio"], "me");
    bob.client.patch(&ann.path(), &json!({ "bio": "hijacked" })).forbidden();
    bob.client.put(&format!("/api/v2/user/{NOBODY}/"), &json!({})).forbidden();
    lethe.admin().patch(&format!("/api/v2/user/{NOBODY}/"), &json!({})).user_not_found();
    assert_eq!(lethe.anonymous().get(&ann.path()).body(200)["bio"], "me");
}

fn accounts_are_searched(store: Store) {
    let lethe = Lethe::start(store);
    let admin = lethe.admin();
    lethe.import_all(r#"{"type":"user","id":7,"username":"Ann","ext_id":"E 7","email":"ann@example.org","status":"b"}"#);
    for query in ["username=ann", "username=Ann", "ext_id=E+7", "ext_id=E+7&provider=sso", "email=ann@example.org"] {
        let found = admin.get(&format!("/api/v2/account/search/?{query}")).body(200);
        assert_eq!((&found["id"], &found["status"]), (&json!(7), &json!("b")), "{query}");
    }
    for query in ["username=nobody", "ext_id=e+7", "email=bob@example.org", "username=%00", "email=x"] {
        admin.get(&format!("/api/v2/account/search/?{query}")).expect(404);
    }
    for query in ["", "username=ann&email=ann@example.org", "username=ann&ext_id=E+7"] {
        admin.get(&format!("/api/v2/account/search/?{query}")).expect(400);
    }
    let bob = lethe.sign_up("bob");
    bob.client.get("/api/v2/account/search/?username=Ann").forbidden();
    bob.client.get("/api/v2/account/search/").forbidden();
}

fn moderators_see_every_state(store: Store) {
    let lethe = Lethe::start(store);
    let admin = lethe.admin();
    let states = [(1, "a"), (2, "b"), (3, "d"), (4, "u")];
    lethe.import_records(states.map(|(id, status)| json!({ "type": "user", "id": id, "username": format!("u{id}"), "status": status })));
    for (id, status) in states {
        assert_eq!(admin.get(&format!("/api/v2/moderation/user/?status={status}")).ids(), [id]);
    }
    let all = admin.get("/api/v2/moderation/user/").ids();
    assert!([1, 2, 3].iter().all(|id| all.contains(id)), "{all:?}");
    assert_eq!(admin.get("/api/v2/moderation/user/?status=d&search=u3").ids(), [3]);
    assert_eq!(admin.get("/api/v2/moderation/user/?status=d&search=u1").ids(), Vec::<i64>::new());
    let active = lethe.user(1, "u1");
    active.client.get("/api/v2/moderation/user/").forbidden();
    assert_eq!(active.client.get("/api/v2/user/").ids(), [1, 2]);
    let blocked = lethe.user(2, "u2");
    blocked.client.get("/api/v2/user/me/").body(200);
    blocked.client.post("/api/v2/post/", &json!({ "text": "hello" })).forbidden();
}
