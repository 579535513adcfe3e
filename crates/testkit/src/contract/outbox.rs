//! The outbox.

use super::{FullStore, now, transact};
use lethe_domain::event::{Event, EventId, EventKind};
use lethe_domain::profile::ExtId;
use lethe_domain::webhook::{Answer, Delivery, DeliveryId, DeliveryState, EndpointId, RetrySchedule};
use lethe_domain::{Timestamp, UserId};
use lethe_ports::outbound::StoreError;
use std::time::Duration;

const LEASE: Duration = Duration::from_mins(1);

fn here() -> EndpointId {
    EndpointId::of_url("https://example.org/here")
}

fn there() -> EndpointId {
    EndpointId::of_url("https://example.org/there")
}

fn delivery(user: i64, epoch: i64, kind: EventKind, endpoint: EndpointId) -> Delivery {
    let id = EventId { user: UserId::new(user), epoch, kind };
    Delivery::new(Event { id, at: now(), ext_id: Some(ExtId::from_store(format!("x-{user}"))) }, endpoint, now())
}

async fn insert(store: &impl FullStore, deliveries: &[Delivery]) {
    let deliveries = deliveries.to_vec();
    transact(store, move |tx| Box::pin(async move { tx.insert_deliveries(&deliveries).await })).await;
}

async fn get(store: &impl FullStore, id: DeliveryId) -> Option<Delivery> {
    transact(store, move |tx| Box::pin(async move { tx.delivery_for_update(&id).await })).await
}

async fn save(store: &impl FullStore, delivery: &Delivery) {
    let delivery = delivery.clone();
    transact(store, move |tx| Box::pin(async move { tx.save_delivery(&delivery).await })).await;
}

async fn due(store: &impl FullStore, at: Timestamp) -> Vec<DeliveryId> {
    let here = store.due_deliveries(&here(), at, 100).await.expect("reachable");
    [here, store.due_deliveries(&there(), at, 100).await.expect("reachable")].concat()
}

pub async fn deliveries_are_kept_as_they_are(store: impl FullStore) {
    let new = delivery(1, 0, EventKind::Created, here());
    insert(&store, &[]).await;
    insert(&store, std::slice::from_ref(&new)).await;
    assert_eq!(get(&store, new.id()).await, Some(new.clone()));
    assert_eq!(get(&store, delivery(1, 0, EventKind::Created, there()).id()).await, None);
    let told = new.attempt(now(), LEASE).expect("due").settle(&Answer::Refused(500, None), &RetrySchedule::default(), now());
    save(&store, &told).await;
    assert_eq!(get(&store, told.id()).await, Some(told.clone()));
    let heard = told.retry(now()).attempt(now(), LEASE).expect("due").settle(&Answer::Accepted(204), &RetrySchedule::default(), now());
    assert_eq!(heard.event.ext_id, None);
    save(&store, &heard).await;
    assert_eq!(get(&store, heard.id()).await, Some(heard));
}

pub async fn a_users_events_wait_for_each_other(store: impl FullStore) {
    let (soft, restored) = (delivery(1, 1, EventKind::SoftDeleted, here()), delivery(1, 1, EventKind::Restored, here()));
    let (started, erased) = (delivery(1, 2, EventKind::ErasureStarted, here()), delivery(1, 2, EventKind::Erased, here()));
    let (others, elsewhere) = (delivery(2, 1, EventKind::SoftDeleted, here()), delivery(1, 1, EventKind::Restored, there()));
    // In whatever order they were put in.
    insert(&store, &[erased.clone(), restored.clone(), elsewhere.clone(), started.clone()]).await;
    insert(&store, &[others.clone(), soft.clone()]).await;
    for (first, expected) in [(&soft, vec![soft.id(), others.id(), elsewhere.id()]), (&restored, vec![restored.id(), others.id(), elsewhere.id()])] {
        let mut found = due(&store, now()).await;
        found.sort();
        let mut expected = expected;
        expected.sort();
        assert_eq!(found, expected);
        save(&store, &first.clone().give_up("on purpose")).await;
    }
    let waiting = Delivery { due_at: now().after(LEASE), ..started.clone() };
    save(&store, &waiting).await;
    assert!(!due(&store, now()).await.contains(&erased.id()), "what is to be told again holds up what follows");
    assert!(due(&store, now().after(LEASE)).await.contains(&started.id()));
}

pub async fn endpoints_are_told_apart(store: impl FullStore) {
    insert(&store, &[delivery(1, 0, EventKind::Created, here()), delivery(1, 0, EventKind::Created, there())]).await;
    insert(&store, &[delivery(2, 0, EventKind::Created, there())]).await;
    let only = store.due_deliveries(&there(), now(), 10).await.expect("reachable");
    assert_eq!(only, [1, 2].map(|user| delivery(user, 0, EventKind::Created, there()).id()));
    assert_eq!(store.due_deliveries(&EndpointId::of_url("https://example.org/elsewhere"), now(), 10).await, Ok(vec![]));
    assert_eq!(store.due_deliveries(&there(), now(), 1).await.map(|due| due.len()), Ok(1));
    assert_eq!(due(&store, Timestamp::from_micros(now().micros() - 1)).await, [], "not before its time");
}

pub async fn deliveries_are_listed_newest_first(store: impl FullStore) {
    let all = [delivery(3, 0, EventKind::Created, here()), delivery(1, 0, EventKind::Created, here()), delivery(2, 0, EventKind::Created, here())];
    for one in &all {
        insert(&store, std::slice::from_ref(one)).await;
    }
    save(&store, &all[1].clone().give_up("on purpose")).await;
    let first = store.deliveries(&DeliveryState::ALL, None, 2).await.expect("reachable");
    assert_eq!(first.iter().map(|listed| listed.delivery.event.id.user.get()).collect::<Vec<_>>(), [2, 1]);
    let rest = store.deliveries(&DeliveryState::ALL, Some(first[1].seq), 2).await.expect("reachable");
    assert_eq!(rest.iter().map(|listed| listed.delivery.clone()).collect::<Vec<_>>(), [all[0].clone()]);
    let failed = store.deliveries(&[DeliveryState::Failed], None, 9).await.expect("reachable");
    assert_eq!(failed.iter().map(|listed| listed.delivery.event.id.user.get()).collect::<Vec<_>>(), [1]);
}

pub async fn what_is_rolled_back_is_not_told(store: impl FullStore) {
    let new = delivery(1, 0, EventKind::Created, here());
    let rolled_back: Result<(), StoreError> = store
        .transact(move |tx| {
            Box::pin(async move {
                tx.insert_deliveries(&[new]).await?;
                Err(StoreError::Failed("on purpose".into()))
            })
        })
        .await;
    assert!(rolled_back.is_err());
    assert_eq!(due(&store, now()).await, []);
}

pub async fn an_endpoint_that_is_gone_stays_gone(store: impl FullStore) {
    let since = |store| transact(store, |tx| Box::pin(async move { tx.endpoint_gone_since(&here()).await }));
    let mark = |store, moment| transact(store, move |tx| Box::pin(async move { tx.save_endpoint(&here(), moment).await }));
    assert_eq!(since(&store).await, None);
    mark(&store, Some(now())).await;
    assert_eq!(since(&store).await, Some(now()));
    mark(&store, Some(now().after(LEASE))).await;
    assert_eq!(since(&store).await, Some(now().after(LEASE)));
    mark(&store, None).await;
    assert_eq!(since(&store).await, None);
}
