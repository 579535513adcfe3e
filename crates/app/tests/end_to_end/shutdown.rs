//! The end of a service in good order, and its next beginning.

use crate::common::raw::{connect, status, until, until_closed};
use crate::common::{Lethe, Store, on_both_stores};
use serde_json::json;
use std::io::Write;
use std::net::TcpStream;

on_both_stores!(what_was_accepted_is_finished, everything_is_there_after_a_restart);

fn what_was_accepted_is_finished(store: Store) {
    let mut lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let body = br#"{"key":"theme","value":"dark"}"#;
    let mut request = connect(lethe.address());
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        ann.preferences(),
        ann.token,
        body.len()
    );
    request.write_all(head.as_bytes()).unwrap();
    // The service says so itself when it has accepted the request.
    assert_eq!(status(&until(&mut request, "\r\n\r\n")), Some(100));
    let idle = connect(lethe.address());
    let address = lethe.address().to_owned();

    lethe.ask_to_stop();
    while TcpStream::connect(&address).is_ok() {}
    request.write_all(body).unwrap();
    let answer = until_closed(&mut request);
    assert_eq!(status(&answer), Some(201), "{answer}");
    assert_eq!(lethe.wait().code(), Some(0));
    drop(idle);

    lethe.serve();
    assert_eq!(lethe.bearing(&ann.token).get(&ann.preferences()).body(200)["results"][0]["value"], "dark");
}

fn everything_is_there_after_a_restart(store: Store) {
    let mut lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    ann.prefer("theme", &json!({ "b": 1, "a": 1.0 }));
    let post = ann.publish("post", "hello");
    bob.vote("post", post);
    bob.client.delete(&bob.path()).nothing();
    let export = lethe.run(&["export"]);
    let paths = [ann.preferences(), ann.path(), format!("/api/v2/post/{post}/"), format!("/api/v2/post/{post}/vote/"), "/settings/user".into(), bob.path()];
    let look = |lethe: &Lethe| paths.each_ref().map(|path| lethe.bearing(&ann.token).get(path).body(200));
    let before = look(&lethe);
    for end in [Lethe::stop, Lethe::kill] {
        end(&mut lethe);
        lethe.serve();
        assert_eq!(look(&lethe), before);
        assert_eq!(lethe.run(&["export"]), export);
    }
    lethe.bearing(&bob.token).get(&bob.preferences()).unauthorized();
    lethe.admin().post("/api/v2/sso/signup/", &json!({ "username": "bob" })).refused_fields(&[("username", "unique")]);
}
