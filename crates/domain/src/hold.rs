//! Holds: as long as one is in force, a user cannot be hard deleted, and an erasure does not go on.

use crate::id::{HoldId, UserId};
use crate::profile::{FieldError, parse_text};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a hold was placed, in words for admins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldReason(String);

impl HoldReason {
    /// Characters at the most.
    pub const CHARACTERS: usize = 500;

    /// Reads a reason, without blanks around it.
    ///
    /// # Errors
    /// [`FieldError`] when it is empty, too long or no plain text.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let text = parse_text(text, Self::CHARACTERS, true)?;
        if text.is_empty() { Err(FieldError::Blank) } else { Ok(Self(text)) }
    }

    /// Takes a reason that was read before.
    #[must_use]
    pub const fn from_store(text: String) -> Self {
        Self(text)
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A hold that is to be placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewHold {
    /// Why.
    pub reason: HoldReason,
    /// When it ends by itself; `None`: when it is lifted.
    pub expires_at: Option<Timestamp>,
}

/// A hold on a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Whom it protects.
    pub user: UserId,
    /// Why, and until when.
    pub terms: NewHold,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// By which admin.
    pub placed_by: UserId,
}

impl Hold {
    /// Whether it is in force at `now`.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.terms.expires_at.is_none_or(|end| now < end)
    }
}

/// Whether any of these holds is in force at `now`.
#[must_use]
pub fn any_in_force(holds: &[Hold], now: Timestamp) -> bool {
    holds.iter().any(|hold| hold.is_in_force(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hold(expires_at: Option<Timestamp>) -> Hold {
        let terms = NewHold { reason: HoldReason::from_store("court order".into()), expires_at };
        Hold { id: HoldId::new(1), user: UserId::new(1), terms, placed_at: Timestamp::EPOCH, placed_by: UserId::new(2) }
    }

    #[test]
    fn one_in_force_is_enough() {
        let now = Timestamp::from_micros(10);
        let (over, open) = (hold(Some(now)), hold(None));
        assert!(!over.is_in_force(now) && over.is_in_force(Timestamp::from_micros(9)));
        assert!(any_in_force(&[over.clone(), open], now));
        assert!(!any_in_force(&[over], now) && !any_in_force(&[], now));
    }

    #[test]
    fn a_reason_is_a_few_words() {
        assert_eq!(HoldReason::parse("  why "), Ok(HoldReason("why".into())));
        assert_eq!(HoldReason::parse(" "), Err(FieldError::Blank));
        assert_eq!(HoldReason::parse(&"x".repeat(501)), Err(FieldError::TooLong { limit: 500 }));
        assert!(HoldReason::parse("a\0").is_err());
    }
}
