//! Lethe's embedded store: one SQLite file, with one writer and a few readers beside it.
//!
//! SQLite lets one connection write at a time, so one thread owns that connection, and a write may be several plain statements: nobody
//! comes between them. Rules stay in the domain, also inside a transaction.
//!
//! A look-up of what can be there only once ends in diesel's `get_result`, not in `first`: that adds a `LIMIT ?`, and SQLite plans a
//! statement anew whenever its limit is bound, which costs more than the look-up.

mod accounts;
mod archive;
mod atomic;
mod attempts;
mod audit;
mod change_log;
mod clock;
mod connection;
mod content;
mod erasure;
mod erasures;
mod error;
mod export;
mod feed;
mod holds;
mod ids;
mod import;
mod job;
mod ledger;
mod log;
mod migration;
mod names;
mod outbox;
#[cfg(test)]
mod plan;
mod preferences;
mod readers;
mod revocations;
mod row;
mod schema;
mod session;
mod statement;
mod transaction;
mod upkeep;
mod user_row;
mod votes;
mod writer;

use lethe_ports::outbound::StoreError;
use readers::Readers;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use writer::Writer;

/// How long a transaction may do nothing while every other writer waits for it.
const STALL_LIMIT: Duration = Duration::from_secs(10);

/// Where the store is, and how big.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The file. It is made if it is not there; its folder is not.
    pub path: PathBuf,
    /// Connections that read, beside the one that writes; at least one.
    pub readers: usize,
}

impl SqliteConfig {
    /// The file of that path, with two readers.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, readers: 2 }
    }
}

/// A handle on the store. Clones share it; when the last one is dropped the store closes in the background.
#[derive(Clone)]
pub struct SqliteStore {
    shared: Arc<Shared>,
}

struct Shared {
    path: PathBuf,
    // Before the writer: the connection that goes last tidies the file up.
    readers: Arc<Readers>,
    writer: Writer,
}

impl SqliteStore {
    /// Opens the file, whose schema may be an older one: see [`Self::migrate`]. Other processes may have it open as well; while one of them
    /// keeps it locked this call blocks, for some seconds at the most.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be opened, or another process keeps it locked.
    pub fn open(config: &SqliteConfig) -> Result<Self, StoreError> {
        Self::open_with(config, STALL_LIMIT)
    }

    fn open_with(config: &SqliteConfig, stall_limit: Duration) -> Result<Self, StoreError> {
        // Absolute, so that no name is taken for a URI, and that exports find the file again from another folder.
        let path = std::path::absolute(&config.path).map_err(|error| StoreError::Failed(format!("{}: {error}", config.path.display())))?;
        let connection = connection::open_writer(&path)?;
        let readers = Readers::open(&path, config.readers)?;
        let writer = Writer::start(connection, stall_limit)?;
        Ok(Self { shared: Arc::new(Shared { path, readers, writer }) })
    }

    /// Applies the migrations that are pending, and returns their names. Several processes may do so at once.
    ///
    /// # Errors
    /// [`StoreError`]; then none of them was applied.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.writer().write(|connection| Ok(migration::migrate(connection)?)).await
    }

    /// Finishes the writes that are queued, empties the write-ahead log into the file, and closes the connections. To other handles the
    /// store is unavailable from here on.
    pub async fn close(self) {
        self.shared.readers.close().await;
        self.shared.writer.close().await;
    }

    fn path(&self) -> &Path {
        &self.shared.path
    }

    fn readers(&self) -> &Arc<Readers> {
        &self.shared.readers
    }

    fn writer(&self) -> &Writer {
        &self.shared.writer
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.shared.path).finish_non_exhaustive()
    }
}
