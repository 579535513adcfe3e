//! Whom to tell, and how: an operator's settings, and what is wrong with them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ipnet::IpNet;
use lethe_domain::webhook::EndpointId;
use standardwebhooks::Webhook;
use std::collections::HashSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;
use ureq::http::Uri;

const SECRET_PREFIX: &str = "whsec_";
/// In bytes, by the specification: shorter ones can be guessed, and longer ones add nothing.
const SECRET_LENGTHS: RangeInclusive<usize> = 24..=64;

/// Somebody to be told.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// Where: `http` or `https`, without user information and fragment. Its text names the endpoint.
    pub url: String,
    /// What signs the messages: `whsec_`, and 24 to 64 bytes in base64. Both sides know it, and nobody else.
    pub secret: String,
}

/// By hand, since a secret has no business in a log.
impl fmt::Debug for WebhookEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookEndpoint").field("url", &without_user(&self.url)).finish_non_exhaustive()
    }
}

/// Whom to tell, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfig {
    /// Who is told. Each has a URL of its own.
    pub endpoints: Vec<WebhookEndpoint>,
    /// How long one attempt may take in all: the name's resolution, the connection, the question and the answer.
    pub timeout: Duration,
    /// Networks that may be reached although they are not public, such as those of the operator's own services.
    pub allowed_networks: Vec<IpNet>,
}

/// What is wrong with an endpoint's URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlFault {
    /// It is none.
    #[error("it is no URL with a host")]
    Form,
    /// It is for another protocol.
    #[error("it must begin with http:// or https://")]
    Scheme,
    /// It says who comes. The signature says that.
    #[error("it must not name a user or a password")]
    User,
    /// Its port is no number, or none up to 65535.
    #[error("its port is none")]
    Port,
    /// It has a part that is never sent.
    #[error("it must not have a fragment (#)")]
    Fragment,
}

/// Why webhooks cannot be sent with these settings. Names endpoints by their URLs; no secret is ever repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebhookConfigError {
    /// A URL cannot be used.
    #[error("the webhook endpoint {url} cannot be used: {fault}")]
    Url {
        /// The URL, without the user information that it may have.
        url: String,
        /// What is wrong with it.
        fault: UrlFault,
    },
    /// A secret is not what the specification demands.
    #[error(
        "the secret of the webhook endpoint {url} is none: it is written {SECRET_PREFIX} and then {} to {} random bytes in base64",
        SECRET_LENGTHS.start(),
        SECRET_LENGTHS.end()
    )]
    Secret {
        /// Whose.
        url: String,
    },
    /// One URL stands there twice.
    #[error("the webhook endpoint {url} is configured twice")]
    Twice {
        /// Which.
        url: String,
    },
    /// There is an `https` endpoint, but nothing to verify its certificate with.
    #[error("this system has no root certificates, so that no https endpoint can be verified")]
    NoRoots,
}

/// An endpoint whose settings are good.
pub(super) struct Endpoint {
    pub(super) id: EndpointId,
    pub(super) url: Uri,
    pub(super) signer: Webhook,
}

impl Endpoint {
    /// Whether its certificate must be verified.
    pub(super) fn is_secure(&self) -> bool {
        self.url.scheme_str() == Some("https")
    }
}

/// Takes the endpoints, each of them good and unlike the others.
pub(super) fn endpoints(config: &[WebhookEndpoint]) -> Result<Vec<Endpoint>, WebhookConfigError> {
    let mut known = HashSet::new();
    config.iter().map(|configured| endpoint(configured, &mut known)).collect()
}

fn endpoint<'a>(configured: &'a WebhookEndpoint, known: &mut HashSet<&'a str>) -> Result<Endpoint, WebhookConfigError> {
    let WebhookEndpoint { url, secret } = configured;
    let parsed = parse(url).map_err(|fault| WebhookConfigError::Url { url: without_user(url), fault })?;
    let signer = signer(secret).ok_or_else(|| WebhookConfigError::Secret { url: url.clone() })?;
    if !known.insert(url) {
        return Err(WebhookConfigError::Twice { url: url.clone() });
    }
    Ok(Endpoint { id: EndpointId::of_url(url), url: parsed, signer })
}

fn parse(text: &str) -> Result<Uri, UrlFault> {
    if text.contains('#') {
        return Err(UrlFault::Fragment);
    }
    let url: Uri = text.parse().map_err(|_| UrlFault::Form)?;
    let authority = url.authority().ok_or(UrlFault::Form)?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err(UrlFault::Scheme);
    }
    if authority.as_str().contains('@') {
        return Err(UrlFault::User);
    }
    if authority.host().is_empty() {
        return Err(UrlFault::Form);
    }
    if authority.port_u16().is_none() && authority.as_str() != authority.host() {
        return Err(UrlFault::Port);
    }
    Ok(url)
}

/// The specification's way to write a key.
fn signer(secret: &str) -> Option<Webhook> {
    let key = STANDARD.decode(secret.strip_prefix(SECRET_PREFIX)?).ok()?;
    if SECRET_LENGTHS.contains(&key.len()) { Webhook::from_bytes(key).ok() } else { None }
}

/// A URL to show: whoever puts a password into it did not mean to publish it.
fn without_user(url: &str) -> String {
    let Some((user, host)) = url.rsplit_once('@') else { return url.to_owned() };
    let scheme = user.split_once("://").map(|(scheme, _)| format!("{scheme}://")).unwrap_or_default();
    format!("{scheme}…@{host}")
}
