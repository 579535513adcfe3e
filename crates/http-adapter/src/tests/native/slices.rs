//! Lists: their parts, and the cursors that lead from one to the next.

use super::erased;
use crate::tests::house::{Reply, With, ask, get};
use crate::tests::mocks::Mocks;
use lethe_domain::UserId;

const LISTS: [&str; 4] = ["/v1/users", "/v1/erasures", "/v1/audit", "/v1/webhooks/deliveries"];

/// Users `from` and after, as a store would find them.
async fn ask_users(query: &str, after: Option<i64>, limit: u32, found: Vec<i64>) -> serde_json::Value {
    let mut mocks = Mocks::default();
    let is_asked = move |_: &_, _: &[_], asked_after: &Option<UserId>, asked_limit: &u32| *asked_after == after.map(UserId::new) && *asked_limit == limit;
    mocks.accounts.expect_walk().withf(is_asked).once().return_once(move |_, _, _, _| Ok(found.into_iter().map(erased).collect()));
    let reply = ask(mocks, get(&format!("/v1/users{query}")).by_admin()).await;
    serde_json::from_str(&reply.body).unwrap_or_else(|_| panic!("{reply:?}"))
}

fn ids(list: &serde_json::Value) -> Vec<i64> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

#[actix_web::test]
async fn a_cursor_leads_to_what_follows() {
    let first = ask_users("?limit=2", None, 3, vec![1, 2, 3]).await;
    assert_eq!((ids(&first), first["next"].as_str()), (vec![1, 2], Some("2")), "what shows that there is more is not shown");
    let second = ask_users("?limit=2&cursor=2", Some(2), 3, vec![3, 4]).await;
    assert_eq!((ids(&second), &second["next"]), (vec![3, 4], &serde_json::Value::Null));
    let nothing = ask_users("?cursor=9223372036854775807", Some(i64::MAX), 21, vec![]).await;
    assert_eq!((ids(&nothing), &nothing["next"]), (vec![], &serde_json::Value::Null));
    for (query, limit) in [("", 21), ("?limit=1", 2), ("?limit=100", 101)] {
        ask_users(query, None, limit, vec![1]).await;
    }
}

async fn refuse(uri: &str) -> Reply {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
    ask(mocks, get(uri).by_admin()).await
}

#[actix_web::test]
async fn a_part_that_cannot_be_meant_is_refused() {
    for list in LISTS {
        for limit in ["0", "101", "-1", "+1", "01", "1.0", "1e1", "x", "", "%20", "1%20", "%EF%BC%91", "4294967297"] {
            assert_eq!(refuse(&format!("{list}?limit={limit}")).await.native_problem(), (400, "malformed-query, limit: invalid".into()), "{list} {limit}");
        }
        for cursor in ["0", "-1", "01", "x", "", "1.5", "9223372036854775808", "%00", "1%20"] {
            assert_eq!(refuse(&format!("{list}?cursor={cursor}")).await.native_problem(), (400, "malformed-query, cursor: invalid".into()), "{list} {cursor}");
        }
        let reply = refuse(&format!("{list}?cursor=1&limit=5&cursor=1&limit=x")).await;
        assert_eq!(reply.native_problem(), (400, "malformed-query, limit: repeated, cursor: repeated".into()), "{list}");
    }
}

#[actix_web::test]
async fn a_filter_that_cannot_be_meant_is_refused() {
    let table = [
        ("/v1/users", "status", &["a", "Active", "", "soft_deleted", "active,blocked"] as &[&str]),
        ("/v1/erasures", "state", &["", "open", "Done", "pending"]),
        ("/v1/audit", "action", &["", "user.eaten", "USER.CREATED"]),
        ("/v1/audit", "subject", &["", "0", "me", "01", "x"]),
        ("/v1/webhooks/deliveries", "state", &["", "done", "queued"]),
    ];
    for (list, name, texts) in table {
        for text in texts {
            assert_eq!(refuse(&format!("{list}?{name}={text}")).await.native_problem(), (400, format!("malformed-query, {name}: invalid")), "{list} {text}");
        }
    }
    let reply = refuse("/v1/audit?subject=x&action=y&limit=z&cursor=-").await;
    assert_eq!(reply.native_problem(), (400, "malformed-query, subject: invalid, action: invalid, limit: invalid, cursor: invalid".into()));
    let reply = refuse("/v1/users?limit=0").await;
    let said = r#"{"type":"/problems/malformed-query","title":"The query is malformed","status":400,"errors":[{"parameter":"limit","code":"invalid","detail":"Give a number from 1 to 100."}]}"#;
    assert_eq!(reply.body, said);
}
