//! Ids, paths and methods that are no good: each gets 404 or 405 in the dialect's form, and nothing happens.

use crate::common::raw::{assert_refusal, exchange, status};
use crate::common::{Lethe, Store, User, on_both_stores};
use serde_json::json;

on_both_stores!(ids_that_are_none, bodies_for_what_is_not_there, paths_that_lead_nowhere, methods_that_are_not_there);

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
