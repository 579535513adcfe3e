//! Telling endpoints of events: in order, again when they did not hear, and not of what never happened.

use crate::world::{World, admin, endpoint, world};
use async_trait::async_trait;
use lethe_domain::account::DeletionMode::{Hard, Soft};
use lethe_domain::event::EventKind;
use lethe_domain::webhook::{Answer, DeliveryState, EndpointId};
use lethe_ports::inbound::{AccessError, Accounts, Bearer, LifeCycle, LookUpError, Upkeep, Webhooks, Work};
use lethe_ports::outbound::{Clock as _, ListedDelivery, Message, WebhookSender};
use lethe_testkit::fixture;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

/// An endpoint that answers as it was told to, and takes everything in the end.
#[derive(Default)]
struct Receiver {
    answers: Mutex<VecDeque<Answer>>,
    heard: Mutex<Vec<Message>>,
}

impl Receiver {
    fn answering(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() }
    }

    /// The events that it heard of: their ids without the moments.
    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|message| message.id.rsplit_once('_').unwrap().0.to_owned()).collect()
    }
}

#[async_trait]
impl WebhookSender for Receiver {
    fn endpoints(&self) -> Vec<EndpointId> {
        vec![endpoint()]
    }

    async fn send(&self, _: &EndpointId, message: &Message) -> Answer {
        self.heard.lock().unwrap().push(message.clone());
        self.answers.lock().unwrap().pop_front().unwrap_or(Answer::Accepted(204))
    }
}

async fn deliver_all(world: &World, receiver: &Receiver) {
    while world.lethe.deliver(receiver, &endpoint()).await.unwrap() == Work::Done {}
}

async fn listed(world: &World, state: DeliveryState) -> Vec<ListedDelivery> {
    Webhooks::list(&world.lethe, &admin(), &[state], None, 100).await.unwrap()
}

#[tokio::test]
async fn a_life_is_told_in_order_and_once() {
    let world = world();
    let receiver = Receiver::default();
    let ann = Accounts::create(&world.lethe, &admin(), fixture::user_with_ext_id("ann", "x-1")).await.unwrap().id;
    world.delete(&admin(), ann, Soft).await.unwrap();
    let _ = world.delete(&admin(), ann, Soft).await;
    world.clock.advance(Duration::from_secs(1));
    world.lethe.restore(&Bearer::Caller(admin()), ann).await.unwrap();
    world.lethe.restore(&Bearer::Caller(admin()), ann).await.unwrap();
    world.delete(&admin(), ann, Hard).await.unwrap();
    deliver_all(&world, &receiver).await;
    let expected = ["0_user.created", "1_user.soft_deleted", "1_user.restored", "2_user.erasure_started", "2_user.erased"];
    assert_eq!(receiver.heard(), expected.map(|event| format!("evt_{ann}_{event}")));
    for message in receiver.heard.lock().unwrap().iter() {
        assert!(message.body.contains(r#""ext_id":"x-1""#) && message.body.contains(&format!(r#""user_id":{ann},"#)), "{}", message.body);
        assert!(!message.body.contains("ann"), "ids alone");
    }
    assert!(listed(&world, DeliveryState::Delivered).await.iter().all(|listed| listed.delivery.event.ext_id.is_none()), "settled is forgotten");
    deliver_all(&world, &receiver).await;
    assert_eq!(receiver.heard().len(), 5);
}

#[tokio::test]
async fn what_was_not_heard_is_told_again_and_holds_up_what_follows() {
    let world = world();
    let receiver = Receiver::answering([Answer::Refused(500, None), Answer::Unreachable("connection refused".into())]);
    let ann = world.user("ann").await.actor.user;
    world.delete(&admin(), ann, Soft).await.unwrap();
    deliver_all(&world, &receiver).await;
    assert_eq!(receiver.heard(), [format!("evt_{ann}_0_user.created")], "the second waits for the first");
    world.clock.advance(Duration::from_secs(6));
    deliver_all(&world, &receiver).await;
    world.clock.advance(Duration::from_mins(6));
    deliver_all(&world, &receiver).await;
    let created = format!("evt_{ann}_0_user.created");
    assert_eq!(receiver.heard(), [created.clone(), created.clone(), created, format!("evt_{ann}_1_user.soft_deleted")], "the second waits for the first");
    let heard = receiver.heard.lock().unwrap();
    assert_eq!((&heard[0].id, &heard[0].body), (&heard[2].id, &heard[2].body), "each time the same event");
    assert_eq!(heard[2].timestamp, world.clock.now(), "the time is that of the telling");
}

#[tokio::test]
async fn what_is_never_heard_is_given_up_and_can_be_told_anew() {
    let world = world();
    let receiver = Receiver::answering(vec![Answer::Refused(500, None); 3]);
    let ann = world.user("ann").await;
    for _ in 0..3 {
        deliver_all(&world, &receiver).await;
        world.clock.advance(Duration::from_mins(7));
    }
    let failed = listed(&world, DeliveryState::Failed).await;
    assert_eq!(failed.iter().map(|listed| (listed.delivery.attempts, listed.delivery.last_answer.as_deref())).collect::<Vec<_>>(), [(3, Some("500"))]);
    let id = failed[0].delivery.id();
    assert_eq!(world.lethe.retry(&ann, &id).await, Err(AccessError::Forbidden.into()));
    assert_eq!(Webhooks::list(&world.lethe, &ann, &DeliveryState::ALL, None, 10).await, Err(AccessError::Forbidden.into()));
    world.lethe.retry(&admin(), &id).await.unwrap();
    deliver_all(&world, &receiver).await;
    assert_eq!(listed(&world, DeliveryState::Delivered).await.len(), 1);
    let unknown = lethe_domain::webhook::DeliveryId { event: lethe_domain::event::EventId { kind: EventKind::Erased, ..id.event }, ..id };
    assert_eq!(world.lethe.retry(&admin(), &unknown).await, Err(LookUpError::NotFound));
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_left_alone_until_it_is_asked_again() {
    let world = world();
    let receiver = Receiver::answering([Answer::Gone]);
    let ann = world.user("ann").await.actor.user;
    deliver_all(&world, &receiver).await;
    world.delete(&admin(), ann, Soft).await.unwrap();
    deliver_all(&world, &receiver).await;
    assert_eq!(receiver.heard().len(), 1);
    let failed = listed(&world, DeliveryState::Failed).await;
    assert_eq!(failed.len(), 2);
    world.lethe.retry(&admin(), &failed[0].delivery.id()).await.unwrap();
    deliver_all(&world, &receiver).await;
    assert_eq!(receiver.heard()[1..], [format!("evt_{ann}_1_user.soft_deleted")]);
}

#[tokio::test]
async fn who_vanishes_while_telling_is_followed_by_another() {
    let world = world();
    world.user("ann").await;
    let receiver = Receiver::default();
    {
        // A node that takes it up and dies.
        let endpoint = endpoint();
        let telling = world.lethe.deliver(&Stuck, &endpoint);
        tokio::select! {
            _ = telling => panic!("it never ends"),
            () = tokio::task::yield_now() => {}
        }
    }
    deliver_all(&world, &receiver).await;
    assert_eq!(receiver.heard().len(), 0, "somebody is telling it");
    world.clock.advance(Duration::from_mins(2));
    deliver_all(&world, &receiver).await;
    assert_eq!(receiver.heard().len(), 1);
}

/// An endpoint that never answers.
struct Stuck;

#[async_trait]
impl WebhookSender for Stuck {
    fn endpoints(&self) -> Vec<EndpointId> {
        vec![endpoint()]
    }

    async fn send(&self, _: &EndpointId, _: &Message) -> Answer {
        std::future::pending().await
    }
}
