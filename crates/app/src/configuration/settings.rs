//! Every key with its default. `lethe.example.toml` says the same for people; a test holds them together.

use super::values::{AnswerTime, BaseUrl, EventName, LogFormat, LogLevel, Network, PublicKey, Secret, Span, StorageUrl, blank_is_none};
use lethe_domain::Retention;
use lethe_domain::event::EventKind;
use lethe_domain::limits::Limits;
use lethe_domain::webhook::RetrySchedule;
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Folder of the embedded store and of generated keys.
    pub(crate) data_dir: PathBuf,
    /// Who is told of what becomes of users.
    pub(crate) webhooks: Vec<Webhook>,
    pub(crate) storage: Storage,
    pub(crate) http: Http,
    pub(crate) auth: Auth,
    pub(crate) limits: Limits,
    pub(crate) history: History,
    pub(crate) deletion: Deletion,
    pub(crate) delivery: Delivery,
    pub(crate) log: Log,
}

/// One of `[[webhooks]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    pub(crate) secret: Secret,
    /// All of them when it does not say.
    #[serde(default = "every_event")]
    pub(crate) events: Vec<EventName>,
}

fn every_event() -> Vec<EventName> {
    EventKind::ALL.map(EventName).to_vec()
}

/// `storage.*`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Storage {
    pub(crate) url: StorageUrl,
    /// Connections to PostgreSQL, at most.
    pub(crate) max_connections: NonZeroUsize,
}

/// `http.*`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Http {
    /// Host and port; port 0 takes a free one.
    pub(crate) listen: String,
    #[serde(with = "blank_is_none")]
    pub(crate) public_url: Option<BaseUrl>,
    pub(crate) cors_allowed_origins: Vec<String>,
    /// Threads that serve requests; 0 is one for each processor.
    pub(crate) workers: usize,
    pub(crate) head_timeout: Span,
    pub(crate) body_timeout: Span,
    pub(crate) request_timeout: Span,
    pub(crate) keep_alive: Span,
    pub(crate) shutdown_timeout: Span,
    pub(crate) max_body_bytes: NonZeroUsize,
    pub(crate) max_connections: NonZeroUsize,
    #[serde(with = "blank_is_none")]
    pub(crate) metrics_listen: Option<String>,
}

/// `auth.*`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Auth {
    /// When there are any, tokens of these root keys are accepted, and of no others.
    pub(crate) public_keys: Vec<PublicKey>,
    /// When there is one, it is used instead of the private keys in `data_dir`.
    #[serde(with = "blank_is_none")]
    pub(crate) private_key_file: Option<PathBuf>,
}

/// `history.*`: for how long changes to preferences are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct History {
    /// Changes that are older may be forgotten.
    pub(crate) max_age: Span,
    /// Changes of one user that may be kept at the most.
    pub(crate) max_changes: u64,
    /// How often all logs are looked through.
    pub(crate) look_every: Span,
}

/// `deletion.*`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deletion {
    /// How long a soft deleted account stays; for ever when there is none.
    #[serde(with = "blank_is_none")]
    pub(crate) grace: Option<Span>,
}

/// `delivery.*`: how webhooks are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// For one telling, from the look-up of the name to the answer.
    pub(crate) timeout: AnswerTime,
    /// The pauses after tellings that were in vain. After the last one it is given up.
    pub(crate) retry_after: Vec<Span>,
    /// Private networks that may be told all the same.
    pub(crate) allowed_networks: Vec<Network>,
}

/// `log.*`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: LogLevel,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: "./lethe-data".into(),
            webhooks: Vec::new(),
            storage: Storage::default(),
            http: Http::default(),
            auth: Auth { public_keys: Vec::new(), private_key_file: None },
            limits: Limits::default(),
            history: History::default(),
            deletion: Deletion { grace: None },
            delivery: Delivery::default(),
            log: Log { format: LogFormat::default(), level: LogLevel::usual() },
        }
    }
}

impl Default for History {
    fn default() -> Self {
        let Retention { max_age, max_changes } = Retention::default();
        Self { max_age: Span(max_age), max_changes, look_every: Span::seconds(600) }
    }
}

impl Default for Delivery {
    fn default() -> Self {
        let retry_after = RetrySchedule::default().0.into_iter().map(Span).collect();
        Self { timeout: AnswerTime(Duration::from_secs(15)), retry_after, allowed_networks: Vec::new() }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self { url: StorageUrl::default(), max_connections: at_least_one(16) }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            public_url: None,
            cors_allowed_origins: Vec::new(),
            workers: 0,
            head_timeout: Span::seconds(5),
            body_timeout: Span::seconds(10),
            request_timeout: Span::seconds(15),
            keep_alive: Span::seconds(15),
            shutdown_timeout: Span::seconds(10),
            max_body_bytes: at_least_one(131_072),
            max_connections: at_least_one(10_000),
            metrics_listen: None,
        }
    }
}

fn at_least_one(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}
