//! A service to try things at, and requests to try.

use super::mocks::Mocks;
use crate::app::{Setup, app};
use crate::tokens::{NewToken, SigningKey, Verifier, issue, issue_ticket};
use crate::{HttpConfig, Services};
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use lethe_domain::{Account, AccountState, JsonText, Limits, LiveState, Preference, PreferenceId, PreferenceKey, Revision, Timestamp, UserId};
use lethe_ports::Errand;
use lethe_ports::inbound::Deletion;
use lethe_ports::outbound::Clock;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;
use tokio::sync::watch;

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const JSON: &str = "application/json";

/// Services that nobody is about to end.
static CLOSING: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::channel(false).0);

static KEY: LazyLock<Arc<SigningKey>> = LazyLock::new(|| Arc::new(SigningKey::generate(1)));

/// The beginning of 2026, for good.
struct StillClock;

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        now()
    }
}

pub(super) fn now() -> Timestamp {
    Timestamp::from_micros(1_767_225_600_123_456)
}

pub(super) fn verifier() -> Arc<Verifier> {
    Arc::new(Verifier::new(vec![KEY.public()], Arc::new(StillClock)))
}

/// One that has learnt nothing yet of what was revoked.
pub(super) fn unready_verifier() -> Arc<Verifier> {
    Arc::new(Verifier::awaiting_revocations(vec![KEY.public()], Arc::new(StillClock)))
}

/// What renders the metrics of this test process.
pub(super) fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(|| PrometheusBuilder::new().install_recorder().unwrap()).clone()
}

/// A token of an hour.
pub(super) fn token(user: i64, admin: bool) -> String {
    issue(&KEY, &NewToken { user: UserId::new(user), admin, ttl: Duration::from_hours(1) }, now()).unwrap()
}

/// What signs tokens here.
pub(super) fn signing_key() -> Arc<SigningKey> {
    KEY.clone()
}

/// A ticket of an hour.
pub(super) fn ticket(errand: Errand) -> String {
    issue_ticket(&KEY, errand, now().after(Duration::from_hours(1)), now()).unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Status and slug of a failure of the native dialect, which must be worded as all of them are; and what exactly is wrong.
    pub(super) fn native_problem(&self) -> (u16, String) {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        assert_eq!(body["status"], self.status.as_u16(), "{self:?}");
        assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{self:?}");
        let slug = body["type"].as_str().unwrap().strip_prefix("/problems/").unwrap();
        let place = |error: &serde_json::Value| ["pointer", "parameter", "header"].iter().find_map(|place| error[place].as_str().map(str::to_owned));
        let wrong = |error: &serde_json::Value| format!(", {}: {}", place(error).unwrap(), error["code"].as_str().unwrap());
        let errors: String = body["errors"].as_array().into_iter().flatten().map(wrong).collect();
        (self.status.as_u16(), format!("{slug}{errors}"))
    }

    /// Status and body of a failure of the community dialect: code, and field if there is one.
    pub(super) fn problem(&self) -> (u16, String) {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        assert_eq!(self.header("content-type"), JSON, "{self:?}");
        let entry = |entry: &serde_json::Value| match entry["field"].as_str() {
            Some(field) => format!("{field}: {}", entry["messages"][0]["code"].as_str().unwrap()),
            None => entry["code"].as_str().unwrap().to_owned(),
        };
        let entries: Vec<_> = body["errors"].as_array().unwrap().iter().map(entry).collect();
        (self.status.as_u16(), entries.join(", "))
    }
}

/// User 1 after a deletion, which nobody looks at.
pub(super) fn deletion() -> Deletion {
    let account = Account { state: AccountState::SoftDeleted { at: now(), purge_at: None, was: LiveState::Active }, ..Account::new(UserId::new(1)) };
    Deletion { account, erasure: None }
}

/// Sends one request to a service over these mocks.
pub(super) async fn ask(mocks: Mocks, request: TestRequest) -> Reply {
    ask_at(HttpConfig::default(), mocks, request).await
}

/// Sends one request to a service that is set up in this way.
pub(super) async fn ask_at(config: HttpConfig, services: impl Into<Services>, request: TestRequest) -> Reply {
    answer_of(&setup(config, services), request).await
}

/// Sends one request to a service that can sign tickets.
pub(super) async fn ask_signer(mocks: Mocks, request: TestRequest) -> Reply {
    answer_of(&with_key(HttpConfig::default(), mocks, Some(signing_key())), request).await
}

/// Sends one request to a service that verifies tokens in this way.
pub(super) async fn ask_verifying(verifier: &Arc<Verifier>, mocks: Mocks, request: TestRequest) -> Reply {
    answer_of(&with(HttpConfig::default(), mocks, verifier.clone(), None), request).await
}

async fn answer_of(setup: &Setup, request: TestRequest) -> Reply {
    let service = init_service(app(setup)).await;
    let response = call_service(&service, request.to_request()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = String::from_utf8_lossy(&read_body(response).await).into_owned();
    Reply { status, headers, body }
}

pub(super) fn setup(config: HttpConfig, services: impl Into<Services>) -> Setup {
    with_key(config, services, None)
}

fn with_key(config: HttpConfig, services: impl Into<Services>, key: Option<Arc<SigningKey>>) -> Setup {
    with(config, services, verifier(), key)
}

fn with(config: HttpConfig, services: impl Into<Services>, verifier: Arc<Verifier>, key: Option<Arc<SigningKey>>) -> Setup {
    Setup::new(config, services.into(), verifier, key, Limits::default(), metrics(), CLOSING.subscribe()).unwrap()
}

pub(super) fn request(method: Method, uri: &str) -> TestRequest {
    TestRequest::with_uri(uri).method(method).insert_header(("host", "lethe.test"))
}

pub(super) fn get(uri: &str) -> TestRequest {
    request(Method::GET, uri)
}

pub(super) fn post(uri: &str) -> TestRequest {
    request(Method::POST, uri)
}

pub(super) fn put(uri: &str) -> TestRequest {
    request(Method::PUT, uri)
}

pub(super) fn patch(uri: &str) -> TestRequest {
    request(Method::PATCH, uri)
}

pub(super) fn delete(uri: &str) -> TestRequest {
    request(Method::DELETE, uri)
}

/// What requests are given before they are sent.
pub(super) trait With: Sized {
    /// A token of this user.
    fn by(self, user: i64) -> Self;
    /// A token of an admin, whose id is 99.
    fn by_admin(self) -> Self;
    /// This token, of whomever.
    fn bearing(self, token: &str) -> Self;
    /// A body of this content type.
    fn with(self, content_type: &str, body: &str) -> Self;
    /// A body of JSON.
    fn with_json(self, body: &str) -> Self {
        self.with(JSON, body)
    }
}

impl With for TestRequest {
    fn by(self, user: i64) -> Self {
        self.bearing(&token(user, false))
    }

    fn by_admin(self) -> Self {
        self.bearing(&token(99, true))
    }

    fn bearing(self, token: &str) -> Self {
        self.insert_header(("authorization", format!("Bearer {token}")))
    }

    fn with(self, content_type: &str, body: &str) -> Self {
        self.insert_header((CONTENT_TYPE, content_type)).set_payload(body.to_owned())
    }
}

/// Preference 7 of user 1.
pub(super) fn preference(key: &str, value: &str) -> Preference {
    Preference {
        id: PreferenceId::new(7),
        owner: UserId::new(1),
        key: PreferenceKey::from_store(key.into()),
        value: JsonText::from_store(value.into()),
        revision: Revision::new(3),
        created_at: Timestamp::EPOCH,
        last_updated_at: now(),
    }
}

/// Preference 7 of user 1 as it is shown.
pub(super) fn preference_json(key: &str, value: &str) -> String {
    format!(
        "{{\"id\":7,\"user_id\":1,\"key\":\"{key}\",\"value\":{value},\"created_at\":\"1970-01-01T00:00:00.000000Z\",\"last_updated_at\":\"2026-01-01T00:00:00.123456Z\"}}"
    )
}
