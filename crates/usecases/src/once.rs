//! Requests that may be sent again, and have their effect once.
//!
//! What came of the first one is kept in the transaction of its effect: whoever sends it again, after whatever went wrong, is told that. A
//! refusal has no effect, so it is not remembered: sent again, the request is looked at anew.

use crate::Lethe;
use crate::access::is_alive;
use crate::retry::{StoreFailure, on_contention};
use futures_util::future::BoxFuture;
use lethe_domain::account::{Account, UserStatus};
use lethe_domain::attempt::REMEMBERED_FOR;
use lethe_domain::id::{HoldId, PostId, Revision, UserId};
use lethe_domain::time::Timestamp;
use lethe_ports::Caller;
use lethe_ports::inbound::AccessError;
use lethe_ports::outbound::{AttemptState, Store, StoreError, Tx};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Something that comes of a request, and can be told again.
pub(crate) trait Outcome: Sized + Send + 'static {
    /// What is kept of it. Values of preferences are not: those are in the change log, where they count.
    type Note: Serialize + DeserializeOwned + Send + 'static;

    fn note(&self) -> Self::Note;

    /// What came of a request that was about `about`, who is there and stays there.
    ///
    /// [`AccessError::AttemptExpired`] when that is no longer known.
    fn recall(note: Self::Note, tx: &mut dyn Tx, about: UserId) -> impl Future<Output = Result<Self, AccessError>> + Send;
}

/// An outcome that is kept as it is.
pub(crate) trait Kept: Clone + Serialize + DeserializeOwned + Send + 'static {}

impl<T: Kept> Outcome for T {
    type Note = Self;

    fn note(&self) -> Self {
        self.clone()
    }

    async fn recall(note: Self, _: &mut dyn Tx, _: UserId) -> Result<Self, AccessError> {
        Ok(note)
    }
}

/// That it was done is all that is to be told.
impl Kept for () {}
impl Kept for Revision {}
impl Kept for PostId {}
impl Kept for (UserId, Timestamp) {}
impl Kept for (HoldId, Timestamp) {}

/// Whether an account still honours a caller.
type Honours = fn(&Caller, Option<&Account>) -> Result<(), AccessError>;

/// Whose request it is, and whose data come of it.
pub(crate) struct Once<'c> {
    caller: &'c Caller,
    /// Whoever this is erased with.
    about: UserId,
    honours: Honours,
}

impl<'c> Once<'c> {
    /// A request of `caller` that is about `about`.
    pub(crate) fn new(caller: &'c Caller, about: UserId) -> Self {
        Self { caller, about, honours: is_alive }
    }

    /// The same, where another rule says who may be told again what came of it.
    pub(crate) fn honouring(self, honours: Honours) -> Self {
        Self { honours, ..self }
    }
}

impl<S: Store> Lethe<S> {
    /// Runs a transaction, again while it fails by contention. If the caller's request may be sent again, and has been, what came of it then is
    /// given back instead.
    pub(crate) async fn once<T, E, F>(&self, request: Once<'_>, mut work: impl FnMut() -> F) -> Result<T, E>
    where
        T: Outcome,
        E: From<StoreError> + From<AccessError> + StoreFailure + Send + 'static,
        F: for<'t> FnOnce(&'t mut dyn Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let Once { caller, about, honours } = request;
        let Some(retry) = &caller.retry else { return on_contention(|| self.store.transact(work())).await };
        let attempt = retry.attempt(&caller.actor);
        on_contention(|| {
            let (work, attempt, retry, caller, now) = (work(), attempt.clone(), retry.clone(), caller.clone(), self.clock.now());
            self.store.transact(move |tx| {
                Box::pin(async move {
                    let Ok(attempt) = attempt else {
                        // Whatever else is wrong goes before that; and when nothing is, it is undone.
                        work(tx).await?;
                        return Err(AccessError::AttemptMalformed.into());
                    };
                    match tx.begin_attempt(about, &attempt, now.before(REMEMBERED_FOR)).await? {
                        AttemptState::First => {
                            let outcome = work(tx).await?;
                            tx.end_attempt(about, &attempt, &kept(&outcome.note())?, now).await?;
                            Ok(outcome)
                        }
                        // Whoever is served may hold the caller's row: nothing is asked about the caller, who has to come again anyway.
                        AttemptState::Running => Err(AccessError::AttemptRunning.into()),
                        AttemptState::Done { fingerprint, outcome } => {
                            honours(&caller, tx.account_for_share(caller.actor.user).await?.as_ref())?;
                            hold(tx, about).await?;
                            if fingerprint != attempt.fingerprint {
                                return Err(AccessError::AttemptReused.into());
                            }
                            retry.note_replay();
                            Ok(T::recall(recalled(&outcome)?, tx, about).await?)
                        }
                    }
                })
            })
        })
        .await
    }
}

/// Keeps whoever it is about from being erased until it is told.
async fn hold(tx: &mut dyn Tx, about: UserId) -> Result<(), AccessError> {
    match tx.account_for_share(about).await?.map(|account| account.status()) {
        Some(UserStatus::Erased) => Err(AccessError::UserErased),
        // Of an admin who is no stored user nothing can be erased.
        Some(UserStatus::Active | UserStatus::Blocked | UserStatus::SoftDeleted) | None => Ok(()),
    }
}

fn kept<T: Serialize>(outcome: &T) -> Result<String, StoreError> {
    serde_json::to_string(outcome).map_err(|error| StoreError::Failed(format!("an outcome cannot be kept: {error}")))
}

fn recalled<T: DeserializeOwned>(outcome: &str) -> Result<T, StoreError> {
    serde_json::from_str(outcome).map_err(|error| StoreError::Failed(format!("a kept outcome cannot be read: {error}")))
}
