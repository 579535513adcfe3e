//! Stores for tests.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

use lethe_postgres_adapter::{PgConfig, PgStore};
use lethe_testkit::postgres::{TestDatabase, fresh_database};

/// A store on a database that is empty but for the tables. It lives as long as the second member.
pub(crate) async fn fresh() -> (PgStore, TestDatabase) {
    let database = fresh_database().await;
    let store = open(database.url());
    store.migrate().await.expect("an empty database can be migrated");
    (store, database)
}

/// A store of a few connections.
pub(crate) fn open(url: &str) -> PgStore {
    PgStore::new(&PgConfig { url: url.to_owned(), max_connections: 8 }).expect("the URL is good")
}
