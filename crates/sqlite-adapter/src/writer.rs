//! The writer: one thread that owns the one connection that writes, and works off a queue.
//!
//! Jobs that wait together are committed together: one transaction, one sync of the disk, and no answer before it. An exclusive session
//! has a transaction of its own, which its caller drives from outside. When nothing waits, the writer looks after the write-ahead log.

use crate::atomic::{begin, commit, roll_back};
use crate::error::{Failure, closed};
use crate::job::{Job, job};
use crate::log::Log;
use crate::session::{Leavings, Session, SessionHost, session};
use diesel::SqliteConnection;
use diesel::connection::SimpleConnection;
use lethe_ports::outbound::StoreError;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};
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
    let mut log = Log::found();
    log.empty_if_due(&mut connection);
    let mut waiting = Vec::with_capacity(GROUP);
    while receive(&mut requests, &mut waiting, log.pause()) {
        let mut group = Vec::with_capacity(waiting.len());
        for request in waiting.drain(..) {
            match request {
                Request::Grouped(job) => group.push(job),
                Request::Exclusive(host) => {
                    work_off(&mut connection, std::mem::take(&mut group));
                    match host.serve(&mut connection, stall_limit) {
                        Leavings::Erased => log.note_erased(),
                        Leavings::Harmless => {}
                    }
                }
                Request::Close => requests.close(),
            }
        }
        work_off(&mut connection, group);
        log.empty_if_due(&mut connection);
    }
    // Best effort: whoever still reads or exports keeps the log alive, and it is read again on the next start.
    if let Err(error) = connection.batch_execute("PRAGMA wal_checkpoint(TRUNCATE)") {
        tracing::warn!(%error, "the write-ahead log could not be emptied");
    }
}

/// Waits for requests, no longer than for `patience` if there is one. Whether there will be any more.
fn receive(requests: &mut mpsc::Receiver<Request>, waiting: &mut Vec<Request>, patience: Option<Duration>) -> bool {
    let Some(patience) = patience else { return requests.blocking_recv_many(waiting, GROUP) > 0 };
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let deadline = Instant::now() + patience;
    loop {
        if let Poll::Ready(number) = requests.poll_recv_many(&mut Context::from_waker(&waker), waiting, GROUP) {
            return number > 0;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::park_timeout(left);
    }
}

/// Wakes a thread that waits for requests.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
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

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::connection::open_writer;
    use diesel::prelude::*;
    use futures_util::future::join_all;
    use std::path::PathBuf;
    use tempfile::TempDir;

    diesel::table! {
        notes (id) {
            id -> BigInt,
        }
    }

    type Work = Box<dyn FnOnce(&mut SqliteConnection) -> Result<(), Failure<StoreError>> + Send>;

    const PATIENT: Duration = Duration::from_mins(10);

    async fn writer() -> (Writer, PathBuf, TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("notes.db");
        let writer = Writer::start(open_writer(&path).expect("a new file"), PATIENT).expect("a thread");
        let made: Result<(), StoreError> =
            writer.write(|connection| Ok(connection.batch_execute("CREATE TABLE notes (id INTEGER NOT NULL PRIMARY KEY)")?)).await;
        made.expect("a table");
        (writer, path, folder)
    }

    fn note(connection: &mut SqliteConnection, id: i64) -> Result<(), Failure<StoreError>> {
        diesel::insert_into(notes::table).values(notes::id.eq(id)).execute(connection)?;
        Ok(())
    }

    async fn count(writer: &Writer) -> i64 {
        let count: Result<i64, StoreError> = writer.write(|connection| Ok(notes::table.count().get_result(connection)?)).await;
        count.expect("reachable")
    }

    /// Queues jobs behind an open session, so that they end up in one group.
    async fn together(writer: &Writer, jobs: Vec<Work>) -> Vec<Result<(), StoreError>> {
        let session = writer.begin().await.expect("nobody is in the way");
        let answers = join_all(jobs.into_iter().map(|job| writer.write(job)));
        let release = async move { drop(session) };
        tokio::join!(answers, release).0
    }

    #[tokio::test]
    async fn a_failing_job_harms_no_other() {
        let (writer, ..) = writer().await;
        let refused = || StoreError::Failed("on purpose".into());
        let outcomes = together(
            &writer,
            vec![
                Box::new(|connection| note(connection, 1)),
                Box::new(move |connection| note(connection, 2).and(Err(Failure::Refused(refused())))),
                Box::new(|connection| note(connection, 3).map(|()| panic!("on purpose"))),
                Box::new(|connection| note(connection, 4)),
            ],
        )
        .await;
        assert_eq!(outcomes, [Ok(()), Err(refused()), Err(StoreError::Failed("work on the store panicked".into())), Ok(())]);
        assert_eq!(count(&writer).await, 2, "what failed left no trace");
    }

    #[tokio::test]
    async fn no_job_is_acknowledged_when_its_transaction_is_lost() {
        let (writer, ..) = writer().await;
        // What SQLite does by itself when the disk is full.
        let lose = |connection: &mut SqliteConnection| Ok(connection.batch_execute("INSERT OR ROLLBACK INTO notes VALUES (1)")?);
        let outcomes = together(&writer, vec![Box::new(|connection| note(connection, 1)), Box::new(lose), Box::new(|connection| note(connection, 2))]).await;
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(StoreError::Unavailable(_)))), "{outcomes:?}");
        assert_eq!(count(&writer).await, 0, "the writer goes on, and nothing was written");
    }

    #[tokio::test]
    async fn another_process_in_the_way_is_contention() {
        let (writer, path, _folder) = writer().await;
        let hurry: Result<(), StoreError> = writer.write(|connection| Ok(connection.batch_execute("PRAGMA busy_timeout = 0")?)).await;
        hurry.expect("a setting");
        let mut other = open_writer(&path).expect("the same file");
        other.batch_execute("BEGIN IMMEDIATE").expect("nobody is in the way");
        let blocked: Result<(), StoreError> = writer.write(|connection| note(connection, 1)).await;
        assert_eq!(blocked, Err(StoreError::Contention("database is locked".into())));
        assert!(matches!(writer.begin().await, Err(StoreError::Contention(_))));
        other.batch_execute("COMMIT").expect("it began");
        let free: Result<(), StoreError> = writer.write(|connection| note(connection, 1)).await;
        assert_eq!(free, Ok(()));
    }

    #[tokio::test]
    async fn closing_finishes_what_is_queued() {
        let (writer, ..) = writer().await;
        let session = writer.begin().await.expect("nobody is in the way");
        let queued: Vec<_> = (0..100).map(|id| writer.write(move |connection| note(connection, id))).collect();
        let release = async move { drop(session) };
        let (outcomes, (), ()) = tokio::join!(join_all(queued), writer.close(), release);
        assert_eq!(outcomes, vec![Ok::<(), StoreError>(()); 100]);
        let late: Result<(), StoreError> = writer.write(|connection| note(connection, 1)).await;
        assert_eq!(late, Err(closed()));
        writer.close().await;
    }
}
