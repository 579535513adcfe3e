//! Where the database is, and how to get there: all hosts at once, in clear or by TLS.

use crate::tls::{Encryption, read_parameters};
use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lethe_ports::outbound::StoreError;
use std::error::Error;
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
    let (client, connection) = host.connect(tls).await.map_err(|error| ConnectionError::BadConnection(with_causes(&error)))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

/// An error with what lies behind it: the driver says at first only at which step it failed.
fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
mod tests {
    use super::{Target, with_causes};
    use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

    #[test]
    fn each_host_keeps_what_the_url_says_of_all() {
        let url = "postgres://ann:secret@one:1111,two:2222,three:3333/lethe?target_session_attrs=read-write&sslmode=require&options=-c%20geqo%3Doff";
        let target = Target::parse(url).unwrap();
        for (host, (name, port)) in target.hosts.iter().zip([("one", 1111), ("two", 2222), ("three", 3333)]) {
            assert_eq!((host.get_hosts(), host.get_ports()), ([Host::Tcp(name.into())].as_slice(), [port].as_slice()));
            assert_eq!((host.get_user(), host.get_password(), host.get_dbname()), (Some("ann"), Some(b"secret".as_slice()), Some("lethe")));
            assert_eq!((host.get_target_session_attrs(), host.get_ssl_mode()), (TargetSessionAttrs::ReadWrite, SslMode::Require));
            assert_eq!((host.get_options(), host.get_application_name()), (Some("-c geqo=off"), Some("lethe")));
        }
        assert_eq!(target.hosts.len(), 3);
    }

    #[test]
    fn a_host_without_a_port_has_the_usual_one() {
        let ports = |url: &str| Target::parse(url).unwrap().hosts.iter().map(|host| host.get_ports().to_vec()).collect::<Vec<_>>();
        assert_eq!(ports("postgres://u@one,two:7777/d"), [[5432], [7777]]);
        assert_eq!(ports("host=one,two port=7777 user=u"), [[7777], [7777]], "one is for all in this form");
    }

    #[test]
    fn a_url_that_leads_nowhere_is_refused_without_its_password() {
        for url in ["nonsense", "postgres://u:secret@", "postgres://u:secret@h/d?sslmode=sometimes", "postgres://u:secret@h/d?sslmode=verify-ca"] {
            let refused = Target::parse(url).unwrap_err().to_string();
            assert!(!refused.contains("secret"), "{refused}");
        }
        assert!(Target::parse("postgres://u@h/d?sslmode=verify-full&sslrootcert=/nowhere").is_err());
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let inner = "x".parse::<i32>().unwrap_err();
        assert_eq!(with_causes(&std::io::Error::other(inner)), "invalid digit found in string");
    }
}
