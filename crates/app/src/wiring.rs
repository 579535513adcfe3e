//! Which technology stands behind which port. The only file that names adapters.

pub(crate) use lethe_http_adapter::webhooks::IpNet;
pub(crate) use lethe_http_adapter::{Bound, openapi, tokens};

use crate::clock::SystemClock;
use crate::configuration::{Http, Settings, StorageUrl, Webhook, without_password};
use crate::failure::Failure;
use crate::keys::{self, KeyRing};
use lethe_domain::Retention;
use lethe_domain::webhook::{EndpointId, RetrySchedule, Subscription};
use lethe_http_adapter::tokens::{RevocationList, Verifier};
use lethe_http_adapter::webhooks::{WebhookConfig, WebhookEndpoint, Webhooks as WebhookClient};
use lethe_http_adapter::{HttpConfig, Services};
use lethe_ports::inbound::{
    Access, Accounts, Archive, AuditLog, ChangeFeed, Content, Health, Holds, KeyedPreferences, LifeCycle, Operator, Preferences, Settings as SettingsPort,
    Upkeep, Webhooks,
};
use lethe_ports::outbound::{Clock, StoreError, WebhookSender};
use lethe_postgres_adapter::{PgConfig, PgStore};
use lethe_sqlite_adapter::{SqliteConfig, SqliteStore};
use lethe_usecases::{Lethe, Policy};
use metrics_exporter_prometheus::PrometheusHandle;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::available_parallelism;

/// More readers than this have nothing left to gain: what they do is work for the processor, not waiting.
const MOST_READERS: usize = 4;

/// The store that a configuration names.
#[derive(Clone)]
pub(crate) enum Store {
    /// A file of this process.
    Sqlite(SqliteStore, PathBuf),
    /// A server, which may come and go.
    Postgres(PgStore, String),
}

impl Store {
    /// Opens the file, or prepares to connect to the server.
    pub(crate) fn open(settings: &Settings) -> Result<Self, Failure> {
        match &settings.storage.url {
            StorageUrl::Embedded => {
                keys::create_private_folder(&settings.data_dir)?;
                Self::open_file(settings.data_dir.join("lethe.sqlite"))
            }
            StorageUrl::Sqlite(path) => Self::open_file(path.clone()),
            StorageUrl::Postgres(url) => {
                let config = PgConfig { url: url.clone(), max_connections: settings.storage.max_connections.get() };
                let store = PgStore::new(&config).map_err(|error| Failure::of("storage.url cannot be used", error))?;
                Ok(Self::Postgres(store, without_password(url)))
            }
        }
    }

    fn open_file(path: PathBuf) -> Result<Self, Failure> {
        let config = SqliteConfig { path: path.clone(), readers: processors().min(MOST_READERS) };
        let store = SqliteStore::open(&config).map_err(|error| Failure::of(format!("cannot open the store {}", path.display()), error))?;
        Ok(Self::Sqlite(store, path))
    }

    /// Brings the schema up to date, and names what was applied.
    pub(crate) async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Sqlite(store, _) => store.migrate().await,
            Self::Postgres(store, _) => store.migrate().await,
        }
    }

    /// Finishes what was begun.
    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(store, _) => store.close().await,
            // Its statements are finished before they are answered, so there is nothing to wait for.
            Self::Postgres(..) => {}
        }
    }

    /// Everything that Lethe can do, over this store.
    pub(crate) fn lethe(&self, settings: &Settings) -> Inbound {
        let policy = policy(settings);
        match self {
            Self::Sqlite(store, _) => Inbound::of(Lethe::new(Arc::new(store.clone()), clock(), policy)),
            Self::Postgres(store, _) => Inbound::of(Lethe::new(Arc::new(store.clone()), clock(), policy)),
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(_, path) => write!(f, "SQLite, {}", path.display()),
            Self::Postgres(_, url) => write!(f, "PostgreSQL, {url}"),
        }
    }
}

/// What whoever runs the service has decided.
fn policy(settings: &Settings) -> Policy {
    let subscription =
        |webhook: &Webhook| Subscription { endpoint: EndpointId::of_url(&webhook.url), events: webhook.events.iter().map(|event| event.0).collect() };
    Policy {
        limits: settings.limits,
        retention: Retention { max_age: settings.history.max_age.0, max_changes: settings.history.max_changes },
        grace: settings.deletion.grace.map(|span| span.0),
        subscriptions: settings.webhooks.iter().map(subscription).collect(),
        retries: RetrySchedule(settings.delivery.retry_after.iter().map(|span| span.0).collect()),
    }
}

/// Whoever tells the endpoints.
pub(crate) type Sender = Arc<dyn WebhookSender>;

/// Whoever tells the configured endpoints, if there are any.
pub(crate) fn sender(settings: &Settings) -> Result<Option<Sender>, Failure> {
    if settings.webhooks.is_empty() {
        return Ok(None);
    }
    let endpoints = settings.webhooks.iter().map(|webhook| WebhookEndpoint { url: webhook.url.clone(), secret: webhook.secret.0.clone() });
    let config = WebhookConfig {
        endpoints: endpoints.collect(),
        timeout: settings.delivery.timeout.0,
        allowed_networks: settings.delivery.allowed_networks.iter().map(|network| network.0).collect(),
    };
    let client = WebhookClient::new(config).map_err(|error| Failure::of("webhooks cannot be used", error))?;
    Ok(Some(Arc::new(client)))
}

/// The inbound ports, whatever is behind them.
pub(crate) struct Inbound {
    pub(crate) services: Services,
    pub(crate) archive: Arc<dyn Archive>,
    pub(crate) operator: Arc<dyn Operator>,
    pub(crate) upkeep: Arc<dyn Upkeep>,
}

impl Inbound {
    fn of<L>(lethe: L) -> Self
    where
        L: Access
            + Accounts
            + Archive
            + AuditLog
            + ChangeFeed
            + Content
            + Health
            + Holds
            + KeyedPreferences
            + LifeCycle
            + Operator
            + Preferences
            + SettingsPort
            + Upkeep
            + Webhooks
            + 'static,
    {
        let lethe = Arc::new(lethe);
        let services = Services {
            access: lethe.clone(),
            preferences: lethe.clone(),
            keyed: lethe.clone(),
            feed: lethe.clone(),
            settings: lethe.clone(),
            accounts: lethe.clone(),
            content: lethe.clone(),
            health: lethe.clone(),
            life_cycle: lethe.clone(),
            holds: lethe.clone(),
            audit: lethe.clone(),
            webhooks: lethe.clone(),
        };
        Self { services, archive: lethe.clone(), operator: lethe.clone(), upkeep: lethe }
    }
}

/// Takes the addresses that requests will come to. What is put into the list is refused from then on; before anything is, no token is honoured.
pub(crate) fn bind(settings: &Settings, services: Services, keys: &KeyRing, metrics: PrometheusHandle) -> Result<(Bound, RevocationList), Failure> {
    let verifier = Arc::new(Verifier::awaiting_revocations(keys.trusted().to_vec(), clock()));
    let revoked = verifier.revocations();
    // Without a private key a node serves all the same, and hands out no tokens of its own.
    let signing_key = keys.signing_key().ok().cloned();
    let bound = lethe_http_adapter::bind(http_config(&settings.http), services, verifier, signing_key, settings.limits, metrics).map_err(|error| {
        let http = &settings.http;
        let metrics = http.metrics_listen.as_ref().map(|address| format!(" and http.metrics_listen = {address}")).unwrap_or_default();
        Failure::Failed(format!("cannot listen on http.listen = {}{metrics}: {error}; stop what listens there, or set another address", http.listen))
    })?;
    Ok((bound, revoked))
}

/// The present, for everyone who needs it.
pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

fn http_config(http: &Http) -> HttpConfig {
    HttpConfig {
        listen: http.listen.clone(),
        public_url: http.public_url.as_ref().map(ToString::to_string),
        cors_allowed_origins: http.cors_allowed_origins.clone(),
        workers: NonZeroUsize::new(http.workers).map_or_else(processors, NonZeroUsize::get),
        head_timeout: http.head_timeout.0,
        body_timeout: http.body_timeout.0,
        request_timeout: http.request_timeout.0,
        keep_alive: http.keep_alive.0,
        shutdown_timeout: http.shutdown_timeout.0,
        max_body_bytes: http.max_body_bytes.get(),
        max_connections: http.max_connections.get(),
        metrics_listen: http.metrics_listen.clone(),
    }
}

fn processors() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_adapter() {
        assert_eq!(http_config(&Http::default()), HttpConfig { workers: processors(), ..HttpConfig::default() });
    }
}
