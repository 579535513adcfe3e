//! The use cases of Lethe: one function each, in a file of its name, over the outbound ports. No adapter is known here.
//!
//! [`Lethe`] holds what they need and answers the inbound ports with them ([`inbound`]). Every use case begins with the question whether
//! the caller may ([`access`]), lets the domain decide, and writes through a fence that a late request runs into.
#![deny(missing_docs)]

mod access;
mod announce;
mod audit;
mod content;
mod erasure;
mod feed;
mod holds;
mod import_lines;
mod inbound;
mod keyed;
mod once;
mod preferences;
mod prune;
mod renumber;
mod retry;
mod revoke_tokens;
mod settings;
mod shorten_logs;
mod users;
mod webhooks;

use announce::Announcer;
use feed::Hub;
use lethe_domain::change::Retention;
use lethe_domain::id::UserId;
use lethe_domain::limits::Limits;
use lethe_domain::webhook::{RetrySchedule, Subscription};
use lethe_ports::Caller;
use lethe_ports::outbound::{Clock, Stamp};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What whoever runs the service decides.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// How much a user may keep.
    pub limits: Limits,
    /// For how long changes to preferences are kept.
    pub retention: Retention,
    /// How long a soft deleted account stays; `None`: until somebody asks.
    pub grace: Option<Duration>,
    /// Who is told of what becomes of users.
    pub subscriptions: Arc<[Subscription]>,
    /// When what was not heard is told again.
    pub retries: RetrySchedule,
}

/// Lethe over a store `S`. Cheap to clone.
pub struct Lethe<S> {
    store: Arc<S>,
    clock: Arc<dyn Clock>,
    policy: Arc<Policy>,
    hub: Arc<Hub>,
}

impl<S> Lethe<S> {
    /// Lethe over this store, by this clock, under this policy.
    pub fn new(store: Arc<S>, clock: Arc<dyn Clock>, policy: Policy) -> Self {
        Self { store, clock, policy: Arc::new(policy), hub: Arc::default() }
    }

    /// Whoever tells of what `actor` does.
    fn announcer(&self, actor: Option<UserId>) -> Announcer {
        Announcer { subscriptions: self.policy.subscriptions.clone(), actor }
    }

    /// Notes that preferences of `owner` were written: whoever follows is told.
    fn touched(&self, owner: UserId) {
        self.hub.touch(owner);
    }

    fn stamp(&self, caller: &Caller) -> Stamp {
        Stamp { actor: caller.actor.user, now: self.clock.now() }
    }
}

impl<S> Clone for Lethe<S> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone(), clock: self.clock.clone(), policy: self.policy.clone(), hub: self.hub.clone() }
    }
}

impl<S> fmt::Debug for Lethe<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lethe").field("policy", &self.policy).finish_non_exhaustive()
    }
}
