//! Listening, serving, and stopping without breaking an answer off.

use crate::app::{Setup, app, metrics_app};
use crate::config::HttpConfig;
use crate::native;
use crate::services::Services;
use crate::telemetry::describe_metrics;
use crate::tokens::{SigningKey, Verifier};
use actix_web::HttpServer;
use actix_web::dev::{Server, ServerHandle};
use futures_util::future::{join, join_all, try_join_all};
use lethe_domain::Limits;
use metrics_exporter_prometheus::PrometheusHandle;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A service that has its addresses and waits to be run.
pub struct Bound {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    servers: Vec<Server>,
    /// Tells those who watch that there is an end.
    close: watch::Sender<bool>,
}

impl fmt::Debug for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("address", &self.address).field("metrics_address", &self.metrics_address).finish_non_exhaustive()
    }
}

/// Takes the addresses of `config`. From here on clients can connect; they are served once [`Bound::run`] runs.
///
/// Without a `signing_key`, deletions are answered without the tickets that could otherwise be had with them. `metrics` shows what this process
/// records; keeping that small is up to the caller.
///
/// # Errors
/// When an address is none, is taken, or is not allowed; when there are to be no workers.
pub fn bind(
    config: HttpConfig,
    services: Services,
    verifier: Arc<Verifier>,
    signing_key: Option<Arc<SigningKey>>,
    limits: Limits,
    metrics: PrometheusHandle,
) -> io::Result<Bound> {
    if config.workers == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "at least one worker is needed"));
    }
    describe_metrics();
    native::describe_metrics();
    let (close, closing) = watch::channel(false);
    let setup = Setup::new(config, services, verifier, signing_key, limits, metrics, closing).map_err(io::Error::other)?;
    let (address, server) = bind_service(&setup)?;
    let mut bound = Bound { address, metrics_address: None, servers: vec![server], close };
    if let Some(listen) = &setup.config().metrics_listen {
        let (address, server) = bind_metrics(listen, &setup)?;
        bound.metrics_address = Some(address);
        bound.servers.push(server);
    }
    Ok(bound)
}

fn bind_service(setup: &Setup) -> io::Result<(SocketAddr, Server)> {
    let (config, setup) = (setup.config(), setup.clone());
    let server = HttpServer::new(move || app(&setup))
        .workers(config.workers)
        .max_connections((config.max_connections / config.workers).max(1))
        .client_request_timeout(config.head_timeout)
        .keep_alive(config.keep_alive)
        .tcp_nodelay(true)
        .shutdown_timeout(whole_seconds(config.shutdown_timeout))
        .disable_signals()
        .bind(resolve(&config.listen)?)?;
    Ok((first_address(&server.addrs())?, server.run()))
}

fn bind_metrics(listen: &str, setup: &Setup) -> io::Result<(SocketAddr, Server)> {
    let (config, setup) = (setup.config(), setup.clone());
    let server = HttpServer::new(move || metrics_app(&setup))
        .workers(1)
        .client_request_timeout(config.head_timeout)
        .keep_alive(config.keep_alive)
        .shutdown_timeout(whole_seconds(config.shutdown_timeout))
        .disable_signals()
        .bind(resolve(listen)?)?;
    Ok((first_address(&server.addrs())?, server.run()))
}

/// One address, also where a name has several: with port 0 each would get a port of its own.
fn resolve(listen: &str) -> io::Result<SocketAddr> {
    listen.to_socket_addrs()?.next().ok_or_else(|| io::Error::new(io::ErrorKind::AddrNotAvailable, format!("{listen} has no address")))
}

fn first_address(addresses: &[SocketAddr]) -> io::Result<SocketAddr> {
    addresses.first().copied().ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))
}

fn whole_seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

impl Bound {
    /// Where the service listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the metrics are, when they have an address of their own.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Serves until `stop` is ready; then accepts no more, finishes what is in flight, and returns.
    /// What is not finished after the shutdown timeout is dropped. Must run on a Tokio runtime.
    ///
    /// # Errors
    /// When serving cannot begin.
    pub async fn run(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let handles: Vec<_> = self.servers.iter().map(Server::handle).collect();
        let mut serving = pin!(try_join_all(self.servers));
        tokio::select! {
            ended = &mut serving => return ended.map(drop),
            () = stop => {}
        }
        self.close.send_replace(true);
        let (_, ended) = join(join_all(handles.iter().map(stop_gracefully)), serving).await;
        ended.map(drop)
    }
}

fn stop_gracefully(server: &ServerHandle) -> impl Future<Output = ()> + use<> {
    server.stop(true)
}
