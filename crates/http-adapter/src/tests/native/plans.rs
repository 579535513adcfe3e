//! What a deletion would do.

use super::assert_shows;
use crate::tests::house::{With, ask, get};
use crate::tests::mocks::Mocks;
use actix_web::http::StatusCode;
use lethe_domain::account::DeletionMode;
use lethe_domain::manifest::ContentKind;
use lethe_domain::plan::{DeletionPlan, PlanVersion, Planned};
use lethe_domain::profile::UniqueName;
use lethe_domain::{HoldId, UserId};
use mockall::predicate::{always, eq};

fn planning(mode: DeletionMode) -> Mocks {
    let kinds = [ContentKind::Posts, ContentKind::VotesCast].map(|kind| Planned { kind, count: 3, fate: kind.fate(mode) }).to_vec();
    let (frees, blockers) = (vec![UniqueName::Username, UniqueName::ExtId], vec![HoldId::new(9)]);
    let plan = DeletionPlan { mode, kinds, frees, blockers, version: PlanVersion::from_client("hard-a-0-3.3-9".into()) };
    let mut mocks = Mocks::default();
    mocks.life_cycle.expect_deletion_plan().with(always(), eq(UserId::new(1)), eq(mode)).once().return_once(|_, _, _| Ok(plan));
    mocks
}

#[actix_web::test]
async fn a_plan_counts_and_has_a_name() {
    for (mode, fate) in [(DeletionMode::Hard, "removed"), (DeletionMode::Soft, "kept")] {
        for user in ["1", "me"] {
            let reply = ask(planning(mode), get(&format!("/v1/users/{user}/deletion-plan?mode={}", mode.name())).by(1)).await;
            let kinds = format!(r#"{{"kind":"posts","count":3,"fate":"{fate}"}},{{"kind":"votes_cast","count":3,"fate":"{fate}"}}"#);
            let rest = r#""frees":["username","ext_id"],"blockers":[{"kind":"hold","id":9}]"#;
            assert_shows(&reply, &format!(r#"{{"mode":"{}","kinds":[{kinds}],{rest}}}"#, mode.name()));
            assert_eq!(reply.header("etag"), r#""hard-a-0-3.3-9""#);
        }
    }
}

#[actix_web::test]
async fn a_plan_that_is_known_is_not_shown_again() {
    let asked = |known: &str| get("/v1/users/1/deletion-plan?mode=hard").insert_header(("if-none-match", known.to_owned())).by(1);
    for known in [r#""hard-a-0-3.3-9""#, r#"W/"hard-a-0-3.3-9""#, "*", r#""x", "hard-a-0-3.3-9""#] {
        let reply = ask(planning(DeletionMode::Hard), asked(known)).await;
        assert_eq!((reply.status, reply.body.as_str(), reply.header("etag")), (StatusCode::NOT_MODIFIED, "", r#""hard-a-0-3.3-9""#), "{known}");
    }
    for other in [r#""hard-a-0-3.4-9""#, "hard-a-0-3.3-9", ""] {
        assert_eq!(ask(planning(DeletionMode::Hard), asked(other)).await.status, StatusCode::OK, "{other}");
    }
}

#[actix_web::test]
async fn a_plan_has_a_mode() {
    for (query, code) in [("", "required"), ("?mode=both", "invalid"), ("?mode=soft&mode=hard", "repeated")] {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
        let reply = ask(mocks, get(&format!("/v1/users/1/deletion-plan{query}")).by(1)).await;
        assert_eq!(reply.native_problem(), (400, format!("malformed-query, mode: {code}")), "{query}");
    }
}
