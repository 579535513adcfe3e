//! What the database's failures mean: to the connection, and to whoever asked.

use diesel::result::{DatabaseErrorKind, Error};
use lethe_ports::outbound::StoreError;

/// A failure, as far as it matters here. The texts are for the log, and without personal data: the server puts that into the detail
/// of an error, which is never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// There was no connection to be had, or no answer in time.
    Unreachable(String),
    /// The connection broke, or leads to a server that may not write.
    Broken(String),
    /// The server chose this transaction to let another one pass (40001, 40P01): all of it can be tried again at once.
    Overtaken(String),
    /// Waiting for another transaction took too long (55P03, 57014).
    Busy(String),
    /// A table or column is not there (42P01, 42703): the schema is not, or not yet, the one that this program was built for.
    Unmigrated(String),
    /// A row of that key is there already (23505).
    Duplicate(String),
    /// Anything else.
    Other(String),
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable(text) | Failure::Broken(text) | Failure::Unmigrated(text) => Self::Unavailable(text),
            Failure::Overtaken(text) | Failure::Busy(text) => Self::Contention(text),
            Failure::Duplicate(text) | Failure::Other(text) => {
                tracing::error!(error = text, "the database refused a statement");
                Self::Failed(text)
            }
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let Error::DatabaseError(kind, information) = error else {
            return Self::Other(error.to_string());
        };
        let text = information.message().to_owned();
        match kind {
            DatabaseErrorKind::UniqueViolation => Self::Duplicate(text),
            DatabaseErrorKind::SerializationFailure => Self::Overtaken(text),
            DatabaseErrorKind::ReadOnlyTransaction | DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => Self::Broken(text),
            _ => Self::of_text(text),
        }
    }
}

impl Failure {
    /// Diesel keeps the SQLSTATE to itself, so the rest is told apart by the server's English text, which each session asks for.
    fn of_text(text: String) -> Self {
        let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| text.starts_with(beginning));
        if begins(&["deadlock detected"]) {
            Self::Overtaken(text)
        } else if begins(&["canceling statement due to", "could not obtain lock on"]) {
            Self::Busy(text)
        } else if begins(&["terminating connection", "the database system is", "cannot execute"]) {
            Self::Broken(text)
        } else if begins(&["relation ", "column "]) && text.ends_with(" does not exist") {
            Self::Unmigrated(text)
        } else {
            Self::Other(text)
        }
    }
}
