//! How far erasures are.

use super::assert_shows;
use crate::tests::house::{With, ask, get, now, ticket, token};
use crate::tests::mocks::Mocks;
use lethe_domain::erasure::{Chunk, Step, StepState};
use lethe_domain::{ContentKind, Erasure, ErasureCursor, ErasureState, UserId};
use lethe_ports::Errand;
use lethe_ports::inbound::{AccessError, Bearer};
use std::time::Duration;

fn erasure(user: i64) -> Erasure {
    let mut erasure = Erasure::begin(UserId::new(user), 4, None, now());
    erasure.steps.truncate(2);
    let later = now().after(Duration::from_secs(2));
    erasure.record(Chunk { rows: 10, cursor: ErasureCursor::START }, 10, later);
    Erasure { state: ErasureState::Running, attempts: 1, last_error: Some("why".into()), ..erasure }
}

fn shown(user: i64) -> String {
    let steps = r#"{"kind":"reservations","total":null,"done":10,"state":"running"},{"kind":"profile","total":null,"done":0,"state":"queued"}"#;
    format!(
        r#"{{"id":{user},"user_id":{user},"state":"running","requested_at":"2026-01-01T00:00:00.123456Z","finished_at":null,"steps":[{steps}],"rows_per_second":5,"attempts":1,"last_error":"why"}}"#
    )
}

#[actix_web::test]
async fn an_erasure_is_shown_to_admins_and_to_whoever_has_its_ticket() {
    let errand = Errand::FollowErasure { user: UserId::new(5) };
    let bearers = [(ticket(errand), true), (token(99, true), false)];
    for (token, is_ticket) in bearers {
        let mut mocks = Mocks::default();
        mocks
            .life_cycle
            .expect_erasure()
            .withf(move |bearer, user| matches!(bearer, Bearer::Ticket(_)) == is_ticket && user.get() == 5)
            .once()
            .return_once(|_, _| Ok(erasure(5)));
        let reply = ask(mocks, get("/v1/erasures/5").bearing(&token)).await;
        assert_shows(&reply, &shown(5));
        assert_eq!(reply.header("cache-control"), "no-store");
    }
}

#[actix_web::test]
async fn what_can_be_no_id_is_not_found_by_those_who_may_look() {
    for id in ["0", "05", "me", "x"] {
        let reply = ask(Mocks::default(), get(&format!("/v1/erasures/{id}")).bearing(&ticket(Errand::FollowErasure { user: UserId::new(5) }))).await;
        assert_eq!(reply.native_problem(), (403, "forbidden".into()), "{id}");
        for (answer, problem) in [(Ok(()), (404, "not-found")), (Err(AccessError::Forbidden), (403, "forbidden"))] {
            let mut mocks = Mocks::default();
            mocks.access.expect_check_act().once().return_once(|_, _| answer);
            assert_eq!(ask(mocks, get(&format!("/v1/erasures/{id}")).by(1)).await.native_problem(), (problem.0, problem.1.to_owned()));
        }
    }
}

#[actix_web::test]
async fn erasures_are_listed_by_state() {
    for (query, states) in [("", ErasureState::ALL.to_vec()), ("&state=blocked", vec![ErasureState::Blocked]), ("&state=done", vec![ErasureState::Done])] {
        let mut mocks = Mocks::default();
        let is_asked =
            move |_: &_, asked: &[ErasureState], after: &Option<UserId>, limit: &u32| asked == states && *after == Some(UserId::new(4)) && *limit == 2;
        mocks.life_cycle.expect_erasures().withf(is_asked).once().return_once(|_, _, _, _| Ok(vec![erasure(5), erasure(6)]));
        let reply = ask(mocks, get(&format!("/v1/erasures?limit=1&cursor=4{query}")).by_admin()).await;
        assert_shows(&reply, &format!(r#"{{"items":[{}],"next":"5"}}"#, shown(5)));
        assert_eq!(reply.header("cache-control"), "no-store");
    }
}

#[actix_web::test]
async fn small_accounts_are_erased_at_once() {
    let step = |kind| Step { kind, total: Some(1), done: 1, cursor: ErasureCursor::START, state: StepState::Done };
    let done = Erasure {
        state: ErasureState::Done,
        finished_at: Some(now()),
        steps: vec![step(ContentKind::Posts)],
        ..Erasure::begin(UserId::new(5), 1, None, now())
    };
    let mut mocks = Mocks::default();
    mocks.life_cycle.expect_erasure().once().return_once(|_, _| Ok(done));
    let reply = ask(mocks, get("/v1/erasures/5/").by_admin()).await;
    let steps = r#"{"kind":"posts","total":1,"done":1,"state":"done"}"#;
    let times = r#""requested_at":"2026-01-01T00:00:00.123456Z","finished_at":"2026-01-01T00:00:00.123456Z""#;
    assert_shows(&reply, &format!(r#"{{"id":5,"user_id":5,"state":"done",{times},"steps":[{steps}],"rows_per_second":null,"attempts":0,"last_error":null}}"#));
}
