//! Webhooks: who is told of which events, and when one that was not heard is told again.
//!
//! The schedule is that of the Standard Webhooks specification. A user's events are told to an endpoint in their order: one that is not
//! settled holds up those after it.

use crate::event::{Event, EventId, EventKind};
use crate::time::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt;
use std::time::Duration;

/// Names an endpoint: the beginning of its address' SHA-256, so that a store need not keep the address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndpointId(String);

impl EndpointId {
    const DIGITS: usize = 16;

    /// The endpoint at that address.
    #[must_use]
    pub fn of_url(url: &str) -> Self {
        Self(crate::audit::hexadecimal(&Sha256::digest(url.as_bytes())).chars().take(Self::DIGITS).collect())
    }

    /// Takes a name that was made before.
    #[must_use]
    pub const fn from_store(text: String) -> Self {
        Self(text)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An endpoint and what it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Who is told.
    pub endpoint: EndpointId,
    /// What it is told.
    pub events: Vec<EventKind>,
}

/// Names a delivery: one event on its way to one endpoint. Its text is `evt_42_3_user.restored.0123456789abcdef`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    /// What is told.
    pub event: EventId,
    /// To whom.
    pub endpoint: EndpointId,
}

impl DeliveryId {
    /// Reads the text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (event, endpoint) = text.rsplit_once('.')?;
        let is_name = endpoint.len() == EndpointId::DIGITS && endpoint.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_name.then_some(())?;
        Some(Self { event: EventId::parse(event)?, endpoint: EndpointId(endpoint.to_owned()) })
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.event, self.endpoint)
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It is to be told, perhaps again.
    Pending,
    /// The endpoint has taken it.
    Delivered,
    /// It was told in vain for as long as the schedule lasts, or the endpoint wants no more.
    Failed,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// The state's name in a store and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// An event on its way to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// What is told.
    pub event: Event,
    /// To whom.
    pub endpoint: EndpointId,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was told.
    pub attempts: u32,
    /// When it is to be told next, or may be when whoever tells it now has vanished. By the store's clock.
    pub due_at: Timestamp,
    /// When it was last told.
    pub attempted_at: Option<Timestamp>,
    /// What came of that. Names no content.
    pub last_answer: Option<String>,
}

/// What came of telling somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It was taken.
    Accepted(u16),
    /// It was not, and the endpoint may have said when to come again.
    Refused(u16, Option<Duration>),
    /// The endpoint wants no more events, ever.
    Gone,
    /// Nobody answered, or nobody was to be asked.
    Unreachable(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(status) | Self::Refused(status, _) => write!(f, "{status}"),
            Self::Gone => f.write_str("410: the endpoint wants no more events"),
            Self::Unreachable(reason) => f.write_str(reason),
        }
    }
}

/// How long a delivery is kept that is not told any more: it is settled, or its endpoint is not configured any more.
pub const KEPT_UNTOLD: Duration = Duration::from_hours(30 * 24);

/// How long to wait after each telling that was in vain. After the last one it is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule(pub Vec<Duration>);

/// The longest that an endpoint may be given to answer.
pub const LONGEST_ANSWER: Duration = Duration::from_secs(30);

impl Default for RetrySchedule {
    /// What the Standard Webhooks specification proposes: about three days in all.
    fn default() -> Self {
        let (minutes, hours) = (Duration::from_mins, Duration::from_hours);
        Self(vec![Duration::from_secs(5), minutes(5), minutes(30), hours(2), hours(5), hours(10), hours(14), hours(20), hours(24)])
    }
}

impl Delivery {
    /// An event that nobody was told of yet.
    #[must_use]
    pub const fn new(event: Event, endpoint: EndpointId, now: Timestamp) -> Self {
        Self { event, endpoint, state: DeliveryState::Pending, attempts: 0, due_at: now, attempted_at: None, last_answer: None }
    }

    /// What these events are to the subscribers at `now`, by the store's clock: one delivery for each who wants one, in order.
    pub fn of<'a>(events: &'a [Event], subscriptions: &'a [Subscription], now: Timestamp) -> impl Iterator<Item = Self> + 'a {
        events.iter().flat_map(move |event| {
            let wanted = subscriptions.iter().filter(|subscription| subscription.events.contains(&event.id.kind));
            wanted.map(move |subscription| Self::new(event.clone(), subscription.endpoint.clone(), now))
        })
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> DeliveryId {
        DeliveryId { event: self.event.id, endpoint: self.endpoint.clone() }
    }

    /// Takes it up, if it is due at `now`: for `lease` nobody else tells it.
    #[must_use]
    pub fn attempt(self, now: Timestamp, lease: Duration) -> Option<Self> {
        let is_due = self.state == DeliveryState::Pending && self.due_at <= now;
        is_due.then(|| Self { attempts: self.attempts + 1, attempted_at: Some(now), due_at: now.after(lease), ..self })
    }

    /// Takes in what came of it. What is settled needs to know nobody's `ext_id` any more.
    #[must_use]
    pub fn settle(self, answer: &Answer, schedule: &RetrySchedule, now: Timestamp) -> Self {
        let told = Self { last_answer: Some(answer.to_string()), ..self };
        match answer {
            Answer::Accepted(_) => told.end(DeliveryState::Delivered),
            Answer::Gone => told.end(DeliveryState::Failed),
            Answer::Refused(_, wait) => told.postpone(*wait, schedule, now),
            Answer::Unreachable(_) => told.postpone(None, schedule, now),
        }
    }

    /// Ends it because its endpoint takes no events any more.
    #[must_use]
    pub fn give_up(self, reason: &str) -> Self {
        Self { last_answer: Some(reason.to_owned()), ..self }.end(DeliveryState::Failed)
    }

    fn end(mut self, state: DeliveryState) -> Self {
        self.event.ext_id = None;
        Self { state, ..self }
    }

    fn postpone(self, wished: Option<Duration>, schedule: &RetrySchedule, now: Timestamp) -> Self {
        let turn = usize::try_from(self.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        match schedule.0.get(turn) {
            Some(pause) => {
                let pause = self.jittered(*pause).max(wished.unwrap_or_default());
                Self { due_at: now.after(pause), ..self }
            }
            None => self.end(DeliveryState::Failed),
        }
    }

    /// The pause, and up to a fifth of it more: so that what failed together is not told again together. The part is drawn from the
    /// delivery's own name, so that nobody needs dice.
    fn jittered(&self, pause: Duration) -> Duration {
        let draw = Sha256::digest(format!("{} {}", self.id(), self.attempts).as_bytes());
        let part = u32::from(draw[0]);
        pause + pause / 5 * part / 255
    }

    /// Tells it anew, whatever came of it before.
    #[must_use]
    pub fn retry(self, now: Timestamp) -> Self {
        Self { state: DeliveryState::Pending, attempts: 0, due_at: now, ..self }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::id::UserId;
    use crate::profile::ExtId;

    const LEASE: Duration = Duration::from_mins(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn event(kind: EventKind) -> Event {
        Event { id: EventId { user: UserId::new(42), epoch: 1, kind }, at: at(0), ext_id: Some(ExtId::from_store("x".into())) }
    }

    fn delivery() -> Delivery {
        Delivery::new(event(EventKind::Erased), EndpointId::of_url("https://example.org/"), at(0))
    }

    #[test]
    fn each_endpoint_is_told_what_it_wants() {
        let endpoint = |url| EndpointId::of_url(url);
        let subscriptions = [
            Subscription { endpoint: endpoint("a"), events: EventKind::ALL.to_vec() },
            Subscription { endpoint: endpoint("b"), events: vec![EventKind::Erased] },
        ];
        let events = [event(EventKind::ErasureStarted), event(EventKind::Erased)];
        let told: Vec<_> = Delivery::of(&events, &subscriptions, at(0)).map(|delivery| (delivery.event.id.kind, delivery.endpoint)).collect();
        let expected = [(EventKind::ErasureStarted, endpoint("a")), (EventKind::Erased, endpoint("a")), (EventKind::Erased, endpoint("b"))];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_name_has_one_spelling() {
        let id = delivery().id();
        assert_eq!(DeliveryId::parse(&id.to_string()), Some(id.clone()));
        for text in ["", "evt_42_1_user.erased", "evt_42_1_user.erased.xyz", &id.to_string().to_uppercase()] {
            assert_eq!(DeliveryId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_being_told_is_not_told_by_another() {
        let told = delivery().attempt(at(0), LEASE).unwrap();
        assert_eq!((told.attempts, told.clone().attempt(at(59), LEASE)), (1, None));
        assert!(told.clone().attempt(at(60), LEASE).is_some(), "whoever told it has vanished");
        let heard = told.settle(&Answer::Accepted(204), &RetrySchedule::default(), at(1));
        assert_eq!((heard.state, heard.last_answer.as_deref(), heard.event.ext_id.clone()), (DeliveryState::Delivered, Some("204"), None));
        assert_eq!(heard.attempt(at(99), LEASE), None);
    }

    #[test]
    fn the_schedule_is_followed_to_its_end() {
        let schedule = RetrySchedule::default();
        let mut delivery = delivery();
        for pause in &schedule.0 {
            let now = delivery.due_at;
            delivery = delivery.attempt(now, LEASE).unwrap().settle(&Answer::Refused(500, None), &schedule, now);
            assert!(delivery.due_at >= now.after(*pause) && delivery.due_at <= now.after(*pause * 6 / 5), "{delivery:?}");
            assert!(delivery.event.ext_id.is_some(), "it will be needed again");
        }
        let now = delivery.due_at;
        let ended = delivery.attempt(now, LEASE).unwrap().settle(&Answer::Unreachable("refused".into()), &schedule, now);
        assert_eq!((ended.state, ended.attempts, ended.event.ext_id.clone()), (DeliveryState::Failed, 10, None));
        let again = ended.retry(at(9));
        assert_eq!((again.state, again.attempts, again.due_at), (DeliveryState::Pending, 0, at(9)));
    }

    #[test]
    fn an_endpoint_may_ask_for_more_time_or_for_silence() {
        let schedule = RetrySchedule(vec![Duration::from_secs(5)]);
        let told = delivery().attempt(at(0), LEASE).unwrap();
        let later = told.clone().settle(&Answer::Refused(429, Some(Duration::from_mins(2))), &schedule, at(0));
        assert_eq!(later.due_at, at(120));
        assert!(told.clone().settle(&Answer::Refused(429, Some(Duration::ZERO)), &schedule, at(0)).due_at >= at(5), "but not for less");
        assert_eq!(told.settle(&Answer::Gone, &schedule, at(0)).state, DeliveryState::Failed);
    }
}
