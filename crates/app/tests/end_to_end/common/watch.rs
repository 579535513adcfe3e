//! Somebody who follows a user's changes over a connection of its own.

use super::PATIENCE;
use super::raw::{connect, status, until};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

/// One event of a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: Option<i64>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// An open stream of events. The connection is closed with this value.
pub(crate) struct Watch {
    stream: TcpStream,
    events: Receiver<Event>,
    beats: Receiver<()>,
}

impl Watch {
    /// Begins to follow; what comes first is awaited.
    #[track_caller]
    pub(crate) fn open(address: &str, token: &str, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = connect(address);
        let headers = headers.iter().fold(String::new(), |lines, (name, value)| lines + name + ": " + value + "\r\n");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n{headers}\r\n");
        std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
        let head = until(&mut stream, "\r\n\r\n").to_lowercase();
        assert_eq!(status(&head.to_uppercase()), Some(200), "{head}");
        for header in ["content-type: text/event-stream\r\n", "cache-control: no-store\r\n", "transfer-encoding: chunked\r\n"] {
            assert!(head.contains(header), "{header:?} is missing in {head}");
        }
        let mut lines = BufReader::new(Chunks { inner: BufReader::new(stream.try_clone().unwrap()), left: 0 }).lines();
        assert_eq!(lines.next().unwrap().unwrap(), ": watching", "the first thing that is said");
        let (tell, events) = channel();
        let (beat, beats) = channel();
        std::thread::spawn(move || read(lines.map_while(Result::ok), &tell, &beat));
        Self { stream, events, beats }
    }

    /// The next event.
    #[track_caller]
    pub(crate) fn next(&self) -> Event {
        self.events.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("no event came: {error}"))
    }

    /// So many events.
    #[track_caller]
    pub(crate) fn take(&self, count: usize) -> Vec<Event> {
        (0..count).map(|_| self.next()).collect()
    }

    /// The next event; `None` once the connection has ended.
    #[track_caller]
    pub(crate) fn next_or_end(&self) -> Option<Event> {
        match self.events.recv_timeout(PATIENCE) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("neither an event came nor an end"),
        }
    }

    /// The stream tells why it ends, and does.
    #[track_caller]
    pub(crate) fn ends(&self, reason: &str) {
        assert_eq!(self.next(), Event { id: None, name: "end".into(), data: serde_json::json!({ "reason": reason }) });
        assert_eq!(self.next_or_end(), None);
    }

    /// Waits for a sign of life.
    #[track_caller]
    pub(crate) fn heartbeat(&self) {
        self.beats.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("no heartbeat came: {error}"));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Reads events for as long as there are any.
fn read(lines: impl Iterator<Item = String>, tell: &Sender<Event>, beat: &Sender<()>) {
    let (mut id, mut name, mut data) = (None, String::new(), None);
    for line in lines {
        match line.split_once(": ") {
            None if line.is_empty() => {
                if let Some(data) = data.take() {
                    let _ = tell.send(Event { id: id.take(), name: std::mem::take(&mut name), data });
                }
            }
            Some(("", "heartbeat")) => drop(beat.send(())),
            Some(("id", text)) => id = Some(text.parse().unwrap()),
            Some(("event", text)) => text.clone_into(&mut name),
            Some(("data", text)) => data = Some(serde_json::from_str(text).unwrap()),
            _ => panic!("{line:?} is no line of an event"),
        }
    }
}

/// A body in chunks.
struct Chunks<R> {
    inner: R,
    /// Bytes of this chunk that were not read yet.
    left: usize,
}

impl<R: BufRead> Read for Chunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.left == 0 {
            let mut line = String::new();
            self.inner.read_line(&mut line)?;
            match line.trim() {
                // Before the size of the next chunk the end of this one; without any, the connection is at its end.
                "" if line.is_empty() => return Ok(0),
                "" => {}
                "0" => return Ok(0),
                size => self.left = usize::from_str_radix(size, 16).map_err(std::io::Error::other)?,
            }
        }
        let most = buffer.len().min(self.left);
        let read = self.inner.read(&mut buffer[..most])?;
        self.left = if read == 0 { 0 } else { self.left - read };
        Ok(read)
    }
}
