//! Opening connections, and how each one is set up.

use crate::error::{open_error, store_error};
use diesel::connection::SimpleConnection;
use diesel::{Connection, QueryResult, SqliteConnection};
use lethe_ports::outbound::StoreError;
use std::path::Path;
use std::time::{Duration, Instant};

/// For every connection, and first of all: without it the next statements fail at once when another process holds the file.
const WAIT: &str = "PRAGMA busy_timeout = 5000;";

/// For every connection. Idle memory stays low: it caches 1 MiB at the most, and the system's own cache is behind it.
const COMMON: &str = "PRAGMA cache_size = -1024;";

/// `FULL`: a commit that was acknowledged is on the disk. `secure_delete`: what is erased is overwritten with zeros, instead of staying in
/// free pages until somebody else's rows need them. For the write-ahead log see [`crate::log`].
const WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;";

const READER: &str = "PRAGMA query_only = ON;";

/// How long to go on when others hold the file. SQLite does not wait for some of the locks that are taken on opening.
const OPEN_PATIENCE: Duration = Duration::from_secs(5);
const OPEN_PAUSE: Duration = Duration::from_millis(20);

/// Opens the connection that writes, and makes the file if there is none.
///
/// # Errors
/// [`StoreError`] when the file cannot be opened, or stays locked.
pub(crate) fn open_writer(path: &Path) -> Result<SqliteConnection, StoreError> {
    open(path, WRITER)
}

/// Opens a connection that reads. The file MUST be there, with its journal in WAL mode.
///
/// # Errors
/// [`StoreError`] when the file cannot be opened, or stays locked.
pub(crate) fn open_reader(path: &Path) -> Result<SqliteConnection, StoreError> {
    open(path, READER)
}

/// Does `work` on a connection that meanwhile waits for nobody's lock.
///
/// # Errors
/// The work's.
pub(crate) fn without_waiting<T>(connection: &mut SqliteConnection, work: impl FnOnce(&mut SqliteConnection) -> QueryResult<T>) -> QueryResult<T> {
    connection.batch_execute("PRAGMA busy_timeout = 0")?;
    let outcome = work(connection);
    connection.batch_execute(WAIT)?;
    outcome
}

fn open(path: &Path, setup: &str) -> Result<SqliteConnection, StoreError> {
    let name = path.to_str().ok_or_else(|| StoreError::Failed(format!("{} is not Unicode text", path.display())))?;
    let deadline = Instant::now() + OPEN_PATIENCE;
    loop {
        match try_open(name, setup) {
            Err(StoreError::Contention(_)) if Instant::now() < deadline => std::thread::sleep(OPEN_PAUSE),
            outcome => return outcome,
        }
    }
}

fn try_open(name: &str, setup: &str) -> Result<SqliteConnection, StoreError> {
    let mut connection = SqliteConnection::establish(name).map_err(|error| open_error(&error))?;
    connection.batch_execute(WAIT).map_err(store_error)?;
    connection.batch_execute(COMMON).map_err(store_error)?;
    connection.batch_execute(setup).map_err(store_error)?;
    Ok(connection)
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use diesel::prelude::*;
    use diesel::sql_types::{BigInt, Text};

    #[derive(QueryableByName)]
    struct Settings {
        #[diesel(sql_type = Text)]
        journal_mode: String,
        #[diesel(sql_type = BigInt)]
        synchronous: i64,
        #[diesel(sql_type = BigInt)]
        secure_delete: i64,
        #[diesel(sql_type = BigInt)]
        busy: i64,
        #[diesel(sql_type = BigInt)]
        query_only: i64,
    }

    fn settings(connection: &mut SqliteConnection) -> Settings {
        let query = "SELECT journal_mode, synchronous, secure_delete, b.timeout AS busy, query_only
             FROM pragma_journal_mode, pragma_synchronous, pragma_secure_delete, pragma_busy_timeout b, pragma_query_only";
        diesel::sql_query(query).get_result(connection).expect("SQLite tells its settings")
    }

    #[test]
    fn commits_are_durable_and_deletions_leave_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("lethe.db");
        let writer = settings(&mut open_writer(&path).expect("a new file"));
        let full = 2;
        assert_eq!((writer.journal_mode.as_str(), writer.synchronous, writer.secure_delete, writer.busy), ("wal", full, 1, 5000));
        let reader = settings(&mut open_reader(&path).expect("the same file"));
        assert_eq!((reader.journal_mode.as_str(), reader.query_only, reader.busy), ("wal", 1, 5000));
    }
}
