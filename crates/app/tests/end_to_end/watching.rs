//! Following changes as they happen, by Server-Sent Events.

use crate::common::{Client, Event, Lethe, Node, Store, User, Watch, feed, on_both_stores};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

on_both_stores!(
    events_come_in_order,
    where_a_stream_begins,
    streams_that_do_not_begin,
    a_stream_goes_on_after_a_power_cut,
    a_stream_ends_with_its_token,
    a_stream_ends_with_the_account,
    a_stream_ends_with_the_service,
    an_admin_follows_somebody,
    many_follow_one,
    no_more_than_so_many_follow_one,
    nothing_happens_for_long
);

fn follow(lethe: &Lethe, token: &str, user: &User, query: &str) -> Watch {
    Watch::open(lethe.address(), token, &user.v1(&format!("/changes/watch{query}")), &[])
}

/// The event that a change of the log is told as.
fn told(change: &Value) -> Event {
    Event { id: change["revision"].as_i64(), name: change["op"].as_str().unwrap().to_owned(), data: change.clone() }
}

fn ids(events: &[Event]) -> Vec<i64> {
    events.iter().map(|event| event.id.unwrap()).collect()
}

fn events_come_in_order(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let watch = follow(&lethe, &ann.token, &ann, "");
    ann.keep("a", "{\"text\": \"line\\nbreak \u{2028} é\", \"n\": 1e400}");
    assert_eq!(watch.next().id, Some(1), "it comes by itself");
    bob.keep("of somebody else", "1");
    ann.prefer("b", &json!(2));
    ann.client.put("/settings/user", &json!({ "c": 3, "a": 1 })).expect(200);
    ann.keep("c", "3");
    lethe.admin().put_text(&ann.key("a"), "2").expect(200);
    let operations =
        json!({ "operations": [{ "op": "put", "key": "d", "value": 4 }, { "op": "delete", "key": "b" }, { "op": "delete", "key": "none" }], "atomic": false });
    ann.client.post(&ann.v1("/batch"), &operations).expect(200);
    ann.client.merge(&ann.v1("/preferences"), r#"{"e":5,"d":null}"#).expect(200);
    ann.client.post(&ann.v1("/revert"), &json!({ "to": 1 })).expect(200);
    let changes = ann.changes();
    let expected: Vec<_> = changes.iter().skip(1).map(told).collect();
    assert_eq!(watch.take(expected.len()), expected);
    assert!(expected.iter().any(|event| event.name == "delete" && event.data.get("value").is_none()));
}

fn where_a_stream_begins(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    for at in 1..=150 {
        ann.keep("k", &at.to_string());
    }
    let begin = |query: &str, headers: &[(&str, &str)]| Watch::open(lethe.address(), &ann.token, &ann.v1(&format!("/changes/watch{query}")), headers);
    assert_eq!(ids(&begin("?since=0", &[]).take(150)), (1..=150).collect::<Vec<_>>());
    assert_eq!(ids(&begin("?since=148", &[]).take(2)), [149, 150]);
    assert_eq!(ids(&begin("", &[("Last-Event-ID", "147")]).take(3)), [148, 149, 150]);
    assert_eq!(ids(&begin("?since=0", &[("Last-Event-ID", "148")]).take(2)), [149, 150], "the header goes first");
    assert_eq!(ids(&begin("?since=149", &[("Last-Event-ID", "0")]).take(2)), [1, 2]);
    assert_eq!(ids(&begin("?since=149", &[("Last-Event-ID", "")]).take(1)), [150], "as browsers send it that have seen nothing");
    // Whoever has seen more than there is has seen what was lost.
    for (query, headers) in [("?since=151", &[][..]), ("", &[("Last-Event-ID", "9223372036854775807")][..])] {
        let watch = begin(query, headers);
        let revision = ann.revision();
        assert_eq!(watch.next(), Event { id: Some(revision), name: "resync".into(), data: json!({ "revision": revision }) });
        ann.keep("k", &format!("[{revision}]"));
        assert_eq!(watch.next().id, Some(revision + 1));
    }
    let (now, present) = (begin("", &[]), begin("?since=152", &[]));
    ann.keep("k", "\"new\"");
    assert_eq!((now.next().id, present.next().id), (Some(153), Some(153)));
}

fn streams_that_do_not_begin(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let path = ann.v1("/changes/watch");
    lethe.anonymous().get(&path).problem(401, "not-authenticated");
    lethe.bearing("x").get(&path).problem(401, "token-invalid");
    bob.client.get(&path).problem(403, "forbidden");
    bob.client.get(&format!("{path}?since=x")).problem(403, "forbidden");
    lethe.admin().get("/v1/users/987654321/changes/watch").problem(404, "user-not-found");
    for query in ["since=x", "since=", "since=01", "since=1&since=2"] {
        ann.client.get(&format!("{path}?{query}")).problem(400, "malformed-query");
    }
    for id in ["x", "-1", "01", "1.0", "9223372036854775808"] {
        let problem = ann.client.send("GET", &path, &[("last-event-id", id)], b"").problem(400, "malformed-header");
        assert_eq!(problem["errors"][0]["header"], "Last-Event-ID");
    }
    ann.client.send("POST", &path, &[], b"").problem(405, "method-not-allowed");
    bob.client.delete(&bob.v1("?mode=hard")).nothing();
    lethe.admin().get(&bob.v1("/changes/watch")).problem(410, "user-erased");
    assert_eq!(ann.revision(), 0);
}

/// Writes until it is told to stop or the service is gone; the last revision that was acknowledged.
fn write(client: &Client, path: &str, name: &str, stop: &AtomicBool) -> i64 {
    let mut last = 0;
    for at in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let body = json!([name, at]).to_string();
        match client.try_send("PUT", path, &[("content-type", "application/json")], body.as_bytes()) {
            Ok(answer) => last = answer.json()["revision"].as_i64().unwrap(),
            Err(_) => break,
        }
    }
    last
}

fn a_stream_goes_on_after_a_power_cut(store: Store) {
    const EVENTS_BEFORE_A_CUT: usize = 40;
    const CUTS: usize = 3;
    let mut lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let (mut seen, mut acknowledged) = (Vec::<Event>::new(), 0);
    for cut in 0..CUTS {
        let last = seen.last().map_or("0".to_owned(), |event| event.id.unwrap().to_string());
        let watch = Watch::open(lethe.address(), &ann.token, &ann.v1("/changes/watch?since=0"), &[("Last-Event-ID", &last)]);
        let stop = AtomicBool::new(false);
        let (client, path) = (lethe.bearing(&ann.token), ann.key("k"));
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| write(&client, &path, &format!("writer {cut}"), &stop));
            seen.extend(watch.take(EVENTS_BEFORE_A_CUT));
            lethe.kill();
            acknowledged = acknowledged.max(writer.join().unwrap());
        });
        // What had arrived by then was seen, and the end of the connection is no end of the stream.
        while let Some(event) = watch.next_or_end() {
            assert_ne!(event.name, "end");
            seen.push(event);
        }
        lethe.serve();
    }
    let ann = lethe.user(ann.id, "ann");
    let revision = ann.revision();
    assert!(revision >= acknowledged, "{acknowledged} was acknowledged");
    let last = seen.last().unwrap().id.unwrap();
    assert!(last <= revision, "what was told is there");
    let watch = Watch::open(lethe.address(), &ann.token, &ann.v1("/changes/watch"), &[("Last-Event-ID", &last.to_string())]);
    seen.extend(watch.take(usize::try_from(revision - last).unwrap()));
    assert_eq!(ids(&seen), (1..=revision).collect::<Vec<_>>(), "without a gap, and nothing twice");
    assert_eq!(seen, ann.changes().iter().map(told).collect::<Vec<_>>());
}

fn a_stream_ends_with_its_token(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let lasting = follow(&lethe, &ann.token, &ann, "");
    // It expires; its bearer cannot have more time by narrowing it.
    let brief = lethe.run(&["token", "issue", "--user", &ann.id.to_string(), "--ttl", "5s"]).trim().to_owned();
    let narrowed = narrow(&lethe, &ann.token, &["--expires-in", "5s"]);
    let (of_brief, of_narrowed) = (follow(&lethe, &brief, &ann, ""), follow(&lethe, &narrowed, &ann, ""));
    ann.keep("k", "1");
    for watch in [&of_brief, &of_narrowed, &lasting] {
        assert_eq!(watch.next().id, Some(1));
    }
    of_brief.ends("token");
    of_narrowed.ends("token");
    lethe.bearing(&brief).get(&ann.v1("/changes/watch")).problem(401, "token-invalid");

    // It is revoked: by itself, as what another was narrowed from, and with all of its user's.
    let (one, other) = (lethe.token(ann.id), lethe.token(ann.id));
    let child = narrow(&lethe, &one, &["--read-only"]);
    let (of_one, of_child, of_other) = (follow(&lethe, &one, &ann, ""), follow(&lethe, &child, &ann, ""), follow(&lethe, &other, &ann, ""));
    assert!(feed(lethe.command(&["token", "revoke"]), &one).status.success());
    of_one.ends("token");
    of_child.ends("token");
    ann.keep("k", "2");
    for watch in [&of_other, &lasting] {
        assert_eq!(watch.next().id, Some(2));
    }
    lethe.run(&["token", "revoke", "--user", &ann.id.to_string()]);
    of_other.ends("token");
    lasting.ends("token");
}

fn narrow(lethe: &Lethe, token: &str, options: &[&str]) -> String {
    let output = feed(lethe.command(&[&["token", "attenuate"], options].concat()), token);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn a_stream_ends_with_the_account(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    for (user, mode) in [(&ann, "soft"), (&bob, "hard")] {
        user.keep("k", "1");
        let streams = [follow(&lethe, &user.token, user, "?since=0"), follow(&lethe, lethe.admin_token(), user, "")];
        assert_eq!(streams[0].next().id, Some(1));
        user.client.delete(&user.v1(&format!("?mode={mode}"))).nothing();
        for stream in streams {
            stream.ends("deleted");
        }
        user.client.get(&user.v1("/changes/watch")).problem(401, "token-invalid");
    }
    // Whoever comes back can be followed again, from where it was.
    lethe.admin().post(&ann.v1("/restore"), &json!({})).body(200);
    let ann = lethe.user(ann.id, "ann");
    let watch = follow(&lethe, &ann.token, &ann, "?since=0");
    ann.keep("k", "2");
    assert_eq!(ids(&watch.take(2)), [1, 2]);
}

fn a_stream_ends_with_the_service(store: Store) {
    // Whoever had to wait for the streams would wait longer than this test is given.
    let mut lethe = Lethe::install(store).with("http.shutdown_timeout", "1h");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    ann.keep("k", "1");
    let streams = [follow(&lethe, &ann.token, &ann, ""), follow(&lethe, &ann.token, &ann, "?since=0"), follow(&lethe, lethe.admin_token(), &ann, "")];
    assert_eq!(streams[1].next().id, Some(1));
    lethe.ask_to_stop();
    for stream in &streams {
        stream.ends("shutdown");
    }
    assert_eq!(lethe.wait().code(), Some(0));
    lethe.serve();
    let watch = follow(&lethe, &ann.token, &ann, "?since=0");
    assert_eq!(watch.next().id, Some(1));
}

fn an_admin_follows_somebody(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, clerk) = (lethe.sign_up("ann"), lethe.sign_up("clerk"));
    // Admins need not be users; this one is.
    let token = lethe.run(&["token", "issue", "--role", "admin", "--user", &clerk.id.to_string()]).trim().to_owned();
    let (of_clerk, of_admin) = (follow(&lethe, &token, &ann, ""), follow(&lethe, lethe.admin_token(), &ann, ""));
    let own = follow(&lethe, &ann.token, &ann, "");
    ann.keep("k", "1");
    lethe.bearing(&token).put_text(&ann.key("k"), "2").expect(200);
    for watch in [&of_clerk, &of_admin, &own] {
        let events = watch.take(2);
        assert_eq!((ids(&events), &events[0].data["actor"], &events[1].data["actor"]), (vec![1, 2], &json!(ann.id), &json!(clerk.id)));
    }
    // Once the admin is gone it is told nothing more; the others are.
    clerk.client.delete(&clerk.v1("?mode=soft")).nothing();
    ann.keep("k", "3");
    of_clerk.ends("token");
    assert_eq!((own.next().id, of_admin.next().id), (Some(3), Some(3)));
    // The same where all of its tokens were revoked.
    let boss = lethe.sign_up("boss");
    let token = lethe.run(&["token", "issue", "--role", "admin", "--user", &boss.id.to_string()]).trim().to_owned();
    let of_boss = follow(&lethe, &token, &ann, "");
    lethe.run(&["token", "revoke", "--user", &boss.id.to_string()]);
    ann.keep("k", "4");
    of_boss.ends("token");
    assert_eq!((own.next().id, of_admin.next().id), (Some(4), Some(4)));
}

fn many_follow_one(store: Store) {
    const FOLLOWERS: usize = 30;
    const WRITES: i64 = 100;
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let watches: Vec<_> = (0..FOLLOWERS).map(|_| follow(&lethe, &ann.token, &ann, "?since=0")).collect();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let ann = &ann;
            scope.spawn(move || (0..WRITES / 4).for_each(|at| drop(ann.keep(&format!("k{writer}"), &at.to_string()))));
        }
    });
    let expected: Vec<_> = ann.changes().iter().map(told).collect();
    assert_eq!(ids(&expected), (1..=WRITES).collect::<Vec<_>>());
    for watch in watches {
        assert_eq!(watch.take(expected.len()), expected);
    }
}

fn no_more_than_so_many_follow_one(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let watches: Vec<_> = (0..128).map(|_| follow(&lethe, &ann.token, &ann, "")).collect();
    let refused = ann.client.get(&ann.v1("/changes/watch"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    let problem = refused.problem(429, "too-many-followers");
    assert_eq!(problem["retry_after"], 1);
    lethe.anonymous().get(problem["type"].as_str().unwrap()).expect(200);
    let of_another = follow(&lethe, &bob.token, &bob, "");
    ann.keep("k", "1");
    bob.keep("k", "1");
    for watch in watches.iter().chain([&of_another]) {
        assert_eq!(watch.next().id, Some(1));
    }
}

fn nothing_happens_for_long(store: Store) {
    // Streams are no requests that take too long, nor connections that do nothing.
    let mut lethe = Lethe::install(store).with("http.request_timeout", "2s").with("http.keep_alive", "2s");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    let watch = follow(&lethe, &ann.token, &ann, "");
    watch.heartbeat();
    ann.keep("k", "1");
    assert_eq!(watch.next().id, Some(1));
}

/// What is written through one node is told by another, also when the one that tells dies.
#[test]
fn two_nodes_tell_the_same() {
    let mut lethe = Lethe::start(Store::postgres());
    let node = lethe.another_node();
    let ann = lethe.sign_up("ann");
    let on = |node: &Node, query: &str| Watch::open(node.address(), &ann.token, &ann.v1(&format!("/changes/watch{query}")), &[]);
    let (here, there) = (follow(&lethe, &ann.token, &ann, ""), on(&node, ""));
    let elsewhere = node.bearing(&ann.token);
    for at in 0..20 {
        let client = if at % 2 == 0 { &ann.client } else { &elsewhere };
        client.put_text(&ann.key("k"), &at.to_string()).expect(if at == 0 { 201 } else { 200 });
    }
    let expected: Vec<_> = ann.changes().iter().map(told).collect();
    assert_eq!(here.take(20), expected);
    assert_eq!(there.take(20), expected);
    lethe.kill();
    assert_eq!(here.next_or_end(), None);
    elsewhere.put_text(&ann.key("k"), "\"after\"").expect(200);
    assert_eq!(there.next().id, Some(21));
    assert_eq!(ids(&on(&node, "?since=20").take(1)), [21], "whoever moves to the other node goes on there");
    lethe.serve();
    elsewhere.delete(&ann.v1("?mode=soft")).nothing();
    there.ends("deleted");
}
