#![expect(clippy::unwrap_used, reason = "tests")]

mod addresses;
mod encrypted;
mod exchange;
mod settings;

use super::*;
use lethe_domain::time::Timestamp;
use lethe_domain::webhook::{Answer, EndpointId};
use lethe_ports::outbound::{Message, WebhookSender};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Longer than anything takes here.
const PATIENCE: Duration = Duration::from_mins(1);
/// For those who wait in vain.
const IMPATIENCE: Duration = Duration::from_millis(50);

fn endpoint(url: &str) -> WebhookEndpoint {
    WebhookEndpoint { url: url.to_owned(), secret: SECRET.to_owned() }
}

fn config(url: &str, timeout: Duration) -> WebhookConfig {
    WebhookConfig { endpoints: vec![endpoint(url)], timeout, allowed_networks: vec![] }
}

/// A sender that may reach this machine.
fn neighbourly(url: &str, timeout: Duration) -> Webhooks {
    neighbourly_to(&[url], timeout)
}

fn neighbourly_to(urls: &[&str], timeout: Duration) -> Webhooks {
    let allowed_networks = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    Webhooks::new(WebhookConfig { endpoints: urls.iter().map(|url| endpoint(url)).collect(), timeout, allowed_networks }).unwrap()
}

/// The specification's example.
fn message() -> Message {
    Message { id: "msg_p5jXN8AQM9LWM0D4loKWxJek".into(), timestamp: Timestamp::from_micros(1_614_265_330_000_000), body: r#"{"test": 2432232314}"#.into() }
}

async fn tell(webhooks: &Webhooks, url: &str) -> Answer {
    webhooks.send(&EndpointId::of_url(url), &message()).await
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?a=b", listener.local_addr().unwrap());
    (listener, url)
}

/// Whether nobody ever came.
fn is_unvisited(listener: &TcpListener) -> bool {
    listener.set_nonblocking(true).unwrap();
    matches!(listener.accept(), Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// A request, byte by byte.
struct Heard {
    head: String,
    body: Vec<u8>,
}

impl Heard {
    fn read(stream: &mut impl Read) -> Self {
        let mut lines = Vec::new();
        let mut byte = [0];
        while !lines.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            lines.push(byte[0]);
        }
        let mut heard = Self { head: String::from_utf8(lines).unwrap(), body: vec![] };
        heard.body = vec![0; heard.header("content-length").unwrap().parse().unwrap()];
        stream.read_exact(&mut heard.body).unwrap();
        heard
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.head.lines().filter_map(|line| line.split_once(": ")).filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let (_, value) = values.next()?;
        assert!(values.next().is_none(), "{name} twice");
        Some(value)
    }
}

/// Somebody who takes one request and answers it.
fn receiver(answer: impl FnOnce(TcpStream) + Send + 'static) -> (String, JoinHandle<Heard>) {
    let (listener, url) = listen();
    let hearing = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let heard = Heard::read(&mut stream);
        answer(stream);
        heard
    });
    (url, hearing)
}

/// What comes of that answer.
async fn answer_to(answer: &'static str) -> Answer {
    let (url, hearing) = receiver(move |mut stream| stream.write_all(answer.as_bytes()).unwrap());
    let told = tell(&neighbourly(&url, PATIENCE), &url).await;
    hearing.join().unwrap();
    told
}
