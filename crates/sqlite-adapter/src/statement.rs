//! The two hot updates, written out. SQLite prepares them once.
//!
//! diesel's own `UPDATE` is prepared anew each time, because a changeset may name other columns the next time, and preparing one costs
//! more than running it.

use crate::user_row::CountersRow;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;

/// Takes the next id of a kind, and returns it.
#[derive(Debug, QueryId)]
pub(crate) struct TakeId {
    pub(crate) kind: &'static str,
}

impl QueryFragment<Sqlite> for TakeId {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE ids SET last = last + 1 WHERE kind = ");
        out.push_bind_param::<Text, _>(&self.kind)?;
        out.push_sql(" RETURNING last");
        Ok(())
    }
}

impl Query for TakeId {
    type SqlType = BigInt;
}

impl RunQueryDsl<SqliteConnection> for TakeId {}

/// Keeps the counters of a user.
#[derive(Debug, QueryId)]
pub(crate) struct KeepCounters {
    pub(crate) user: i64,
    pub(crate) counters: CountersRow,
}

impl QueryFragment<Sqlite> for KeepCounters {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("UPDATE users SET revision = ");
        out.push_bind_param::<BigInt, _>(&self.counters.revision)?;
        out.push_sql(", preference_keys = ");
        out.push_bind_param::<BigInt, _>(&self.counters.preference_keys)?;
        out.push_sql(", preference_bytes = ");
        out.push_bind_param::<BigInt, _>(&self.counters.preference_bytes)?;
        out.push_sql(" WHERE id = ");
        out.push_bind_param::<BigInt, _>(&self.user)?;
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for KeepCounters {}
