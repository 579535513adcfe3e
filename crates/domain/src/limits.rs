//! How much one user may keep.

use serde::{Deserialize, Deserializer, Serialize};

/// Nesting that no limit may go beyond: patches walk a value level by level, on the stack.
pub const MOST_DEPTH: usize = 100;

/// The limits on preferences. They are data: a service may publish and configure them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Characters (Unicode scalar values) of a key.
    pub key_characters: usize,
    /// Bytes of one value, as JSON text without insignificant white space.
    pub value_bytes: usize,
    /// Nesting of one value: a scalar is 0, `[]` is 1. At most [`MOST_DEPTH`].
    #[serde(deserialize_with = "depth")]
    pub depth: usize,
    /// Preferences of one user.
    pub keys_per_user: usize,
    /// Bytes of all keys and values of one user together.
    pub bytes_per_user: usize,
    /// Keys that one `DELETE /settings/user` may name.
    pub keys_per_deletion: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { key_characters: 255, value_bytes: 65_536, depth: 32, keys_per_user: 1_000, bytes_per_user: 1_048_576, keys_per_deletion: 100 }
    }
}

fn depth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let depth = usize::deserialize(deserializer)?;
    if depth > MOST_DEPTH { Err(serde::de::Error::custom(format!("expected at most {MOST_DEPTH}"))) } else { Ok(depth) }
}

/// What a user already keeps, to be held against [`Limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Number of preferences.
    pub keys: usize,
    /// Bytes of all keys and values.
    pub bytes: usize,
}

/// Why a user may not keep more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum QuotaError {
    /// The number of preferences would exceed `limits.keys_per_user`.
    #[error("A user may keep at most {limit} preferences.")]
    TooManyKeys {
        /// The limit in force.
        limit: usize,
    },
    /// The bytes of all preferences together would exceed `limits.bytes_per_user`.
    #[error("All preferences of a user together may have at most {limit} bytes.")]
    TooManyBytes {
        /// The limit in force, in bytes.
        limit: usize,
    },
}

impl Limits {
    /// Whether a user may go from `before` to `after`. Shrinking is always allowed, also above a limit that was lowered later.
    ///
    /// # Errors
    /// The first limit that `after` exceeds.
    pub fn admit(&self, before: Usage, after: Usage) -> Result<(), QuotaError> {
        if after.keys > before.keys && after.keys > self.keys_per_user {
            return Err(QuotaError::TooManyKeys { limit: self.keys_per_user });
        }
        if after.bytes > before.bytes && after.bytes > self.bytes_per_user {
            return Err(QuotaError::TooManyBytes { limit: self.bytes_per_user });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_growth_beyond_a_limit_is_refused() {
        let limits = Limits { keys_per_user: 2, bytes_per_user: 10, ..Limits::default() };
        let usage = |keys, bytes| Usage { keys, bytes };
        assert_eq!(limits.admit(usage(1, 5), usage(2, 10)), Ok(()));
        assert_eq!(limits.admit(usage(2, 5), usage(3, 6)), Err(QuotaError::TooManyKeys { limit: 2 }));
        assert_eq!(limits.admit(usage(2, 5), usage(2, 11)), Err(QuotaError::TooManyBytes { limit: 10 }));
        assert_eq!(limits.admit(usage(5, 50), usage(4, 40)), Ok(()), "a lowered limit never blocks the way down");
    }
}
