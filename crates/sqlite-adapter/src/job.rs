//! One piece of work on the write connection, and whoever waits for what comes of it.
//!
//! A job runs in a savepoint, so that one that fails or panics harms no other in the same transaction, and answers once the transaction's
//! fate is known.

use crate::atomic::atomically;
use crate::error::Failure;
use diesel::SqliteConnection;
use lethe_ports::outbound::StoreError;
use tokio::sync::oneshot;

/// Work of any type.
pub(crate) trait Job: Send {
    /// Does the work, inside a transaction.
    ///
    /// # Errors
    /// Only when the transaction itself is lost, as after a full disk: nothing more may be done in it.
    fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError>;

    /// Tells whoever waits what came of it. What the work itself returned counts only if it was `committed`.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// Where the outcome of a job will be found.
pub(crate) type Outcome<T, R> = oneshot::Receiver<Result<T, Failure<R>>>;

/// A job, and where its outcome will be found.
pub(crate) fn job<T, R>(work: impl FnOnce(&mut SqliteConnection) -> Result<T, Failure<R>> + Send + 'static) -> (Box<dyn Job>, Outcome<T, R>)
where
    T: Send + 'static,
    R: Send + 'static,
{
    let (reply, outcome) = oneshot::channel();
    (Box::new(Task { work: Some(work), outcome: None, reply }), outcome)
}

struct Task<W, T, R> {
    work: Option<W>,
    outcome: Option<Result<T, Failure<R>>>,
    reply: oneshot::Sender<Result<T, Failure<R>>>,
}

impl<W, T, R> Job for Task<W, T, R>
where
    W: FnOnce(&mut SqliteConnection) -> Result<T, Failure<R>> + Send,
    T: Send,
    R: Send,
{
    fn run(&mut self, connection: &mut SqliteConnection) -> Result<(), StoreError> {
        if self.reply.is_closed() {
            return Ok(());
        }
        if let Some(work) = self.work.take() {
            let outcome = atomically(connection, work).map_err(|error| StoreError::Unavailable(format!("the transaction is lost: {error}")))?;
            self.outcome = Some(outcome);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let outcome = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => return,
            (Err(error), _) => Err(Failure::Store(error)),
        };
        // Nobody may be waiting any more.
        let _ = self.reply.send(outcome);
    }
}
