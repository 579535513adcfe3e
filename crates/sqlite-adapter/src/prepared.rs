//! Updates that SQLite prepares once.
//!
//! diesel prepares every `UPDATE` anew, because a changeset may name other columns each time. The hot ones here never do, and preparing
//! one costs more than running it. They are kept by their text, so that no two are taken for one another.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sqlite::Sqlite;

/// A statement that names the same columns each time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prepared<S>(pub(crate) S);

impl<S: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Prepared<S> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Sqlite) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<S> QueryId for Prepared<S> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<S: Query> Query for Prepared<S> {
    type SqlType = S::SqlType;
}

impl<S> RunQueryDsl<SqliteConnection> for Prepared<S> {}
