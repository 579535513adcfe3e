//! Requests that may be sent again: what makes two of them the same, and for how long the first one's outcome is remembered.
//!
//! Nothing that a client wrote is kept in the clear: names are hashes.

use crate::id::UserId;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::time::Duration;

/// For how long an outcome is remembered.
pub const REMEMBERED_FOR: Duration = Duration::from_hours(24);

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to 255 visible ASCII characters")]
pub struct NoIdempotencyKey;

/// What a client calls all attempts at one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a key from outside.
    ///
    /// # Errors
    /// [`NoIdempotencyKey`].
    pub fn parse(text: &str) -> Result<Self, NoIdempotencyKey> {
        let is_key = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_key { Ok(Self(text.to_owned())) } else { Err(NoIdempotencyKey) }
    }
}

/// One attempt at something that must happen once.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// Who makes it.
    pub actor: UserId,
    /// What it is an attempt at: the same for all that share method, path and key.
    pub scope: String,
    /// What exactly is asked for: attempts at one thing must ask for the same.
    pub fingerprint: String,
}

impl Attempt {
    /// The attempt that a request makes. `asked` is everything else that decides what it does: its query and its body.
    #[must_use]
    pub fn new(actor: UserId, method: &str, path: &str, key: &IdempotencyKey, asked: &[&[u8]]) -> Self {
        Self { actor, scope: hash(&[method.as_bytes(), path.as_bytes(), key.0.as_bytes()]), fingerprint: hash(asked) }
    }
}

/// A name for some parts, in hexadecimal digits. Parts that are cut elsewhere have another name.
fn hash(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible() {
        for text in ["a", "8e03978e-40d5-43dd-bc93-6894a57f9324", "\"quoted\"", &"x".repeat(255)] {
            assert!(IdempotencyKey::parse(text).is_ok(), "{text}");
        }
        for text in ["", " ", "a b", "a\n", "é", &"x".repeat(256)] {
            assert_eq!(IdempotencyKey::parse(text), Err(NoIdempotencyKey), "{text:?}");
        }
    }

    #[test]
    fn attempts_are_the_same_when_everything_is() {
        let key = |text| IdempotencyKey::parse(text).unwrap();
        let attempt = |method, path, name, body: &str| Attempt::new(UserId::new(1), method, path, &key(name), &[b"", body.as_bytes()]);
        let first = attempt("POST", "/a", "k", "{}");
        assert_eq!(attempt("POST", "/a", "k", "{}"), first);
        for other in [attempt("PATCH", "/a", "k", "{}"), attempt("POST", "/ak", "k", "{}"), attempt("POST", "/a", "kk", "{}")] {
            assert_ne!(other.scope, first.scope);
        }
        let other = attempt("POST", "/a", "k", "{ }");
        assert_eq!((other.scope == first.scope, other.fingerprint == first.fingerprint), (true, false));
        assert_ne!(hash(&[b"a", b"b"]), hash(&[b"ab", b""]));
    }
}
