//! Requests and answers: where they go, who asks, and when they are sent again. It knows nothing of preferences.

use crate::chance::{self, IdempotencyKey};
use crate::error::{Cause, Error};
use crate::retry::RetryPolicy;
use async_trait::async_trait;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Method, Response, Url};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What `encodeURIComponent` leaves alone, but for `!*'()`, which not every proxy does.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where the client gets its token from, each time that it sends a request.
#[async_trait]
pub trait TokenProvider: Send + Sync + 'static {
    /// A token that is valid now. It is asked for often: keep it until it is about to expire.
    ///
    /// # Errors
    /// Any, when there is none; the call then fails with [`Error::Token`].
    async fn token(&self) -> Result<String, Cause>;
}

/// A token that never changes.
pub(crate) struct FixedToken(pub(crate) String);

#[async_trait]
impl TokenProvider for FixedToken {
    async fn token(&self) -> Result<String, Cause> {
        Ok(self.0.clone())
    }
}

/// What may become of a request whose answer was lost.
#[derive(Debug, Clone)]
pub(crate) enum Repeat {
    /// It changes nothing, and is sent again.
    Read,
    /// It changes something, and is sent again under this name: the service does it once.
    Write(IdempotencyKey),
}

/// A request that can be sent any number of times.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    repeat: Repeat,
}

impl Request {
    pub(crate) fn query(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.url.query_pairs_mut().append_pair(name, &value.to_string());
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header(CONTENT_TYPE, HeaderValue::from_static(content_type))
    }
}

/// The body of a success.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    body: Bytes,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| Error::UnexpectedAnswer { status: self.status, reason: error.to_string() })
    }
}

/// A failure after which the same request may still succeed.
struct Setback {
    error: Error,
    /// The pause that the service asks for.
    asked: Option<Duration>,
    /// Whether the request may have been carried out all the same.
    in_doubt: bool,
}

/// What one attempt came to.
enum Attempt {
    Settled(Result<Answer, Error>),
    Again(Setback),
}

/// The way to one service.
pub(crate) struct Transport {
    client: reqwest::Client,
    base: String,
    tokens: Box<dyn TokenProvider>,
    pub(crate) retry: RetryPolicy,
    timeout: Duration,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("base", &self.base).field("retry", &self.retry).finish_non_exhaustive()
    }
}

impl Transport {
    pub(crate) fn new(base: &str, tokens: Box<dyn TokenProvider>, retry: RetryPolicy, timeout: Duration) -> Result<Self, Error> {
        let url = Url::parse(base).map_err(|error| Error::Configuration(error.into()))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            return Err(Error::Configuration(format!("{base:?} is not the address of a service").into()));
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls()?)
            // The token is for this service, and no redirect is part of its language.
            .redirect(Policy::none())
            .connect_timeout(timeout)
            .build()
            .map_err(|error| Error::Configuration(error.into()))?;
        Ok(Self { client, base: url.as_str().trim_end_matches('/').to_owned(), tokens, retry, timeout })
    }

    pub(crate) fn read(&self, segments: &[&str]) -> Result<Request, Error> {
        self.request(Method::GET, segments, Repeat::Read)
    }

    pub(crate) fn write(&self, method: Method, segments: &[&str], name: IdempotencyKey) -> Result<Request, Error> {
        self.request(method, segments, Repeat::Write(name))
    }

    fn request(&self, method: Method, segments: &[&str], repeat: Repeat) -> Result<Request, Error> {
        let mut url = self.base.clone();
        for segment in segments {
            // Those three would name another path, also percent-encoded.
            if matches!(*segment, "" | "." | "..") {
                return Err(Error::UnusableKey((*segment).to_owned()));
            }
            url.push('/');
            url.extend(utf8_percent_encode(segment, SEGMENT));
        }
        let url = Url::parse(&url).map_err(|error| Error::Configuration(error.into()))?;
        let mut headers = HeaderMap::new();
        if let Repeat::Write(name) = &repeat {
            headers.insert(IDEMPOTENCY_KEY, HeaderValue::from_str(name.as_str()).map_err(|error| Error::Configuration(error.into()))?);
        }
        Ok(Request { method, url, headers, body: Bytes::new(), repeat })
    }

    /// The token to send now.
    pub(crate) async fn token(&self) -> Result<String, Error> {
        self.tokens.token().await.map_err(Error::Token)
    }

    /// Sends a request until its outcome is known or the attempts are used up.
    pub(crate) async fn send(&self, request: &Request) -> Result<Answer, Error> {
        let mut in_doubt = false;
        let mut failed = 0;
        loop {
            let setback = match self.attempt(request).await {
                Attempt::Settled(settled) => return settled.map_err(|error| if in_doubt && error.comes_before_replay() { doubtful(error) } else { error }),
                Attempt::Again(setback) => setback,
            };
            failed += 1;
            in_doubt |= setback.in_doubt;
            match self.retry.pause(failed, setback.asked, chance::number()) {
                Some(pause) => tokio::time::sleep(pause).await,
                None if in_doubt => return Err(doubtful(setback.error)),
                None => return Err(setback.error),
            }
        }
    }

    async fn attempt(&self, request: &Request) -> Attempt {
        let token = match self.token().await {
            Ok(token) => token,
            Err(error) => return Attempt::Settled(Err(error)),
        };
        let writes = matches!(request.repeat, Repeat::Write(_));
        let asking = async {
            let response = self.start(request, &token).await?;
            let (status, asked) = (response.status().as_u16(), retry_after(&response));
            Ok((status, asked, response.bytes().await.map_err(Lost::answer)?))
        };
        let answered = match tokio::time::timeout(self.timeout, asking).await {
            Ok(answered) => answered,
            Err(late) => Err(Lost { error: Error::Transport(late.into()), was_sent: true }),
        };
        match answered {
            Ok((status @ 200..=299, _, body)) => Attempt::Settled(Ok(Answer { status, body })),
            Ok((status, asked, body)) => refused(status, asked, &body, writes),
            // A request that cannot be put together will not be put together better next time.
            Err(Lost { error: error @ Error::Configuration(_), .. }) => Attempt::Settled(Err(error)),
            Err(Lost { error, was_sent }) => Attempt::Again(Setback { error, asked: None, in_doubt: writes && was_sent }),
        }
    }

    /// Sends a request once and returns what comes, as soon as it begins to come.
    pub(crate) async fn start(&self, request: &Request, token: &str) -> Result<Response, Lost> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| Lost { error: Error::Configuration("the token cannot stand in a header".into()), was_sent: false })?;
        bearer.set_sensitive(true);
        self.client
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone())
            .header(AUTHORIZATION, bearer)
            .body(request.body.clone())
            .send()
            .await
            .map_err(Lost::answer)
    }
}

/// A request to which no answer came.
pub(crate) struct Lost {
    pub(crate) error: Error,
    /// Whether the service may have received it.
    was_sent: bool,
}

impl Lost {
    fn answer(error: reqwest::Error) -> Self {
        let was_sent = !error.is_connect();
        Self { error: Error::Transport(error.without_url().into()), was_sent }
    }
}

fn doubtful(error: Error) -> Error {
    Error::OutcomeUnknown(Box::new(error))
}

/// Whether a refusal is for good.
fn refused(status: u16, asked: Option<Duration>, body: &[u8], writes: bool) -> Attempt {
    let error = Error::from_answer(status, body);
    let is_running = matches!(&error, Error::Problem(problem) if problem.slug == "idempotency-key-in-use");
    // Whoever asks to come again later has not looked at the request.
    let in_doubt = writes && status != 429;
    if is_running || is_passing(status) { Attempt::Again(Setback { error, asked, in_doubt }) } else { Attempt::Settled(Err(error)) }
}

/// Whether a status tells of a trouble that passes by itself. Gateways answer 502 and 504 for a service that did not.
pub(crate) fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

pub(crate) fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// TLS with the system's root certificates.
fn tls() -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    // A system without roots still speaks to a service without TLS; a handshake says what is missing.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Configuration(error.into()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn transport(base: &str) -> Result<Transport, Error> {
        Transport::new(base, Box::new(FixedToken("secret".into())), RetryPolicy::default(), Duration::from_secs(1))
    }

    #[test]
    fn every_key_is_one_segment() {
        let transport = transport("https://example.org/lethe/").unwrap();
        let path = |key| transport.read(&["v1", key]).unwrap().url.to_string();
        let base = "https://example.org/lethe/v1/";
        for (key, segment) in
            [("a.json", "a.json"), ("a/b", "a%2Fb"), ("a%2Fb", "a%252Fb"), ("a+b c", "a%2Bb%20c"), ("\u{1f600}", "%F0%9F%98%80"), ("a\tb", "a%09b")]
        {
            assert_eq!(path(key), format!("{base}{segment}"));
        }
        for key in ["", ".", ".."] {
            assert!(matches!(transport.read(&["v1", key]), Err(Error::UnusableKey(_))), "{key:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for base in ["", "example.org", "ftp://example.org", "https://example.org/?a=b"] {
            assert!(matches!(transport(base), Err(Error::Configuration(_))), "{base:?}");
        }
    }

    #[test]
    fn the_token_is_not_shown() {
        assert!(!format!("{:?}", transport("https://example.org").unwrap()).contains("secret"));
    }
}
