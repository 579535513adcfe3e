//! The outbox: who is still to be told of what, and what came of it.

use crate::SqliteStore;
use crate::accounts::one;
use crate::error::corrupt;
use crate::ids::{IdKind, next_id};
use crate::schema::{deliveries, endpoints};
use async_trait::async_trait;
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::sqlite::Sqlite;
use lethe_domain::Timestamp;
use lethe_domain::event::{Event, EventId, EventKind};
use lethe_domain::id::UserId;
use lethe_domain::profile::ExtId;
use lethe_domain::webhook::{Delivery, DeliveryId, DeliveryState, EndpointId};
use lethe_ports::outbound::{ListedDelivery, OutboxStore, StoreError};

/// Written out, not bound: only so does SQLite see that the index of the pending ones has them all.
const IS_PENDING: &str = "deliveries.state = 'pending'";
/// For the same reason, and the index of the failed ones.
const HAS_FAILED: &str = "deliveries.state = 'failed'";

#[async_trait]
impl OutboxStore for SqliteStore {
    async fn deliveries(&self, states: &[DeliveryState], before: Option<i64>, limit: u32) -> Result<Vec<ListedDelivery>, StoreError> {
        let states = states.to_vec();
        self.readers().scan(move |connection| Ok(in_states(connection, &states, before, limit)?)).await
    }

    async fn due_deliveries(&self, endpoint: &EndpointId, now: Timestamp, limit: u32) -> Result<Vec<DeliveryId>, StoreError> {
        let endpoint = endpoint.clone();
        self.readers().scan(move |connection| due(&endpoint, now, limit).load(connection)?.into_iter().map(|key| Ok(delivery_id(key)?)).collect()).await
    }
}

/// A delivery, whose `turn` follows from its kind.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = deliveries, treat_none_as_default_value = false)]
struct DeliveryRow {
    user_id: i64,
    epoch: i64,
    turn: i64,
    endpoint: String,
    seq: i64,
    kind: String,
    at: i64,
    #[diesel(embed)]
    progress: ProgressRow,
}

/// The columns that change.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = deliveries, treat_none_as_null = true, treat_none_as_default_value = false)]
struct ProgressRow {
    ext_id: Option<String>,
    state: String,
    attempts: i64,
    due_at: i64,
    attempted_at: Option<i64>,
    last_answer: Option<String>,
}

impl From<&Delivery> for ProgressRow {
    fn from(delivery: &Delivery) -> Self {
        Self {
            ext_id: delivery.event.ext_id.as_ref().map(ToString::to_string),
            state: delivery.state.name().to_owned(),
            attempts: delivery.attempts.into(),
            due_at: delivery.due_at.micros(),
            attempted_at: delivery.attempted_at.map(Timestamp::micros),
            last_answer: delivery.last_answer.clone(),
        }
    }
}

impl DeliveryRow {
    fn new(delivery: &Delivery, seq: i64) -> Self {
        let EventId { user, epoch, kind } = delivery.event.id;
        Self {
            user_id: user.get(),
            epoch,
            turn: kind.turn().into(),
            endpoint: delivery.endpoint.to_string(),
            seq,
            kind: kind.name().to_owned(),
            at: delivery.event.at.micros(),
            progress: delivery.into(),
        }
    }

    fn into_listed(self) -> QueryResult<ListedDelivery> {
        let DeliveryId { event: id, endpoint } = delivery_id((self.user_id, self.epoch, self.kind, self.endpoint))?;
        let progress = self.progress;
        let event = Event { id, at: Timestamp::from_micros(self.at), ext_id: progress.ext_id.map(ExtId::from_store) };
        let delivery = Delivery {
            event,
            endpoint,
            state: DeliveryState::from_name(&progress.state).ok_or_else(|| corrupt("deliveries.state is no state"))?,
            attempts: progress.attempts.try_into().map_err(|_| corrupt("deliveries.attempts is out of range"))?,
            due_at: Timestamp::from_micros(progress.due_at),
            attempted_at: progress.attempted_at.map(Timestamp::from_micros),
            last_answer: progress.last_answer,
        };
        Ok(ListedDelivery { seq: self.seq, delivery })
    }
}

fn delivery_id((user, epoch, kind, endpoint): (i64, i64, String, String)) -> QueryResult<DeliveryId> {
    let kind = EventKind::from_name(&kind).ok_or_else(|| corrupt("deliveries.kind is no kind of event"))?;
    Ok(DeliveryId { event: EventId { user: UserId::new(user), epoch, kind }, endpoint: EndpointId::from_store(endpoint) })
}

/// Puts new deliveries into the outbox, in their order.
pub(crate) fn insert_deliveries(connection: &mut SqliteConnection, deliveries: impl IntoIterator<Item = Delivery>) -> QueryResult<()> {
    for delivery in deliveries {
        let row = DeliveryRow::new(&delivery, next_id(connection, IdKind::Delivery)?);
        diesel::insert_into(deliveries::table).values(row).execute(connection)?;
    }
    Ok(())
}

/// The delivery of that name.
pub(crate) fn delivery(connection: &mut SqliteConnection, id: &DeliveryId) -> QueryResult<Option<Delivery>> {
    let row: Option<DeliveryRow> = deliveries::table.find(key(id)).select(DeliveryRow::as_select()).get_result(connection).optional()?;
    row.map(|row| Ok(row.into_listed()?.delivery)).transpose()
}

/// Keeps what has become of a delivery that is there.
pub(crate) fn save_delivery(connection: &mut SqliteConnection, delivery: &Delivery) -> QueryResult<()> {
    one(diesel::update(deliveries::table.find(key(&delivery.id()))).set(ProgressRow::from(delivery)).execute(connection)?)
}

fn key(id: &DeliveryId) -> (i64, i64, i64, &str) {
    (id.event.user.get(), id.event.epoch, id.event.kind.turn().into(), id.endpoint.as_str())
}

/// When an endpoint said that it wants no more events.
pub(crate) fn endpoint_gone_since(connection: &mut SqliteConnection, endpoint: &EndpointId) -> QueryResult<Option<Timestamp>> {
    let since: Option<Option<i64>> = endpoints::table.find(endpoint.as_str()).select(endpoints::gone_since).get_result(connection).optional()?;
    Ok(since.flatten().map(Timestamp::from_micros))
}

/// Keeps that an endpoint wants no more events, or does again.
pub(crate) fn save_endpoint(connection: &mut SqliteConnection, endpoint: &EndpointId, gone_since: Option<Timestamp>) -> QueryResult<()> {
    let row = (endpoints::endpoint.eq(endpoint.as_str()), endpoints::gone_since.eq(gone_since.map(Timestamp::micros)));
    diesel::replace_into(endpoints::table).values(row).execute(connection)?;
    Ok(())
}

/// How many deliveries are pending.
pub(crate) fn pending() -> deliveries::BoxedQuery<'static, Sqlite, BigInt> {
    deliveries::table.filter(sql::<Bool>(IS_PENDING)).count().into_boxed()
}

/// How many deliveries have failed.
pub(crate) fn failed() -> deliveries::BoxedQuery<'static, Sqlite, BigInt> {
    deliveries::table.filter(sql::<Bool>(HAS_FAILED)).count().into_boxed()
}

/// The numbers of deliveries after number `after` that were last told before `told_before`, at most `limit`.
pub(crate) fn untold(connection: &mut SqliteConnection, told_before: Timestamp, after: i64, limit: i64) -> QueryResult<Vec<i64>> {
    let query = deliveries::table.filter(deliveries::seq.gt(after)).filter(told_at().lt(told_before.micros()));
    query.order(deliveries::seq).limit(limit).select(deliveries::seq).load(connection)
}

/// Forgets those of the deliveries with these numbers that were not told since, and says how many.
pub(crate) fn forget_untold(connection: &mut SqliteConnection, numbers: &[i64], told_before: Timestamp) -> QueryResult<usize> {
    let query = deliveries::table.filter(deliveries::seq.eq_any(numbers));
    diesel::delete(query.filter(told_at().lt(told_before.micros()))).execute(connection)
}

diesel::define_sql_function! {
    /// The first of the two that is not null.
    fn coalesce(first: Nullable<BigInt>, second: BigInt) -> BigInt;
}

/// When a delivery was last told. One that never was, counts from its event.
fn told_at() -> coalesce<deliveries::attempted_at, deliveries::at> {
    coalesce(deliveries::attempted_at, deliveries::at)
}

fn in_states(connection: &mut SqliteConnection, states: &[DeliveryState], before: Option<i64>, limit: u32) -> QueryResult<Vec<ListedDelivery>> {
    let names = states.iter().map(|state| state.name());
    let query = deliveries::table.filter(deliveries::state.eq_any(names)).filter(deliveries::seq.lt(before.unwrap_or(i64::MAX)));
    let query = query.order(deliveries::seq.desc()).limit(limit.into()).select(DeliveryRow::as_select());
    query.load(connection)?.into_iter().map(DeliveryRow::into_listed).collect()
}

diesel::alias!(
    const EARLIER: Alias<Earlier> = deliveries as earlier;
);

fn due(endpoint: &EndpointId, now: Timestamp, limit: u32) -> deliveries::BoxedQuery<'_, Sqlite, (BigInt, BigInt, Text, Text)> {
    let (epoch, turn) = (EARLIER.field(deliveries::epoch), EARLIER.field(deliveries::turn));
    let holds_up = EARLIER
        .filter(EARLIER.field(deliveries::user_id).eq(deliveries::user_id))
        .filter(EARLIER.field(deliveries::endpoint).eq(deliveries::endpoint))
        .filter(EARLIER.field(deliveries::state).eq(DeliveryState::Pending.name()))
        .filter(epoch.lt(deliveries::epoch).or(epoch.eq(deliveries::epoch).and(turn.lt(deliveries::turn))));
    deliveries::table
        .filter(sql::<Bool>(IS_PENDING))
        .filter(deliveries::due_at.le(now.micros()))
        .filter(deliveries::endpoint.eq(endpoint.as_str()))
        .filter(not(exists(holds_up)))
        // After the time the rest of the index, so that nothing needs to be sorted.
        .order((deliveries::due_at, deliveries::user_id, deliveries::epoch, deliveries::turn))
        .limit(limit.into())
        .select((deliveries::user_id, deliveries::epoch, deliveries::kind, deliveries::endpoint))
        .into_boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;

    #[test]
    fn whoever_looks_for_work_looks_at_nothing_else() {
        let endpoint = EndpointId::of_url("https://example.org/");
        let expected = [
            "SEARCH deliveries USING INDEX deliveries_due (endpoint=? AND due_at<?)",
            "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH earlier USING PRIMARY KEY (user_id=?)",
        ];
        assert_eq!(plan(&due(&endpoint, Timestamp::EPOCH, 10)), expected);
        assert_eq!(plan(&pending()), ["SCAN deliveries USING COVERING INDEX deliveries_due"]);
        assert_eq!(plan(&failed()), ["SCAN deliveries USING COVERING INDEX deliveries_failed"]);
    }
}
