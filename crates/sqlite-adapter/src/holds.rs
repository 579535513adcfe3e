//! Holds: what keeps a user from being hard deleted.

use crate::SqliteStore;
use crate::ids::{IdKind, next_id};
use crate::schema::holds;
use async_trait::async_trait;
use diesel::prelude::*;
use lethe_domain::Timestamp;
use lethe_domain::hold::{Hold, HoldReason, NewHold};
use lethe_domain::id::{HoldId, UserId};
use lethe_ports::outbound::{HoldStore, Stamp, StoreError};

#[async_trait]
impl HoldStore for SqliteStore {
    async fn holds(&self, user: UserId) -> Result<Vec<Hold>, StoreError> {
        self.readers().look_up(|connection| Ok(of_user(connection, user)?)).await
    }
}

/// A hold.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = holds, treat_none_as_default_value = false)]
struct HoldRow {
    user_id: i64,
    id: i64,
    reason: String,
    expires_at: Option<i64>,
    placed_at: i64,
    placed_by: i64,
}

impl From<HoldRow> for Hold {
    fn from(row: HoldRow) -> Self {
        Self {
            id: HoldId::new(row.id),
            user: UserId::new(row.user_id),
            terms: NewHold { reason: HoldReason::from_store(row.reason), expires_at: row.expires_at.map(Timestamp::from_micros) },
            placed_at: Timestamp::from_micros(row.placed_at),
            placed_by: UserId::new(row.placed_by),
        }
    }
}

/// The holds on a user, in force or over, by id.
pub(crate) fn of_user(connection: &mut SqliteConnection, user: UserId) -> QueryResult<Vec<Hold>> {
    let query = holds::table.filter(holds::user_id.eq(user.get())).order(holds::id).select(HoldRow::as_select());
    Ok(query.load(connection)?.into_iter().map(Hold::from).collect())
}

/// Places a hold under a new id.
pub(crate) fn insert_hold(connection: &mut SqliteConnection, user: UserId, hold: &NewHold, stamp: Stamp) -> QueryResult<HoldId> {
    let id = next_id(connection, IdKind::Hold)?;
    let row = HoldRow {
        user_id: user.get(),
        id,
        reason: hold.reason.as_str().to_owned(),
        expires_at: hold.expires_at.map(Timestamp::micros),
        placed_at: stamp.now.micros(),
        placed_by: stamp.actor.get(),
    };
    diesel::insert_into(holds::table).values(row).execute(connection)?;
    Ok(HoldId::new(id))
}

/// Lifts a hold, and says whether the user had it.
pub(crate) fn delete_hold(connection: &mut SqliteConnection, user: UserId, hold: HoldId) -> QueryResult<bool> {
    Ok(diesel::delete(holds::table.find((user.get(), hold.get()))).execute(connection)? > 0)
}
