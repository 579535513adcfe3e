//! Bringing the schema up to date, by one node at a time.

use crate::connection::Patience;
use crate::error::Failure;
use crate::{Lease, PgStore};
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::{pg::Pg, sql_types};
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use lethe_ports::outbound::StoreError;
use std::sync::atomic::Ordering;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Nodes that start together wait for one another here, as long as it takes. The number only has to be ours. The session's end gives
/// the lock back.
const LOCK: &str = "SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock(7091955302837461219)";

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

impl PgStore {
    /// Applies the migrations that are missing and gives their names. Any number of nodes may do this at once.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database cannot be reached, [`StoreError::Failed`] when a migration is refused; then that one
    /// and those after it were not applied.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let connection = self.0.target.connect().await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        // Diesel's migrations are not asynchronous, and must not hold up whoever drives the connection.
        let applied = tokio::task::spawn_blocking(move || apply_missing(connection)).await;
        let names = applied.map_err(|error| StoreError::Failed(error.to_string()))?.map_err(|error| StoreError::Failed(error.to_string()))?;
        self.0.migrated.store(true, Ordering::Relaxed);
        Ok(names)
    }

    /// Whether the database can be reached and no migration is missing.
    pub(crate) async fn check_schema(&self) -> Result<(), StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        if self.0.migrated.load(Ordering::Relaxed) {
            lease.first::<_, i32, _>(diesel::select(1.into_sql::<sql_types::Integer>())).await?;
            return Ok(());
        }
        let missing = missing(&mut lease).await?;
        if missing > 0 {
            return Err(StoreError::Unavailable(format!("{missing} migrations are missing: run `lethe migrate`")));
        }
        self.0.migrated.store(true, Ordering::Relaxed);
        Ok(())
    }
}

fn apply_missing(connection: AsyncPgConnection) -> diesel::migration::Result<Vec<String>> {
    let mut connection = AsyncConnectionWrapper::<AsyncPgConnection>::from(connection);
    connection.batch_execute(LOCK)?;
    let mut names = Vec::new();
    for migration in connection.pending_migrations(MIGRATIONS)? {
        connection.run_migration(&migration)?;
        names.push(migration.name().to_string());
    }
    Ok(names)
}

async fn missing(lease: &mut Lease) -> Result<usize, Failure> {
    let versions = versions()?;
    diesel::define_sql_function!(fn to_regclass(name: sql_types::Text) -> sql_types::Nullable<sql_types::Oid>);
    let table: Option<Option<u32>> = lease.first(diesel::select(to_regclass("__diesel_schema_migrations"))).await?;
    if table.flatten().is_none() {
        return Ok(versions.len());
    }
    let applied = __diesel_schema_migrations::table.filter(__diesel_schema_migrations::version.eq_any(&versions)).count();
    let applied: Option<i64> = lease.first(applied).await?;
    Ok(versions.len().saturating_sub(usize::try_from(applied.unwrap_or(0)).unwrap_or(0)))
}

fn versions() -> Result<Vec<String>, Failure> {
    let known = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(|error| Failure::Other(error.to_string()))?;
    Ok(known.iter().map(|migration| migration.name().version().to_string()).collect())
}
