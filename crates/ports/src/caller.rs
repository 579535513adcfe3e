//! Whoever sends a request: an actor that its token proves, and what the token still allows.

use lethe_domain::access::{Act, Actor};
use lethe_domain::attempt::{Attempt, IdempotencyKey, NoIdempotencyKey};
use lethe_domain::time::Timestamp;
use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

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
    /// That the request may be sent again and must have its effect once, if the caller said so.
    pub retry: Option<Arc<Retry>>,
}

impl Caller {
    /// Whether nothing was done, and what comes is what came of the request when it was sent first.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.retry.as_ref().is_some_and(|retry| retry.is_replayed())
    }
}

/// A request that may be sent again.
#[derive(Debug)]
pub struct Retry {
    key: Result<IdempotencyKey, NoIdempotencyKey>,
    method: String,
    path: String,
    asked: Vec<Vec<u8>>,
    body: OnceLock<String>,
    is_replayed: AtomicBool,
}

impl Retry {
    /// A request of that method and path, under the key that `key` reads as. `asked` is whatever else decides what it does, but for its body: its
    /// query, its conditions, the kind of its body. What is no key is refused where the request would have its
    /// effect: there are more basic things to be told.
    #[must_use]
    pub fn new(key: Option<&str>, method: &str, path: &str, asked: Vec<Vec<u8>>) -> Self {
        Self {
            key: key.ok_or(NoIdempotencyKey).and_then(IdempotencyKey::parse),
            method: method.to_owned(),
            path: path.to_owned(),
            asked,
            body: OnceLock::new(),
            is_replayed: AtomicBool::new(false),
        }
    }

    /// Notes the body, once it was read. Without one, the body is empty.
    pub fn note_body(&self, body: &str) {
        // It is read once.
        let _ = self.body.set(body.to_owned());
    }

    /// The attempt that the request makes for `actor`.
    ///
    /// # Errors
    /// [`NoIdempotencyKey`].
    pub fn attempt(&self, actor: &Actor) -> Result<Attempt, NoIdempotencyKey> {
        let body = self.body.get().map_or("", String::as_str).as_bytes();
        let asked: Vec<_> = self.asked.iter().map(Vec::as_slice).chain([body]).collect();
        self.key.as_ref().map(|key| Attempt::new(actor.user, &self.method, &self.path, key, &asked)).map_err(|error| *error)
    }

    /// Notes that nothing was done: what comes is what came of the first request.
    pub fn note_replay(&self) {
        self.is_replayed.store(true, Ordering::Relaxed);
    }

    /// Whether nothing was done.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.is_replayed.load(Ordering::Relaxed)
    }
}
