//! Calls from pages of other origins.

use super::house::{Reply, ask_at, get, request};
use super::mocks::Mocks;
use crate::HttpConfig;
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;

const LIST: &str = "/api/v2/user/1/preference/";

async fn ask(origins: &[&str], request: TestRequest) -> Reply {
    let config = HttpConfig { cors_allowed_origins: origins.iter().map(ToString::to_string).collect(), ..HttpConfig::default() };
    ask_at(config, Mocks::default(), request).await
}

fn preflight(origin: &str, method: &str) -> TestRequest {
    request(Method::OPTIONS, LIST)
        .insert_header(("origin", origin))
        .insert_header(("access-control-request-method", method.to_owned()))
        .insert_header(("access-control-request-headers", "authorization, content-type, if-match, if-none-match, prefer"))
}

#[actix_web::test]
async fn a_page_of_an_allowed_origin_may_call() {
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let reply = ask(&["https://a.test", "https://b.test"], preflight("https://b.test", method)).await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (StatusCode::OK, "https://b.test"));
        assert!(reply.header("access-control-allow-methods").contains(method));
        assert!(!reply.header("access-control-max-age").is_empty() && !reply.header("x-request-id").is_empty());
        let headers = reply.header("access-control-allow-headers").to_ascii_lowercase();
        for header in ["authorization", "content-type", "if-match", "if-none-match", "prefer"] {
            assert!(headers.contains(header), "{headers}");
        }
    }
}

#[actix_web::test]
async fn refusals_can_be_read_by_the_page_too() {
    for uri in [LIST, "/nowhere", "/settings/user", "/v1/users"] {
        let reply = ask(&["*"], get(uri).insert_header(("origin", "https://a.test"))).await;
        assert!([StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND].contains(&reply.status));
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        let exposed = reply.header("access-control-expose-headers").to_ascii_lowercase();
        for header in ["x-request-id", "retry-after", "etag", "location", "preference-applied"] {
            assert!(exposed.contains(header), "{exposed}");
        }
    }
}

#[actix_web::test]
async fn a_page_of_another_origin_may_not() {
    assert_eq!(ask(&["https://a.test"], preflight("https://b.test", "GET")).await.header("access-control-allow-origin"), "");
    let reply = ask(&["https://a.test"], get(LIST).insert_header(("origin", "https://b.test"))).await;
    assert_eq!((reply.status, reply.header("access-control-allow-origin")), (StatusCode::UNAUTHORIZED, ""));
}

#[actix_web::test]
async fn without_origins_there_are_no_such_headers() {
    let reply = ask(&[], preflight("https://a.test", "GET")).await;
    assert_eq!((reply.status, reply.header("allow")), (StatusCode::NO_CONTENT, "GET, HEAD, POST, OPTIONS"));
    let plain = ask(&[], get(LIST).insert_header(("origin", "https://a.test"))).await;
    for reply in [reply, plain] {
        assert!(!reply.headers.keys().any(|name| name.as_str().starts_with("access-control")), "{reply:?}");
    }
}
