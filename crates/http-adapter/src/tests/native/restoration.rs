//! Taking a soft delete back.

use super::assert_shows;
use crate::tests::house::{With, ask, now, post, signing_key, ticket};
use crate::tests::mocks::Mocks;
use crate::tokens::issue_ticket;
use lethe_domain::UserId;
use lethe_ports::Errand;
use lethe_ports::inbound::{AccessError, Bearer, Restoration};
use std::time::Duration;

fn errand(user: i64) -> Errand {
    Errand::Restore { user: UserId::new(user), epoch: 3 }
}

#[actix_web::test]
async fn a_ticket_and_an_admin_bring_an_account_back() {
    for (restoration, shown) in [(Restoration::Restored, r#"{"restored":true}"#), (Restoration::WasNotDeleted, r#"{"restored":false}"#)] {
        for uri in ["/v1/users/5/restore", "/v1/users/me/restore", "/v1/users/me/restore/"] {
            let mut mocks = Mocks::default();
            let is_asked = |bearer: &Bearer, user: &UserId| matches!(bearer, Bearer::Ticket(ticket) if ticket.errand == errand(5)) && user.get() == 5;
            mocks.life_cycle.expect_restore().withf(is_asked).once().return_once(move |_, _| Ok(restoration));
            assert_shows(&ask(mocks, post(uri).bearing(&ticket(errand(5)))).await, shown);
        }
        let mut mocks = Mocks::default();
        let is_asked = |bearer: &Bearer, user: &UserId| matches!(bearer, Bearer::Caller(caller) if caller.actor.admin) && user.get() == 5;
        mocks.life_cycle.expect_restore().withf(is_asked).once().return_once(move |_, _| Ok(restoration));
        assert_shows(&ask(mocks, post("/v1/users/5/restore").by_admin().with("text/plain", "whatever")).await, shown);
    }
}

/// Whatever has become of the account by then: no use case is asked.
#[actix_web::test]
async fn a_ticket_whose_time_is_over_is_not_honoured() {
    let ended = issue_ticket(&signing_key(), errand(5), now().before(Duration::from_mins(1)), now().before(Duration::from_hours(1))).unwrap();
    for uri in ["/v1/users/5/restore", "/v1/users/me/restore", "/v1/users/x/restore"] {
        assert_eq!(ask(Mocks::default(), post(uri).bearing(&ended)).await.native_problem(), (401, "token-invalid".into()), "{uri}");
    }
}

#[actix_web::test]
async fn a_ticket_is_good_for_nothing_that_cannot_be_named() {
    for uri in ["/v1/users/05/restore", "/v1/users/x/restore"] {
        let reply = ask(Mocks::default(), post(uri).bearing(&ticket(errand(5)))).await;
        assert_eq!(reply.native_problem(), (403, "forbidden".into()), "{uri}");
        for (answer, problem) in [(Ok(()), (404, "user-not-found")), (Err(AccessError::Forbidden), (403, "forbidden"))] {
            let mut mocks = Mocks::default();
            mocks.access.expect_check_act().once().return_once(|_, _| answer);
            assert_eq!(ask(mocks, post(uri).by(1)).await.native_problem(), (problem.0, problem.1.to_owned()));
        }
    }
}
