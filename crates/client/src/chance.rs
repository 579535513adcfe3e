//! Everything that is left to chance.

use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// A name for one change that no other change has: 128 random bits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    pub(crate) fn random() -> Self {
        let text = bytes::<16>().iter().fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Any number, each as likely as any other.
pub(crate) fn number() -> u32 {
    u32::from_ne_bytes(bytes())
}

#[expect(clippy::expect_used, reason = "a system without random numbers has no names to give, and TLS does not work there either")]
fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_can_stand_in_a_header() {
        let (one, other) = (IdempotencyKey::random(), IdempotencyKey::random());
        assert_ne!(one, other);
        assert!(one.as_str().len() == 32 && one.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
