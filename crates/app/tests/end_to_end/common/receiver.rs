//! Somebody who is told of events by webhooks, and who is not always in the mood to listen.

use serde_json::Value;
use standardwebhooks::Webhook;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use ureq::http::{HeaderMap, HeaderName};

/// What a message is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// This status.
    Answers(u16),
    /// Nothing: the connection is cut once the message was read.
    Cuts,
}

/// A message, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) head: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// How it was taken.
    pub(crate) mood: Mood,
}

impl Heard {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            // Whoever only knocked says nothing.
            if stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let named = head.lines().filter_map(|line| line.split_once(": "));
        let headers: HeaderMap = named.map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect();
        let mut body = vec![0; headers["content-length"].to_str().unwrap().parse().unwrap()];
        stream.read_exact(&mut body).ok()?;
        Some(Self { head, headers, body, mood: Mood::Cuts })
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The event's id.
    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    /// What it says has happened: its id without the moment.
    pub(crate) fn event(&self) -> &str {
        self.id().rsplit_once('_').unwrap().0
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Whether it was signed with that secret, and just now.
    pub(crate) fn is_signed_with(&self, secret: &str) -> bool {
        Webhook::new(secret).unwrap().verify(&self.body, &self.headers).is_ok()
    }
}

/// What the receiver's thread shares with the test.
#[derive(Debug)]
struct Shared {
    mood: Mood,
    heard: Vec<Heard>,
    is_open: bool,
}

/// A receiver on a port of its own.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
    listening: Option<JoinHandle<()>>,
}

impl Receiver {
    /// The secret of its messages' signatures.
    pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// A receiver that takes everything.
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Shared { mood: Mood::Answers(204), heard: Vec::new(), is_open: false };
        let mut receiver = Self { address: listener.local_addr().unwrap(), shared: Arc::new(Mutex::new(shared)), listening: None };
        receiver.listen(listener);
        receiver
    }

    fn listen(&mut self, listener: TcpListener) {
        self.shared().is_open = true;
        let shared = self.shared.clone();
        self.listening = Some(std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if !lock(&shared).is_open {
                    return;
                }
                stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
                let Some(heard) = Heard::read(&stream) else { continue };
                let mood = {
                    let mut shared = lock(&shared);
                    let mood = shared.mood;
                    shared.heard.push(Heard { mood, ..heard });
                    mood
                };
                if let Mood::Answers(status) = mood {
                    // Whether it gets there is the other side's affair.
                    let _ = write!(&stream, "HTTP/1.1 {status} So\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                }
            }
        }));
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }

    /// Lets nobody in any more.
    pub(crate) fn close(&mut self) {
        self.shared().is_open = false;
        // So that it looks up.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            assert!(listening.join().is_ok() || std::thread::panicking());
        }
    }

    /// Listens again at the same port.
    pub(crate) fn reopen(&mut self) {
        let listener = super::until("the port is free again", || TcpListener::bind(self.address).ok());
        self.listen(listener);
    }

    pub(crate) fn be(&self, mood: Mood) {
        self.shared().mood = mood;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Everything that came so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.shared().heard.clone()
    }

    /// The events that were taken, without their moments, in the order in which they were.
    pub(crate) fn taken(&self) -> Vec<String> {
        let taken = |heard: &Heard| matches!(heard.mood, Mood::Answers(200..=299));
        self.shared().heard.iter().filter(|heard| taken(heard)).map(|heard| heard.event().to_owned()).collect()
    }

    /// The events about one user that were taken, in order, once the last of these was: their names without `evt_`, the user and `user.`.
    #[track_caller]
    pub(crate) fn story(&self, user: i64, end: &str) -> Vec<String> {
        let prefix = format!("evt_{user}_");
        super::until(&format!("{end} of {user} was told"), || {
            let story: Vec<_> = self.taken().iter().filter_map(|id| id.strip_prefix(&prefix)).map(|rest| rest.replacen("user.", "", 1)).collect();
            story.last().is_some_and(|last| last == end).then_some(story)
        })
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if self.listening.is_some() {
            self.close();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap()
}
