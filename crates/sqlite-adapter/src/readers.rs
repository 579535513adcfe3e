//! The connections that only read.
//!
//! Everything that one call reads, it reads as of one moment. A look-up that touches a bounded number of rows runs at once, on the
//! caller's thread: handing it over costs more than doing it. Whatever may walk a whole table runs on a thread that may block, and never
//! takes the last connection (when there are several).

use crate::atomic::atomically;
use crate::connection::open_reader;
use crate::error::{Failure, closed};
use diesel::SqliteConnection;
use lethe_ports::outbound::StoreError;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections at the most, whatever the configuration says.
const MOST: u32 = 64;

/// A fixed number of connections.
pub(crate) struct Readers {
    size: u32,
    idle: Mutex<Vec<SqliteConnection>>,
    /// One for each connection in `idle`.
    permits: Arc<Semaphore>,
    /// One for each connection that scans may take.
    scans: Semaphore,
}

impl Readers {
    /// Opens `size` connections, at least one, one after the other.
    ///
    /// # Errors
    /// [`StoreError`] when one cannot be opened.
    pub(crate) fn open(path: &Path, size: usize) -> Result<Arc<Self>, StoreError> {
        let size = u32::try_from(size).unwrap_or(MOST).clamp(1, MOST);
        let idle = (0..size).map(|_| open_reader(path)).collect::<Result<Vec<_>, _>>()?;
        let permits = Arc::new(Semaphore::new(idle.len()));
        let scans = Semaphore::new(idle.len().saturating_sub(1).max(1));
        Ok(Arc::new(Self { size, idle: Mutex::new(idle), permits, scans }))
    }

    /// Looks something up, on the caller's thread.
    ///
    /// # Errors
    /// The work's; [`StoreError::Unavailable`] when the store is closed.
    pub(crate) async fn look_up<T, R>(self: &Arc<Self>, work: impl FnOnce(&mut SqliteConnection) -> Result<T, Failure<R>> + Send) -> Result<T, R>
    where
        R: From<StoreError>,
    {
        self.checkout().await?.run(work).map_err(Failure::into_port)
    }

    /// Looks through what may be many rows, on another thread.
    ///
    /// # Errors
    /// The work's; [`StoreError::Unavailable`] when the store is closed.
    pub(crate) async fn scan<T>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut SqliteConnection) -> Result<T, Failure<StoreError>> + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
    {
        let _turn = self.scans.acquire().await.map_err(|_| closed())?;
        let reader = self.checkout().await?;
        let scanned = tokio::task::spawn_blocking(move || reader.run(work)).await;
        scanned.unwrap_or_else(|error| Err(StoreError::Failed(error.to_string()).into())).map_err(Failure::into_port)
    }

    /// Lets those finish who are reading, and closes the connections.
    pub(crate) async fn close(&self) {
        // An error says that somebody else has closed them.
        let _all = self.permits.acquire_many(self.size).await;
        self.permits.close();
        self.idle().clear();
    }

    async fn checkout(self: &Arc<Self>) -> Result<Reader, StoreError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| closed())?;
        let connection = self.idle().pop().ok_or_else(closed)?;
        Ok(Reader { connection, home: Arc::clone(self), _permit: permit })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection on loan.
struct Reader {
    connection: SqliteConnection,
    home: Arc<Readers>,
    /// Given back after the connection.
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    /// Does `work` on the database as of one moment, and gives the connection back.
    fn run<T, R>(mut self, work: impl FnOnce(&mut SqliteConnection) -> Result<T, Failure<R>>) -> Result<T, Failure<R>> {
        let outcome = atomically(&mut self.connection, work);
        self.home.idle().push(self.connection);
        outcome?
    }
}
