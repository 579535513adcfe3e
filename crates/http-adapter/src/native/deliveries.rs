//! Events on their way to others. For admins.

use super::answer::{Answer, ListJson, accepted, part, shown};
use super::asked::Asked;
use super::error::Problem;
use super::parameters::{Parameters, number};
use super::schema::{EntryFailures, Failures, OfDelivery, Slicing};
use lethe_domain::webhook::{Delivery, DeliveryId, DeliveryState};
use lethe_domain::{Act, Operation, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// An event on its way to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
struct DeliveryJson {
    id: String,
    /// What receivers see as `webhook-id`: the same for every endpoint, and each time that it is told.
    event_id: String,
    /// `user.created`, `user.soft_deleted`, `user.restored`, `user.erasure_started` or `user.erased`.
    r#type: &'static str,
    user_id: i64,
    /// The beginning of the SHA-256 of the endpoint's address.
    endpoint: String,
    /// `pending`, `delivered` or `failed`.
    state: &'static str,
    /// How often it was told.
    attempts: u32,
    /// When it is to be told next; `null`: it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    /// When it was last told.
    #[schema(value_type = Option<String>, format = DateTime)]
    attempted_at: Option<Timestamp>,
    /// What came of that.
    last_answer: Option<String>,
    /// When the event happened.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl From<Delivery> for DeliveryJson {
    fn from(delivery: Delivery) -> Self {
        let event = delivery.event.id;
        Self {
            id: delivery.id().to_string(),
            event_id: delivery.event.message_id(),
            r#type: event.kind.name(),
            user_id: event.user.get(),
            endpoint: delivery.endpoint.to_string(),
            state: delivery.state.name(),
            attempts: delivery.attempts,
            due_at: (delivery.state == DeliveryState::Pending).then_some(delivery.due_at),
            attempted_at: delivery.attempted_at,
            last_answer: delivery.last_answer,
            at: delivery.event.at,
        }
    }
}

/// Lists deliveries, newest first. For admins.
#[utoipa::path(
    get,
    path = "/v1/webhooks/deliveries",
    tag = "webhooks (v1)",
    operation_id = "list_deliveries_v1",
    params(
        ("state" = Option<String>, Query, description = "`pending`, `delivered` or `failed`; all of them unless said"),
        Slicing
    ),
    responses((status = 200, body = ListJson<DeliveryJson>), Failures)
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let asked_for = Parameters::of(&asked.context.query(), |parameters| {
        let state = parameters.optional("state", DeliveryState::from_name, "Choose one of pending, delivered, failed.");
        (state.map_or_else(|| DeliveryState::ALL.to_vec(), |state| vec![state]), parameters.slice(number))
    });
    let (states, slice) = asked.unless_refused(&Act::by_admin(Operation::Read), asked_for).await?;
    let found = asked.services().webhooks.list(&asked.caller, &states, slice.after, slice.sought()).await?;
    Ok(shown(part(found, slice.limit, |listed| listed.seq, |listed| DeliveryJson::from(listed.delivery))))
}

/// Tells an event anew, whatever came of it before. For admins.
#[utoipa::path(
    post,
    path = "/v1/webhooks/deliveries/{id}/retry",
    tag = "webhooks (v1)",
    operation_id = "retry_delivery_v1",
    params(OfDelivery),
    responses((status = 202, body = DeliveryJson), Failures, EntryFailures)
)]
pub(super) async fn retry(asked: Asked) -> Answer {
    let id = DeliveryId::parse(asked.context.segment("id")).ok_or(Problem::NotFound);
    let id = asked.unless_refused(&Act::by_admin(Operation::Update), id).await?;
    let delivery = asked.services().webhooks.retry(&asked.caller, &id).await?;
    Ok(accepted(DeliveryJson::from(delivery)))
}
