//! A transaction that is driven from outside the writer's thread, step by step.

use crate::atomic::{begin, commit, roll_back};
use crate::error::{Failure, closed};
use crate::job::{Job, job};
use diesel::SqliteConnection;
use lethe_ports::outbound::StoreError;
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::oneshot;

/// The caller's side. Dropping it rolls back.
#[derive(Debug)]
pub(crate) struct Session {
    steps: mpsc::Sender<Step>,
    leaves: Leavings,
}

/// What a transaction leaves in the write-ahead log when it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leavings {
    /// Nothing that may not be found there.
    Harmless,
    /// Images of what was erased for good.
    Erased,
}

/// A session whose turn has not come yet.
#[derive(Debug)]
pub(crate) struct WaitingSession {
    session: Session,
    begun: oneshot::Receiver<Result<(), StoreError>>,
}

/// The writer's side.
pub(crate) struct SessionHost {
    steps: mpsc::Receiver<Step>,
    turn: oneshot::Sender<Result<(), StoreError>>,
}

enum Step {
    Run(Box<dyn Job>),
    Commit(Commit),
}

struct Commit {
    leaves: Leavings,
    reply: oneshot::Sender<Result<(), StoreError>>,
}

/// Both sides of a new session.
pub(crate) fn session() -> (WaitingSession, SessionHost) {
    let (sender, receiver) = mpsc::channel();
    let (turn, begun) = oneshot::channel();
    (WaitingSession { session: Session { steps: sender, leaves: Leavings::Harmless }, begun }, SessionHost { steps: receiver, turn })
}

impl WaitingSession {
    /// Waits for the session's turn.
    ///
    /// # Errors
    /// [`StoreError`] when the transaction cannot begin.
    pub(crate) async fn begun(self) -> Result<Session, StoreError> {
        self.begun.await.map_err(|_| closed())??;
        Ok(self.session)
    }
}

impl Session {
    /// Does one step. If it fails it leaves no trace, and the session goes on.
    ///
    /// # Errors
    /// The step's; a [`StoreError`] when the session has ended.
    pub(crate) async fn run<T, R>(&self, work: impl FnOnce(&mut SqliteConnection) -> Result<T, Failure<R>> + Send + 'static) -> Result<T, R>
    where
        T: Send + 'static,
        R: From<StoreError> + Send + 'static,
    {
        let (job, outcome) = job(work);
        self.steps.send(Step::Run(job)).map_err(|_| rolled_back())?;
        outcome.await.unwrap_or_else(|_| Err(rolled_back().into())).map_err(Failure::into_port)
    }

    /// Notes that what the session has removed, in this transaction or earlier ones, must not be found in the log once it is committed.
    pub(crate) fn note_erased(&mut self) {
        self.leaves = Leavings::Erased;
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// [`StoreError`] when it is not.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        let (reply, committed) = oneshot::channel();
        self.steps.send(Step::Commit(Commit { leaves: self.leaves, reply })).map_err(|_| rolled_back())?;
        committed.await.unwrap_or_else(|_| Err(rolled_back()))
    }
}

fn rolled_back() -> StoreError {
    StoreError::Contention("the transaction stalled or broke, and was rolled back".into())
}

impl SessionHost {
    /// Serves the session until it ends: by a commit, or because its caller goes away, or does nothing for `stall_limit` while every
    /// other writer waits. Says what it has left in the log.
    pub(crate) fn serve(self, connection: &mut SqliteConnection, stall_limit: Duration) -> Leavings {
        if self.turn.is_closed() {
            return Leavings::Harmless;
        }
        let begun = begin(connection);
        let is_open = begun.is_ok();
        // A caller that is gone by now is noticed by its silence.
        let _ = self.turn.send(begun);
        if !is_open {
            return Leavings::Harmless;
        }
        let Some(Commit { leaves, reply }) = work_off(&self.steps, connection, stall_limit) else {
            roll_back(connection);
            return Leavings::Harmless;
        };
        // Whoever asked may have gone.
        let _ = reply.send(commit(connection));
        // Also when nobody can say whether it was committed.
        leaves
    }
}

/// Does the steps up to the commit, and returns that; `None` when there is to be none.
fn work_off(steps: &mpsc::Receiver<Step>, connection: &mut SqliteConnection, stall_limit: Duration) -> Option<Commit> {
    loop {
        match steps.recv_timeout(stall_limit) {
            Ok(Step::Run(mut job)) => {
                let ran = job.run(connection);
                let is_lost = ran.is_err();
                job.answer(ran);
                if is_lost {
                    return None;
                }
            }
            Ok(Step::Commit(commit)) => return Some(commit),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                tracing::warn!(?stall_limit, "a transaction stalled and is rolled back");
                return None;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return None,
        }
    }
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use crate::{SqliteConfig, SqliteStore};
    use lethe_domain::Username;
    use lethe_ports::outbound::{AccountStore as _, InsertUserError, Store as _, StoreError, UserQuery};
    use lethe_testkit::fixture::user;
    use std::time::Duration;
    use tempfile::TempDir;
    use tokio::sync::oneshot;

    async fn impatient() -> (SqliteStore, TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let config = SqliteConfig::new(folder.path().join("lethe.db"));
        let store = SqliteStore::open_with(&config, Duration::from_millis(20)).expect("a new file");
        store.migrate().await.expect("the schema");
        (store, folder)
    }

    /// Whether a user of that name was kept. A look-up, because a transaction could stall as well.
    async fn is_there(store: &SqliteStore, name: &str) -> bool {
        store.find_user(&UserQuery::Username(Username::from_store(name.into()))).await.expect("reachable").is_some()
    }

    #[tokio::test]
    async fn a_stalled_transaction_is_rolled_back() {
        let (store, _folder) = impatient().await;
        let (begun, has_begun) = oneshot::channel();
        let (wake, woken) = oneshot::channel();
        let stalled = store.transact(|tx| {
            Box::pin(async move {
                let first = tx.insert_user(&user("ann")).await;
                let _ = begun.send(());
                let _ = woken.await;
                first?;
                tx.insert_user(&user("bob")).await
            })
        });
        let other = async {
            has_begun.await.expect("it begins");
            store.migrate().await.expect("the writer is free again");
            let _ = wake.send(());
        };
        let (stalled, ()) = tokio::join!(stalled, other);
        assert!(matches!(stalled, Err(InsertUserError::Store(StoreError::Contention(_)))), "{stalled:?}");
        assert!(!is_there(&store, "ann").await && !is_there(&store, "bob").await);
    }

    #[tokio::test]
    async fn a_transaction_that_stalls_before_its_commit_is_not_acknowledged() {
        let (store, _folder) = impatient().await;
        let (begun, has_begun) = oneshot::channel();
        let (wake, woken) = oneshot::channel();
        let stalled = store.transact(|tx| {
            Box::pin(async move {
                let inserted = tx.insert_user(&user("ann")).await;
                let _ = begun.send(());
                let _ = woken.await;
                inserted
            })
        });
        let other = async {
            has_begun.await.expect("it begins");
            store.migrate().await.expect("the writer is free again");
            let _ = wake.send(());
        };
        let (stalled, ()) = tokio::join!(stalled, other);
        assert!(matches!(stalled, Err(InsertUserError::Store(StoreError::Contention(_)))), "{stalled:?}");
        assert!(!is_there(&store, "ann").await);
    }
}
