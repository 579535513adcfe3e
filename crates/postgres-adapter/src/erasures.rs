//! How far erasures are, and which are to be worked on. What they remove is not known here.

use crate::connection::Patience;
use crate::row::{corrupt, small};
use crate::schema::erasures;
use crate::statement::statement;
use crate::{Lease, PgStore};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use lethe_domain::erasure::{self, Erasure, ErasureState};
use lethe_domain::id::NodeId;
use lethe_domain::manifest::Tally;
use lethe_domain::profile::ExtId;
use lethe_domain::{Timestamp, UserId};
use lethe_ports::outbound::{DuePurge, ErasureStore, StoreError};

statement! {
    DueErasures<'a> = "sql/due_erasures.sql" => (BigInt,) as (i64,) {
        states: Array<Text> = &'a [&'static str],
        node: BigInt = i64,
        now: Timestamptz = DateTime<Utc>,
        limit: BigInt = i64,
    }
}

statement! {
    DuePurges = "sql/due_purges.sql" => (BigInt, BigInt) as (i64, i64) {
        now: Timestamptz = DateTime<Utc>,
        limit: BigInt = i64,
    }
}

#[async_trait]
impl ErasureStore for PgStore {
    async fn tally(&self, user: UserId) -> Result<Tally, StoreError> {
        crate::erasure::tally(&mut self.lease(Patience::Short).await?, user).await
    }

    async fn erasure(&self, user: UserId) -> Result<Option<Erasure>, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let row: Option<ErasureRow> = lease.first(erasures::table.find(user.get()).select(ErasureRow::as_select())).await?;
        row.map(Erasure::try_from).transpose()
    }

    async fn erasures(&self, states: &[ErasureState], after: Option<UserId>, limit: u32) -> Result<Vec<Erasure>, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let following = erasures::table.filter(erasures::user_id.gt(after.map_or(i64::MIN, UserId::get))).filter(erasures::state.eq_any(names(states)));
        let part = following.order(erasures::user_id).limit(i64::from(limit)).select(ErasureRow::as_select());
        let rows: Vec<ErasureRow> = lease.rows(part).await?;
        rows.into_iter().map(Erasure::try_from).collect()
    }

    async fn due_erasures(&self, node: NodeId, now: Timestamp, limit: u32) -> Result<Vec<UserId>, StoreError> {
        let due = DueErasures { states: &names(&ErasureState::OPEN), node: node.get(), now: now.to_utc(), limit: i64::from(limit) };
        Ok(self.read(due).await?.into_iter().map(|(user,)| UserId::new(user)).collect())
    }

    async fn due_purges(&self, now: Timestamp, limit: u32) -> Result<Vec<DuePurge>, StoreError> {
        let due = self.read(DuePurges { now: now.to_utc(), limit: i64::from(limit) }).await?;
        Ok(due.into_iter().map(|(user, epoch)| DuePurge { user: UserId::new(user), epoch }).collect())
    }
}

fn names(states: &[ErasureState]) -> Vec<&'static str> {
    states.iter().map(|state| state.name()).collect()
}

/// The erasure of a user, locked.
pub(crate) async fn lock(lease: &mut Lease, user: UserId) -> Result<Option<Erasure>, StoreError> {
    let row: Option<ErasureRow> = lease.first(erasures::table.find(user.get()).select(ErasureRow::as_select()).for_update()).await?;
    row.map(Erasure::try_from).transpose()
}

/// Keeps an erasure, new or changed.
pub(crate) async fn save(lease: &mut Lease, erasure: &Erasure) -> Result<(), StoreError> {
    let row = ErasureRow::try_from(erasure)?;
    let kept = diesel::insert_into(erasures::table).values(row.clone()).on_conflict(erasures::user_id).do_update().set(row);
    Ok(lease.execute(kept).await.map(drop)?)
}

/// The columns of an erasure.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = erasures, primary_key(user_id), check_for_backend(Pg), treat_none_as_null = true)]
struct ErasureRow {
    user_id: i64,
    epoch: i64,
    ext_id: Option<String>,
    state: String,
    requested_at: DateTime<Utc>,
    progressed_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
    steps: String,
    attempts: i64,
    failed_sweeps: i64,
    last_error: Option<String>,
    lease_holder: Option<i64>,
    lease_until: DateTime<Utc>,
}

impl TryFrom<&Erasure> for ErasureRow {
    type Error = StoreError;

    fn try_from(erasure: &Erasure) -> Result<Self, StoreError> {
        Ok(Self {
            user_id: erasure.user.get(),
            epoch: erasure.epoch,
            ext_id: erasure.ext_id.as_ref().map(ToString::to_string),
            state: erasure.state.name().to_owned(),
            requested_at: erasure.requested_at.to_utc(),
            progressed_at: erasure.progressed_at.to_utc(),
            finished_at: erasure.finished_at.map(Timestamp::to_utc),
            steps: serde_json::to_string(&erasure.steps).map_err(|_| corrupt("erasures.steps"))?,
            attempts: erasure.attempts.into(),
            failed_sweeps: erasure.failed_sweeps.into(),
            last_error: erasure.last_error.clone(),
            lease_holder: erasure.lease.holder.map(NodeId::get),
            lease_until: erasure.lease.until.to_utc(),
        })
    }
}

impl TryFrom<ErasureRow> for Erasure {
    type Error = StoreError;

    fn try_from(row: ErasureRow) -> Result<Self, StoreError> {
        Ok(Self {
            user: UserId::new(row.user_id),
            epoch: row.epoch,
            ext_id: row.ext_id.map(ExtId::from_store),
            state: ErasureState::from_name(&row.state).ok_or_else(|| corrupt("erasures.state"))?,
            requested_at: Timestamp::new(row.requested_at),
            progressed_at: Timestamp::new(row.progressed_at),
            finished_at: row.finished_at.map(Timestamp::new),
            steps: serde_json::from_str(&row.steps).map_err(|_| corrupt("erasures.steps"))?,
            attempts: small(row.attempts),
            failed_sweeps: small(row.failed_sweeps),
            last_error: row.last_error,
            lease: erasure::Lease { holder: row.lease_holder.map(NodeId::new), until: Timestamp::new(row.lease_until) },
        })
    }
}
