//! What the adapter is given to work with. It knows the inbound ports and nothing behind them.

use crate::body::BodyLimits;
use crate::tokens::Verifier;
use lethe_domain::Limits;
use lethe_ports::inbound::{Access, Accounts, Content, Health, Preferences, Settings};
use std::fmt;
use std::sync::Arc;

/// The use cases that requests are handed to.
#[derive(Clone)]
pub struct Services {
    /// Who may do what.
    pub access: Arc<dyn Access>,
    /// Preferences.
    pub preferences: Arc<dyn Preferences>,
    /// Settings.
    pub settings: Arc<dyn Settings>,
    /// Users.
    pub accounts: Arc<dyn Accounts>,
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
    pub(crate) limits: Limits,
    pub(crate) body: BodyLimits,
    /// Base of absolute links, without a slash at the end; `None`: what the request was sent to.
    pub(crate) public_url: Option<String>,
}
