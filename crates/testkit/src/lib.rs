//! What tests need: a store in memory, a clock that stands still, things to put in, and the contract that every store is held to.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "this crate is made of tests: a panic is how they fail")]

pub mod clock;
pub mod contract;
pub mod fixture;
pub mod memory;
pub mod postgres;

pub use clock::FixedClock;
pub use memory::MemoryStore;
