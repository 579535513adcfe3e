//! A store in memory that keeps the whole contract, for tests of everything that stands on a store.
//!
//! A transaction works on a copy of the state, which takes the state's place when it commits.

mod archive;
mod life_cycle;
mod preferences;
mod reads;
mod state;
mod transaction;

use crate::FixedClock;
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use lethe_ports::outbound::{Clock as _, Store, StoreError, Tx};
use state::State;
use std::sync::Arc;
use tokio::sync::Mutex;
use transaction::MemoryTx;

/// The store. Its clones are handles on one state. Its own clock stands still, or is the one that it was given.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    clock: Arc<FixedClock>,
}

impl MemoryStore {
    /// An empty store that goes by this clock.
    #[must_use]
    pub fn by(clock: Arc<FixedClock>) -> Self {
        Self { clock, ..Self::default() }
    }

    /// All that is kept by now.
    pub async fn back_up(&self) -> Backup {
        Backup(self.state.lock().await.clone())
    }

    /// Sets the store back to what it was.
    pub async fn play_back(&self, backup: Backup) {
        *self.state.lock().await = backup.0;
    }
}

/// What a store kept at some time.
#[derive(Debug)]
pub struct Backup(State);

#[async_trait]
impl Store for MemoryStore {
    async fn transact<R, E, F>(&self, work: F) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut dyn Tx) -> BoxFuture<'t, Result<R, E>> + Send + 'static,
    {
        let mut state = self.state.lock().await;
        let mut tx = MemoryTx { state: state.clone(), now: self.clock.now() };
        let done = work(&mut tx).await?;
        *state = tx.state;
        Ok(done)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}
