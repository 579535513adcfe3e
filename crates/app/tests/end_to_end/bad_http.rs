//! Bytes that are no good HTTP: 4xx or a closed connection, and the next one is served. None of this reaches a store.

use crate::common::raw::{assert_refusal, connect, exchange, status, until, until_closed};
use crate::common::{Lethe, Store};
use std::io::Write;

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

/// A body that goes on for ever is refused while it goes on, whether its length was told or not.
#[test]
fn endless_bodies() {
    let lethe = Lethe::start(Store::sqlite());
    let ann = lethe.sign_up("ann");
    let head = format!("POST {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n", ann.preferences(), ann.token);
    assert_refusal(&exchange(lethe.address(), format!("{head}Content-Length: 99999999999\r\nConnection: close\r\n\r\n{{").as_bytes()), 413);
    let mut endless = connect(lethe.address());
    endless.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).unwrap();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    // Twice the limit; the library would go on to read and drop what follows for as long as the client sends it.
    for _ in 0..64 {
        endless.write_all(chunk.as_bytes()).unwrap();
    }
    assert_eq!(status(&until(&mut endless, "\r\n\r\n")), Some(413));
    drop(endless);
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
