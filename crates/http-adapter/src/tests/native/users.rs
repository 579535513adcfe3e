//! Adding users, and looking at them.

use super::{ann, assert_shows, erased, user};
use crate::tests::house::{With, ask, get, now, post};
use crate::tests::mocks::Mocks;
use actix_web::http::StatusCode;
use lethe_domain::profile::NewUser;
use lethe_domain::{AccountState, Email, ExtId, LiveState, Profile, Timestamp, UserId, UserStatus, Username};
use mockall::predicate::{always, eq};

const ANN: &str = r#""id":1,"username":"ann","ext_id":"x1","real_name":"Ann","email":"ann@example.org","role":"editor","#;
const NOW: &str = "2026-01-01T00:00:00.123456Z";

fn ann_as(status: &str) -> String {
    format!(r#"{ANN}"status":"{status}","created_at":"{NOW}""#)
}

#[actix_web::test]
async fn one_sees_oneself_and_admins_see_how_it_ends() {
    let soft = |purge_at| AccountState::SoftDeleted { at: now(), purge_at, was: LiveState::Active };
    let table = [
        (AccountState::Live(LiveState::Active), "active", r#""deleted_at":null,"purge_at":null,"erased_at":null"#.to_owned()),
        (AccountState::Live(LiveState::Blocked), "blocked", r#""deleted_at":null,"purge_at":null,"erased_at":null"#.to_owned()),
        (soft(None), "deleted", format!(r#""deleted_at":"{NOW}","purge_at":null,"erased_at":null"#)),
        (soft(Some(Timestamp::EPOCH)), "deleted", format!(r#""deleted_at":"{NOW}","purge_at":"1970-01-01T00:00:00.000000Z","erased_at":null"#)),
    ];
    for (state, status, end) in table {
        let showing = || {
            let mut mocks = Mocks::default();
            mocks.accounts.expect_show().with(always(), eq(UserId::new(1))).once().return_once(move |_, _| Ok(user(1, state)));
            mocks
        };
        assert_shows(&ask(showing(), get("/v1/users/1").by_admin()).await, &format!("{{{},{end}}}", ann_as(status)));
        for uri in ["/v1/users/1", "/v1/users/me", "/v1/users/me/"] {
            assert_shows(&ask(showing(), get(uri).by(1)).await, &format!("{{{}}}", ann_as(status)));
        }
    }
}

#[actix_web::test]
async fn the_list_has_those_who_are_there_unless_others_are_asked_for() {
    let table = [
        ("", vec![UserStatus::Active, UserStatus::Blocked]),
        ("?status=active", vec![UserStatus::Active]),
        ("?status=blocked", vec![UserStatus::Blocked]),
        ("?status=deleted", vec![UserStatus::SoftDeleted]),
        ("?status=erased", vec![UserStatus::Erased]),
    ];
    for (query, statuses) in table {
        let mut mocks = Mocks::default();
        let is_asked = move |_: &_, asked: &[UserStatus], after: &Option<UserId>, limit: &u32| asked == statuses && after.is_none() && *limit == 21;
        mocks.accounts.expect_walk().withf(is_asked).once().return_once(|_, _, _, _| Ok(vec![ann(), erased(2)]));
        let reply = ask(mocks, get(&format!("/v1/users{query}")).by_admin()).await;
        let alive = format!(r#"{{{},"deleted_at":null,"purge_at":null,"erased_at":null}}"#, ann_as("active"));
        let gone = format!(
            r#"{{"id":2,"username":null,"ext_id":null,"real_name":null,"email":null,"role":null,"status":"erased","created_at":null,"deleted_at":null,"purge_at":null,"erased_at":"{NOW}"}}"#
        );
        assert_shows(&reply, &format!(r#"{{"items":[{alive},{gone}],"next":null}}"#));
    }
}

#[actix_web::test]
async fn an_admin_adds_users() {
    let new = |ext: Option<&str>, real_name: &str, mail: Option<&str>| NewUser {
        username: Username::from_store("ann".into()),
        ext_id: ext.map(|id| ExtId::from_store(id.into())),
        profile: Profile { real_name: real_name.into(), email: mail.map(|mail| Email::from_store(mail.into())), ..Profile::new(Timestamp::EPOCH) },
    };
    let table = [
        (r#"{"username":"ann"}"#, new(None, "", None)),
        (r#"{"username":" ann ","ext_id":null,"real_name":null,"email":null,"role":"admin","unknown":[]}"#, new(None, "", None)),
        (r#"{"username":"ann","ext_id":"x1","real_name":"Ann","email":"ann@example.org"}"#, new(Some("x1"), "Ann", Some("ann@example.org"))),
        (r#"{"username":"bob","username":"ann"}"#, new(None, "", None)),
    ];
    for (body, expected) in table {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_create().with(always(), eq(expected)).once().return_once(|_, _| Ok(ann()));
        let reply = ask(mocks, post("/v1/users").by_admin().with_json(body)).await;
        let shown = format!(r#"{{{},"deleted_at":null,"purge_at":null,"erased_at":null}}"#, ann_as("active"));
        assert_eq!((reply.status, reply.body, reply.headers.get("location").unwrap()), (StatusCode::CREATED, shown, &"/v1/users/1".parse().unwrap()), "{body}");
    }
}
