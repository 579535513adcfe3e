//! The pages on problems.

use crate::native::problems;
use crate::tests::house::{Reply, ask, get, post};
use crate::tests::mocks::Mocks;
use actix_web::http::StatusCode;

fn assert_is_page(reply: &Reply) {
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    assert_eq!(reply.header("content-security-policy"), "default-src 'none'; style-src 'unsafe-inline'");
    assert!(reply.body.starts_with("<!doctype html>") && reply.body.contains("prefers-color-scheme"), "{}", reply.body);
    for outside in ["http:", "https:", "src=", "<script", "url(", "@import"] {
        assert!(!reply.body.contains(outside), "{outside} in {}", reply.body);
    }
}

#[actix_web::test]
async fn each_problem_has_a_page() {
    let list = ask(Mocks::default(), get("/problems")).await;
    assert_is_page(&list);
    assert_eq!(list.body.matches("href=\"/problems/").count(), problems().len());
    for (slug, status, title) in problems() {
        assert!(list.body.contains(&format!("<a href=\"/problems/{slug}\">{title}</a>")), "{slug}");
        for uri in [format!("/problems/{slug}"), format!("/problems/{slug}/"), format!("/problems/{slug}?x=%3Cscript%3E")] {
            let page = ask(Mocks::default(), get(&uri)).await;
            assert_is_page(&page);
            assert!(page.body.contains(&format!("<h1>{title}</h1>")) && page.body.contains(&format!(">{status} ")), "{}", page.body);
            assert!(page.body.contains("What happened") && page.body.contains("What to do"), "{}", page.body);
        }
    }
}

#[actix_web::test]
async fn nothing_else_has_one() {
    for slug in ["x", "Forbidden", "forbidden%00", "%3Cscript%3E", "forbidden/x", "..", "."] {
        let reply = ask(Mocks::default(), get(&format!("/problems/{slug}"))).await;
        assert_eq!(reply.native_problem(), (404, "not-found".into()), "{slug}");
        assert!(!reply.body.contains("script"), "{}", reply.body);
    }
    assert_eq!(ask(Mocks::default(), post("/problems/forbidden")).await.native_problem(), (405, "method-not-allowed".into()));
}

#[test]
fn the_table_is_fit_for_pages() {
    let slugs: std::collections::BTreeSet<_> = problems().iter().map(|(slug, ..)| *slug).collect();
    assert_eq!(slugs.len(), problems().len(), "each slug is one problem's");
    for slug in slugs {
        assert!(slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{slug}");
    }
}
