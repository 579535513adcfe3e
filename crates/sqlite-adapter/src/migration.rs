//! Embedded migrations.

use crate::error::store_error;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use lethe_ports::outbound::StoreError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

diesel::table! {
    /// diesel's own record of what was applied.
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// Applies what is pending and returns the names. MUST run inside an immediate transaction: of two processes the second one waits, and
/// finds nothing to do.
///
/// # Errors
/// The first migration's that fails.
pub(crate) fn migrate(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let pending = connection.pending_migrations(MIGRATIONS).map_err(failed)?;
    for migration in &pending {
        connection.run_migration(migration).map_err(failed)?;
    }
    Ok(pending.iter().map(|migration| migration.name().to_string()).collect())
}

/// Whether the schema is the one that this program was built for.
///
/// # Errors
/// [`StoreError::Unavailable`] when not.
pub(crate) fn check(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    // Not by asking diesel for what is pending: it would first make its own table, and this connection may only read.
    let applied: Vec<String> = __diesel_schema_migrations::table
        .select(__diesel_schema_migrations::version)
        .load(connection)
        .map_err(|error| StoreError::Unavailable(format!("the schema cannot be read: {error}")))?;
    let is_pending = |migration: &dyn Migration<Sqlite>| !applied.contains(&migration.name().version().to_string());
    match MIGRATIONS.migrations().map_err(failed)?.iter().filter(|migration| is_pending(&**migration)).count() {
        0 => Ok(()),
        pending => Err(StoreError::Unavailable(format!("{pending} migrations are pending"))),
    }
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => store_error(*error),
        Err(error) => StoreError::Failed(error.to_string()),
    }
}
