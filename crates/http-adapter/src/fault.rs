//! Failures that are not the client's doing. A client is told whether trying again may help; the cause goes into the log, where the
//! request's id leads to it.

use lethe_ports::outbound::StoreError;

/// Why Lethe could not do what it was asked. The texts are for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// What was asked for may or may not have happened; trying again may help.
    Unavailable(String),
    /// A defect, here or in the store.
    Failed(String),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Contention(_) => Self::Unavailable(error.to_string()),
            StoreError::Failed(_) => Self::Failed(error.to_string()),
        }
    }
}

impl Fault {
    /// Puts the cause into the log.
    pub(crate) fn log(&self) {
        match self {
            Self::Unavailable(cause) => tracing::warn!(cause, "request could not be served"),
            Self::Failed(cause) => tracing::error!(cause, "request failed"),
        }
    }
}
