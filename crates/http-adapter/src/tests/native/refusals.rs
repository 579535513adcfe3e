//! Who may ask, and what is said first to whoever may not.

use crate::tests::house::{With, ask, delete, get, post, request, ticket};
use crate::tests::mocks::Mocks;
use actix_web::http::Method;
use actix_web::test::TestRequest;
use lethe_domain::{Audience, Operation, UserId};
use lethe_ports::Errand;
use lethe_ports::inbound::AccessError;
use mockall::predicate::eq;

/// Requests that are in bad form, and what is looked at before that is said.
fn misshapen() -> Vec<(TestRequest, Operation, Audience)> {
    let two = Audience::Owner(UserId::new(2));
    vec![
        (post("/v1/users").with_json("{"), Operation::Create, Audience::Admins),
        (post("/v1/users").with_json("{}"), Operation::Create, Audience::Admins),
        (post("/v1/users").with("text/plain", "x"), Operation::Create, Audience::Admins),
        (post("/v1/users").insert_header(("content-encoding", "gzip")).with_json("{}"), Operation::Create, Audience::Admins),
        (get("/v1/users?limit=0"), Operation::Read, Audience::Admins),
        (get("/v1/users?status=x"), Operation::Read, Audience::Admins),
        (get("/v1/users/02"), Operation::Read, Audience::Admins),
        (delete("/v1/users/x?mode=soft"), Operation::Delete, Audience::Admins),
        (delete("/v1/users/2"), Operation::Delete, two),
        (delete("/v1/users/2?mode=soft").insert_header(("if-match", "x")), Operation::Delete, two),
        (get("/v1/users/2/deletion-plan"), Operation::Read, two),
        (get("/v1/users/0/deletion-plan?mode=soft"), Operation::Read, Audience::Admins),
        (post("/v1/users/x/restore"), Operation::Update, Audience::Admins),
        (post("/v1/users/x/holds").with_json("{}"), Operation::Create, Audience::Admins),
        (post("/v1/users/2/holds").with_json("{}"), Operation::Create, Audience::Admins),
        (get("/v1/users/x/holds"), Operation::Read, Audience::Admins),
        (delete("/v1/users/2/holds/x"), Operation::Delete, Audience::Admins),
        (get("/v1/erasures/x"), Operation::Read, Audience::Admins),
        (get("/v1/erasures?state=x"), Operation::Read, Audience::Admins),
        (get("/v1/audit?action=x"), Operation::Read, Audience::Admins),
        (get("/v1/webhooks/deliveries?state=x"), Operation::Read, Audience::Admins),
        (post("/v1/webhooks/deliveries/x/retry"), Operation::Update, Audience::Admins),
    ]
}

#[actix_web::test]
async fn who_may_not_is_told_so_before_anything_about_the_form_of_the_request() {
    let table = [
        (AccessError::CallerGone, (401, "token-invalid")),
        (AccessError::Forbidden, (403, "forbidden")),
        (AccessError::NoSuchUser, (404, "user-not-found")),
        (AccessError::UserErased, (410, "user-erased")),
    ];
    for (error, (status, slug)) in table {
        for (request, operation, audience) in misshapen() {
            let mut mocks = Mocks::default();
            let error = error.clone();
            mocks.access.expect_check_act().with(eq(operation), eq(audience)).once().return_once(|_, _| Err(error));
            assert_eq!(ask(mocks, request.by(1)).await.native_problem(), (status, slug.to_owned()), "{operation:?} {audience:?}");
        }
    }
}

#[actix_web::test]
async fn who_may_is_told_what_is_wrong_with_the_form() {
    for (request, operation, audience) in misshapen() {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
        mocks.holds.expect_list().returning(|_, _| Ok(vec![]));
        let (status, slug) = ask(mocks, request.by(1)).await.native_problem();
        assert!([400, 404, 415, 422].contains(&status), "{operation:?} {audience:?} {slug}");
    }
}

#[actix_web::test]
async fn nobody_is_told_to_say_who_they_are() {
    let paths = ["/v1/users", "/v1/users/me", "/v1/erasures/1", "/v1/audit?limit=0"];
    for path in paths {
        let nobody = ask(Mocks::default(), get(path)).await;
        assert_eq!(nobody.native_problem(), (401, "not-authenticated".into()), "{path}");
        assert_eq!(nobody.header("www-authenticate"), "Bearer realm=\"api\"");
        let unknown = ask(Mocks::default(), get(path).bearing("x")).await;
        assert_eq!((unknown.native_problem(), unknown.header("www-authenticate")), ((401, "token-invalid".into()), "Bearer realm=\"api\""), "{path}");
    }
}

/// A ticket is nobody's token, whatever it is good for.
#[actix_web::test]
async fn tickets_open_nothing_else() {
    let user = UserId::new(1);
    for errand in [Errand::Restore { user, epoch: 1 }, Errand::FollowErasure { user }] {
        for (method, uri) in [
            (Method::GET, "/v1/users/1"),
            (Method::GET, "/v1/users/me"),
            (Method::DELETE, "/v1/users/1?mode=hard"),
            (Method::GET, "/v1/users/1/deletion-plan?mode=hard"),
            (Method::GET, "/v1/users/1/holds"),
            (Method::GET, "/v1/erasures"),
            (Method::GET, "/v1/audit"),
            (Method::POST, "/v1/users"),
        ] {
            let reply = ask(Mocks::default(), request(method.clone(), uri).bearing(&ticket(errand))).await;
            assert_eq!(reply.native_problem(), (401, "token-invalid".into()), "{method} {uri}");
        }
    }
}
