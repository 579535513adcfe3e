//! The writer: one thread that owns the one connection that writes, and works off a queue.
//!
//! Jobs that wait together are committed together: one transaction, one sync of the disk, and no answer before it. An exclusive session
//! has a transaction of its own, which its caller drives from outside.

use crate::atomic::{begin, commit, roll_back};
use crate::error::{Failure, closed};
use crate::job::{Job, job};
use crate::session::{Session, SessionHost, session};
use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use lethe_ports::outbound::StoreError;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Jobs that wait at the most; whoever comes then waits for a place.
const QUEUE: usize = 1024;
/// Jobs in one transaction at the most.
const GROUP: usize = 64;
const STACK_BYTES: usize = 512 * 1024;

/// A handle on the writer. When the last one goes, the writer finishes what is queued and closes its connection.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Request>,
    /// Closes when the thread has ended.
    ended: watch::Receiver<()>,
}

enum Request {
    Grouped(Box<dyn Job>),
    Exclusive(SessionHost),
    Close,
}

impl Writer {
    /// Starts the thread. An exclusive session that does nothing for `stall_limit` is rolled back.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the system gives no thread.
    pub(crate) fn start(connection: SqliteConnection, stall_limit: Duration) -> Result<Self, StoreError> {
        let (queue, requests) = mpsc::channel(QUEUE);
        let (end, ended) = watch::channel(());
        std::thread::Builder::new()
            .name("sqlite-writer".into())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                serve(connection, requests, stall_limit);
                drop(end);
            })
            .map_err(|error| StoreError::Failed(format!("no thread for the writer: {error}")))?;
        Ok(Self { queue, ended })
    }

    /// Does `work` in a transaction, possibly with others', and returns once it is durable. An `Err` of the work's leaves no trace.
    ///
    /// # Errors
    /// The work's; a [`StoreError`] when it could not be committed.
    pub(crate) async fn write<T, R>(&self, work: impl FnOnce(&mut SqliteConnection) -> Result<T, Failure<R>> + Send + 'static) -> Result<T, R>
    where
        T: Send + 'static,
        R: From<StoreError> + Send + 'static,
    {
        let (job, outcome) = job(work);
        self.queue.send(Request::Grouped(job)).await.map_err(|_| closed())?;
        outcome.await.unwrap_or_else(|_| Err(closed().into())).map_err(Failure::into_port)
    }

    /// Begins a transaction that has the writer to itself.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot begin.
    pub(crate) async fn begin(&self) -> Result<Session, StoreError> {
        let (session, host) = session();
        self.queue.send(Request::Exclusive(host)).await.map_err(|_| closed())?;
        session.begun().await
    }

    /// Finishes what is queued, empties the write-ahead log into the file, and ends the thread.
    pub(crate) async fn close(&self) {
        // Somebody else may have closed it already.
        let _ = self.queue.send(Request::Close).await;
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }
}

fn serve(mut connection: SqliteConnection, mut requests: mpsc::Receiver<Request>, stall_limit: Duration) {
    let mut waiting = Vec::with_capacity(GROUP);
    while requests.blocking_recv_many(&mut waiting, GROUP) > 0 {
        let mut group = Vec::with_capacity(waiting.len());
        for request in waiting.drain(..) {
            match request {
                Request::Grouped(job) => group.push(job),
                Request::Exclusive(host) => {
                    work_off(&mut connection, std::mem::take(&mut group));
                    host.serve(&mut connection, stall_limit);
                }
                Request::Close => requests.close(),
            }
        }
        work_off(&mut connection, group);
    }
    // Best effort: whoever still reads or exports keeps the log alive, and it is read again on the next start.
    if let Err(error) = connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::warn!(%error, "the write-ahead log could not be emptied");
    }
}

fn work_off(connection: &mut SqliteConnection, mut group: Vec<Box<dyn Job>>) {
    if group.is_empty() {
        return;
    }
    let committed = commit_together(connection, &mut group);
    for job in group {
        job.answer(committed.clone());
    }
}

fn commit_together(connection: &mut SqliteConnection, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    begin(connection)?;
    match group.iter_mut().try_for_each(|job| job.run(connection)) {
        Ok(()) => commit(connection),
        Err(lost) => {
            roll_back(connection);
            Err(lost)
        }
    }
}
