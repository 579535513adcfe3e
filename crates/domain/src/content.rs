//! Posts and votes: what a user publishes. A soft delete spares it, a hard delete removes it.

use crate::account::{StatusSet, UserStatus};
use crate::id::{PostId, UserId};
use crate::profile::{FieldError, LINE_CHARACTERS, Username, parse_text, text_type};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A kind of post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostKind {
    /// A post.
    Post,
    /// A question that others discuss.
    Discussion,
    /// A short word.
    Status,
}

impl PostKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Post, Self::Discussion, Self::Status];

    /// The kind's name in paths, stores and exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Discussion => "discussion",
            Self::Status => "status",
        }
    }

    /// Reads the name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

text_type! {
    /// A post's title: at most 255 characters, often none.
    PostTitle
}

impl PostTitle {
    /// Checks a title from outside.
    ///
    /// # Errors
    /// [`FieldError`] when it is too long or has control characters.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        parse_text(text, LINE_CHARACTERS, false).map(Self)
    }
}

text_type! {
    /// A post's text: 1 to 50,000 characters.
    PostText
}

impl PostText {
    /// Characters of a post at the most.
    pub const CHARACTERS: usize = 50_000;

    /// Checks a text from outside.
    ///
    /// # Errors
    /// [`FieldError`] when it is blank, too long or has control characters other than line breaks.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        parse_text(text, Self::CHARACTERS, true).and_then(|text| if text.is_empty() { Err(FieldError::Blank) } else { Ok(Self(text)) })
    }
}

/// A post that is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPost {
    /// Who writes it.
    pub author: UserId,
    /// Its kind.
    pub kind: PostKind,
    /// Its title, possibly empty.
    pub title: PostTitle,
    /// Its text.
    pub text: PostText,
}

/// A published post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Its id.
    pub id: PostId,
    /// Its kind.
    pub kind: PostKind,
    /// Who wrote it.
    pub author: Author,
    /// Its title, possibly empty.
    pub title: PostTitle,
    /// Its text.
    pub text: PostText,
    /// Votes on it.
    pub vote_count: u64,
    /// When it was published.
    pub added_at: Timestamp,
    /// When it was last written to.
    pub last_activity_at: Timestamp,
}

/// The author of something published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Who.
    pub id: UserId,
    /// The name to show.
    pub username: Username,
    /// Where the account stands; what a soft deleted user published remains.
    pub status: UserStatus,
}

impl Author {
    /// Whether readers are told that the author has left.
    #[must_use]
    pub fn deleted(&self) -> bool {
        !StatusSet::LISTED.contains(self.status)
    }
}

/// How a voter reacts. There is one reaction so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// Approval.
    Like,
}

impl Reaction {
    /// The reaction's name in stores and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Like => "like",
        }
    }
}

/// A vote on a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// Who voted.
    pub voter: Author,
    /// How.
    pub reaction: Reaction,
    /// When.
    pub voted_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_limits() {
        assert_eq!(PostText::parse(" \n "), Err(FieldError::Blank));
        assert!(PostText::parse("a\nb").is_ok());
        assert_eq!(PostText::parse(&"x".repeat(50_001)), Err(FieldError::TooLong { limit: 50_000 }));
        assert!(PostTitle::parse("").is_ok());
        assert!(PostTitle::parse("a\nb").is_err());
    }

    #[test]
    fn only_a_deleted_author_is_shown_as_such() {
        let author = |status| Author { id: UserId::new(1), username: Username::from_store("ann".into()), status };
        let deleted: Vec<_> = UserStatus::ALL.into_iter().filter(|status| author(*status).deleted()).collect();
        assert_eq!(deleted, [UserStatus::SoftDeleted, UserStatus::Erased]);
    }
}
