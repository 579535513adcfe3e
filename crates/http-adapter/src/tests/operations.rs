//! The pages that are always there.

use super::house::{With, ask, ask_at, get, post};
use super::mocks::Mocks;
use crate::HttpConfig;
use actix_web::http::StatusCode;
use lethe_ports::outbound::{Backlog, StoreError};

#[actix_web::test]
async fn the_process_is_up_whatever_the_store_says() {
    let reply = ask(Mocks::default(), get("/healthz")).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, r#"{"status":"ok"}"#));
}

#[actix_web::test]
async fn readiness_is_the_stores() {
    let failed = StoreError::Unavailable("no route to host".into());
    let backlog = Backlog { open_erasures: 1, blocked_erasures: 2, failed_erasures: 3, overdue_purges: 4, pending_deliveries: 5, failed_deliveries: 6 };
    let ready = r#"{"status":"ok","backlog":{"open_erasures":1,"blocked_erasures":2,"failed_erasures":3,"overdue_purges":4,"pending_deliveries":5,"failed_deliveries":6}}"#;
    for (answer, status, body) in [(Ok(backlog), StatusCode::OK, ready), (Err(failed), StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unavailable"}"#)] {
        let mut mocks = Mocks::default();
        mocks.health.expect_ready().once().return_once(|| answer);
        let reply = ask(mocks, get("/readyz")).await;
        assert_eq!((reply.status, reply.body.as_str()), (status, body));
    }
}

#[actix_web::test]
async fn requests_are_counted_by_route_method_and_status() {
    ask(Mocks::default(), get("/api/v2/user/12345/preference/?key=hidden")).await;
    ask(Mocks::default(), get("/nowhere/secret")).await;
    ask(Mocks::default(), super::house::request("BREW".parse().unwrap(), "/healthz")).await;
    let reply = ask(Mocks::default(), get("/metrics")).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.header("content-type").starts_with("text/plain"));
    for line in [
        r#"lethe_http_requests_total{route="/api/v2/user/{user_id}/preference/",method="GET",status="401"}"#,
        r#"lethe_http_requests_total{route="unmatched",method="GET",status="404"}"#,
        r#"lethe_http_requests_total{route="/healthz",method="other",status="405"}"#,
        "lethe_http_request_duration_seconds",
        "lethe_http_requests_in_flight",
    ] {
        assert!(reply.body.contains(line), "{line} is not in {}", reply.body);
    }
    for text in ["12345", "hidden", "secret", "BREW"] {
        assert!(!reply.body.contains(text), "{text}");
    }
}

#[actix_web::test]
async fn metrics_with_an_address_of_their_own_are_nowhere_else() {
    let config = HttpConfig { metrics_listen: Some("127.0.0.1:0".into()), ..HttpConfig::default() };
    assert_eq!(ask_at(config, Mocks::default(), get("/metrics")).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn the_api_describes_itself() {
    let reply = ask(Mocks::default(), get("/openapi.json")).await;
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, "application/json"));
    assert_eq!(reply.body, crate::openapi().to_json().unwrap());
    assert_eq!(ask(Mocks::default(), post("/openapi.json").by(1)).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[actix_web::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let reply = ask(Mocks::default(), get("/docs")).await;
    assert_eq!((reply.status, reply.header("location")), (StatusCode::PERMANENT_REDIRECT, "docs/"));
    let page = ask(Mocks::default(), get("/docs/")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(!page.body.contains("http://") && !page.body.contains("https://"), "{}", page.body);
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        assert_eq!(ask(Mocks::default(), get(&format!("/docs/{file}"))).await.status, StatusCode::OK, "{file}");
    }
    assert!(ask(Mocks::default(), get("/docs/swagger-initializer.js")).await.body.contains("../openapi.json"));
    assert_eq!(ask(Mocks::default(), get("/docs/nothing.js")).await.status, StatusCode::NOT_FOUND);
}
