//! What Lethe asks of the world.
//!
//! There are two ways to a store. The hot path, [`PreferenceStore`], is one atomic statement a call. Everything that must look before it
//! writes goes through [`Store::transact`].

mod accounts;
mod archive;
mod clock;
mod content;
mod preferences;
mod store;

pub use accounts::{AccountStore, UserFilter, UserOrder, UserQuery};
pub use archive::{ArchiveStore, RecordOutcome};
pub use clock::Clock;
pub use content::ContentStore;
pub use preferences::{OwnerFence, PreferenceStore, PreferenceStoreError, Stamp};
pub use store::{InsertUserError, Store, StoreError, Tx};
