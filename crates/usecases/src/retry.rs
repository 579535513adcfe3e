//! Trying again when another writer was in the way.

use lethe_ports::inbound::{AccessError, AccountError, ContentError, DeleteUserError, KeyedError, LookUpError, PreferenceError, RestoreError, SettingsError};
use lethe_ports::outbound::StoreError;
use std::future::Future;

/// How often something is tried that only others' writes keep from happening.
pub(crate) const TRIES: usize = 5;

/// Something that can fail because of the store.
pub(crate) trait StoreFailure {
    /// The store's failure, if that is what it is.
    fn store_error(&self) -> Option<&StoreError>;
}

macro_rules! store_failure {
    ($($error:ident),+ $(,)?) => {
        $(impl StoreFailure for $error {
            fn store_error(&self) -> Option<&StoreError> {
                if let Self::Store(error) | Self::Access(AccessError::Store(error)) = self { Some(error) } else { None }
            }
        })+
    };
}

store_failure!(AccountError, ContentError, DeleteUserError, KeyedError, LookUpError, PreferenceError, RestoreError, SettingsError);

impl StoreFailure for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

/// Runs a transaction again while it fails by contention, which leaves no trace.
pub(crate) async fn on_contention<T, E: StoreFailure, F: Future<Output = Result<T, E>>>(mut attempt: impl FnMut() -> F) -> Result<T, E> {
    for _ in 1..TRIES {
        match attempt().await {
            Err(error) if matches!(error.store_error(), Some(StoreError::Contention(_))) => {}
            done => return done,
        }
    }
    attempt().await
}
