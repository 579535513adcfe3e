//! Holds.

use crate::connection::Patience;
use crate::error::Failure;
use crate::ledger::column;
use crate::row::corrupt;
use crate::schema::holds;
use crate::statement::statement;
use crate::{Lease, PgStore};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use lethe_domain::hold::{Hold, HoldReason, NewHold};
use lethe_domain::id::HoldId;
use lethe_domain::{Timestamp, UserId};
use lethe_ports::outbound::{HoldStore, Stamp, StoreError};

statement! {
    WriteHolds<'a> = "sql/write_holds.sql" {
        users: Array<BigInt> = &'a [i64],
        ids: Array<BigInt> = &'a [i64],
        reasons: Array<Text> = &'a [&'a str],
        ends: Array<Nullable<Timestamptz>> = &'a [Option<DateTime<Utc>>],
        placed: Array<Timestamptz> = &'a [DateTime<Utc>],
        placers: Array<BigInt> = &'a [i64],
    }
}

#[async_trait]
impl HoldStore for PgStore {
    async fn holds(&self, user: UserId) -> Result<Vec<Hold>, StoreError> {
        Ok(of(&mut self.lease(Patience::Short).await?, user).await?)
    }
}

/// The holds on a user, by id.
pub(crate) async fn of(lease: &mut Lease, user: UserId) -> Result<Vec<Hold>, Failure> {
    let all = holds::table.filter(holds::user_id.eq(user.get())).order(holds::id).select(HoldRow::as_select());
    let rows: Vec<HoldRow> = lease.rows(all).await?;
    Ok(rows.into_iter().map(Hold::from).collect())
}

pub(crate) async fn insert(lease: &mut Lease, user: UserId, hold: &NewHold, stamp: Stamp) -> Result<HoldId, StoreError> {
    let row = (
        holds::user_id.eq(user.get()),
        holds::reason.eq(hold.reason.as_str()),
        holds::expires_at.eq(hold.expires_at.map(Timestamp::to_utc)),
        holds::placed_at.eq(stamp.now.to_utc()),
        holds::placed_by.eq(stamp.actor.get()),
    );
    let id: Option<i64> = lease.first(diesel::insert_into(holds::table).values(row).returning(holds::id)).await?;
    Ok(HoldId::new(id.ok_or_else(|| corrupt("holds.id"))?))
}

/// Keeps holds that have their ids from elsewhere, no two the same, each in place of its user's own under that id.
pub(crate) async fn keep(lease: &mut Lease, holds: &[Hold]) -> Result<(), Failure> {
    if holds.is_empty() {
        return Ok(());
    }
    let statement = WriteHolds {
        users: &column(holds, |hold| hold.user.get()),
        ids: &column(holds, |hold| hold.id.get()),
        reasons: &holds.iter().map(|hold| hold.terms.reason.as_str()).collect::<Vec<_>>(),
        ends: &column(holds, |hold| hold.terms.expires_at.map(Timestamp::to_utc)),
        placed: &column(holds, |hold| hold.placed_at.to_utc()),
        placers: &column(holds, |hold| hold.placed_by.get()),
    };
    lease.execute(statement).await.map(drop)
}

/// Removes a hold; whether it was there.
pub(crate) async fn delete(lease: &mut Lease, user: UserId, hold: HoldId) -> Result<bool, Failure> {
    Ok(lease.execute(diesel::delete(holds::table.find((user.get(), hold.get())))).await? > 0)
}

/// The columns of a hold.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = holds, check_for_backend(Pg))]
pub(crate) struct HoldRow {
    pub(crate) user_id: i64,
    pub(crate) id: i64,
    reason: String,
    expires_at: Option<DateTime<Utc>>,
    placed_at: DateTime<Utc>,
    placed_by: i64,
}

impl From<HoldRow> for Hold {
    fn from(row: HoldRow) -> Self {
        Self {
            id: HoldId::new(row.id),
            user: UserId::new(row.user_id),
            terms: NewHold { reason: HoldReason::from_store(row.reason), expires_at: row.expires_at.map(Timestamp::new) },
            placed_at: Timestamp::new(row.placed_at),
            placed_by: UserId::new(row.placed_by),
        }
    }
}
