//! Whoever sends a request: an actor that its token proves, and what the token still allows.

use lethe_domain::access::{Act, Actor};
use lethe_domain::time::Timestamp;
use std::fmt::Debug;
use std::sync::Arc;

/// What a token allows. A grant can only narrow what [`Actor::may`] allows, never widen it.
pub trait Grant: Debug + Send + Sync {
    /// Whether the token allows `act` at `now`.
    ///
    /// MUST evaluate every check of the token, with this time and no other, in bounded time.
    ///
    /// # Errors
    /// [`GrantError`] says why not.
    fn allows(&self, act: &Act<'_>, now: Timestamp) -> Result<(), GrantError>;

    /// Whether the answer depends on the key of the preference that is acted on. Then the key must be known before the act.
    fn depends_on_key(&self) -> bool;
}

/// Why a token does not allow an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The token's time is over.
    #[error("the token has expired")]
    Expired,
    /// The token was narrowed to less than this.
    #[error("the token does not allow this")]
    Narrowed,
    /// Evaluation was given up, so there is no answer. Trying again may help.
    #[error("the token could not be evaluated in time")]
    Undecided,
}

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who it is.
    pub actor: Actor,
    /// What its token allows.
    pub grant: Arc<dyn Grant>,
}
