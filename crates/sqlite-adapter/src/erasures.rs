//! The account of each erasure, and whom there is to erase.

use crate::SqliteStore;
use crate::erasure::tally;
use crate::error::corrupt;
use crate::schema::{erasures, holds, users};
use async_trait::async_trait;
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use diesel::sqlite::Sqlite;
use lethe_domain::Timestamp;
use lethe_domain::erasure::{Erasure, ErasureState, Lease};
use lethe_domain::id::{NodeId, UserId};
use lethe_domain::manifest::Tally;
use lethe_domain::profile::ExtId;
use lethe_ports::outbound::{DuePurge, ErasureStore, StoreError};

/// Written out, not bound: only so does SQLite see that the index of the open ones has them all.
const IS_OPEN: &str = "erasures.state <> 'done'";

/// For the same reason, and the index of the soft deleted.
const IS_SOFT_DELETED: &str = "users.status = 'd'";

#[async_trait]
impl ErasureStore for SqliteStore {
    async fn tally(&self, user: UserId) -> Result<Tally, StoreError> {
        self.readers().scan(move |connection| Ok(tally(connection, user)?)).await
    }

    async fn erasure(&self, user: UserId) -> Result<Option<Erasure>, StoreError> {
        self.readers().look_up(|connection| Ok(erasure(connection, user)?)).await
    }

    async fn erasures(&self, states: &[ErasureState], after: Option<UserId>, limit: u32) -> Result<Vec<Erasure>, StoreError> {
        let states = states.to_vec();
        self.readers().scan(move |connection| Ok(in_states(connection, &states, after, limit)?)).await
    }

    async fn due_erasures(&self, node: NodeId, now: Timestamp, limit: u32) -> Result<Vec<UserId>, StoreError> {
        self.readers()
            .scan(move |connection| {
                let users: Vec<i64> = due_erasures(node, now, limit).load(connection)?;
                Ok(users.into_iter().map(UserId::new).collect())
            })
            .await
    }

    async fn due_purges(&self, now: Timestamp, limit: u32) -> Result<Vec<DuePurge>, StoreError> {
        self.readers()
            .scan(move |connection| {
                let due: Vec<(i64, i64)> = due_purges(now, limit).load(connection)?;
                Ok(due.into_iter().map(|(user, epoch)| DuePurge { user: UserId::new(user), epoch }).collect())
            })
            .await
    }
}

/// An erasure. Its steps are JSON: they are only ever read as a whole.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = erasures, treat_none_as_default_value = false)]
struct ErasureRow {
    user_id: i64,
    epoch: i64,
    ext_id: Option<String>,
    state: String,
    requested_at: i64,
    progressed_at: i64,
    finished_at: Option<i64>,
    steps: String,
    attempts: i64,
    failed_sweeps: i64,
    last_error: Option<String>,
    lease_holder: Option<i64>,
    lease_until: i64,
}

impl ErasureRow {
    fn new(erasure: &Erasure) -> QueryResult<Self> {
        Ok(Self {
            user_id: erasure.user.get(),
            epoch: erasure.epoch,
            ext_id: erasure.ext_id.as_ref().map(ToString::to_string),
            state: erasure.state.name().to_owned(),
            requested_at: erasure.requested_at.micros(),
            progressed_at: erasure.progressed_at.micros(),
            finished_at: erasure.finished_at.map(Timestamp::micros),
            steps: serde_json::to_string(&erasure.steps).map_err(|error| diesel::result::Error::SerializationError(error.into()))?,
            attempts: erasure.attempts.into(),
            failed_sweeps: erasure.failed_sweeps.into(),
            last_error: erasure.last_error.clone(),
            lease_holder: erasure.lease.holder.map(NodeId::get),
            lease_until: erasure.lease.until.micros(),
        })
    }

    fn into_erasure(self) -> QueryResult<Erasure> {
        let count = |number: i64| number.try_into().map_err(|_| corrupt("a counter of erasures is out of range"));
        Ok(Erasure {
            user: UserId::new(self.user_id),
            epoch: self.epoch,
            ext_id: self.ext_id.map(ExtId::from_store),
            state: ErasureState::from_name(&self.state).ok_or_else(|| corrupt("erasures.state is no state"))?,
            requested_at: Timestamp::from_micros(self.requested_at),
            progressed_at: Timestamp::from_micros(self.progressed_at),
            finished_at: self.finished_at.map(Timestamp::from_micros),
            steps: serde_json::from_str(&self.steps).map_err(|_| corrupt("erasures.steps is no list of steps"))?,
            attempts: count(self.attempts)?,
            failed_sweeps: count(self.failed_sweeps)?,
            last_error: self.last_error,
            lease: Lease { holder: self.lease_holder.map(NodeId::new), until: Timestamp::from_micros(self.lease_until) },
        })
    }
}

/// The erasure of a user.
pub(crate) fn erasure(connection: &mut SqliteConnection, user: UserId) -> QueryResult<Option<Erasure>> {
    let row: Option<ErasureRow> = erasures::table.find(user.get()).select(ErasureRow::as_select()).get_result(connection).optional()?;
    row.map(ErasureRow::into_erasure).transpose()
}

/// Keeps an erasure, new or changed.
pub(crate) fn save_erasure(connection: &mut SqliteConnection, erasure: &Erasure) -> QueryResult<()> {
    diesel::replace_into(erasures::table).values(ErasureRow::new(erasure)?).execute(connection)?;
    Ok(())
}

fn in_states(connection: &mut SqliteConnection, states: &[ErasureState], after: Option<UserId>, limit: u32) -> QueryResult<Vec<Erasure>> {
    let names = states.iter().map(|state| state.name());
    let behind = erasures::user_id.gt(after.map_or(i64::MIN, UserId::get));
    let query = erasures::table.filter(erasures::state.eq_any(names)).filter(behind).order(erasures::user_id).limit(limit.into());
    query.select(ErasureRow::as_select()).load(connection)?.into_iter().map(ErasureRow::into_erasure).collect()
}

/// How many erasures have not come to their end, by their state.
pub(crate) fn open_by_state(connection: &mut SqliteConnection) -> QueryResult<Vec<(String, i64)>> {
    let query = erasures::table.filter(sql::<Bool>(IS_OPEN)).group_by(erasures::state).select((erasures::state, diesel::dsl::count_star()));
    query.load(connection)
}

fn due_erasures(node: NodeId, now: Timestamp, limit: u32) -> erasures::BoxedQuery<'static, Sqlite, BigInt> {
    let is_free = erasures::lease_until.le(now.micros()).or(erasures::lease_holder.assume_not_null().eq(node.get()));
    let query = erasures::table.filter(sql::<Bool>(IS_OPEN)).filter(is_free).order((erasures::lease_until, erasures::user_id));
    query.limit(limit.into()).select(erasures::user_id).into_boxed()
}

fn due_purges(now: Timestamp, limit: u32) -> users::BoxedQuery<'static, Sqlite, (BigInt, BigInt)> {
    let is_due = users::purge_at.assume_not_null().le(now.micros());
    soft_deleted(now).filter(is_due).order((users::purge_at, users::id)).limit(limit.into()).select((users::id, users::deletion_epoch))
}

/// Accounts that should have been hard deleted before `overdue_since`, and that nothing keeps from it at `now`.
pub(crate) fn overdue_purges(overdue_since: Timestamp, now: Timestamp) -> users::BoxedQuery<'static, Sqlite, BigInt> {
    soft_deleted(now).filter(users::purge_at.assume_not_null().lt(overdue_since.micros())).select(diesel::dsl::count_star())
}

/// Soft deleted accounts on which no hold is in force at `now`.
fn soft_deleted(now: Timestamp) -> users::BoxedQuery<'static, Sqlite> {
    let in_force = holds::expires_at.is_null().or(holds::expires_at.assume_not_null().gt(now.micros()));
    let held = holds::table.filter(holds::user_id.eq(users::id)).filter(in_force);
    users::table.filter(sql::<Bool>(IS_SOFT_DELETED)).filter(not(exists(held))).into_boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::plan;

    #[test]
    fn whoever_looks_for_work_looks_at_nothing_else() {
        let now = Timestamp::EPOCH;
        assert_eq!(plan(&due_erasures(NodeId::new(1), now, 10)), ["SCAN erasures USING INDEX erasures_open"]);
        let expected = |index| [index, "CORRELATED SCALAR SUBQUERY 1", "SEARCH holds USING PRIMARY KEY (user_id=?)"];
        assert_eq!(plan(&due_purges(now, 10)), expected("SEARCH users USING INDEX users_purge (purge_at<?)"));
        assert_eq!(plan(&overdue_purges(now, now)), expected("SEARCH users USING COVERING INDEX users_purge (purge_at<?)"));
    }
}
