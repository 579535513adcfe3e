//! The store in memory keeps the contract too.

use lethe_testkit::MemoryStore;

async fn fresh() -> (MemoryStore, ()) {
    (MemoryStore::default(), ())
}

lethe_testkit::contract_suite!(fresh);
