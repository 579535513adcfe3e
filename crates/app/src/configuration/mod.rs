//! The effective configuration: layers of values, each with the place where it was written, and the settings that they add up to.
//!
//! Later layers win: built-in defaults, `/etc/lethe/lethe.toml`, `./lethe.toml`, the file of `--config`, the environment.

mod error;
mod layer;
mod redaction;
mod schema;
mod settings;
mod values;

#[cfg(test)]
mod tests;

pub(crate) use error::ConfigurationError;
pub(crate) use redaction::without_password;
pub(crate) use settings::{Auth, Http, Log, Settings, Webhook};
pub(crate) use values::{LogFormat, StorageUrl};

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, ConfigError, Value};
use layer::Layer;
use schema::Schema;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The files that may hold configuration.
#[derive(Debug)]
struct Files {
    /// Read when they exist, in this order.
    usual: Vec<PathBuf>,
    /// Read last; must exist.
    chosen: Option<PathBuf>,
}

impl Files {
    fn of_this_process(chosen: Option<&Path>) -> Self {
        Self { usual: vec!["/etc/lethe/lethe.toml".into(), "./lethe.toml".into()], chosen: chosen.map(Path::to_path_buf) }
    }
}

/// What is in force, and why.
#[derive(Debug)]
pub(crate) struct Configuration {
    /// What the values mean.
    pub(crate) settings: Settings,
    values: BTreeMap<String, Value>,
}

/// One line of the listing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EffectiveValue<'a> {
    /// The dotted key.
    pub(crate) key: &'a str,
    /// The value as it could stand in a file, without secrets.
    pub(crate) value: String,
    /// Where it was written.
    pub(crate) origin: &'a str,
}

impl Configuration {
    /// Reads all layers of this process.
    pub(crate) fn load(chosen: Option<&Path>) -> Result<Self, ConfigurationError> {
        Self::from_layers(&Files::of_this_process(chosen), std::env::vars_os())
    }

    fn from_layers(files: &Files, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, ConfigurationError> {
        let defaults = Layer::defaults()?;
        let schema = Schema::of(&defaults);
        let mut layers = vec![defaults];
        for path in &files.usual {
            layers.extend(Layer::file_if_any(path)?);
        }
        if let Some(path) = &files.chosen {
            layers.push(Layer::file(path)?);
        }
        layers.push(Layer::environment(variables, &schema)?);
        for layer in &layers {
            schema.check(layer)?;
        }
        Self::merge(layers)
    }

    fn merge(layers: Vec<Layer>) -> Result<Self, ConfigurationError> {
        let builder = layers.into_iter().fold(Config::builder(), ConfigBuilder::<DefaultState>::add_source);
        let merged = builder.build().map_err(ConfigurationError::internal)?;
        let values = layer::flatten(merged.cache.clone());
        let settings = merged.try_deserialize().map_err(|error| explain(error, &values))?;
        Ok(Self { settings, values })
    }

    /// Every key with its value, by key.
    pub(crate) fn listing(&self) -> impl Iterator<Item = EffectiveValue<'_>> {
        self.values.iter().map(|(key, value)| EffectiveValue { key, value: redaction::shown(key, value), origin: layer::origin(value) })
    }

    /// The environment variable that a key's value comes from, if it comes from one.
    pub(crate) fn variable(&self, key: &str) -> Option<&str> {
        self.values.get(key).and_then(layer::variable)
    }
}

/// Says which key of which place is meant by an error that only knows its path.
fn explain(error: ConfigError, values: &BTreeMap<String, Value>) -> ConfigurationError {
    let (path, reason) = match error {
        ConfigError::Type { key: Some(path), expected, .. } => (path, format!("expected {expected}")),
        ConfigError::At { key: Some(path), error, .. } => (path, error.to_string()),
        // A member of an element of a list, which is named `key[0]member`.
        ConfigError::NotFound(path) => {
            let reason = format!("{} is missing", path.replace(']', "]."));
            (path, reason)
        }
        other => return ConfigurationError::internal(other),
    };
    // An element of a list is named `key[0]`.
    let key = path.split('[').next().unwrap_or(&path);
    match values.get(key) {
        Some(value) => ConfigurationError::bad_value(key, value, reason),
        None => ConfigurationError::internal(ConfigError::Message(format!("{path}: {reason}"))),
    }
}
