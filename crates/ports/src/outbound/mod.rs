//! What Lethe asks of the world.
//!
//! There are two ways to a store. The hot path, [`PreferenceStore`], is one atomic statement a call. Everything that must look before it
//! writes goes through [`Store::transact`]. The other traits only read.

mod accounts;
mod archive;
mod audit;
mod clock;
mod content;
mod erasures;
mod feed;
mod holds;
mod outbox;
mod preferences;
mod revocations;
mod store;
mod upkeep;

pub use accounts::{AccountStore, UserFilter, UserOrder, UserQuery};
pub use archive::{ArchiveStore, ImportTerms, RecordOutcome};
pub use audit::{AuditFilter, AuditStore, ChainLink};
pub use clock::Clock;
pub use content::ContentStore;
pub use erasures::{DuePurge, ErasureStore};
pub use feed::{FeedStore, Hint, Position};
pub use holds::HoldStore;
pub use outbox::{ListedDelivery, Message, OutboxStore, WebhookSender};
pub use preferences::{KeyRange, Look, OwnerFence, PastPart, PreferenceStore, PreferenceStoreError, Snapshot, Stamp};
pub use revocations::{RevocationStore, Revocations, RevokedToken};
pub use store::{AttemptState, InsertUserError, Store, StoreError, Tx};
pub use upkeep::{Backlog, Duty, Forgettable, LogScan, Renumbered, UpkeepStore};
