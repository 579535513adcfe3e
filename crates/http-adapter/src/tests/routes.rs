//! What holds for every path.

use super::house::{With, ask, ask_at, delete, get, request, setup};
use super::mocks::{Mocks, gated};
use crate::HttpConfig;
use crate::endpoint::Endpoint;
use actix_web::http::{Method, StatusCode};
use lethe_ports::outbound::Backlog;
use std::collections::BTreeSet;
use std::time::Duration;
use utoipa::openapi::path::PathItem;

/// Pages for people, which no program calls.
const PAGES: [&str; 5] = ["/docs", "/docs/", "/docs/{file}", "/problems", "/problems/{slug}"];
/// Of those, the ones that are in one spelling only.
const EXACT: [&str; 3] = ["/docs", "/docs/", "/docs/{file}"];

fn endpoints() -> Vec<Endpoint> {
    setup(HttpConfig::default(), Mocks::default()).endpoints()
}

fn described(item: &PathItem) -> Vec<&'static str> {
    let operations = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
        ("HEAD", &item.head),
        ("OPTIONS", &item.options),
        ("TRACE", &item.trace),
    ];
    operations.into_iter().filter(|(_, operation)| operation.is_some()).map(|(method, _)| method).collect()
}

#[test]
fn what_is_served_is_described_and_what_is_described_is_served() {
    let served: BTreeSet<_> = endpoints()
        .iter()
        .filter(|endpoint| !PAGES.contains(&endpoint.path()))
        .flat_map(|endpoint| endpoint.methods().map(|method| format!("{method} {}", endpoint.path())).collect::<Vec<_>>())
        .collect();
    let described: BTreeSet<_> =
        crate::openapi().paths.paths.iter().flat_map(|(path, item)| described(item).into_iter().map(move |method| format!("{method} {path}"))).collect();
    assert_eq!(served, described);
}

#[test]
fn the_description_is_the_same_every_time() {
    let json = || crate::openapi().to_pretty_json().unwrap();
    assert_eq!(json(), json());
}

#[test]
fn the_description_is_whole() {
    let document = serde_json::to_value(crate::openapi()).unwrap();
    let (mut references, mut ids) = (BTreeSet::new(), Vec::new());
    collect(&document, &mut references, &mut ids);
    for reference in &references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
    assert!(references.len() > 40 && ids.len() >= 44, "{references:?} {ids:?}");
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "each operation has a name of its own: {ids:?}");
}

/// Every reference and every operation's name below a node.
fn collect(node: &serde_json::Value, references: &mut BTreeSet<String>, ids: &mut Vec<String>) {
    for item in node.as_array().into_iter().flatten() {
        collect(item, references, ids);
    }
    for (name, member) in node.as_object().into_iter().flatten() {
        match (name.as_str(), member.as_str()) {
            ("$ref", Some(reference)) => drop(references.insert(reference.to_owned())),
            ("operationId", Some(id)) => ids.push(id.to_owned()),
            _ => collect(member, references, ids),
        }
    }
}

fn uri_of(endpoint: &Endpoint) -> String {
    endpoint.path().replace("{user_id}", "1").replace("{user}", "1").replace("{id}", "1").replace("{kind}", "discussion").replace("{slug}", "failed")
}

#[actix_web::test]
async fn both_spellings_of_a_path_are_the_same_and_none_leads_elsewhere() {
    for endpoint in endpoints().iter().filter(|endpoint| !EXACT.contains(&endpoint.path())) {
        let uri = uri_of(endpoint);
        let (with, without) = (format!("{}/", uri.trim_end_matches('/')), uri.trim_end_matches('/').to_owned());
        for uri in [format!("{with}?"), format!("{without}?a=b"), with, without] {
            let reply = ask(Mocks::default(), request("BREW".parse().unwrap(), &uri)).await;
            assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{uri}");
        }
    }
}

#[actix_web::test]
async fn other_methods_are_refused_with_a_list_of_those_that_are_not() {
    let table = [
        ("/api/v2/user/1/preference/", "GET, HEAD, POST, OPTIONS"),
        ("/api/v2/user/1/preference/1/", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/api/v2/user/me/", "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"),
        ("/api/v2/user/", "GET, HEAD, OPTIONS"),
        ("/api/v2/sso/signup/", "POST, OPTIONS"),
        ("/api/v2/post/1/vote/", "GET, HEAD, POST, OPTIONS"),
        ("/healthz", "GET, HEAD, OPTIONS"),
    ];
    for (uri, allow) in table {
        let reply = ask(Mocks::default(), request(Method::TRACE, uri).insert_header(("x-http-method-override", "GET")).by(1)).await;
        let body = r#"{"errors":[{"code":"method_not_allowed","message":"Method \"TRACE\" not allowed."}]}"#;
        assert_eq!((reply.status, reply.body.as_str(), reply.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, body, allow), "{uri}");
        let reply = ask(Mocks::default(), request(Method::OPTIONS, uri)).await;
        assert_eq!((reply.status, reply.body.as_str(), reply.header("allow")), (StatusCode::NO_CONTENT, "", allow), "{uri}");
    }
    let reply = ask(Mocks::default(), delete("/api/v2/user/1/preference/").by(1)).await;
    assert_eq!(reply.problem(), (405, "method_not_allowed".into()));
}

#[actix_web::test]
async fn where_nothing_is_nothing_is_found() {
    let long = format!("/api/v2/user/1/preference/{}/", "x".repeat(20_000));
    for uri in [
        "/",
        "/api/v2",
        "/api/v2/",
        "/api/v2/nothing/",
        "/api/v2/user//preference/",
        "/api/v2/posts/",
        "/api/v2/user/1/../1/preference/",
        "//",
        "/%2e%2e/",
        "/x",
    ] {
        let reply = ask(Mocks::default(), get(uri)).await;
        assert_eq!(reply.body, r#"{"errors":[{"code":"not_found","message":"Not found."}]}"#, "{uri}");
        assert_eq!((reply.status, reply.header("content-type")), (StatusCode::NOT_FOUND, "application/json"), "{uri}");
    }
    assert_eq!(ask(Mocks::default(), get(&long)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(ask(Mocks::default(), get(&format!("/{}", "x/".repeat(10_000)))).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_head_is_a_get() {
    let mut mocks = Mocks::default();
    mocks.health.expect_ready().once().return_once(|| Ok(Backlog::default()));
    assert_eq!(ask(mocks, request(Method::HEAD, "/readyz")).await.status, StatusCode::OK);
    assert_eq!(ask(Mocks::default(), request(Method::HEAD, "/api/v2/user/me/")).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn every_answer_has_the_requests_id() {
    let mut ids = BTreeSet::new();
    for uri in ["/healthz", "/api/v2/user/1/preference/", "/nowhere", "/settings/user", "/v1/users", "/problems"] {
        let own = ask(Mocks::default(), get(uri).insert_header(("x-request-id", "my-id_1.2:3"))).await;
        assert_eq!(own.header("x-request-id"), "my-id_1.2:3");
        for unfit in ["", "a b", "<script>", &"x".repeat(65)] {
            let reply = ask(Mocks::default(), get(uri).insert_header(("x-request-id", unfit))).await;
            assert_eq!(reply.header("x-request-id").len(), 36, "{unfit} {uri}");
            ids.insert(reply.header("x-request-id").to_owned());
        }
    }
    assert_eq!(ids.len(), 24, "each request has an id of its own");
}

#[actix_web::test]
async fn a_panic_is_an_answer() {
    for (uri, body) in [
        ("/api/v2/user/1/preference/1/", r#"{"errors":[{"code":"error","message":"A server error occurred."}]}"#),
        ("/settings/user", r#"{"success":false,"message":"Internal server error"}"#),
        ("/v1/users/1", r#"{"type":"/problems/failed","title":"Something is broken","status":500}"#),
    ] {
        // These mocks expect nothing, so they panic.
        let reply = ask(Mocks::default(), get(uri).by(1)).await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, body));
        assert!(!reply.header("x-request-id").is_empty());
    }
}

#[actix_web::test]
async fn a_request_has_its_time() {
    let config = HttpConfig { request_timeout: Duration::ZERO, ..HttpConfig::default() };
    let (services, _gate) = gated();
    let reply = ask_at(config, services, get("/settings/user").by(1)).await;
    assert_eq!((reply.status, reply.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "1"));
    assert_eq!(reply.body, r#"{"success":false,"message":"Service temporarily unavailable"}"#);
}
