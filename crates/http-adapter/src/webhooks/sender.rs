//! The sender: one signed `POST` per attempt.

use super::answer;
use super::config::{self, Endpoint, WebhookConfig, WebhookConfigError};
use super::networks::Networks;
use super::resolver::CheckedResolver;
use async_trait::async_trait;
use lethe_domain::webhook::{Answer, EndpointId};
use lethe_ports::outbound::{Message, WebhookSender};
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task;
use ureq::http::header::CONTENT_TYPE;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};

const USER_AGENT: &str = concat!("Lethe/", env!("CARGO_PKG_VERSION"));
/// Attempts at the same time, of each endpoint. Each holds a thread for as long as it takes; others wait. An endpoint that hangs keeps those
/// waiting that are to be told to it, and nobody else's.
const AT_ONCE: usize = 8;
/// Bytes of an answer's body that are read, so that its sender may finish. Nobody looks at them.
const MOST_OF_A_BODY: u64 = 64 << 10;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// Tells endpoints over HTTP. Needs a tokio runtime.
pub struct Webhooks {
    receivers: Vec<Receiver>,
    agent: Agent,
}

/// An endpoint, and how many more attempts at it may begin.
struct Receiver {
    endpoint: Arc<Endpoint>,
    slots: Arc<Semaphore>,
}

impl Receiver {
    fn new(endpoint: Endpoint) -> Self {
        Self { endpoint: Arc::new(endpoint), slots: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Webhooks {
    /// Makes a sender. If any endpoint is `https`, the system's root certificates are read, this once.
    ///
    /// # Errors
    /// [`WebhookConfigError`] says which endpoint cannot be told, and why.
    pub fn new(config: WebhookConfig) -> Result<Self, WebhookConfigError> {
        Self::with_roots(config, system_roots)
    }

    /// Makes a sender that trusts these roots, which are asked for if they are needed.
    pub(super) fn with_roots(config: WebhookConfig, roots: fn() -> Vec<Certificate<'static>>) -> Result<Self, WebhookConfigError> {
        let WebhookConfig { endpoints, timeout, allowed_networks } = config;
        let endpoints = config::endpoints(&endpoints)?;
        let needs_roots = endpoints.iter().any(Endpoint::is_secure);
        let roots = if needs_roots { roots() } else { Vec::new() };
        if needs_roots && roots.is_empty() {
            return Err(WebhookConfigError::NoRoots);
        }
        let agent = agent(timeout, &roots, Networks::new(allowed_networks));
        Ok(Self { receivers: endpoints.into_iter().map(Receiver::new).collect(), agent })
    }

    fn receiver(&self, endpoint: &EndpointId) -> Option<&Receiver> {
        self.receivers.iter().find(|receiver| receiver.endpoint.id == *endpoint)
    }

    /// How many attempts at that endpoint could begin now.
    #[cfg(test)]
    pub(super) fn free_slots(&self, endpoint: &EndpointId) -> Option<usize> {
        self.receiver(endpoint).map(|receiver| receiver.slots.available_permits())
    }
}

#[async_trait]
impl WebhookSender for Webhooks {
    fn endpoints(&self) -> Vec<EndpointId> {
        self.receivers.iter().map(|receiver| receiver.endpoint.id.clone()).collect()
    }

    async fn send(&self, endpoint: &EndpointId, message: &Message) -> Answer {
        let Some(Receiver { endpoint, slots }) = self.receiver(endpoint) else {
            return Answer::Unreachable("the endpoint is not configured".to_owned());
        };
        let (agent, endpoint, message) = (self.agent.clone(), Arc::clone(endpoint), message.clone());
        // The slot goes along: a thread cannot be called back, so it counts until it is done, whether anybody waits for it or not.
        let slot = Arc::clone(slots).acquire_owned().await;
        let attempt = task::spawn_blocking(move || {
            let _slot = slot;
            tell(&agent, &endpoint, &message)
        });
        attempt.await.unwrap_or_else(|_| Answer::Unreachable("the attempt was broken off".to_owned()))
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("endpoints", &self.endpoints()).finish_non_exhaustive()
    }
}

fn system_roots() -> Vec<Certificate<'static>> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "some of the system's root certificates could not be read");
    }
    found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect()
}

fn agent(timeout: Duration, roots: &[Certificate<'static>], networks: Networks) -> Agent {
    let config = Agent::config_builder()
        .timeout_global(Some(timeout))
        .tls_config(TlsConfig::builder().root_certs(RootCerts::new_with_certs(roots)).build())
        .user_agent(USER_AGENT)
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        // No connection outlives its attempt: the next one looks the name up again, and has its addresses checked.
        .max_idle_connections(0)
        .max_idle_connections_per_host(0)
        .build();
    Agent::with_parts(config, DefaultConnector::default(), CheckedResolver::new(networks))
}

fn tell(agent: &Agent, endpoint: &Endpoint, message: &Message) -> Answer {
    let timestamp = message.timestamp.micros().div_euclid(MICROS_PER_SECOND);
    let Ok(signature) = endpoint.signer.sign(&message.id, timestamp, message.body.as_bytes()) else {
        return Answer::Unreachable("the message cannot be signed".to_owned());
    };
    let request = agent
        .post(&endpoint.url)
        .header(CONTENT_TYPE, "application/json")
        .header(HEADER_WEBHOOK_ID, &message.id)
        .header(HEADER_WEBHOOK_TIMESTAMP, timestamp.to_string())
        .header(HEADER_WEBHOOK_SIGNATURE, signature);
    match request.send(message.body.as_bytes()) {
        Ok(mut response) => {
            let answer = answer::of_response(response.status(), response.headers(), message.timestamp);
            drain(response.body_mut());
            answer
        }
        Err(error) => answer::of_error(&error),
    }
}

/// Takes in what belongs to an answer, within bounds. It has been given by then, so that nothing that goes wrong here changes it.
fn drain(body: &mut Body) {
    let _ = io::copy(&mut body.as_reader().take(MOST_OF_A_BODY), &mut io::sink());
}
