//! Conditions under which something is done: the preconditions of RFC 9110, section 13, over revisions.

use crate::id::Revision;
use serde::{Deserialize, Serialize};

/// What a condition names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// Whatever is there, as long as something is.
    Any,
    /// One of these revisions. A tag that can be no revision matches nothing, so it is left out.
    OneOf(Vec<Revision>),
}

impl Tags {
    fn match_present(&self, present: Option<Revision>) -> bool {
        match (self, present) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::OneOf(revisions), Some(present)) => revisions.contains(&present),
        }
    }
}

/// What must be true of something, at the moment of the act, for the act to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Precondition {
    /// `If-Match`: it is there, and one of these.
    pub matching: Option<Tags>,
    /// `If-None-Match`: it is not there, or none of these.
    pub none_matching: Option<Tags>,
}

/// Which condition does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unmet {
    /// What is there is not what must be there.
    Match,
    /// What is there is what must not be there: a reader has it already.
    NoneMatch,
}

impl Precondition {
    /// No condition at all.
    pub const NONE: Self = Self { matching: None, none_matching: None };

    /// Whether nothing is asked.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.matching.is_none() && self.none_matching.is_none()
    }

    /// Holds the conditions, in the order of RFC 9110, section 13.2.2, against what is there: its revision, or `None` for nothing.
    ///
    /// # Errors
    /// The first condition that does not hold.
    pub fn check(&self, present: Option<Revision>) -> Result<(), Unmet> {
        if self.matching.as_ref().is_some_and(|tags| !tags.match_present(present)) {
            return Err(Unmet::Match);
        }
        if self.none_matching.as_ref().is_some_and(|tags| tags.match_present(present)) {
            return Err(Unmet::NoneMatch);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_against_nothing_the_same_and_another() {
        let (seven, eight) = (Some(Revision::new(7)), Some(Revision::new(8)));
        let one_of = |revisions: &[i64]| Some(Tags::OneOf(revisions.iter().copied().map(Revision::new).collect()));
        let table = [
            (None, None, [Ok(()), Ok(()), Ok(())]),
            (Some(Tags::Any), None, [Err(Unmet::Match), Ok(()), Ok(())]),
            (one_of(&[7]), None, [Err(Unmet::Match), Ok(()), Err(Unmet::Match)]),
            (one_of(&[8, 7]), None, [Err(Unmet::Match), Ok(()), Ok(())]),
            (one_of(&[]), None, [Err(Unmet::Match), Err(Unmet::Match), Err(Unmet::Match)]),
            (None, Some(Tags::Any), [Ok(()), Err(Unmet::NoneMatch), Err(Unmet::NoneMatch)]),
            (None, one_of(&[7]), [Ok(()), Err(Unmet::NoneMatch), Ok(())]),
            (None, one_of(&[]), [Ok(()), Ok(()), Ok(())]),
            (one_of(&[7]), Some(Tags::Any), [Err(Unmet::Match), Err(Unmet::NoneMatch), Err(Unmet::Match)]),
        ];
        for (matching, none_matching, expected) in table {
            let precondition = Precondition { matching, none_matching };
            assert_eq!([None, seven, eight].map(|present| precondition.check(present)), expected, "{precondition:?}");
        }
    }
}
