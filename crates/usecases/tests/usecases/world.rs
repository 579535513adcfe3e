//! A Lethe in memory, with users in it.

use lethe_domain::account::DeletionMode;
use lethe_domain::event::EventKind;
use lethe_domain::limits::Limits;
use lethe_domain::webhook::{EndpointId, RetrySchedule, Subscription};
use lethe_domain::{Retention, UserId};
use lethe_ports::inbound::{Accounts as _, DeleteUserError, DeletionRequest};
use lethe_ports::{Caller, Retry};
use lethe_testkit::{FixedClock, MemoryStore, fixture};
use lethe_usecases::{Lethe, Policy};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const ADMIN: UserId = UserId::new(1_000_000);
pub(crate) const GRACE: Duration = Duration::from_hours(1);

pub(crate) struct World {
    pub(crate) lethe: Lethe<MemoryStore>,
    /// What is behind it.
    pub(crate) store: MemoryStore,
    /// The time of the service and of the store.
    pub(crate) clock: Arc<FixedClock>,
}

/// The one endpoint that is told of everything.
pub(crate) fn endpoint() -> EndpointId {
    EndpointId::of_url("https://example.org/events")
}

pub(crate) fn world() -> World {
    world_with(Limits::default())
}

pub(crate) fn world_with(limits: Limits) -> World {
    let subscriptions = [Subscription { endpoint: endpoint(), events: EventKind::ALL.to_vec() }];
    let retries = RetrySchedule(vec![Duration::from_secs(5), Duration::from_mins(5)]);
    let retention = Retention { max_age: Duration::from_hours(1), max_changes: 5 };
    let policy = Policy { limits, retention, grace: Some(GRACE), subscriptions: subscriptions.into(), retries };
    let clock = Arc::new(FixedClock::default());
    let store = MemoryStore::by(clock.clone());
    World { lethe: Lethe::new(Arc::new(store.clone()), clock.clone(), policy), store, clock }
}

impl World {
    pub(crate) async fn user(&self, username: &str) -> Caller {
        fixture::caller(self.lethe.create(&admin(), fixture::user(username)).await.unwrap().id)
    }

    pub(crate) async fn delete(&self, caller: &Caller, user: UserId, mode: DeletionMode) -> Result<(), DeleteUserError> {
        self.lethe.delete(caller, user, DeletionRequest::unplanned(mode)).await.map(drop)
    }
}

/// An admin who is no stored user.
pub(crate) fn admin() -> Caller {
    fixture::admin(ADMIN)
}

/// A caller whose user does not exist.
pub(crate) fn nobody() -> Caller {
    fixture::caller(UserId::new(999_999))
}

/// The same caller with a token that is narrowed to keys with this prefix.
pub(crate) fn narrowed(caller: &Caller, prefix: &'static str) -> Caller {
    Caller { grant: Arc::new(fixture::PrefixGrant(prefix)), ..caller.clone() }
}

/// The same caller with a token for everything but the preference of this key.
pub(crate) fn all_but(caller: &Caller, key: &'static str) -> Caller {
    Caller { grant: Arc::new(fixture::AllButGrant(key)), ..caller.clone() }
}

/// The same caller with a token whose time is over.
pub(crate) fn expired(caller: &Caller) -> Caller {
    Caller { grant: Arc::new(fixture::ExpiredGrant), ..caller.clone() }
}

/// The same caller with a request that may be sent again, under this key and with this body.
pub(crate) fn retrying(caller: &Caller, key: &str, body: &str) -> Caller {
    let retry = Retry::new(Some(key), "POST", "/", Vec::new());
    retry.note_body(body);
    Caller { retry: Some(Arc::new(retry)), ..caller.clone() }
}
