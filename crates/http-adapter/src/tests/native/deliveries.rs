//! Events on their way.

use super::assert_shows;
use crate::tests::house::{With, ask, get, now, post};
use crate::tests::mocks::Mocks;
use actix_web::http::StatusCode;
use lethe_domain::event::EventId;
use lethe_domain::webhook::{Delivery, DeliveryState, EndpointId};
use lethe_domain::{Event, EventKind, UserId};
use lethe_ports::inbound::{AccessError, LookUpError};
use lethe_ports::outbound::ListedDelivery;

const ID: &str = "evt_1_3_user.restored.0123456789abcdef";

fn delivery(state: DeliveryState) -> Delivery {
    let event = Event { id: EventId { user: UserId::new(1), epoch: 3, kind: EventKind::Restored }, at: now(), ext_id: None };
    let new = Delivery::new(event, EndpointId::from_store("0123456789abcdef".into()), now());
    Delivery { state, attempts: 2, attempted_at: Some(now()), last_answer: Some("503".into()), ..new }
}

fn shown(state: &str, due_at: &str) -> String {
    let event = r#""event_id":"evt_1_3_user.restored_1767225600123456","type":"user.restored","user_id":1,"endpoint":"0123456789abcdef""#;
    let rest = r#""attempted_at":"2026-01-01T00:00:00.123456Z","last_answer":"503","at":"2026-01-01T00:00:00.123456Z""#;
    format!(r#"{{"id":"{ID}",{event},"state":"{state}","attempts":2,"due_at":{due_at},{rest}}}"#)
}

const NOW: &str = r#""2026-01-01T00:00:00.123456Z""#;

#[actix_web::test]
async fn deliveries_are_listed_by_state() {
    for (query, states) in [("", DeliveryState::ALL.to_vec()), ("&state=failed", vec![DeliveryState::Failed])] {
        let mut mocks = Mocks::default();
        let is_asked = move |_: &_, asked: &[DeliveryState], before: &Option<i64>, limit: &u32| asked == states && *before == Some(50) && *limit == 4;
        let found = [(49, DeliveryState::Pending), (48, DeliveryState::Delivered), (40, DeliveryState::Failed), (39, DeliveryState::Failed)]
            .map(|(seq, state)| ListedDelivery { seq, delivery: delivery(state) })
            .to_vec();
        mocks.webhooks.expect_list().withf(is_asked).once().return_once(|_, _, _, _| Ok(found));
        let reply = ask(mocks, get(&format!("/v1/webhooks/deliveries?limit=3&cursor=50{query}")).by_admin()).await;
        let items = [shown("pending", NOW), shown("delivered", "null"), shown("failed", "null")].join(",");
        assert_shows(&reply, &format!(r#"{{"items":[{items}],"next":"40"}}"#));
    }
}

#[actix_web::test]
async fn a_delivery_is_told_anew() {
    let mut mocks = Mocks::default();
    mocks.webhooks.expect_retry().withf(|_, id| id.to_string() == ID).once().return_once(|_, _| Ok(delivery(DeliveryState::Pending)));
    let reply = ask(mocks, post(&format!("/v1/webhooks/deliveries/{ID}/retry")).by_admin()).await;
    assert_eq!((reply.status, reply.body), (StatusCode::ACCEPTED, shown("pending", NOW)));
    let mut mocks = Mocks::default();
    mocks.webhooks.expect_retry().once().return_once(|_, _| Err(LookUpError::NotFound));
    assert_eq!(ask(mocks, post(&format!("/v1/webhooks/deliveries/{ID}/retry")).by_admin()).await.native_problem(), (404, "not-found".into()));
}

#[actix_web::test]
async fn what_can_be_no_delivery_is_not_found_by_those_who_may_look() {
    for id in ["1", "evt_1_3_user.restored", "evt_01_3_user.restored.0123456789abcdef", "evt_1_3_user.restored.0123456789ABCDEF"] {
        for (answer, problem) in [(Ok(()), (404, "not-found")), (Err(AccessError::Forbidden), (403, "forbidden"))] {
            let mut mocks = Mocks::default();
            mocks.access.expect_check_act().once().return_once(|_, _| answer);
            let reply = ask(mocks, post(&format!("/v1/webhooks/deliveries/{id}/retry")).by(1)).await;
            assert_eq!(reply.native_problem(), (problem.0, problem.1.to_owned()), "{id}");
        }
    }
}
