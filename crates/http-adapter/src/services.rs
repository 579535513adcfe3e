//! What the adapter is given to work with. It knows the inbound ports and nothing behind them.

use crate::body::BodyLimits;
use crate::tokens::{SigningKey, Verifier};
use lethe_domain::Limits;
use lethe_ports::inbound::{Access, Accounts, AuditLog, ChangeFeed, Content, Health, Holds, KeyedPreferences, LifeCycle, Preferences, Settings, Webhooks};
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// The use cases that requests are handed to.
#[derive(Clone)]
pub struct Services {
    /// Who may do what.
    pub access: Arc<dyn Access>,
    /// Preferences.
    pub preferences: Arc<dyn Preferences>,
    /// Preferences by their keys.
    pub keyed: Arc<dyn KeyedPreferences>,
    /// Changes as they happen.
    pub feed: Arc<dyn ChangeFeed>,
    /// Settings.
    pub settings: Arc<dyn Settings>,
    /// Users.
    pub accounts: Arc<dyn Accounts>,
    /// What comes after a deletion: restoring, and erasing.
    pub life_cycle: Arc<dyn LifeCycle>,
    /// What keeps a user from being erased.
    pub holds: Arc<dyn Holds>,
    /// Who did what to whom.
    pub audit: Arc<dyn AuditLog>,
    /// What others were told.
    pub webhooks: Arc<dyn Webhooks>,
    /// Posts and votes.
    pub content: Arc<dyn Content>,
    /// Whether all is well.
    pub health: Arc<dyn Health>,
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

/// What every request needs, shared by all workers.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) services: Services,
    pub(crate) verifier: Arc<Verifier>,
    /// Signs tickets; `None`: this node gives none out.
    pub(crate) signing_key: Option<Arc<SigningKey>>,
    pub(crate) limits: Limits,
    pub(crate) body: BodyLimits,
    /// Base of absolute links, without a slash at the end; `None`: what the request was sent to.
    pub(crate) public_url: Option<String>,
    /// Whether the service is about to end.
    pub(crate) closing: watch::Receiver<bool>,
}
