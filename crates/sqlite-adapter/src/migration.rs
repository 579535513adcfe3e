//! Embedded migrations.

use crate::error::store_error;
use diesel::SqliteConnection;
use diesel::migration::Migration;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use lethe_ports::outbound::StoreError;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Applies what is pending and returns the names. MUST run inside an immediate transaction: of two processes the second one waits, and
/// finds nothing to do.
///
/// # Errors
/// The first migration's that fails.
pub(crate) fn migrate(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    pending(connection)?
        .into_iter()
        .map(|migration| {
            connection.run_migration(&migration).map_err(failed)?;
            Ok(migration.name().to_string())
        })
        .collect()
}

/// Whether the schema is the one that this program was built for.
///
/// # Errors
/// [`StoreError::Unavailable`] when not.
pub(crate) fn check(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    match pending(connection) {
        Ok(migrations) if migrations.is_empty() => Ok(()),
        Ok(migrations) => Err(StoreError::Unavailable(format!("{} migrations are pending", migrations.len()))),
        Err(error) => Err(StoreError::Unavailable(error.to_string())),
    }
}

fn pending(connection: &mut SqliteConnection) -> Result<Vec<Box<dyn Migration<Sqlite>>>, StoreError> {
    connection.pending_migrations(MIGRATIONS).map_err(failed)
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => store_error(*error),
        Err(error) => StoreError::Failed(error.to_string()),
    }
}
