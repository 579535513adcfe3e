//! Tokens that are dead before their time. Each block of a token has an id, its signature, and whoever revokes the id of a block kills every
//! token that contains it: the token that ends with it, and all that was narrowed from that one.
//!
//! What was revoked is remembered by a store that nothing in here knows; the list is told of it from outside.

use super::checks;
use super::envelope::Envelope;
use super::error::TokenError;
use biscuit_auth::UnverifiedBiscuit;
use lethe_ports::outbound::RevokedToken;
use std::collections::HashSet;
use std::fmt;
use std::fmt::Write;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;
use tokio::sync::watch;

/// The ids that were revoked, as far as this process has learnt of them. Until it has learnt anything, nobody knows what is on the list.
/// Clones share one list.
///
/// It only grows: nobody tells it when a token has ended, and its id could go. An id takes about 200 bytes, and is gone with the process.
#[derive(Clone)]
pub struct RevocationList(Arc<Inner>);

struct Inner {
    ids: RwLock<Option<HashSet<String>>>,
    /// Counts the lessons in which something was learnt.
    lessons: watch::Sender<u64>,
}

impl RevocationList {
    /// A list that nothing is on.
    pub(super) fn empty() -> Self {
        Self::of(Some(HashSet::new()))
    }

    /// A list of which nothing was learnt yet.
    pub(super) fn unknown() -> Self {
        Self::of(None)
    }

    fn of(ids: Option<HashSet<String>>) -> Self {
        Self(Arc::new(Inner { ids: RwLock::new(ids), lessons: watch::channel(0).0 }))
    }

    /// Adds ids in hexadecimal digits; to have learnt that there are none is to know the list as well. From now on no token with such a block
    /// is good, whether it was seen before or not.
    pub fn learn(&self, ids: impl IntoIterator<Item = String>) {
        let ids = ids.into_iter().map(|mut id| {
            id.make_ascii_lowercase();
            id
        });
        // A set that somebody panicked over is still a set.
        let mut known = self.0.ids.write().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        let before = known.len();
        known.extend(ids);
        if known.len() > before {
            self.0.lessons.send_modify(|lessons| *lessons += 1);
        }
    }

    /// Whether any of these ids, in lower-case hexadecimal digits, was revoked; `None`: nothing was learnt yet.
    #[must_use]
    pub fn has_any(&self, ids: &[String]) -> Option<bool> {
        self.read().as_ref().map(|revoked| ids.iter().any(|id| revoked.contains(id)))
    }

    /// Whether anything was learnt, be it that nothing is revoked.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.read().is_some()
    }

    fn read(&self) -> RwLockReadGuard<'_, Option<HashSet<String>>> {
        self.0.ids.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells when something was learnt.
    pub(super) fn lessons(&self) -> watch::Receiver<u64> {
        self.0.lessons.subscribe()
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.read().as_ref().map(HashSet::len);
        f.debug_struct("RevocationList").field("count", &count).finish()
    }
}

/// What to remember so that this token, and whatever is narrowed from it, is dead. What it was narrowed from stays alive.
///
/// The signature is not looked at: revoking a token that nobody signed kills nothing.
///
/// # Errors
/// [`TokenError::TooLarge`], [`TokenError::TooComplex`] and [`TokenError::Malformed`].
pub fn revocation(token: &str) -> Result<RevokedToken, TokenError> {
    let envelope = Envelope::open(token)?;
    let ids = texts(&UnverifiedBiscuit::from(&envelope.bytes)?.revocation_identifiers());
    let id = ids.into_iter().next_back().ok_or_else(|| TokenError::Malformed("it has no block".to_owned()))?;
    // Its last second is still good, so it ends with the next one.
    let expires_at = checks::last_second(envelope.blocks(), &envelope.symbols()?).map(|last| last.after(Duration::from_secs(1)));
    Ok(RevokedToken { id, expires_at })
}

/// Ids as people and stores know them, in lower-case hexadecimal digits.
pub(super) fn texts(ids: &[Vec<u8>]) -> Vec<String> {
    ids.iter().map(|id| hexadecimal(id)).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
