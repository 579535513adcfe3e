//! The store's own clock: SQLite's, which is the machine's.

use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use lethe_domain::Timestamp;

/// The present as an expression, in microseconds, of which SQLite counts whole thousands.
pub(crate) fn present() -> SqlLiteral<BigInt> {
    sql("CAST(unixepoch('subsec') * 1000000 AS INTEGER)")
}

/// The present.
pub(crate) fn now(connection: &mut SqliteConnection) -> QueryResult<Timestamp> {
    diesel::select(present()).get_result(connection).map(Timestamp::from_micros)
}
