//! What needs no token, and what every answer has.

use crate::common::raw::{exchange, status};
use crate::common::{Lethe, Store, on_both_stores};
use serde_json::json;

on_both_stores!(health_and_metrics);

fn health_and_metrics(store: Store) {
    let lethe = Lethe::start(store);
    let client = lethe.anonymous();
    for path in ["/healthz", "/readyz", "/healthz/", "/openapi.json", "/metrics"] {
        client.get(path).expect(200);
    }
    let ann = lethe.sign_up("ann");
    let secret = "a-key-that-is-nobodys-business";
    ann.prefer(secret, &json!(1));
    ann.client.get(&format!("{}?key={secret}", ann.preferences())).expect(200);
    client.get("/nowhere/at-all").expect(404);
    let metrics = client.get("/metrics").expect(200).text;
    let line = metrics.lines().find(|line| line.contains("/api/v2/user/{user_id}/preference/\"") && line.contains("POST") && line.contains("201"));
    assert!(line.is_some_and(|line| line.ends_with(" 1") || line.contains("bucket")), "{metrics}");
    assert!(!metrics.contains(secret) && !metrics.contains("nowhere"), "{metrics}");
}

#[test]
fn metrics_can_live_elsewhere() {
    let mut lethe = Lethe::install(Store::sqlite()).with("http.metrics_listen", "127.0.0.1:0");
    lethe.serve();
    lethe.anonymous().get("/metrics").expect(404);
    lethe.anonymous().get("/healthz").expect(200);
}

#[test]
fn every_answer_has_an_id() {
    let lethe = Lethe::start(Store::sqlite());
    let ids: Vec<_> = ["/healthz", "/api/v2/user/me/", "/nowhere", "/settings/user"]
        .into_iter()
        .map(|path| lethe.anonymous().get(path).header("x-request-id").unwrap_or_else(|| panic!("{path} has none")).to_owned())
        .collect();
    for (at, id) in ids.iter().enumerate() {
        assert!(!id.is_empty() && !ids[..at].contains(id), "{ids:?}");
    }
}

#[test]
fn browsers_of_allowed_origins_may_ask() {
    let mut lethe = Lethe::install(Store::sqlite()).with("http.cors_allowed_origins", "https://app.example.org");
    lethe.serve();
    let client = lethe.anonymous();
    let preflight = |origin: &str, method: &str| {
        let headers = [("origin", origin), ("access-control-request-method", method), ("access-control-request-headers", "authorization,content-type")];
        client.send("OPTIONS", "/api/v2/user/me/preference/", &headers, b"")
    };
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let answer = preflight("https://app.example.org", method);
        assert!((200..300).contains(&answer.status), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://app.example.org"));
        assert!(answer.header("access-control-allow-methods").unwrap().contains(method), "{answer:?}");
        let headers = answer.header("access-control-allow-headers").unwrap().to_lowercase();
        assert!(headers.contains("authorization") && headers.contains("content-type"), "{answer:?}");
        assert_eq!(preflight("https://evil.example.org", method).header("access-control-allow-origin"), None);
    }
    let refusal = client.send("GET", "/api/v2/user/me/", &[("origin", "https://app.example.org")], b"").expect(401);
    assert_eq!(refusal.header("access-control-allow-origin"), Some("https://app.example.org"), "a script must be able to read why");
}

#[test]
fn no_origin_is_allowed_unless_told_otherwise() {
    let lethe = Lethe::start(Store::sqlite());
    let answer = lethe.anonymous().send("GET", "/healthz", &[("origin", "https://app.example.org")], b"").expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn links_begin_with_the_public_address() {
    let mut lethe = Lethe::install(Store::sqlite()).with("http.public_url", "https://lethe.example.org/base/");
    lethe.serve();
    let (ann, _) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let page = ann.client.get("/api/v2/user/?limit=1").body(200);
    assert_eq!(page["next"], "https://lethe.example.org/base/api/v2/user/?limit=1&offset=1");

    let lethe = Lethe::start(Store::sqlite());
    let (ann, _) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    for (target, host, expected) in [
        ("/api/v2/user?limit=1&search=", "here.example:81", "http://here.example:81/api/v2/user?"),
        ("http://there.example/api/v2/user/?limit=1", "here.example", "http://there.example/api/v2/user/?"),
    ] {
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n",
            ann.token
        );
        let answer = exchange(lethe.address(), request.as_bytes());
        assert_eq!(status(&answer), Some(200), "{answer}");
        assert!(answer.contains(&format!("\"next\":\"{expected}")), "{answer}");
    }
}
