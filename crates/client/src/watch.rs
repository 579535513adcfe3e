//! Changes as they happen, through broken connections and restarts of the service.

use crate::chance;
use crate::client::Client;
use crate::error::{EndReason, Error};
use crate::http::{is_passing, retry_after};
use crate::model::{Event, LogEntry, Revision};
use crate::retry::RetryPolicy;
use crate::sse::{self, Parser};
use futures_util::Stream;
use futures_util::stream;
use reqwest::Response;
use reqwest::header::{ACCEPT, HeaderName, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::timeout;

/// The service says something every 15 seconds; after three times that it is taken for gone.
const SILENCE: Duration = Duration::from_secs(45);
/// A watch tries for ever, but not ever more seldom than this.
const PAUSES: RetryPolicy =
    RetryPolicy { attempts: u32::MAX, first_pause: Duration::from_millis(200), longest_pause: Duration::from_secs(15), longest_wait: Duration::MAX };
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Where a watch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// With the changes from now on.
    Now,
    /// With the changes after that revision.
    Revision(Revision),
}

/// Something that happened to the preferences.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchEvent {
    /// A preference was given a value.
    Put(LogEntry),
    /// A preference was removed.
    Delete(LogEntry),
    /// The service can no longer tell what happened since the last event: read the whole set again. The changes after this revision
    /// follow.
    Resync(Revision),
}

impl Client {
    /// The changes as they happen, in their order, each once and none left out, until the stream is dropped.
    ///
    /// A connection that breaks, that is silent for 45 seconds, or that a service closes because it is going down is made anew, as often
    /// as it takes, and goes on after the last event. When the token is no longer valid and there is a
    /// [`TokenProvider`](crate::TokenProvider) with another one, the watch goes on with that.
    ///
    /// The stream ends after its first error: [`Error::WatchEnded`] when the token is no longer valid or the account was deleted, or a
    /// refusal such as [`Error::Unauthorized`] when the watch is set up.
    pub fn watch(&self, since: Since) -> impl Stream<Item = Result<WatchEvent, Error>> + Send + use<> {
        let watch = Watch::new(self.clone(), since, SILENCE);
        stream::unfold(Some(watch), |watch| async {
            let mut watch = watch?;
            match watch.next().await {
                Ok(event) => Some((Ok(event), Some(watch))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

struct Watch {
    client: Client,
    since: Since,
    /// How long the service may say nothing.
    silence: Duration,
    connection: Option<Connection>,
    waiting: VecDeque<sse::Event>,
    /// Failures since something was heard.
    failures: u32,
}

struct Connection {
    response: Response,
    parser: Parser,
    token: String,
}

/// Why there is no connection.
enum Unconnected {
    /// Try again, but not before this pause.
    ForNow(Duration),
    ForGood(Error),
}

#[derive(Deserialize)]
struct Resync {
    revision: Revision,
}

#[derive(Deserialize)]
struct End {
    reason: EndReason,
}

impl Watch {
    fn new(client: Client, since: Since, silence: Duration) -> Self {
        Self { client, since, silence, connection: None, waiting: VecDeque::new(), failures: 0 }
    }

    async fn next(&mut self) -> Result<WatchEvent, Error> {
        loop {
            while let Some(event) = self.waiting.pop_front() {
                if let Some(event) = self.understand(&event).await? {
                    return Ok(event);
                }
            }
            self.listen().await?;
        }
    }

    /// Waits until something is heard; connects first if need be.
    async fn listen(&mut self) -> Result<(), Error> {
        let Some(connection) = &mut self.connection else { return self.connect().await };
        match timeout(self.silence, connection.response.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                self.failures = 0;
                self.waiting.extend(connection.parser.feed(&bytes));
            }
            // Closed, broken or silent: what has not ended is sent again after the last event.
            Ok(Ok(None) | Err(_)) | Err(_) => drop(self.disconnect()),
        }
        Ok(())
    }

    /// Whatever the reason, the next connection does not come at once.
    fn disconnect(&mut self) -> Option<Connection> {
        self.failures = self.failures.max(1);
        self.connection.take()
    }

    async fn connect(&mut self) -> Result<(), Error> {
        if self.failures > 0 {
            tokio::time::sleep(PAUSES.backoff(self.failures, chance::number())).await;
        }
        // Something must be heard before this counts as a success.
        self.failures = self.failures.saturating_add(1);
        let token = self.client.transport.token().await?;
        match self.open(&token).await {
            Ok(response) => self.connection = Some(Connection { response, parser: Parser::default(), token }),
            Err(Unconnected::ForNow(pause)) => tokio::time::sleep(pause).await,
            Err(Unconnected::ForGood(error)) => return Err(error),
        }
        Ok(())
    }

    /// The revision after which to go on. "Now" is asked for once: a watch that began by no number and broke off before its first event
    /// would not know what it missed.
    async fn position(&mut self) -> Result<Revision, Error> {
        let position = match self.since {
            Since::Now => self.client.revision().await?,
            Since::Revision(position) => position,
        };
        self.since = Since::Revision(position);
        Ok(position)
    }

    async fn open(&mut self, token: &str) -> Result<Response, Unconnected> {
        let position = self.position().await?;
        let request = self.client.reading(&["changes", "watch"])?;
        let request = request
            .query("since", position)
            .header(LAST_EVENT_ID, HeaderValue::from(position.get()))
            .header(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let response = match timeout(self.silence, self.client.transport.start(&request, token)).await {
            Ok(Ok(response)) => response,
            Ok(Err(lost)) => return Err(lost.error.into()),
            Err(_) => return Err(Unconnected::ForNow(Duration::ZERO)),
        };
        let status = response.status().as_u16();
        if status == 200 {
            return Ok(response);
        }
        if is_passing(status) {
            return Err(Unconnected::ForNow(retry_after(&response).unwrap_or_default()));
        }
        match timeout(self.silence, response.bytes()).await {
            Ok(Ok(body)) => Err(Unconnected::ForGood(Error::from_answer(status, &body))),
            Ok(Err(_)) | Err(_) => Err(Unconnected::ForNow(Duration::ZERO)),
        }
    }

    /// What an event means to the caller, if anything.
    async fn understand(&mut self, event: &sse::Event) -> Result<Option<WatchEvent>, Error> {
        match event.name.as_str() {
            "put" | "delete" => self.change(event),
            "resync" => {
                let Resync { revision } = read(event)?;
                // It may be lower than what was seen: then the service has lost that.
                self.since = Since::Revision(revision);
                Ok(Some(WatchEvent::Resync(revision)))
            }
            "end" => self.end(read::<End>(event)?.reason).await.map(|()| None),
            // A later service may have more to say.
            _ => Ok(None),
        }
    }

    fn change(&mut self, event: &sse::Event) -> Result<Option<WatchEvent>, Error> {
        let entry: LogEntry = read(event)?;
        if event.id.as_deref() != Some(entry.revision.to_string().as_str()) {
            return Err(strange(format!("the change of revision {} has the id {:?}", entry.revision, event.id)));
        }
        if matches!(self.since, Since::Revision(seen) if seen >= entry.revision) {
            return Ok(None);
        }
        self.since = Since::Revision(entry.revision);
        Ok(Some(if matches!(entry.event, Event::Put(_)) { WatchEvent::Put(entry) } else { WatchEvent::Delete(entry) }))
    }

    async fn end(&mut self, reason: EndReason) -> Result<(), Error> {
        let connection = self.disconnect();
        self.waiting.clear();
        match (reason, connection) {
            (EndReason::Shutdown, _) => Ok(()),
            (EndReason::Token, Some(connection)) if self.client.transport.token().await? != connection.token => Ok(()),
            (reason, _) => Err(Error::WatchEnded(reason)),
        }
    }
}

impl From<Error> for Unconnected {
    fn from(error: Error) -> Self {
        if error.passes() { Self::ForNow(Duration::ZERO) } else { Self::ForGood(error) }
    }
}

fn read<T: DeserializeOwned>(event: &sse::Event) -> Result<T, Error> {
    serde_json::from_str(&event.data).map_err(|error| strange(format!("event {:?}: {error}", event.name)))
}

fn strange(reason: String) -> Error {
    Error::UnexpectedAnswer { status: 200, reason }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n: watching\n\n";
    const CHANGE: &str = "id: 1\nevent: delete\ndata: {\"revision\":1,\"key\":\"k\",\"op\":\"delete\",\"at\":\"2026-01-02T03:04:05.000006Z\",\"actor\":42}\n\n";

    #[tokio::test]
    async fn a_service_that_falls_silent_is_left() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let answer = |text: &str| {
                let mut stream = listener.accept().unwrap().0;
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while !lines.next().unwrap().unwrap().is_empty() {}
                stream.write_all(text.as_bytes()).unwrap();
                // Open and silent for as long as this lives.
                stream
            };
            [answer(""), answer(HEAD), answer(&format!("{HEAD}{CHANGE}"))]
        });
        let client = Client::builder(base).token("secret").build().unwrap();
        let mut watch = Watch::new(client, Since::Revision(Revision::ZERO), Duration::from_millis(50));
        assert!(matches!(watch.next().await, Ok(WatchEvent::Delete(entry)) if entry.revision == Revision::new(1)));
        drop(serving.join().unwrap());
    }
}
