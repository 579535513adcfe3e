//! Identifiers. They are handed out by a store; the domain only knows their shape.

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Reads a positive 64-bit integer in the one spelling that it has: ASCII digits without a sign or leading zero.
///
/// `0`, `-1`, `+1`, `01`, `1.0` and full-width digits are no identifiers, so they name nothing.
fn parse_canonical(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || text.starts_with('0') {
        return None;
    }
    text.parse().ok()
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Wraps a number that a store handed out.
            #[must_use]
            pub const fn new(raw: i64) -> Self {
                Self(raw)
            }

            /// The number itself.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }

            /// Reads an identifier from a path or a query; `None` for any text that cannot name anything.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                parse_canonical(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

identifier! {
    /// A user. Never used again once spent, not even after the user was erased.
    UserId
}
identifier! {
    /// A preference, unique within the store.
    PreferenceId
}
identifier! {
    /// A post, unique over all kinds of post.
    PostId
}
identifier! {
    /// A point in one user's history: 1, 2, 3, … in the order in which that user's keys changed. 0 is "before anything".
    Revision
}

identifier! {
    /// A hold, never handed out twice by a store. Only an import can bring the same one for another user.
    HoldId
}
identifier! {
    /// A running service, for as long as it runs: whoever holds a lease.
    NodeId
}

impl Default for Revision {
    /// Before any change.
    fn default() -> Self {
        Self::ZERO
    }
}

impl Revision {
    /// Before any change.
    pub const ZERO: Self = Self(0);

    /// A revision that nobody had come to before `now`, in any store: milliseconds since 1970. Revisions begin with 1, and no user's keys change
    /// a thousand times a second for ever.
    #[must_use]
    pub fn beyond_all_before(now: Timestamp) -> Self {
        Self(now.micros().div_euclid(1_000))
    }

    /// The revision after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Why a text names no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a revocation id is a signature in hexadecimal digits, at least 128 of them")]
pub struct NoRevocationId;

/// Reads the id under which a token is revoked: the signature of one of its blocks, 64 bytes by Ed25519 and some more by P-256, in hexadecimal
/// digits. Returns it in lower case.
///
/// # Errors
/// [`NoRevocationId`] for everything else.
pub fn parse_revocation_id(text: &str) -> Result<String, NoRevocationId> {
    let is_signature = (128..=144).contains(&text.len()) && text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_signature { Ok(text.to_ascii_lowercase()) } else { Err(NoRevocationId) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_one_spelling() {
        assert_eq!(UserId::parse("42"), Some(UserId::new(42)));
        assert_eq!(UserId::parse("9223372036854775807"), Some(UserId::new(i64::MAX)));
        let nothing = ["", "0", "-1", "+1", "01", "1.0", "1e0", "0x1", "abc", " 1", "1 ", "9223372036854775808", "１", "1\0", "1/2"];
        for text in nothing {
            assert_eq!(UserId::parse(text), None, "{text:?} names no user");
        }
    }

    #[test]
    fn a_revocation_id_is_a_signature() {
        let digits = |count| "aB".repeat(count / 2);
        for count in [128, 140, 144] {
            assert_eq!(parse_revocation_id(&digits(count)), Ok("ab".repeat(count / 2)));
        }
        for text in [String::new(), "ab".into(), digits(126), digits(146), digits(128) + "a", "x".repeat(128), "é".repeat(64)] {
            assert_eq!(parse_revocation_id(&text), Err(NoRevocationId), "{text}");
        }
    }
}
