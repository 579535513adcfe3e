//! What goes wrong, in the words of the ports.

use diesel::ConnectionError;
use diesel::result::Error;
use lethe_domain::limits::QuotaError;
use lethe_ports::outbound::StoreError;

/// Why work on a connection came to nothing.
#[derive(Debug)]
pub(crate) enum Failure<R> {
    /// A rule says no.
    Refused(R),
    /// The database did not do it.
    Store(StoreError),
}

impl<R> From<Error> for Failure<R> {
    fn from(error: Error) -> Self {
        Self::Store(store_error(error))
    }
}

impl<R> From<StoreError> for Failure<R> {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<R: From<QuotaError>> From<QuotaError> for Failure<R> {
    fn from(error: QuotaError) -> Self {
        Self::Refused(error.into())
    }
}

impl<R: From<StoreError>> Failure<R> {
    /// The port's error for it.
    pub(crate) fn into_port(self) -> R {
        match self {
            Self::Refused(reason) => reason,
            Self::Store(error) => error.into(),
        }
    }
}

/// How the messages begin that tell of somebody else's lock. diesel keeps SQLite's message and drops its code.
const LOCKED: [&str; 3] = ["database is locked", "database table is locked", "database schema is locked"];

/// How the messages begin that tell of trouble around the file: nobody can say whether a commit that meets it has happened.
const OUT_OF_REACH: [&str; 5] =
    ["database or disk is full", "disk I/O error", "unable to open database file", "attempt to write a readonly database", "locking protocol"];

/// Sorts an error into those of the ports.
pub(crate) fn store_error(error: Error) -> StoreError {
    match error {
        Error::DatabaseError(_, information) => from_message(information.message()),
        Error::RollbackErrorOnCommit { commit_error, .. } => StoreError::Unavailable(commit_error.to_string()),
        other => StoreError::Failed(other.to_string()),
    }
}

/// Sorts an error on opening a connection into those of the ports.
pub(crate) fn open_error(error: &ConnectionError) -> StoreError {
    match error {
        ConnectionError::BadConnection(message) => from_message(message),
        other => StoreError::Failed(other.to_string()),
    }
}

/// The store was closed, by this handle or another.
pub(crate) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

/// What a row says makes no sense: somebody else wrote it, or a migration is wrong.
pub(crate) fn corrupt(what: &'static str) -> Error {
    Error::DeserializationError(what.into())
}

fn from_message(message: &str) -> StoreError {
    let begins_with_one_of = |beginnings: &[&str]| beginnings.iter().any(|beginning| message.starts_with(beginning));
    if begins_with_one_of(&LOCKED) {
        StoreError::Contention(message.to_owned())
    } else if begins_with_one_of(&OUT_OF_REACH) {
        StoreError::Unavailable(message.to_owned())
    } else {
        StoreError::Failed(message.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_sorted_by_what_can_be_done() {
        assert!(matches!(from_message("database is locked"), StoreError::Contention(_)));
        assert!(matches!(from_message("database table is locked: users"), StoreError::Contention(_)));
        assert!(matches!(from_message("database or disk is full"), StoreError::Unavailable(_)));
        assert!(matches!(from_message("disk I/O error"), StoreError::Unavailable(_)));
        assert!(matches!(from_message("database disk image is malformed"), StoreError::Failed(_)));
        assert!(matches!(store_error(Error::NotFound), StoreError::Failed(_)));
    }
}
