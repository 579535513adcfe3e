//! Why a configuration cannot be used: always which key or file, and what to do.

use super::{layer, redaction};
use config::{ConfigError, Value};

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigurationError {
    /// A file cannot be read, or is not TOML.
    #[error("cannot read the configuration file {path}: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why not.
        reason: String,
    },
    /// No key of that name exists.
    #[error("unknown key `{key}` in {origin}: {hint}")]
    UnknownKey {
        /// The dotted key.
        key: String,
        /// Where it was written.
        origin: String,
        /// Which names exist.
        hint: String,
    },
    /// A value does not fit its key.
    #[error("{key} = {value} in {origin}: {reason}")]
    BadValue {
        /// The dotted key.
        key: String,
        /// The value, without secrets.
        value: String,
        /// Where it was written.
        origin: String,
        /// What would fit.
        reason: String,
    },
    /// A variable that is no text.
    #[error("the environment variable {name} is not valid UTF-8")]
    NotText {
        /// Its name.
        name: String,
    },
    /// The layers could not be put together, whatever they say.
    #[error("cannot put the configuration together: {0}")]
    Internal(String),
}

impl ConfigurationError {
    pub(super) fn bad_value(key: &str, value: &Value, reason: impl Into<String>) -> Self {
        Self::BadValue { key: key.to_owned(), value: redaction::shown(key, value), origin: layer::origin(value).to_owned(), reason: reason.into() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "used as a function on errors")]
    pub(super) fn internal(error: ConfigError) -> Self {
        Self::Internal(error.to_string())
    }
}
