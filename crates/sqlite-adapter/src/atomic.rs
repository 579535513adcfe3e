//! All or nothing, on one connection.

use crate::error::{Failure, store_error};
use diesel::SqliteConnection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::QueryResult;
use lethe_ports::outbound::StoreError;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Begins a transaction that writes. It takes the lock at once: one that takes it later can be refused in the middle.
///
/// # Errors
/// [`StoreError::Contention`] when another process keeps the lock for too long.
pub(crate) fn begin(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE").map_err(store_error)
}

/// Makes the transaction durable.
///
/// # Errors
/// [`StoreError`] when it is not.
pub(crate) fn commit(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    AnsiTransactionManager::commit_transaction(connection).map_err(store_error)
}

/// Undoes the transaction. When that fails there is none: SQLite ends one by itself on some errors, such as a full disk.
pub(crate) fn roll_back(connection: &mut SqliteConnection) {
    if let Err(error) = AnsiTransactionManager::rollback_transaction(connection) {
        tracing::warn!(%error, "a transaction was not there to be rolled back");
    }
}

/// Does `work` entirely or, if it fails or panics, not at all: in a savepoint when there is a transaction, otherwise in one of its own,
/// which sees the database as of one moment.
///
/// # Errors
/// The outer error says that the transaction or savepoint could not begin or end. A transaction around it is lost then.
pub(crate) fn atomically<T, R>(
    connection: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection) -> Result<T, Failure<R>>,
) -> QueryResult<Result<T, Failure<R>>> {
    AnsiTransactionManager::begin_transaction(connection)?;
    let outcome = catch_unwind(AssertUnwindSafe(|| work(connection)));
    match outcome.unwrap_or_else(|_| Err(StoreError::Failed("work on the store panicked".into()).into())) {
        Ok(value) => AnsiTransactionManager::commit_transaction(connection).map(|()| Ok(value)),
        Err(failure) => AnsiTransactionManager::rollback_transaction(connection).map(|()| Err(failure)),
    }
}
