//! The store in memory keeps the contract too.

use lethe_testkit::MemoryStore;

#[expect(clippy::unused_async, reason = "the suite awaits a fresh store")]
async fn fresh() -> (MemoryStore, ()) {
    (MemoryStore::default(), ())
}

lethe_testkit::contract_suite!(fresh);
