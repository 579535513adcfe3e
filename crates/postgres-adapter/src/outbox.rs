//! The outbox: events on their way to endpoints.

use crate::error::Failure;
use crate::ledger::column;
use crate::row::{corrupt, small};
use crate::schema::{deliveries, endpoints};
use crate::statement::statement;
use crate::{Lease, PgStore};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text, Timestamptz};
use lethe_domain::event::{Event, EventId, EventKind};
use lethe_domain::profile::ExtId;
use lethe_domain::webhook::{Delivery, DeliveryId, DeliveryState, EndpointId};
use lethe_domain::{Timestamp, UserId};
use lethe_ports::outbound::{ListedDelivery, OutboxStore, StoreError};

type DeliveryColumns = (BigInt, BigInt, Text, Text, Timestamptz, Nullable<Text>, Text, BigInt, Timestamptz, Nullable<Timestamptz>, Nullable<Text>);

statement! {
    ListDeliveries<'a> = "sql/list_deliveries.sql" => (BigInt, DeliveryColumns) as (i64, DeliveryRow) {
        states: Array<Text> = &'a [&'static str],
        before: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    DueDeliveries<'a> = "sql/due_deliveries.sql" => (BigInt, BigInt, Text, Text) as (i64, i64, String, String) {
        endpoint: Text = &'a str,
        now: Timestamptz = DateTime<Utc>,
        limit: BigInt = i64,
    }
}

statement! {
    WriteDeliveries<'a> = "sql/write_deliveries.sql" {
        users: Array<BigInt> = &'a [i64],
        epochs: Array<BigInt> = &'a [i64],
        turns: Array<SmallInt> = &'a [i16],
        endpoints: Array<Text> = &'a [&'a str],
        kinds: Array<Text> = &'a [&'static str],
        moments: Array<Timestamptz> = &'a [DateTime<Utc>],
        ext_ids: Array<Nullable<Text>> = &'a [Option<&'a str>],
        states: Array<Text> = &'a [&'static str],
        attempts: Array<BigInt> = &'a [i64],
        due: Array<Timestamptz> = &'a [DateTime<Utc>],
        attempted: Array<Nullable<Timestamptz>> = &'a [Option<DateTime<Utc>>],
        answers: Array<Nullable<Text>> = &'a [Option<&'a str>],
    }
}

#[async_trait]
impl OutboxStore for PgStore {
    async fn deliveries(&self, states: &[DeliveryState], before: Option<i64>, limit: u32) -> Result<Vec<ListedDelivery>, StoreError> {
        let states: Vec<_> = states.iter().map(|state| state.name()).collect();
        let rows = self.read(ListDeliveries { states: &states, before: before.unwrap_or(i64::MAX), limit: i64::from(limit) }).await?;
        rows.into_iter().map(|(seq, row)| Ok(ListedDelivery { seq, delivery: row.try_into()? })).collect()
    }

    async fn due_deliveries(&self, endpoint: &EndpointId, now: Timestamp, limit: u32) -> Result<Vec<DeliveryId>, StoreError> {
        let due = self.read(DueDeliveries { endpoint: endpoint.as_str(), now: now.to_utc(), limit: i64::from(limit) }).await?;
        due.into_iter()
            .map(|(user, epoch, kind, endpoint)| {
                let event = EventId { user: UserId::new(user), epoch, kind: event_kind(&kind)? };
                Ok(DeliveryId { event, endpoint: EndpointId::from_store(endpoint) })
            })
            .collect()
    }
}

fn event_kind(name: &str) -> Result<EventKind, StoreError> {
    EventKind::from_name(name).ok_or_else(|| corrupt("deliveries.kind"))
}

/// The key of a delivery.
fn place(id: &DeliveryId) -> (i64, i64, i16, &str) {
    (id.event.user.get(), id.event.epoch, id.event.kind.turn(), id.endpoint.as_str())
}

/// A delivery, locked.
pub(crate) async fn lock(lease: &mut Lease, id: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
    let row: Option<DeliveryRow> = lease.first(deliveries::table.find(place(id)).select(DeliveryRow::as_select()).for_update()).await?;
    row.map(Delivery::try_from).transpose()
}

/// Puts new deliveries into the outbox.
pub(crate) async fn insert(lease: &mut Lease, new: &[Delivery]) -> Result<(), Failure> {
    if new.is_empty() {
        return Ok(());
    }
    let new: Vec<&Delivery> = new.iter().collect();
    let statement = WriteDeliveries {
        users: &column(&new, |delivery| delivery.event.id.user.get()),
        epochs: &column(&new, |delivery| delivery.event.id.epoch),
        turns: &column(&new, |delivery| delivery.event.id.kind.turn()),
        endpoints: &column(&new, |delivery| delivery.endpoint.as_str()),
        kinds: &column(&new, |delivery| delivery.event.id.kind.name()),
        moments: &column(&new, |delivery| delivery.event.at.to_utc()),
        ext_ids: &column(&new, |delivery| delivery.event.ext_id.as_ref().map(ExtId::as_str)),
        states: &column(&new, |delivery| delivery.state.name()),
        attempts: &column(&new, |delivery| delivery.attempts.into()),
        due: &column(&new, |delivery| delivery.due_at.to_utc()),
        attempted: &column(&new, |delivery| delivery.attempted_at.map(Timestamp::to_utc)),
        answers: &column(&new, |delivery| delivery.last_answer.as_deref()),
    };
    lease.execute(statement).await.map(drop)
}

/// Keeps what has become of a delivery that is there.
pub(crate) async fn save(lease: &mut Lease, delivery: &Delivery) -> Result<(), Failure> {
    lease.execute(diesel::update(deliveries::table.find(place(&delivery.id()))).set(DeliveryRow::from(delivery))).await.map(drop)
}

/// Since when an endpoint wants no more events.
pub(crate) async fn gone_since(lease: &mut Lease, endpoint: &EndpointId) -> Result<Option<Timestamp>, Failure> {
    let row: Option<Option<DateTime<Utc>>> = lease.first(endpoints::table.find(endpoint.as_str()).select(endpoints::gone_since)).await?;
    Ok(row.flatten().map(Timestamp::new))
}

/// Keeps whether an endpoint wants events.
pub(crate) async fn save_endpoint(lease: &mut Lease, endpoint: &EndpointId, gone_since: Option<Timestamp>) -> Result<(), Failure> {
    let state = endpoints::gone_since.eq(gone_since.map(Timestamp::to_utc));
    let row = (endpoints::endpoint.eq(endpoint.as_str()), state);
    lease.execute(diesel::insert_into(endpoints::table).values(row).on_conflict(endpoints::endpoint).do_update().set(state)).await.map(drop)
}

/// The columns of a delivery, without its place in the order of all.
#[derive(Debug, Clone, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = deliveries, primary_key(user_id, epoch, turn, endpoint), check_for_backend(Pg), treat_none_as_null = true)]
pub(crate) struct DeliveryRow {
    user_id: i64,
    epoch: i64,
    endpoint: String,
    kind: String,
    at: DateTime<Utc>,
    ext_id: Option<String>,
    state: String,
    attempts: i64,
    due_at: DateTime<Utc>,
    attempted_at: Option<DateTime<Utc>>,
    last_answer: Option<String>,
}

impl From<&Delivery> for DeliveryRow {
    fn from(delivery: &Delivery) -> Self {
        Self {
            user_id: delivery.event.id.user.get(),
            epoch: delivery.event.id.epoch,
            endpoint: delivery.endpoint.to_string(),
            kind: delivery.event.id.kind.name().to_owned(),
            at: delivery.event.at.to_utc(),
            ext_id: delivery.event.ext_id.as_ref().map(ToString::to_string),
            state: delivery.state.name().to_owned(),
            attempts: delivery.attempts.into(),
            due_at: delivery.due_at.to_utc(),
            attempted_at: delivery.attempted_at.map(Timestamp::to_utc),
            last_answer: delivery.last_answer.clone(),
        }
    }
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self, StoreError> {
        let id = EventId { user: UserId::new(row.user_id), epoch: row.epoch, kind: event_kind(&row.kind)? };
        Ok(Self {
            event: Event { id, at: Timestamp::new(row.at), ext_id: row.ext_id.map(ExtId::from_store) },
            endpoint: EndpointId::from_store(row.endpoint),
            state: DeliveryState::from_name(&row.state).ok_or_else(|| corrupt("deliveries.state"))?,
            attempts: small(row.attempts),
            due_at: Timestamp::new(row.due_at),
            attempted_at: row.attempted_at.map(Timestamp::new),
            last_answer: row.last_answer,
        })
    }
}
