//! Users as others see them: names, which are unique, and a profile, which is theirs to fill in.

use crate::account::{AccountState, UserStatus};
use crate::id::UserId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a text cannot be kept in a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// It is empty.
    #[error("This field may not be blank.")]
    Blank,
    /// It has more characters than the field takes.
    #[error("Ensure this field has no more than {limit} characters.")]
    TooLong {
        /// The field's limit.
        limit: usize,
    },
    /// It does not have the form that the field asks for.
    #[error("{0}")]
    Malformed(&'static str),
}

/// Characters of a name or another one-line field.
pub const LINE_CHARACTERS: usize = 255;
/// Characters of a field that takes a longer text.
pub const PARAGRAPH_CHARACTERS: usize = 10_000;

/// Trims, then checks the length, and that there are no control characters but line breaks and tabs where `lines` allows them.
pub(crate) fn parse_text(text: &str, limit: usize, lines: bool) -> Result<String, FieldError> {
    let text = text.trim();
    if text.chars().count() > limit {
        return Err(FieldError::TooLong { limit });
    }
    if text.chars().any(|character| character.is_control() && !(lines && matches!(character, '\n' | '\r' | '\t'))) {
        return Err(FieldError::Malformed("Control characters are not allowed."));
    }
    Ok(text.to_owned())
}

fn parse_required(text: &str) -> Result<String, FieldError> {
    parse_text(text, LINE_CHARACTERS, false).and_then(|text| if text.is_empty() { Err(FieldError::Blank) } else { Ok(text) })
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes a text that a store gives back: it was checked when it was kept.
            #[must_use]
            pub fn from_store(text: String) -> Self {
                Self(text)
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text_type;

text_type! {
    /// A user's name: 1 to 255 letters, digits or `_ - . @ +`, in ASCII. Unique among users, whatever the case of its letters.
    Username
}

impl Username {
    /// Checks a name from outside.
    ///
    /// # Errors
    /// [`FieldError`] when it is no username.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let name = parse_required(text)?;
        if !name.chars().all(|character| character.is_ascii_alphanumeric() || "_-.@+".contains(character)) {
            return Err(FieldError::Malformed("Enter a valid username. It may have only letters, digits and the characters _ - . @ +"));
        }
        Ok(Self(name))
    }

    /// The form in which it is unique.
    #[must_use]
    pub fn reserved_as(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

text_type! {
    /// The id that another system knows the user by: 1 to 255 characters. Unique among users, to the letter.
    ExtId
}

impl ExtId {
    /// Checks an id from outside.
    ///
    /// # Errors
    /// [`FieldError`] when it is blank, too long or has control characters.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        parse_required(text).map(Self)
    }
}

text_type! {
    /// An address for mail. Lethe sends none; it only keeps it.
    Email
}

impl Email {
    /// Checks an address from outside: something on either side of an `@`, no blanks.
    ///
    /// # Errors
    /// [`FieldError`] when it is no address.
    pub fn parse(text: &str) -> Result<Self, FieldError> {
        let address = parse_required(text)?;
        let well_formed = address.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
        if !well_formed || address.chars().any(char::is_whitespace) {
            return Err(FieldError::Malformed("Enter a valid email address."));
        }
        Ok(Self(address))
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $error:literal { $($(#[$variant_doc:meta])* $variant:ident => $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl $name {
            /// The word for it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// Reads the word.
            ///
            /// # Errors
            /// [`FieldError::Malformed`] for any other word.
            pub fn parse(word: &str) -> Result<Self, FieldError> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(FieldError::Malformed($error)),
                }
            }
        }
    };
}

words! {
    /// What a user is in the community. It is shown only: what a request may do is decided by its token.
    Role, "Choose one of admin, moderator, editor, publisher." {
        /// Administers the community.
        Admin => "admin",
        /// Moderates it.
        Moderator => "moderator",
        /// Edits its content.
        Editor => "editor",
        /// Publishes content.
        Publisher => "publisher",
    }
}

words! {
    /// A user's gender, as far as given.
    Gender, "Choose one of Male, Female, Unspecified." {
        /// Male.
        Male => "Male",
        /// Female.
        Female => "Female",
        /// Not said.
        Unspecified => "Unspecified",
    }
}

/// What the account says of the person. Empty texts stand for "not given".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Name in real life.
    pub real_name: String,
    /// Address for mail.
    pub email: Option<Email>,
    /// Role in the community.
    pub role: Option<Role>,
    /// When the user joined.
    pub date_joined: Timestamp,
    /// A few words.
    pub bio: String,
    /// A place.
    pub location: String,
    /// More words.
    pub description: String,
    /// Gender.
    pub gender: Gender,
    /// A page of the user's own.
    pub website: String,
}

impl Profile {
    /// The profile of a user who joined at `now` and said nothing yet.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            real_name: String::new(),
            email: None,
            role: None,
            date_joined: now,
            bio: String::new(),
            location: String::new(),
            description: String::new(),
            gender: Gender::Unspecified,
            website: String::new(),
        }
    }
}

/// A change to a profile by its user: what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProfileUpdate {
    /// Name in real life.
    pub real_name: Option<String>,
    /// A few words.
    pub bio: Option<String>,
    /// A place.
    pub location: Option<String>,
    /// More words.
    pub description: Option<String>,
    /// Gender.
    pub gender: Option<Gender>,
    /// A page of the user's own.
    pub website: Option<String>,
}

impl ProfileUpdate {
    /// Checks a one-line field, such as a name.
    ///
    /// # Errors
    /// [`FieldError`] when it is too long or has control characters.
    pub fn line(text: &str) -> Result<String, FieldError> {
        parse_text(text, LINE_CHARACTERS, false)
    }

    /// Checks a field of several lines.
    ///
    /// # Errors
    /// [`FieldError`] when it is too long or has control characters other than line breaks.
    pub fn paragraph(text: &str) -> Result<String, FieldError> {
        parse_text(text, PARAGRAPH_CHARACTERS, true)
    }

    /// The profile with this change made.
    #[must_use]
    pub fn apply(self, profile: Profile) -> Profile {
        Profile {
            real_name: self.real_name.unwrap_or(profile.real_name),
            bio: self.bio.unwrap_or(profile.bio),
            location: self.location.unwrap_or(profile.location),
            description: self.description.unwrap_or(profile.description),
            gender: self.gender.unwrap_or(profile.gender),
            website: self.website.unwrap_or(profile.website),
            ..profile
        }
    }
}

/// A user who is to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The unique name.
    pub username: Username,
    /// The id in another system, unique as well.
    pub ext_id: Option<ExtId>,
    /// Everything else.
    pub profile: Profile,
}

/// How many posts of each kind a user has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PostCounts {
    /// Posts.
    pub posts: u64,
    /// Discussions.
    pub discussions: u64,
    /// Statuses.
    pub statuses: u64,
}

/// A user as stores give it back: an account with names and profile. An erased account has neither.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Where its account stands.
    pub state: AccountState,
    /// Names and profile; `None` once erased.
    pub person: Option<Person>,
}

/// Who an account belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The unique name.
    pub username: Username,
    /// The id in another system.
    pub ext_id: Option<ExtId>,
    /// Everything else.
    pub profile: Profile,
    /// How much this person has published.
    pub counts: PostCounts,
}

impl Person {
    /// A person who has just joined.
    #[must_use]
    pub fn new(user: NewUser) -> Self {
        Self { username: user.username, ext_id: user.ext_id, profile: user.profile, counts: PostCounts::default() }
    }
}

impl User {
    /// The state in one letter.
    #[must_use]
    pub fn status(&self) -> UserStatus {
        match self.state {
            AccountState::Live(live) => live.status(),
            AccountState::SoftDeleted { .. } => UserStatus::SoftDeleted,
            AccountState::Erased { .. } => UserStatus::Erased,
        }
    }

    /// When it was soft deleted, if it is.
    #[must_use]
    pub fn deleted_at(&self) -> Option<Timestamp> {
        match self.state {
            AccountState::SoftDeleted { at, .. } | AccountState::Erased { at } => Some(at),
            AccountState::Live(_) => None,
        }
    }
}

/// The two kinds of name that only one user can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UniqueName {
    /// The username, in [`Username::reserved_as`] form.
    Username,
    /// The `ext_id`.
    ExtId,
}

impl UniqueName {
    /// The kind's name in a store and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::ExtId => "ext_id",
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn usernames_are_plain_and_unique_whatever_their_case() {
        assert_eq!(Username::parse("Ann_B-1.c@d+e").unwrap().reserved_as(), "ann_b-1.c@d+e");
        assert_eq!(Username::parse("  "), Err(FieldError::Blank));
        assert!(matches!(Username::parse("a b"), Err(FieldError::Malformed(_))));
        assert!(matches!(Username::parse("é"), Err(FieldError::Malformed(_))));
        assert_eq!(Username::parse(&"x".repeat(256)), Err(FieldError::TooLong { limit: 255 }));
    }

    #[test]
    fn addresses_have_two_sides() {
        assert!(Email::parse("ann@example.org").is_ok());
        for text in ["ann", "@example.org", "ann@", "a b@c", "a@b@c"] {
            assert!(Email::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_text_of_several_lines_takes_line_breaks_and_no_nul() {
        assert_eq!(ProfileUpdate::paragraph(" a\nb ").unwrap(), "a\nb");
        assert!(ProfileUpdate::line("a\nb").is_err());
        assert!(ProfileUpdate::paragraph("a\0b").is_err());
    }

    #[test]
    fn an_update_leaves_alone_what_it_does_not_name() {
        let profile = Profile { bio: "old".into(), location: "here".into(), ..Profile::new(Timestamp::EPOCH) };
        let after = ProfileUpdate { bio: Some("new".into()), ..ProfileUpdate::default() }.apply(profile);
        assert_eq!((after.bio.as_str(), after.location.as_str()), ("new", "here"));
    }
}
