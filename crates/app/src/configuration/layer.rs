//! One layer of values, as a file or the environment gives them. It does not know which keys exist.

use super::error::ConfigurationError;
use super::schema::Schema;
use super::settings::Settings;
use config::{ConfigError, File, FileFormat, Source, Value, ValueKind};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;

const DEFAULT: &str = "default";
const VARIABLE: &str = "environment variable ";
const PREFIX: &str = "LETHE__";

/// The usual variable of Rust programs; our own name for the same key wins.
const LEVEL_VARIABLE: &str = "RUST_LOG";
const LEVEL_KEY: &str = "log.level";

/// Values by dotted key; each knows its origin.
#[derive(Debug, Clone)]
pub(super) struct Layer(BTreeMap<String, Value>);

impl Layer {
    /// What holds when nobody says anything.
    pub(super) fn defaults() -> Result<Self, ConfigurationError> {
        let text = toml::to_string(&Settings::default()).map_err(|error| ConfigurationError::Internal(error.to_string()))?;
        Self::toml(&text, DEFAULT)
    }

    /// A file that must exist.
    pub(super) fn file(path: &Path) -> Result<Self, ConfigurationError> {
        let text =
            std::fs::read_to_string(path).map_err(|error| ConfigurationError::Unreadable { path: path.display().to_string(), reason: error.to_string() })?;
        Self::toml(&text, &path.display().to_string())
    }

    /// A file that need not exist.
    pub(super) fn file_if_any(path: &Path) -> Result<Option<Self>, ConfigurationError> {
        match path.metadata() {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Ok(_) | Err(_) => Self::file(path).map(Some),
        }
    }

    /// The variables that are meant for Lethe. A text becomes a number or a list where the key asks for one.
    pub(super) fn environment(variables: impl IntoIterator<Item = (OsString, OsString)>, schema: &Schema) -> Result<Self, ConfigurationError> {
        let mut entries = BTreeMap::new();
        for (name, text) in variables {
            let Some((name, key)) = name.to_str().and_then(|name| Some((name, key_of(name)?))) else { continue };
            let text = text.into_string().map_err(|_| ConfigurationError::NotText { name: name.to_owned() })?;
            if name == LEVEL_VARIABLE && (text.is_empty() || entries.contains_key(LEVEL_KEY)) {
                continue;
            }
            let value = Value::new(Some(&format!("{VARIABLE}{name}")), schema.typed(&key, text));
            entries.insert(key, value);
        }
        Ok(Self(entries))
    }

    fn toml(text: &str, origin: &str) -> Result<Self, ConfigurationError> {
        let table = File::from_str(text, FileFormat::Toml)
            .collect()
            .map_err(|error| ConfigurationError::Unreadable { path: origin.to_owned(), reason: in_one_line(&error.to_string()) })?;
        let origin = origin.to_owned();
        Ok(Self(flatten(table.into()).into_iter().map(|(key, value)| (key, Value::new(Some(&origin), value.kind))).collect()))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<config::Map<String, Value>, ConfigError> {
        Ok(self.0.clone().into_iter().collect())
    }
}

/// Where a value was written.
pub(super) fn origin(value: &Value) -> &str {
    value.origin().unwrap_or(DEFAULT)
}

/// The environment variable that a value comes from.
pub(super) fn variable(value: &Value) -> Option<&str> {
    origin(value).strip_prefix(VARIABLE)
}

/// The leaves of a table by dotted key. A table without members counts as a leaf, so that it is seen at all.
pub(super) fn flatten(root: Value) -> BTreeMap<String, Value> {
    let mut leaves = BTreeMap::new();
    let ValueKind::Table(table) = root.kind else { return leaves };
    let mut open: Vec<(String, Value)> = table.into_iter().collect();
    while let Some((key, value)) = open.pop() {
        match value.kind {
            ValueKind::Table(table) if !table.is_empty() => open.extend(table.into_iter().map(|(name, value)| (format!("{key}.{name}"), value))),
            _ => {
                leaves.insert(key, value);
            }
        }
    }
    leaves
}

/// A list of tables as TOML writes one in a line; `None` if the text is none.
pub(super) fn tables(text: &str) -> Option<ValueKind> {
    let table = File::from_str(&format!("value = {text}"), FileFormat::Toml).collect().ok()?;
    table.into_iter().find(|(key, _)| key == "value").map(|(_, value)| value.kind)
}

fn key_of(variable: &str) -> Option<String> {
    if variable == LEVEL_VARIABLE {
        return Some(LEVEL_KEY.to_owned());
    }
    variable.strip_prefix(PREFIX).map(|rest| rest.to_lowercase().replace("__", "."))
}

/// A TOML error without the excerpt that it draws under its first line.
fn in_one_line(report: &str) -> String {
    report.lines().filter(|line| !line.contains('|') && !line.trim().is_empty()).map(str::trim).collect::<Vec<_>>().join(": ")
}
