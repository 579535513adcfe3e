//! Following a user's changes: Server-Sent Events.

use super::answer::Answer;
use super::asked::Asked;
use super::changes::{ChangeJson, of_log, wanted};
use super::error::Problem;
use super::schema::{Failures, OfUser, UserFailures, WatchFailures};
use super::violations::Rule;
use crate::request::Context;
use crate::tokens::Vigil;
use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName};
use actix_web::web::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use lethe_domain::{Act, Operation, Revision, UserId};
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, FeedEnd, FeedEvent};
use metrics::{describe_gauge, gauge};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The last event that a client has seen, which it says when it comes back.
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Whoever hears nothing for longer than this can take the connection for broken.
const HEARTBEAT: Duration = Duration::from_secs(15);

const WATCHERS: &str = "lethe_watchers";

/// Tells the process's recorder what the metric means.
pub(crate) fn describe_metrics() {
    describe_gauge!(WATCHERS, "Clients that follow changes");
}

/// Follows what happens to a user's preferences, as Server-Sent Events: `put` and `delete` with the change, and its revision as the event's id;
/// `resync` when what happened in between is not kept, so that the whole set has to be read; `end` when there is nothing more to be told. Begins
/// after `Last-Event-ID`, or `since`, or now. For the user itself and admins.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/changes/watch",
    tag = "preferences (v1)",
    operation_id = "watch_changes_v1",
    params(
        OfUser,
        ("since" = Option<i64>, Query, description = "The last revision that is known; the present one unless said"),
        ("Last-Event-ID" = Option<i64>, Header, description = "The id of the last event that was seen; goes before `since`")
    ),
    responses(
        (status = 200, description = "Events, for as long as both sides want", content_type = "text/event-stream"),
        Failures,
        UserFailures,
        WatchFailures
    )
)]
pub(super) async fn watch(asked: Asked) -> Answer {
    let owner = asked.user(Operation::Read).await?;
    let since = asked.unless_refused(&Act::on(Operation::Read, owner), since(&asked.context)).await?;
    let events = asked.services().feed.watch(&asked.caller, owner, since).await.map_err(|error| of_log(owner, error))?;
    let vigil = asked.context.vigil()?;
    let mut answer = HttpResponse::Ok();
    // Proxies that buffer would keep events back.
    answer.content_type("text/event-stream").insert_header((CACHE_CONTROL, "no-store")).insert_header((HeaderName::from_static("x-accel-buffering"), "no"));
    if asked.context.http.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    let watcher = Watcher::new(asked, owner, events, vigil);
    let frames = stream::unfold(watcher, |mut watcher| async move { watcher.next().await.map(|frame| (Ok::<_, Infallible>(frame), watcher)) });
    Ok(answer.streaming(stream::once(async { Ok(Bytes::from_static(b": watching\n\n")) }).chain(frames)))
}

fn since(context: &Context) -> Result<Option<Revision>, Problem> {
    let (since, _) = wanted(&context.query())?;
    Ok(last_seen(context.http.headers())?.or(since))
}

/// What the header says. Browsers send it empty when they have seen nothing.
fn last_seen(headers: &HeaderMap) -> Result<Option<Revision>, Problem> {
    let Some(id) = headers.get(&LAST_EVENT_ID).filter(|id| !id.is_empty()) else { return Ok(None) };
    let revision = id.to_str().ok().and_then(|text| if text == "0" { Some(Revision::ZERO) } else { Revision::parse(text) });
    revision.map(Some).ok_or_else(|| Problem::MalformedHeader(Rule::invalid("Give the id of an event.").of_header("Last-Event-ID")))
}

/// One who watches.
struct Watcher {
    context: Context,
    caller: Caller,
    owner: UserId,
    events: BoxStream<'static, FeedEvent>,
    vigil: Vigil,
    closing: watch::Receiver<bool>,
    next_heartbeat: Instant,
    ended: bool,
    _counted: Counted,
}

/// Why nothing more is told.
#[derive(Debug, Clone, Copy)]
enum End {
    Feed(FeedEnd),
    Shutdown,
}

impl End {
    const fn reason(self) -> &'static str {
        match self {
            Self::Feed(FeedEnd::Token) => "token",
            Self::Feed(FeedEnd::Deleted) => "deleted",
            Self::Shutdown => "shutdown",
        }
    }
}

/// What there is to do something about.
enum Wake {
    Closing,
    /// A token was revoked, or the time of this one is over.
    Vigil,
    Event(Option<FeedEvent>),
    Heartbeat,
}

impl Watcher {
    fn new(asked: Asked, owner: UserId, events: BoxStream<'static, FeedEvent>, vigil: Vigil) -> Self {
        let closing = asked.context.closing();
        let Asked { caller, context, .. } = asked;
        Self { context, caller, owner, events, vigil, closing, next_heartbeat: Instant::now() + HEARTBEAT, ended: false, _counted: Counted::begin() }
    }

    /// What is sent next.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        loop {
            if self.vigil.is_over() {
                return Some(self.end(End::Feed(FeedEnd::Token)));
            }
            match self.wait().await {
                Wake::Closing => return Some(self.end(End::Shutdown)),
                Wake::Event(event) => return Some(self.tell_if_permitted(event).await),
                Wake::Heartbeat => return Some(self.heartbeat().await),
                // Whether it is over with this token is asked above.
                Wake::Vigil => {}
            }
        }
    }

    async fn wait(&mut self) -> Wake {
        let vigil_ends = self.vigil.ends_within(HEARTBEAT).map(|left| Instant::now() + left);
        tokio::select! {
            biased;
            _ = self.closing.wait_for(|closing| *closing) => Wake::Closing,
            () = self.vigil.changed() => Wake::Vigil,
            event = self.events.next() => Wake::Event(event),
            () = sleep_until(vigil_ends.unwrap_or(self.next_heartbeat)), if vigil_ends.is_some_and(|end| end < self.next_heartbeat) => Wake::Vigil,
            () = sleep_until(self.next_heartbeat) => Wake::Heartbeat,
        }
    }

    async fn heartbeat(&mut self) -> Bytes {
        self.next_heartbeat = Instant::now() + HEARTBEAT;
        match self.still_permitted().await {
            Some(end) => self.end(end),
            None => Bytes::from_static(b": heartbeat\n\n"),
        }
    }

    async fn tell_if_permitted(&mut self, event: Option<FeedEvent>) -> Bytes {
        match self.still_permitted().await {
            Some(end) => self.end(end),
            None => self.tell(event),
        }
    }

    fn tell(&mut self, event: Option<FeedEvent>) -> Bytes {
        match event {
            Some(FeedEvent::Change(change)) => {
                let (revision, name) = (change.revision, change.kind.name());
                frame(Some(revision), name, &ChangeJson::from(change))
            }
            Some(FeedEvent::Resync(revision)) => frame(Some(revision), "resync", &serde_json::json!({ "revision": revision.get() })),
            Some(FeedEvent::End(end)) => self.end(End::Feed(end)),
            None => self.end(End::Shutdown),
        }
    }

    /// Of somebody else's changes, whoever watches must be there as well; of its own, the events tell.
    async fn still_permitted(&self) -> Option<End> {
        if self.caller.actor.user == self.owner {
            return None;
        }
        match self.context.services().access.check(&self.caller, &Act::on(Operation::Read, self.owner)).await {
            Ok(()) | Err(AccessError::Store(_) | AccessError::Undecided) => None,
            Err(AccessError::NoSuchUser | AccessError::UserErased | AccessError::UserSoftDeleted) => Some(End::Feed(FeedEnd::Deleted)),
            Err(
                AccessError::CallerGone
                | AccessError::TokenExpired
                | AccessError::Forbidden
                | AccessError::AttemptMalformed
                | AccessError::AttemptRunning
                | AccessError::AttemptReused
                | AccessError::AttemptExpired,
            ) => Some(End::Feed(FeedEnd::Token)),
        }
    }

    fn end(&mut self, end: End) -> Bytes {
        self.ended = true;
        frame(None, "end", &serde_json::json!({ "reason": end.reason() }))
    }
}

/// One event. JSON has no line breaks outside of strings, and none inside.
fn frame(id: Option<Revision>, event: &str, data: &impl serde::Serialize) -> Bytes {
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("{id}event: {event}\ndata: {data}\n\n").into()
}

/// Counts one who watches for as long as that lasts.
struct Counted;

impl Counted {
    fn begin() -> Self {
        gauge!(WATCHERS).increment(1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        gauge!(WATCHERS).decrement(1);
    }
}
