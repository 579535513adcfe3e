//! How SQLite would go about a query, for tests.
#![expect(clippy::expect_used, reason = "tests")]

use crate::connection::open_writer;
use crate::migration::migrate;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel::{debug_query, sql_query};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The plan of a query on an empty store, one line a step.
pub(crate) fn plan<Q: QueryFragment<Sqlite>>(query: &Q) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let connection = &mut open_writer(&folder.path().join("lethe.db")).expect("a new file");
    migrate(connection).expect("the schema");
    let lines: Vec<Line> = sql_query(format!("EXPLAIN QUERY PLAN {}", debug_query::<Sqlite, _>(query))).load(connection).expect("a plan");
    lines.into_iter().map(|line| line.detail).collect()
}
