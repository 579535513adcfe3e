//! Holds: what keeps a user from being hard deleted.

use crate::SqliteStore;
use crate::ids::{IdKind, next_id, spend_id};
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
pub(crate) struct HoldRow {
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

impl From<&Hold> for HoldRow {
    fn from(hold: &Hold) -> Self {
        Self {
            user_id: hold.user.get(),
            id: hold.id.get(),
            reason: hold.terms.reason.as_str().to_owned(),
            expires_at: hold.terms.expires_at.map(Timestamp::micros),
            placed_at: hold.placed_at.micros(),
            placed_by: hold.placed_by.get(),
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
    let id = HoldId::new(next_id(connection, IdKind::Hold)?);
    let hold = Hold { id, user, terms: hold.clone(), placed_at: stamp.now, placed_by: stamp.actor };
    diesel::insert_into(holds::table).values(HoldRow::from(&hold)).execute(connection)?;
    Ok(id)
}

/// Keeps a hold that has its id from elsewhere, in place of the user's own under that id.
pub(crate) fn keep_hold(connection: &mut SqliteConnection, hold: &Hold) -> QueryResult<()> {
    diesel::replace_into(holds::table).values(HoldRow::from(hold)).execute(connection)?;
    spend_id(connection, IdKind::Hold, hold.id.get())
}

/// Lifts a hold, and says whether the user had it.
pub(crate) fn delete_hold(connection: &mut SqliteConnection, user: UserId, hold: HoldId) -> QueryResult<bool> {
    Ok(diesel::delete(holds::table.find((user.get(), hold.get()))).execute(connection)? > 0)
}
