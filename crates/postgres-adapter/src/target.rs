//! Where the database is, and how to get there: all hosts at once, in clear or by TLS.

use crate::tls::{Encryption, read_parameters};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lethe_ports::outbound::StoreError;
use std::time::Duration;
use tokio::time::timeout;
use tokio_postgres::config::Host;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Config, NoTls, Socket};

/// How long one host may take to accept the connection, let us in and say what it is. A frozen host keeps silent.
const HOST_PATIENCE: Duration = Duration::from_secs(2);

/// What every session is told first. Whoever owns the language of the messages decides it; most servers let nobody else.
const SESSION: &str = "
    SET statement_timeout = '30s';
    SET lock_timeout = '2s';
    SET idle_in_transaction_session_timeout = '10s';
    SET plan_cache_mode = force_generic_plan;
    SET jit = off;
    DO $$ BEGIN
        PERFORM set_config('lc_messages', 'C', false);
    EXCEPTION WHEN insufficient_privilege THEN
        NULL;
    END $$";

/// The hosts of a database.
#[derive(Debug)]
pub(crate) struct Target {
    hosts: Vec<Config>,
    encryption: Encryption,
}

impl Target {
    /// Reads a URL: `postgres://user:password@host1:5432,host2/database?target_session_attrs=read-write&sslmode=require`.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        let refused = |error: &dyn std::fmt::Display| StoreError::Failed(format!("the database URL cannot be used: {error}"));
        let (url, verification) = read_parameters(url).map_err(|error| refused(&error))?;
        let config: Config = url.parse().map_err(|error| refused(&error))?;
        let encryption = Encryption::new(config.get_ssl_mode(), verification).map_err(|error| refused(&error))?;
        let hosts = split(&config);
        if hosts.is_empty() {
            return Err(refused(&"it names no host"));
        }
        Ok(Self { hosts, encryption })
    }

    /// Connects to all hosts at once, and keeps the first that lets us in and is what the URL asks for. A frozen host holds up no one.
    pub(crate) async fn connect(&self) -> ConnectionResult<AsyncPgConnection> {
        let mut attempts: FuturesUnordered<_> = self.hosts.iter().map(|host| timeout(HOST_PATIENCE, self.connect_to(host))).collect();
        let mut failures = Vec::new();
        while let Some(attempt) = attempts.next().await {
            match attempt {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => failures.push(error.to_string()),
                Err(_) => failures.push(format!("no answer within {HOST_PATIENCE:?}")),
            }
        }
        Err(ConnectionError::BadConnection(failures.join("; ")))
    }

    async fn connect_to(&self, host: &Config) -> ConnectionResult<AsyncPgConnection> {
        let mut connection = match &self.encryption {
            Encryption::Off => establish(host, NoTls).await,
            Encryption::On(tls) => establish(host, tls.clone()).await,
        }?;
        connection.batch_execute(SESSION).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }
}

async fn establish<T>(host: &Config, tls: T) -> ConnectionResult<AsyncPgConnection>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
{
    let (client, connection) = host.connect(tls).await.map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

/// One configuration a host. The driver's own treatment of several is to try one after the other.
fn split(config: &Config) -> Vec<Config> {
    let ports = config.get_ports();
    let hosts = config.get_hosts().iter().enumerate();
    hosts
        .map(|(index, host)| {
            let mut single = without_hosts(config);
            match host {
                Host::Tcp(name) => single.host(name),
                Host::Unix(folder) => single.host_path(folder),
            };
            if let Some(port) = ports.get(index).or(ports.first()) {
                single.port(*port);
            }
            if let Some(address) = config.get_hostaddrs().get(index) {
                single.hostaddr(*address);
            }
            single
        })
        .collect()
}

fn without_hosts(config: &Config) -> Config {
    let mut rest = Config::new();
    rest.application_name(config.get_application_name().unwrap_or("lethe"))
        .ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .channel_binding(config.get_channel_binding())
        .target_session_attrs(config.get_target_session_attrs())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle());
    if let Some(user) = config.get_user() {
        rest.user(user);
    }
    if let Some(password) = config.get_password() {
        rest.password(password);
    }
    if let Some(name) = config.get_dbname() {
        rest.dbname(name);
    }
    if let Some(options) = config.get_options() {
        rest.options(options);
    }
    rest
}
