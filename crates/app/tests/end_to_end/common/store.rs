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
        Self::Postgres(runtime().block_on(fresh_database()))
    }

    /// The rows of a query, as texts. For PostgreSQL.
    #[track_caller]
    pub(super) fn sql(&self, query: &str) -> Vec<Vec<Option<String>>> {
        let Self::Postgres(database) = self else { panic!("the tests speak no SQL to this store") };
        let runtime = runtime();
        runtime.block_on(async {
            let rows = database.connect().await.query(query, &[]).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
            rows.iter().map(|row| (0..row.len()).map(|column| row.get(column)).collect()).collect()
        })
    }

    /// Locks what a query locks, until the value is dropped. For PostgreSQL.
    #[track_caller]
    pub(super) fn lock(&self, query: &str) -> Lock {
        let Self::Postgres(database) = self else { panic!("the tests speak no SQL to this store") };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let client = database.connect().await;
            client.batch_execute(&format!("BEGIN; {query}")).await.unwrap_or_else(|error| panic!("{query}: {error:?}"));
            client
        });
        Lock { _client: Box::new(client), _runtime: runtime }
    }

    /// As `storage.url` wants it.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Sqlite => "",
            Self::Postgres(database) => database.url(),
        }
    }
}

/// A transaction that was begun and never ends well: its locks go with its connection.
pub(crate) struct Lock {
    _client: Box<dyn Send>,
    _runtime: tokio::runtime::Runtime,
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
