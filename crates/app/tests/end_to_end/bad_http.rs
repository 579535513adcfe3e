//! Paths, methods and bytes that are no good. Who speaks no HTTP gets 4xx or a closed connection, and the next one is served.

use crate::common::raw::{connect, exchange, status, until, until_closed};
use crate::common::{Lethe, Store, User, on_both_stores};
use serde_json::{Value, json};
use std::io::Write;

on_both_stores!(ids_that_are_none, bodies_for_what_is_not_there, paths_that_lead_nowhere, methods_that_are_not_there);

fn assert_refusal(answer: &str, expected: u16) {
    assert_eq!(status(answer), Some(expected), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert!(body["errors"][0]["code"].is_string() || body["success"] == false, "{answer}");
}

/// Sends a request line with the user's token, and reads the one answer.
fn send(lethe: &Lethe, user: &User, line: &str) -> String {
    send_with(lethe, user, line, "")
}

fn send_with(lethe: &Lethe, user: &User, line: &str, body: &str) -> String {
    let head = format!("{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\nConnection: close\r\n", user.token, body.len());
    exchange(lethe.address(), format!("{head}\r\n{body}").as_bytes())
}

fn ids_that_are_none(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let preference = ann.prefer("kept", &json!(1));
    let ids = [
        "0",
        "-1",
        "+1",
        "01",
        "1.0",
        "1e0",
        "0x1",
        "abc",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551617",
        "%EF%BC%91",
        "1%00",
        "%00",
        "1%2F2",
        "%2F",
        "1%20",
        "ME",
        "m%65x",
        "null",
        "1;1",
        "*",
        "%",
        "%zz",
        "%FF",
    ];
    for id in ids {
        for method in ["GET", "PATCH", "PUT", "DELETE"] {
            assert_refusal(&send_with(&lethe, &ann, &format!("{method} {}{id}/", ann.preferences()), r#"{"key":"k","value":1}"#), 404);
        }
        for line in
            [format!("GET /api/v2/user/{id}/"), format!("GET /api/v2/post/{id}/"), format!("DELETE /api/v2/post/{id}"), format!("POST /api/v2/post/{id}/vote/")]
        {
            assert_refusal(&send(&lethe, &ann, &line), 404);
        }
        let answer = send(&lethe, &ann, &format!("DELETE /api/v2/user/{id}/?hard=1"));
        assert!(matches!(status(&answer), Some(403 | 404)), "{id}: {answer}");
    }
    assert_eq!(ann.client.get(&ann.preferences()).body(200)["results"], json!([preference]));
}

fn paths_that_lead_nowhere(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let paths = [
        "/",
        "/api",
        "/api/v2/",
        "/api/v3/user/me/",
        "/api/v2//user/me/",
        "//api/v2/user/me/",
        "/api/v2/user/me//",
        "/api/v2/user/me/preference//",
        "/api/v2/user/me/preference/1/2/",
        "/api/v2/user/x/../me/",
        "/api/v2/./user/me/",
        "/api/v2/user/me/%2e%2e/me/",
        "/api/v2/user/me%2Fpreference/",
        "/api/v2/user/me/preference%00/",
        "/API/V2/user/me/",
        "/settings",
        "/settings/",
        "/settings/user/theme",
        "/settings/organization",
        "/settings/User",
        "/%73ettings%2fuser",
    ];
    for path in paths {
        assert_refusal(&send(&lethe, &ann, &format!("GET {path}")), 404);
    }
    let long = format!("GET /api/v2/user/me/{}", "x".repeat(20_000));
    assert!(status(&send(&lethe, &ann, &long)).is_some_and(|status| (400..500).contains(&status)));
    let long = format!("GET /api/v2/user/me/?{}", "x".repeat(200_000));
    assert!(status(&send(&lethe, &ann, &long)).is_none_or(|status| (400..500).contains(&status)));
    for path in ["/api/v2/user/m%65/", "/api/v2/user/me/?", "/api/v2/user/me?x=%00&y=%FF&&&=&z"] {
        assert_eq!(status(&send(&lethe, &ann, &format!("GET {path}"))), Some(200), "{path}");
    }
    assert_eq!(ann.client.get("/api/v2/user/me/").body(200)["id"], ann.id);
}

fn methods_that_are_not_there(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let preference = ann.prefer("kept", &json!(1));
    let one = format!("{}{}/", ann.preferences(), preference["id"]);
    let table = [
        (ann.preferences(), &["GET", "POST"][..]),
        (one, &["DELETE", "GET", "PATCH", "PUT"]),
        (ann.path(), &["DELETE", "GET", "PATCH", "PUT"]),
        ("/api/v2/user/".to_owned(), &["GET"]),
        ("/api/v2/sso/signup/".to_owned(), &["POST"]),
        ("/api/v2/post/".to_owned(), &["GET", "POST"]),
        ("/settings/user".to_owned(), &["DELETE", "GET", "POST", "PUT"]),
    ];
    for (path, known) in table {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "LINK", "BREW", "get"] {
            if known.contains(&method) {
                continue;
            }
            let answer = ann.client.send(method, &path, &[], b"").expect(405);
            let mut allowed: Vec<_> =
                answer.header("allow").unwrap().split(',').map(str::trim).filter(|method| !["HEAD", "OPTIONS"].contains(method)).collect();
            allowed.sort_unstable();
            assert_eq!(allowed, known, "{method} {path}");
            if !path.starts_with("/settings") {
                answer.refused(405, "method_not_allowed", &format!("Method \"{method}\" not allowed."));
            }
        }
    }
    let connect = send(&lethe, &ann, "CONNECT example.org:443");
    assert!(status(&connect).is_none_or(|status| (400..500).contains(&status)), "{connect}");
    assert_eq!(ann.client.get(&ann.preferences()).body(200)["results"], json!([preference]));
}

// From here on nothing reaches a store.

/// Sends bytes that must not count as a request, and sees that a good request is served afterwards.
fn is_refused(lethe: &Lethe, bytes: &[u8]) {
    let answer = exchange(lethe.address(), bytes);
    let seen = String::from_utf8_lossy(bytes);
    // Who speaks no HTTP at all may simply be left.
    assert!(status(&answer).is_none_or(|status| (400..500).contains(&status)), "{seen:?} got {answer:?}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), usize::from(status(&answer).is_some()), "{seen:?} counted as several requests: {answer}");
    assert_eq!(lethe.anonymous().get("/healthz").status, 200);
}

/// Without a body, the end of a request is unmistakable; with one, everything depends on where the parties see its end.
#[test]
fn framings_that_could_smuggle() {
    let lethe = Lethe::start(Store::sqlite());
    let ann = lethe.sign_up("ann");
    let post = format!("POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n", ann.preferences(), ann.token);
    let body = r#"{"key":"smuggled","value":1}"#;
    let length = body.len();
    let heads = [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: {length}\r\nContent-Length: {}\r\n", length + 1),
        format!("Content-Length: {length}, {}\r\n", length + 1),
        format!("Content-Length: +{length}\r\n"),
        "Content-Length: -1\r\n".to_owned(),
        "Content-Length: 0x1c\r\n".to_owned(),
        "Content-Length: 99999999999999999999999999\r\n".to_owned(),
        "Content-Length: \r\n".to_owned(),
        format!("Content-Length : {length}\r\n"),
        "Transfer-Encoding: xchunked\r\n".to_owned(),
        "Transfer-Encoding: chunked, identity\r\n".to_owned(),
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
    ];
    for head in heads {
        is_refused(&lethe, format!("{post}{head}Connection: close\r\n\r\n{body}").as_bytes());
    }
    let chunked = format!("{post}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    for chunks in ["x\r\n", "-1\r\n{}\r\n0\r\n\r\n", "0x2\r\n{}\r\n0\r\n\r\n", "ffffffffffffffffff\r\n{}", "2\r\n{}garbage\r\n0\r\n\r\n", "1g\r\n"] {
        is_refused(&lethe, format!("{chunked}{chunks}").as_bytes());
    }
    assert_eq!(ann.client.get(&ann.preferences()).body(200)["count"], 0);
    let whole = format!("{chunked}5\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n", &body[..5], length - 5, &body[5..]);
    assert_eq!(status(&exchange(lethe.address(), whole.as_bytes())), Some(201), "chunks as such are fine");
}

#[test]
fn heads_that_are_no_http() {
    let lethe = Lethe::start(Store::sqlite());
    let requests: [&[u8]; 12] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\x00\x00\x00\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1 extra\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b\r\n folded\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX A: b\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n: empty\r\nConnection: close\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for request in requests {
        is_refused(&lethe, request);
    }
    let many = format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{}Connection: close\r\n\r\n", "X-Header: value\r\n".repeat(1_000));
    is_refused(&lethe, many.as_bytes());
    let large = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Header: {}\r\nConnection: close\r\n\r\n", "x".repeat(1_000_000));
    is_refused(&lethe, large.as_bytes());
}

/// Who is slow is let go, and does not keep others waiting.
#[test]
fn slow_clients() {
    let mut lethe = Lethe::install(Store::sqlite()).with("http.head_timeout", "1s").with("http.body_timeout", "1s").with("http.keep_alive", "1s");
    lethe.serve();
    let ann = lethe.sign_up("ann");
    let mut silent = connect(lethe.address());
    let mut slow_head = connect(lethe.address());
    slow_head.write_all(b"GET /healthz HTTP/1.1\r\nHos").unwrap();
    let mut slow_body = connect(lethe.address());
    let head = format!("POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 28\r\n\r\n", ann.preferences(), ann.token);
    slow_body.write_all(format!("{head}{{\"key\":").as_bytes()).unwrap();
    let mut idle = connect(lethe.address());
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert_eq!(status(&until(&mut idle, "\r\n\r\n")), Some(200));
    assert_eq!(ann.client.get(&ann.preferences()).status, 200, "others are served meanwhile");

    for stream in [&mut silent, &mut slow_head] {
        let answer = until_closed(stream);
        assert!(matches!(status(&answer), None | Some(408)), "{answer}");
    }
    assert_refusal(&until_closed(&mut slow_body), 408);
    until_closed(&mut idle);
    assert_eq!(ann.client.get(&ann.preferences()).body(200)["count"], 0);
}

/// What is not there is not there, whatever was to be done to it.
fn bodies_for_what_is_not_there(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    for method in ["PUT", "PATCH"] {
        for body in ["", "{", "{}", r#"{"key":"","value":1}"#] {
            assert_refusal(&send_with(&lethe, &ann, &format!("{method} {}7/", ann.preferences()), body), 404);
        }
    }
}

/// A body that goes on for ever is cut off, whether its length was told or not.
#[test]
fn endless_bodies() {
    let lethe = Lethe::start(Store::sqlite());
    let ann = lethe.sign_up("ann");
    let head = format!("POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n", ann.preferences(), ann.token);
    assert_refusal(&exchange(lethe.address(), format!("{head}Content-Length: 99999999999\r\nConnection: close\r\n\r\n{{").as_bytes()), 413);
    let mut endless = connect(lethe.address());
    endless.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    // No system keeps 64 MiB between two programs, so the service took them if they are gone.
    let taken = (0..16 * 1024).all(|_| endless.write_all(chunk.as_bytes()).is_ok());
    assert!(!taken, "the service reads on and on");
    let answer = until_closed(&mut endless);
    assert!(matches!(status(&answer), None | Some(413)), "{answer}");
    assert_eq!(ann.client.get(&ann.preferences()).body(200)["count"], 0);
}

#[test]
fn requests_that_only_look_odd() {
    let lethe = Lethe::start(Store::sqlite());
    let good: [&[u8]; 6] = [
        b"GET http://elsewhere.example:1/healthz HTTP/1.1\r\nHost: localhost:3000\r\nConnection: close\r\n\r\n",
        b"GET https://elsewhere.example/healthz? HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHOST: x\r\nconnection:close\r\n\r\n",
        b"\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ];
    for request in good {
        let answer = exchange(lethe.address(), request);
        assert!(answer.starts_with("HTTP/1.1 200 ") || answer.starts_with("HTTP/1.0 200 "), "{:?} got {answer}", String::from_utf8_lossy(request));
    }
}
