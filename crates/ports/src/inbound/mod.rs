//! What an adapter may ask of Lethe. Whatever comes in here is already checked for its form: only domain types cross.

mod access;
mod accounts;
mod archive;
mod audit;
mod content;
mod feed;
mod health;
mod holds;
mod keyed_preferences;
mod life_cycle;
mod look_up;
mod operator;
mod preferences;
mod settings;
mod upkeep;
mod webhooks;

pub use access::{Access, AccessError};
pub use accounts::{AccountError, Accounts, CreateUserError, DeleteUserError, Deletion, DeletionRequest, Reservation};
pub use archive::Archive;
pub use audit::AuditLog;
pub use content::{Content, ContentError};
pub use feed::{ChangeFeed, FeedEnd, FeedEvent};
pub use health::Health;
pub use holds::Holds;
pub use keyed_preferences::{Atomicity, Batch, BatchOutcome, BatchStep, KeyedError, KeyedPreferences, Reversion};
pub use life_cycle::{Bearer, LifeCycle, Restoration, RestoreError};
pub use look_up::LookUpError;
pub use operator::{AuditVerdict, Operator};
pub use preferences::{KeyFilter, PreferenceError, Preferences};
pub use settings::{Settings, SettingsChange, SettingsError};
pub use upkeep::{Upkeep, Work};
pub use webhooks::Webhooks;
