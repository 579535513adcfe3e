//! Requests that may be sent again, and have their effect once.
//!
//! What came of the first one is kept in the transaction of its effect: whoever sends it again, after whatever went wrong, is told that. A
//! refusal has no effect, so it is not remembered: sent again, the request is looked at anew.

use crate::Lethe;
use crate::access::is_alive;
use crate::retry::{StoreFailure, on_contention};
use futures_util::future::BoxFuture;
use lethe_domain::account::Account;
use lethe_domain::attempt::REMEMBERED_FOR;
use lethe_domain::id::UserId;
use lethe_ports::Caller;
use lethe_ports::inbound::AccessError;
use lethe_ports::outbound::{AttemptState, Store, StoreError, Tx};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Something that came of a request, and of which only `N` is kept: its value is in the change log, where it counts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Noted<N, T> {
    note: N,
    #[serde(skip, default = "Option::default")]
    whole: Option<T>,
}

impl<N, T> Noted<N, T> {
    pub(crate) fn new(note: N, whole: T) -> Self {
        Self { note, whole: Some(whole) }
    }

    /// The whole; or the note, if it is told again.
    pub(crate) fn whole(self) -> Result<T, N> {
        self.whole.ok_or(self.note)
    }
}

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
        T: Serialize + DeserializeOwned + Send + 'static,
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
                            tx.end_attempt(about, &attempt, &kept(&outcome)?, now).await?;
                            Ok(outcome)
                        }
                        // Whoever is served may hold the caller's row: nothing is asked about the caller, who has to come again anyway.
                        AttemptState::Running => Err(AccessError::AttemptRunning.into()),
                        AttemptState::Done { fingerprint, outcome } => {
                            honours(&caller, tx.account_for_share(caller.actor.user).await?.as_ref())?;
                            if fingerprint != attempt.fingerprint {
                                return Err(AccessError::AttemptReused.into());
                            }
                            retry.note_replay();
                            Ok(recalled(&outcome)?)
                        }
                    }
                })
            })
        })
        .await
    }
}

fn kept<T: Serialize>(outcome: &T) -> Result<String, StoreError> {
    serde_json::to_string(outcome).map_err(|error| StoreError::Failed(format!("an outcome cannot be kept: {error}")))
}

fn recalled<T: DeserializeOwned>(outcome: &str) -> Result<T, StoreError> {
    serde_json::from_str(outcome).map_err(|error| StoreError::Failed(format!("a kept outcome cannot be read: {error}")))
}
