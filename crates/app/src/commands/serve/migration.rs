//! Migrations of a running service. A database that is not there yet does not keep the service from starting.

use crate::wiring::Store;
use lethe_ports::outbound::StoreError;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const RETRY: Duration = Duration::from_secs(1);

/// How long a start waits for its database before it says that it is not there.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether the store can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreState {
    /// Nothing is known yet.
    Unknown,
    /// Its schema is up to date.
    Ready,
    /// It could not be migrated, and this is tried again.
    Awaited,
}

/// Migrations that are done, or being tried.
pub(super) struct Migration {
    state: watch::Receiver<StoreState>,
    task: Option<JoinHandle<()>>,
}

impl Migration {
    /// Migrates here and now.
    pub(super) async fn done_at_once(store: &Store) -> Result<Self, StoreError> {
        log_applied(&store.migrate().await?);
        Ok(Self { state: watch::channel(StoreState::Ready).1, task: None })
    }

    /// Migrates in the background, as soon as the store lets it.
    pub(super) fn when_reachable(store: Store) -> Self {
        let (announce, state) = watch::channel(StoreState::Unknown);
        Self { state, task: Some(tokio::spawn(migrate_until_done(store, announce))) }
    }

    /// Where it stands, now and later.
    pub(super) fn state(&self) -> watch::Receiver<StoreState> {
        self.state.clone()
    }

    /// What came of the first attempt, or that it takes long.
    pub(super) async fn first_state(&self) -> StoreState {
        let mut state = self.state.clone();
        let known = timeout(PATIENCE, state.wait_for(|state| *state != StoreState::Unknown)).await;
        match known {
            Ok(Ok(state)) => *state,
            Ok(Err(_)) | Err(_) => StoreState::Awaited,
        }
    }

    /// Tries no more.
    pub(super) fn stop(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn migrate_until_done(store: Store, announce: watch::Sender<StoreState>) {
    let mut last_error: Option<Discriminant<StoreError>> = None;
    loop {
        match store.migrate().await {
            Ok(applied) => {
                log_applied(&applied);
                announce.send_replace(StoreState::Ready);
                return;
            }
            Err(error) => {
                // Once for each kind of error, not once a second.
                if last_error.replace(discriminant(&error)) != Some(discriminant(&error)) {
                    tracing::warn!(%store, %error, "the store cannot be migrated yet; trying again every second");
                }
                announce.send_replace(StoreState::Awaited);
                sleep(RETRY).await;
            }
        }
    }
}

fn log_applied(applied: &[String]) {
    tracing::info!(applied = applied.join(", "), "the store is up to date");
}
