//! The embedded store keeps the contract of every store.
#![expect(clippy::expect_used, reason = "tests")]

use lethe_sqlite_adapter::{SqliteConfig, SqliteStore};
use tempfile::TempDir;

async fn fresh() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = SqliteStore::open(&SqliteConfig::new(folder.path().join("lethe.db"))).expect("a new file");
    store.migrate().await.expect("the schema");
    (store, folder)
}

lethe_testkit::contract_suite!(fresh);
