//! The stores that a service can be started on.

use lethe_testkit::postgres::{TestDatabase, fresh_database};

/// An empty store.
#[derive(Debug)]
pub(crate) enum Store {
    /// The embedded one, in the service's own folder.
    Sqlite,
    /// A database on the test server.
    Postgres(TestDatabase),
}

impl Store {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite
    }

    pub(crate) fn postgres() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self::Postgres(runtime.block_on(fresh_database()))
    }

    /// As `storage.url` wants it.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Sqlite => "",
            Self::Postgres(database) => database.url(),
        }
    }
}
