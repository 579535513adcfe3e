//! What only shows on a socket: the framing of requests, limits of time, and stopping.

use super::house::{deletion, metrics, token, verifier};
use super::mocks::{Gate, Mocks, gated};
use crate::{HttpConfig, Services, bind};
use lethe_domain::{Limits, Revision, UserId};
use lethe_ports::inbound::SettingsChange;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Longer than anything takes here: a test that would hang fails instead.
const PATIENCE: Duration = Duration::from_secs(20);

/// A service on a port of its own.
struct Running {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<io::Result<()>>,
}

impl Running {
    fn with(config: HttpConfig, services: impl Into<Services>) -> Self {
        let config = HttpConfig { listen: "127.0.0.1:0".into(), workers: 1, ..config };
        let bound = bind(config, services.into(), verifier(), None, Limits::default(), metrics()).unwrap();
        let (address, metrics_address) = (bound.address(), bound.metrics_address());
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(bound.run(async { stopped.await.unwrap_or_default() }))
        });
        Self { address, metrics_address, stop: Some(stop), ended }
    }

    fn plain() -> Self {
        Self::with(HttpConfig::default(), Mocks::default())
    }

    fn connect(&self) -> Client {
        Client::to(self.address)
    }

    /// One request on a connection of its own.
    fn say(&self, request: impl AsRef<[u8]>) -> String {
        let mut client = self.connect();
        client.send(request);
        client.answer()
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    fn end(mut self) {
        self.stop();
        self.ended.join().unwrap().unwrap();
    }
}

struct Client(TcpStream);

impl Client {
    fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(stream)
    }

    /// A server may refuse before it has taken everything, so that the rest cannot be sent.
    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref());
    }

    /// One answer: its head, and as much body as the head announces.
    fn answer(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            assert_eq!(self.0.read(&mut byte).expect("an answer in time"), 1, "closed after {:?}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let length = head.to_ascii_lowercase().split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.0.read_exact(&mut body).unwrap();
        head + &String::from_utf8(body).unwrap()
    }

    /// Everything up to the end of the connection.
    fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset, "the connection is not closed"),
        }
        String::from_utf8(rest).unwrap()
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

fn head(request_line: &str) -> String {
    format!("{request_line}\r\nHost: lethe.test\r\nAuthorization: Bearer {}\r\n", token(1, false))
}

#[test]
fn the_settings_pages_absolute_request_target_is_taken() {
    let mut mocks = Mocks::default();
    mocks.settings.expect_change().times(1).return_once(|_, change, _| {
        assert!(matches!(change, SettingsChange::Remove(names) if names.len() == 2));
        Ok(Revision::ZERO)
    });
    mocks.access.expect_check_act().times(1).return_once(|_, _| Ok(()));
    let service = Running::with(HttpConfig::default(), mocks);
    let head = head("DELETE https://backend.flashback.tech/settings/user HTTP/1.1");
    let body = "{\n  \"keys\": [\"theme\", \"notifications.push\"]\n}";
    let with_length = service.say(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()));
    assert!(with_length.ends_with(r#"{"success":true,"message":"User settings keys deleted successfully"}"#), "{with_length}");
    let without = service.say(format!("{head}\r\n{body}"));
    assert!(status(&without) == "400" && without.contains("Keys array is required and must not be empty"), "no length, no body: {without}");
    service.end();
}

#[test]
fn a_slow_body_is_not_waited_for() {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().times(2).returning(|_, _| Ok(()));
    let service = Running::with(HttpConfig { body_timeout: Duration::from_millis(20), ..HttpConfig::default() }, mocks);
    for (line, said) in [("PUT /settings/user HTTP/1.1", "Request timeout"), ("POST /api/v2/user/1/preference/ HTTP/1.1", "request_timeout")] {
        let mut client = service.connect();
        client.send(format!("{}Content-Length: 100\r\n\r\n{{", head(line)));
        let answer = client.answer();
        assert!(status(&answer) == "408" && answer.contains(said), "{answer}");
        assert_eq!(client.rest(), "", "a connection with a body outstanding is of no use");
    }
    service.end();
}

#[test]
fn a_slow_head_is_not_waited_for() {
    let service = Running::with(HttpConfig { head_timeout: Duration::from_millis(20), ..HttpConfig::default() }, Mocks::default());
    for start in ["", "GET", "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let mut client = service.connect();
        client.send(start);
        let rest = client.rest();
        assert!(rest.is_empty() || status(&rest) == "408", "{rest}");
    }
    service.end();
}

#[test]
fn a_body_that_is_too_large_is_refused_before_and_while_it_comes() {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().times(3).returning(|_, _| Ok(()));
    let service = Running::with(HttpConfig::default(), mocks);
    let head = head("PUT /settings/user HTTP/1.1");
    let declared = service.say(format!("{head}Content-Length: 10485760\r\n\r\n"));
    assert!(status(&declared) == "413" && declared.contains("Payload too large"), "{declared}");
    let immense = service.say(format!("{head}Content-Length: 18446744073709551615\r\n\r\n"));
    assert_eq!(status(&immense), "413", "{immense}");
    let chunk = format!("{:x}\r\n{}\r\n", 60_000, "x".repeat(60_000));
    let chunked = service.say(format!("{head}Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}{chunk}0\r\n\r\n"));
    assert_eq!(status(&chunked), "413", "{chunked}");
    service.end();
}

#[test]
fn a_body_that_ends_early_is_refused() {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().times(2).returning(|_, _| Ok(()));
    let service = Running::with(HttpConfig::default(), mocks);
    let mut client = service.connect();
    client.send(format!("{}Content-Length: 100\r\n\r\n{{}}", head("PUT /settings/user HTTP/1.1")));
    client.0.shutdown(Shutdown::Write).unwrap();
    let answer = client.answer();
    assert!(status(&answer) == "400" && answer.contains("The body is incomplete."), "{answer}");
    let answer = service.say(format!("{}Transfer-Encoding: chunked\r\n\r\nzz\r\n", head("PUT /settings/user HTTP/1.1")));
    assert_eq!(status(&answer), "400", "{answer}");
    service.end();
}

#[test]
fn what_is_no_http_is_refused_and_harms_nobody() {
    let service = Running::plain();
    let large = format!("X-Large: {}", "x".repeat(200_000));
    let get = |line: &str| format!("GET /healthz HTTP/1.1\r\n{line}\r\n\r\n");
    let put = |lines: &str| format!("{}{lines}\r\n\r\n{{}}   ", head("PUT /settings/user HTTP/1.1"));
    let table = [
        ("two kinds of length", put("Content-Length: 2\r\nTransfer-Encoding: chunked")),
        ("two lengths", put("Content-Length: 2\r\nContent-Length: 3")),
        ("a signed length", put("Content-Length: +5")),
        ("a negative length", put("Content-Length: -1")),
        ("a blank before the colon", get("Host : x")),
        ("a folded line", get("Host: x\r\nX-A: a\r\n b")),
        ("NUL in a header", get("Host: x\r\nX-A: a\0b")),
        ("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01".to_owned()),
        ("no host", get("X-A: a")),
        ("two hosts", get("Host: x\r\nHost: y")),
        ("a head of 200 kB", get(&large)),
    ];
    for (what, request) in table {
        let answer = service.say(request);
        assert!(["400", "431"].contains(&status(&answer)), "{what}: {answer}");
        assert_eq!(status(&service.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")), "200", "after {what}");
    }
    service.end();
}

#[test]
fn what_is_odd_but_http_is_answered() {
    let service = Running::plain();
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(20_000));
    let large = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\n\r\n", "x".repeat(100_000));
    let table = [
        ("200", "GET /healthz? HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("200", "GET /healthz HTTP/1.0\r\n\r\n"),
        ("200", "GET http://other.test/healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("200", large.as_str()),
        ("404", long.as_str()),
        ("404", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("404", "CONNECT lethe.test:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("405", "TRACE /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    ];
    for (expected, request) in table {
        let answer = service.say(request);
        assert_eq!(status(&answer), expected, "{} {answer}", &request[..40]);
    }
    service.end();
}

#[test]
fn a_head_answer_announces_a_body_and_has_none() {
    let service = Running::plain();
    let mut client = service.connect();
    client.send("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answers = client.rest();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    assert_eq!(answers.to_ascii_lowercase().matches("content-length: 15").count(), 2, "{answers}");
    assert_eq!(answers.matches(r#"{"status":"ok"}"#).count(), 1, "{answers}");
    service.end();
}

#[test]
fn a_refusal_leaves_a_connection_in_use() {
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().times(3).returning(|_, _| Ok(()));
    let service = Running::with(HttpConfig::default(), mocks);
    let mut client = service.connect();
    for _ in 0..3 {
        client.send(format!("{}Content-Length: 1\r\n\r\n{{", head("POST /api/v2/user/1/preference/ HTTP/1.1")));
        assert_eq!(status(&client.answer()), "400");
    }
    client.send(format!("{}\r\n", head("DELETE /nowhere HTTP/1.1")));
    assert_eq!(status(&client.answer()), "404");
    service.end();
}

#[test]
fn metrics_may_have_an_address_of_their_own() {
    let config = HttpConfig { metrics_listen: Some("127.0.0.1:0".into()), ..HttpConfig::default() };
    let service = Running::with(config, Mocks::default());
    let ask = |address: SocketAddr, path: &str| {
        let mut client = Client::to(address);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        status(&client.answer()).to_owned()
    };
    let apart = service.metrics_address.unwrap();
    assert_eq!([ask(apart, "/metrics"), ask(apart, "/healthz")], ["200", "404"]);
    assert_eq!([ask(service.address, "/metrics"), ask(service.address, "/healthz")], ["404", "200"]);
    service.end();
}

#[test]
fn stopping_finishes_what_is_in_flight_and_takes_no_more() {
    let (services, Gate { asked, open }) = gated();
    let mut service = Running::with(HttpConfig::default(), services);
    let (mut busy, mut idle) = (service.connect(), service.connect());
    idle.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(status(&idle.answer()), "200");
    busy.send(format!("{}\r\n", head("GET /settings/user HTTP/1.1")));
    asked.recv_timeout(PATIENCE).unwrap();
    service.stop();
    assert_eq!(idle.rest(), "", "an idle connection is closed");
    open.notify_one();
    let answer = busy.answer();
    assert!(answer.ends_with(r#"{"success":true,"settings":{}}"#), "{answer}");
    assert_eq!(busy.rest(), "");
    service.ended.join().unwrap().unwrap();
    assert!(TcpStream::connect(service.address).is_err(), "nobody listens any more");
}

#[test]
fn what_cannot_be_bound_is_said_at_once() {
    let service = Running::plain();
    let config = |listen: String| HttpConfig { listen, ..HttpConfig::default() };
    let try_to =
        |config| bind(config, Mocks::default().into(), verifier(), None, Limits::default(), metrics()).map(|bound| bound.address()).unwrap_err().kind();
    assert_eq!(try_to(config(service.address.to_string())), io::ErrorKind::AddrInUse);
    assert_eq!(try_to(config("nonsense".into())), io::ErrorKind::InvalidInput);
    assert_eq!(try_to(HttpConfig { workers: 0, ..config("127.0.0.1:0".into()) }), io::ErrorKind::InvalidInput);
    service.end();
}

#[test]
fn the_caller_is_whose_token_it_is() {
    let mut mocks = Mocks::default();
    mocks.accounts.expect_delete().withf(|caller, id, _| caller.actor.user == *id && *id == UserId::new(1)).times(1).return_once(|_, _, _| Ok(deletion()));
    let service = Running::with(HttpConfig::default(), mocks);
    let answer = service.say(format!("{}\r\n", head("DELETE /api/v2/user/me/?hard=1 HTTP/1.1")));
    assert!(status(&answer) == "204" && answer.ends_with("\r\n\r\n"), "{answer}");
    service.end();
}
