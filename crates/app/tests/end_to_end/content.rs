//! Posts and votes in the community dialect.

use crate::common::{Lethe, NOBODY, Store, on_both_stores};
use serde_json::json;

on_both_stores!(a_post_lives_and_dies, votes_toggle, lists_are_newest_first, posts_are_their_authors);

const KINDS: [&str; 3] = ["post", "discussion", "status"];

fn a_post_lives_and_dies(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    for kind in KINDS {
        let path = format!("/api/v2/{kind}/");
        let post = ann.client.post(&path, &json!({ "title": "T", "text": "a\nb", "id": 5, "vote_count": 9 })).body(201);
        let names: Vec<_> = post.as_object().unwrap().keys().collect();
        assert_eq!(names, ["id", "type", "author", "title", "text", "vote_count", "added_at", "last_activity_at"]);
        assert_eq!(post["author"], json!({ "id": ann.id, "username": "ann", "deleted": false }));
        assert_eq!((&post["type"], &post["title"], &post["text"], &post["vote_count"]), (&json!(kind), &json!("T"), &json!("a\nb"), &json!(0)));
        let one = format!("{path}{}", post["id"]);
        assert_eq!(bob.client.get(&one).body(200), post);
        assert_eq!(bob.client.get(&format!("{one}/")).body(200), post);
        for other in KINDS.iter().filter(|other| **other != kind) {
            bob.client.get(&format!("/api/v2/{other}/{}/", post["id"])).not_found();
        }
        ann.client.delete(&one).nothing();
        ann.client.get(&one).not_found();
        ann.client.delete(&one).not_found();
        ann.client.get(&format!("{one}/vote/")).not_found();

        ann.client.post(&path, &json!({ "title": "T" })).refused_fields(&[("text", "required")]);
        ann.client.post(&path, &json!({ "text": " " })).refused_fields(&[("text", "blank")]);
        ann.client.post(&path, &json!({ "text": 1 })).refused_fields(&[("text", "invalid")]);
        ann.client.post(&path, &json!({ "text": "x".repeat(50_001) })).refused_fields(&[("text", "max_length")]);
        ann.client.post(&path, &json!({ "text": "x", "title": "x".repeat(256) })).refused_fields(&[("title", "max_length")]);
        lethe.anonymous().get(&path).unauthorized();
        assert_eq!(ann.client.get(&path).body(200)["count"], 0);
    }
}

fn votes_toggle(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let post = ann.publish("post", "hello");
    let (one, votes) = (format!("/api/v2/post/{post}/"), format!("/api/v2/post/{post}/vote/"));
    let count = || ann.client.get(&one).body(200)["vote_count"].clone();
    bob.vote("post", post);
    ann.vote("post", post);
    assert_eq!(count(), 2);
    let page = ann.client.get(&votes).body(200);
    let users: Vec<_> = page["results"].as_array().unwrap().iter().map(|vote| vote["user"].clone()).collect();
    assert_eq!(users, [json!({ "id": ann.id, "username": "ann", "deleted": false }), json!({ "id": bob.id, "username": "bob", "deleted": false })]);
    assert_eq!(page["results"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["user", "reaction", "voted_at"]);
    bob.vote("post", post);
    assert_eq!(count(), 1);
    assert_eq!(ann.client.get(&format!("{votes}?limit=1")).body(200)["count"], 1);
    bob.client.send("POST", &format!("/api/v2/status/{post}/vote/"), &[], b"").not_found();
    bob.client.send("POST", &format!("/api/v2/post/{NOBODY}/vote/"), &[], b"").not_found();
    bob.client.delete(&votes).refused(405, "method_not_allowed", "Method \"DELETE\" not allowed.");
    ann.client.delete(&one).nothing();
    bob.client.get(&votes).not_found();
}

fn lists_are_newest_first(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let posts: Vec<i64> = (0..6).map(|at| if at % 2 == 0 { ann.publish("post", "even") } else { bob.publish("post", "odd") }).collect();
    ann.publish("status", "apart");
    let newest: Vec<i64> = posts.iter().rev().copied().collect();
    assert_eq!(ann.client.get("/api/v2/post/").ids(), newest);
    assert_eq!(ann.client.get("/api/v2/post/?limit=2&offset=1").ids(), newest[1..3]);
    assert_eq!(bob.client.get(&format!("/api/v2/post/?author={}", ann.id)).ids(), [posts[4], posts[2], posts[0]]);
    assert_eq!(bob.client.get(&format!("/api/v2/post/?author={NOBODY}")).ids(), Vec::<i64>::new());
}

fn posts_are_their_authors(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let (first, second) = (ann.publish("post", "1"), ann.publish("post", "2"));
    bob.client.delete(&format!("/api/v2/post/{first}/")).forbidden();
    lethe.anonymous().delete(&format!("/api/v2/post/{first}/")).unauthorized();
    ann.client.delete(&format!("/api/v2/post/{first}/")).nothing();
    lethe.admin().delete(&format!("/api/v2/post/{second}/")).nothing();
    for id in ["0", "-1", "x", "99999999999999999999"] {
        ann.client.get(&format!("/api/v2/post/{id}/")).expect(404);
    }
    ann.client.get("/api/v2/poem/").expect(404);
}
