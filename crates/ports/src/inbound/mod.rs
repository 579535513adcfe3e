//! What an adapter may ask of Lethe. Whatever comes in here is already checked for its form: only domain types cross.

mod access;
mod accounts;
mod archive;
mod content;
mod health;
mod preferences;
mod settings;

pub use access::{Access, AccessError};
pub use accounts::{AccountError, Accounts, CreateUserError, DeleteUserError};
pub use archive::Archive;
pub use content::{Content, ContentError};
pub use health::Health;
pub use preferences::{KeyFilter, PreferenceError, Preferences};
pub use settings::{Settings, SettingsError};
