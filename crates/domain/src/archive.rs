//! The archive format: one record a line of JSON, users before what belongs to them. An export of what was imported is equal to it.
//!
//! An archive carries what a store has to know of the people in it: who they are or were, what keeps them from being erased, what they have
//! written and chosen, and which tokens are dead. It carries no history.

use crate::account::{Account, AccountState, LiveState, UserStatus};
use crate::content::{NewPost, PostKind, PostText, PostTitle};
use crate::hold::{Hold, HoldReason, NewHold};
use crate::id::{HoldId, PostId, PreferenceId, UserId, parse_revocation_id};
use crate::json_text::JsonText;
use crate::key::PreferenceKey;
use crate::limits::{Limits, QuotaError};
use crate::preference::Preference;
use crate::profile::{Email, ExtId, Gender, NewUser, Profile, ProfileUpdate, Role, Username};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One line of an archive, as it is written and read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
#[expect(clippy::large_enum_variant, reason = "a record lives only until it is written or checked: a box would cost more than the room")]
pub enum Record {
    /// A user, or the spent id of an erased one.
    User(UserRecord),
    /// A hold on a user.
    Hold(HoldRecord),
    /// A preference.
    Preference(PreferenceRecord),
    /// A post.
    Post(PostRecord),
    /// A vote.
    Vote(VoteRecord),
    /// A token that is dead before its time.
    Revocation(RevocationRecord),
}

/// A user's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRecord {
    /// The user's id.
    pub id: UserId,
    /// The name; left out of an erased user's line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The id in another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_id: Option<String>,
    /// Name in real life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_name: Option<String>,
    /// Address for mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Role in the community.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// A few words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<String>,
    /// A place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// More words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Gender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// A page of the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// The state's letter; active when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// When the user joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_joined: Option<Timestamp>,
    /// When the user was soft deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// When a soft deleted user falls due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purge_at: Option<Timestamp>,
    /// The letter of the state that a soft deleted user was in before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_from: Option<String>,
    /// When the user was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Timestamp>,
    /// How often the account was deleted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deletion_epoch: i64,
    /// The moment before which the user's tokens are dead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_valid_from: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// A hold's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRecord {
    /// Whom it protects.
    pub user_id: UserId,
    /// Its id.
    pub id: HoldId,
    /// Why.
    pub reason: String,
    /// When it ends by itself; left out when it has to be lifted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was placed.
    #[serde(default)]
    pub placed_at: Option<Timestamp>,
    /// By which admin, who may be unknown to the store.
    pub placed_by: UserId,
}

/// A preference's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreferenceRecord {
    /// Whose it is.
    pub user_id: UserId,
    /// Its id; a new one is given out when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PreferenceId>,
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: JsonText,
    /// When it was created.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default)]
    pub last_updated_at: Option<Timestamp>,
}

/// A post's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostRecord {
    /// Who wrote it.
    pub user_id: UserId,
    /// Its id.
    pub id: PostId,
    /// Its kind.
    pub kind: PostKind,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its text.
    pub text: String,
    /// When it was published.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// When it was last written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_at: Option<Timestamp>,
}

/// A vote's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteRecord {
    /// Who voted.
    pub user_id: UserId,
    /// On which post.
    pub post_id: PostId,
    /// When.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

/// The line of a token that was revoked. It belongs to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevocationRecord {
    /// The revocation id of the token's last block, in hexadecimal digits.
    pub id: String,
    /// When it was revoked.
    #[serde(default)]
    pub revoked_at: Option<Timestamp>,
    /// When it would have ended by itself; left out when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Why a line is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// It is not JSON, or not an object of the archive's shape.
    #[error("{0}")]
    Malformed(String),
    /// A field breaks a rule.
    #[error("{field}: {reason}")]
    Field {
        /// Its name.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The user that it belongs to does not exist, or was erased.
    #[error("user {0} does not exist")]
    NoSuchUser(UserId),
    /// The user was erased, and its id stays spent.
    #[error("user {0} was erased")]
    Erased(UserId),
    /// The post does not exist.
    #[error("post {0} does not exist")]
    NoSuchPost(PostId),
    /// The name belongs to another user.
    #[error("{0} is taken by another user")]
    NameTaken(&'static str),
    /// The id belongs to a post of another user or kind.
    #[error("post {0} belongs to another user or kind")]
    PostTaken(PostId),
    /// The user would keep more than the limits allow.
    #[error(transparent)]
    Quota(#[from] QuotaError),
}

/// A line that was checked and can be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckedRecord {
    /// A user or a tombstone.
    User(Box<CheckedUser>),
    /// A hold.
    Hold(Hold),
    /// A preference.
    Preference(CheckedPreference),
    /// A post.
    Post(CheckedPost),
    /// A vote.
    Vote(CheckedVote),
    /// A token that was revoked.
    Revocation(CheckedRevocation),
}

/// A user that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedUser {
    /// The account, in whatever state.
    pub account: Account,
    /// Names and profile; `None` for a tombstone.
    pub person: Option<NewUser>,
}

impl CheckedUser {
    /// The account to keep when a store knows `known` under this id. An erased user stays erased, a living one is not erased by an import,
    /// and nobody's deletions are forgotten or dead tokens brought back to life.
    ///
    /// An import that soft deletes a living user is a deletion of its own. One that brings a deleted user back is a restoration, which kills the
    /// tokens from before `now`.
    ///
    /// # Errors
    /// [`RecordError::Erased`] for a person under a spent id, [`RecordError::Malformed`] for a tombstone of a living user.
    pub fn over(&self, known: Option<&Account>, now: Timestamp) -> Result<Account, RecordError> {
        let Some(known) = known else { return Ok(self.account) };
        match (known.status(), &self.person) {
            (UserStatus::Erased, None) => Ok(*known),
            (UserStatus::Erased, Some(_)) => Err(RecordError::Erased(known.id)),
            (UserStatus::Active | UserStatus::Blocked | UserStatus::SoftDeleted, None) => {
                Err(RecordError::Malformed(format!("user {} is not erased: delete it instead", known.id)))
            }
            (UserStatus::Active | UserStatus::Blocked | UserStatus::SoftDeleted, Some(_)) => {
                let (deletion_epoch, tokens_valid_from) = match (known.state, self.account.state) {
                    (AccountState::Live(_), AccountState::SoftDeleted { .. }) => (known.deletion_epoch + 1, known.tokens_valid_from),
                    (AccountState::SoftDeleted { .. }, AccountState::Live(_)) => (known.deletion_epoch, now),
                    (AccountState::Live(_), AccountState::Live(_) | AccountState::Erased { .. })
                    | (AccountState::SoftDeleted { .. }, AccountState::SoftDeleted { .. } | AccountState::Erased { .. })
                    | (AccountState::Erased { .. }, _) => (known.deletion_epoch, known.tokens_valid_from),
                };
                Ok(Account {
                    deletion_epoch: self.account.deletion_epoch.max(deletion_epoch),
                    tokens_valid_from: self.account.tokens_valid_from.max(known.tokens_valid_from).max(tokens_valid_from),
                    ..self.account
                })
            }
        }
    }
}

/// A preference that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedPreference {
    /// Whose it is.
    pub owner: UserId,
    /// Its id, if it had one before.
    pub id: Option<PreferenceId>,
    /// Its name.
    pub key: PreferenceKey,
    /// Its value.
    pub value: JsonText,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub last_updated_at: Timestamp,
}

/// A post that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedPost {
    /// Its id.
    pub id: PostId,
    /// Everything else of it.
    pub post: NewPost,
    /// When it was published.
    pub added_at: Timestamp,
    /// When it was last written to.
    pub last_activity_at: Timestamp,
}

/// A vote that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedVote {
    /// Who voted.
    pub voter: UserId,
    /// On which post.
    pub post: PostId,
    /// When.
    pub voted_at: Timestamp,
}

/// A revocation that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedRevocation {
    /// The id, in lower-case hexadecimal digits.
    pub id: String,
    /// When the token was revoked.
    pub revoked_at: Timestamp,
    /// When it would have ended by itself, if that is known.
    pub expires_at: Option<Timestamp>,
}

impl CheckedRevocation {
    /// What to keep when a store knows `known` under this id: the first revocation, for as long as either is to be remembered.
    #[must_use]
    pub fn over(self, known: Option<&Self>) -> Self {
        let Some(known) = known else { return self };
        let expires_at = known.expires_at.zip(self.expires_at).map(|(known, own)| known.max(own));
        Self { revoked_at: known.revoked_at, expires_at, ..self }
    }
}

impl Record {
    /// Reads a line. Unknown members are ignored, an unknown `type` is not.
    ///
    /// # Errors
    /// [`RecordError::Malformed`] when it is not an object of the archive's shape.
    pub fn parse(line: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Tag {
            r#type: String,
        }
        fn read<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, RecordError> {
            serde_json::from_str(line).map_err(|error| RecordError::Malformed(error.to_string()))
        }
        // Not by serde's own tagged enum: that goes through a tree, and values must keep their text.
        match read::<Tag>(line)?.r#type.as_str() {
            "user" => read(line).map(Self::User),
            "hold" => read(line).map(Self::Hold),
            "preference" => read(line).map(Self::Preference),
            "post" => read(line).map(Self::Post),
            "vote" => read(line).map(Self::Vote),
            "revocation" => read(line).map(Self::Revocation),
            other => Err(RecordError::Malformed(format!("unknown type {other:?}: expected user, hold, preference, post, vote or revocation"))),
        }
    }

    /// Checks every rule that needs no store. Times that were left out become `now`.
    ///
    /// # Errors
    /// [`RecordError`] for the first rule that is broken.
    pub fn check(self, limits: &Limits, now: Timestamp) -> Result<CheckedRecord, RecordError> {
        match self {
            Self::User(record) => record.check(now).map(Box::new).map(CheckedRecord::User),
            Self::Hold(record) => record.check(now).map(CheckedRecord::Hold),
            Self::Preference(record) => record.check(limits, now).map(CheckedRecord::Preference),
            Self::Post(record) => record.check(now).map(CheckedRecord::Post),
            Self::Vote(record) => {
                check_id("user_id", record.user_id.get())?;
                Ok(CheckedRecord::Vote(CheckedVote { voter: record.user_id, post: record.post_id, voted_at: record.created_at.unwrap_or(now) }))
            }
            Self::Revocation(record) => record.check(now).map(CheckedRecord::Revocation),
        }
    }
}

fn refuse<E: ToString>(field: &'static str) -> impl Fn(E) -> RecordError {
    move |error| RecordError::Field { field, reason: error.to_string() }
}

/// The largest id that an archive may bring along: one that every client's numbers can hold, with room for many more after it.
const LARGEST_ID: i64 = 1 << 53;

fn check_id(field: &'static str, id: i64) -> Result<(), RecordError> {
    if (1..=LARGEST_ID).contains(&id) { Ok(()) } else { Err(RecordError::Field { field, reason: format!("an id is an integer from 1 to {LARGEST_ID}") }) }
}

impl UserRecord {
    /// The line of a user. Of an erased one it says nothing but that.
    #[must_use]
    pub fn of(account: &Account, person: Option<&NewUser>) -> Self {
        let blank = Self { id: account.id, status: Some(account.status().letter().to_owned()), ..Self::empty(account.id) };
        let stateful = match account.state {
            AccountState::Live(_) => blank,
            AccountState::SoftDeleted { at, purge_at, was } => {
                Self { deleted_at: Some(at), purge_at, deleted_from: Some(was.status().letter().to_owned()), ..blank }
            }
            AccountState::Erased { at } => return Self { erased_at: Some(at), ..blank },
        };
        let Some(person) = person else { return stateful };
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self {
            username: Some(person.username.to_string()),
            ext_id: person.ext_id.as_ref().map(ToString::to_string),
            real_name: given(&person.profile.real_name),
            email: person.profile.email.as_ref().map(ToString::to_string),
            role: person.profile.role.map(|role| role.word().to_owned()),
            bio: given(&person.profile.bio),
            location: given(&person.profile.location),
            description: given(&person.profile.description),
            gender: Some(person.profile.gender).filter(|gender| *gender != Gender::Unspecified).map(|gender| gender.word().to_owned()),
            website: given(&person.profile.website),
            date_joined: Some(person.profile.date_joined),
            deletion_epoch: account.deletion_epoch,
            tokens_valid_from: Some(account.tokens_valid_from).filter(|from| *from != Timestamp::EPOCH),
            ..stateful
        }
    }

    const fn empty(id: UserId) -> Self {
        Self {
            id,
            username: None,
            ext_id: None,
            real_name: None,
            email: None,
            role: None,
            bio: None,
            location: None,
            description: None,
            gender: None,
            website: None,
            status: None,
            date_joined: None,
            deleted_at: None,
            purge_at: None,
            deleted_from: None,
            erased_at: None,
            deletion_epoch: 0,
            tokens_valid_from: None,
        }
    }

    fn check(self, now: Timestamp) -> Result<CheckedUser, RecordError> {
        check_id("id", self.id.get())?;
        let state = self.state(now)?;
        let tokens_valid_from = self.tokens_valid_from.unwrap_or(match state {
            AccountState::Live(_) | AccountState::SoftDeleted { .. } => Timestamp::EPOCH,
            AccountState::Erased { at } => at,
        });
        let account = Account { id: self.id, state, deletion_epoch: self.deletion_epoch, tokens_valid_from };
        let person = match state {
            AccountState::Erased { .. } => None,
            AccountState::Live(_) | AccountState::SoftDeleted { .. } => Some(self.person(now)?),
        };
        Ok(CheckedUser { account, person })
    }

    fn state(&self, now: Timestamp) -> Result<AccountState, RecordError> {
        let status = |field: &'static str, letter: Option<&str>| {
            let letter = letter.unwrap_or(UserStatus::Active.letter());
            UserStatus::from_letter(letter).ok_or_else(|| RecordError::Field { field, reason: format!("unknown status {letter:?}") })
        };
        let live = |status| match status {
            UserStatus::Active => Ok(LiveState::Active),
            UserStatus::Blocked => Ok(LiveState::Blocked),
            UserStatus::SoftDeleted | UserStatus::Erased => Err(RecordError::Field { field: "deleted_from", reason: "expected a or b".into() }),
        };
        Ok(match status("status", self.status.as_deref())? {
            UserStatus::Active => AccountState::Live(LiveState::Active),
            UserStatus::Blocked => AccountState::Live(LiveState::Blocked),
            UserStatus::SoftDeleted => AccountState::SoftDeleted {
                at: self.deleted_at.unwrap_or(now),
                purge_at: self.purge_at,
                was: live(status("deleted_from", self.deleted_from.as_deref())?)?,
            },
            UserStatus::Erased => AccountState::Erased { at: self.erased_at.unwrap_or(now) },
        })
    }

    fn person(self, now: Timestamp) -> Result<NewUser, RecordError> {
        let username = self.username.as_deref().ok_or_else(|| RecordError::Field { field: "username", reason: "This field is required.".into() })?;
        let line = |text: Option<String>, field| ProfileUpdate::line(&text.unwrap_or_default()).map_err(refuse(field));
        let paragraph = |text: Option<String>, field| ProfileUpdate::paragraph(&text.unwrap_or_default()).map_err(refuse(field));
        Ok(NewUser {
            username: Username::parse(username).map_err(refuse("username"))?,
            ext_id: self.ext_id.as_deref().map(ExtId::parse).transpose().map_err(refuse("ext_id"))?,
            profile: Profile {
                real_name: line(self.real_name, "real_name")?,
                email: self.email.as_deref().map(Email::parse).transpose().map_err(refuse("email"))?,
                role: self.role.as_deref().map(Role::parse).transpose().map_err(refuse("role"))?,
                date_joined: self.date_joined.unwrap_or(now),
                bio: paragraph(self.bio, "bio")?,
                location: line(self.location, "location")?,
                description: paragraph(self.description, "description")?,
                gender: self.gender.as_deref().map(Gender::parse).transpose().map_err(refuse("gender"))?.unwrap_or(Gender::Unspecified),
                website: line(self.website, "website")?,
            },
        })
    }
}

impl HoldRecord {
    /// The line of a hold.
    #[must_use]
    pub fn of(hold: &Hold) -> Self {
        Self {
            user_id: hold.user,
            id: hold.id,
            reason: hold.terms.reason.as_str().to_owned(),
            expires_at: hold.terms.expires_at,
            placed_at: Some(hold.placed_at),
            placed_by: hold.placed_by,
        }
    }

    fn check(self, now: Timestamp) -> Result<Hold, RecordError> {
        check_id("id", self.id.get())?;
        // No limit to this one: no id is given out after it, and a hold must not get lost.
        if self.placed_by.get() < 1 {
            return Err(RecordError::Field { field: "placed_by", reason: "an id is an integer from 1 on".into() });
        }
        Ok(Hold {
            id: self.id,
            user: self.user_id,
            terms: NewHold { reason: HoldReason::parse(&self.reason).map_err(refuse("reason"))?, expires_at: self.expires_at },
            placed_at: self.placed_at.unwrap_or(now),
            placed_by: self.placed_by,
        })
    }
}

impl PreferenceRecord {
    /// The line of a preference.
    #[must_use]
    pub fn of(preference: &Preference) -> Self {
        Self {
            user_id: preference.owner,
            id: Some(preference.id),
            key: preference.key.to_string(),
            value: preference.value.clone(),
            created_at: Some(preference.created_at),
            last_updated_at: Some(preference.last_updated_at),
        }
    }

    fn check(self, limits: &Limits, now: Timestamp) -> Result<CheckedPreference, RecordError> {
        self.id.map_or(Ok(()), |id| check_id("id", id.get()))?;
        let created_at = self.created_at.unwrap_or(now);
        Ok(CheckedPreference {
            owner: self.user_id,
            id: self.id,
            key: PreferenceKey::parse(&self.key, limits).map_err(|error| RecordError::Field { field: "key", reason: error.to_string() })?,
            value: JsonText::parse(self.value.as_str(), limits).map_err(|error| RecordError::Field { field: "value", reason: error.to_string() })?,
            created_at,
            last_updated_at: self.last_updated_at.unwrap_or(created_at),
        })
    }
}

impl PostRecord {
    /// The line of a post.
    #[must_use]
    pub fn of(id: PostId, post: &NewPost, added_at: Timestamp, last_activity_at: Timestamp) -> Self {
        Self {
            user_id: post.author,
            id,
            kind: post.kind,
            title: Some(post.title.to_string()).filter(|title| !title.is_empty()),
            text: post.text.to_string(),
            created_at: Some(added_at),
            last_activity_at: Some(last_activity_at).filter(|at| *at != added_at),
        }
    }

    fn check(self, now: Timestamp) -> Result<CheckedPost, RecordError> {
        check_id("id", self.id.get())?;
        let added_at = self.created_at.unwrap_or(now);
        Ok(CheckedPost {
            id: self.id,
            post: NewPost {
                author: self.user_id,
                kind: self.kind,
                title: PostTitle::parse(&self.title.unwrap_or_default()).map_err(refuse("title"))?,
                text: PostText::parse(&self.text).map_err(refuse("text"))?,
            },
            added_at,
            last_activity_at: self.last_activity_at.unwrap_or(added_at),
        })
    }
}

impl RevocationRecord {
    /// The line of a token that was revoked.
    #[must_use]
    pub const fn of(id: String, revoked_at: Timestamp, expires_at: Option<Timestamp>) -> Self {
        Self { id, revoked_at: Some(revoked_at), expires_at }
    }

    fn check(self, now: Timestamp) -> Result<CheckedRevocation, RecordError> {
        let id = parse_revocation_id(&self.id).map_err(refuse("id"))?;
        Ok(CheckedRevocation { id, revoked_at: self.revoked_at.unwrap_or(now), expires_at: self.expires_at })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const ID: &str = "ab00000000000000000000000000000000000000000000000000000000000000cd00000000000000000000000000000000000000000000000000000000000000";

    fn check(line: &str) -> Result<CheckedRecord, RecordError> {
        Record::parse(line)?.check(&Limits::default(), Timestamp::EPOCH)
    }

    #[test]
    fn the_documented_lines_are_accepted() {
        for line in [
            r#"{"type":"user","id":1,"username":"u1","ext_id":null,"real_name":"U One","email":null,"status":"a","date_joined":"2026-01-01T00:00:00Z"}"#,
            r#"{"type":"preference","user_id":1,"key":"theme","value":"dark"}"#,
            r#"{"type":"post","user_id":1,"id":10,"kind":"post","text":"hello"}"#,
            r#"{"type":"vote","user_id":2,"post_id":10,"created_at":"2026-01-01T00:00:00Z"}"#,
            r#"{"type":"user","id":5,"status":"u","erased_at":"2026-01-01T00:00:00Z"}"#,
            r#"{"type":"hold","user_id":1,"id":7,"reason":"court order","expires_at":"2027-01-01T00:00:00Z","placed_at":"2026-01-01T00:00:00Z","placed_by":900}"#,
            r#"{"type":"hold","user_id":1,"id":8,"reason":"audit","placed_by":9223372036854775807}"#,
            &format!(r#"{{"type":"revocation","id":"{ID}","revoked_at":"2026-01-01T00:00:00Z","expires_at":"2027-01-01T00:00:00Z"}}"#),
            &format!(r#"{{"type":"revocation","id":"{ID}"}}"#),
        ] {
            assert!(check(line).is_ok(), "{line}: {:?}", check(line));
        }
    }

    #[test]
    fn a_value_keeps_its_text() {
        let line = r#"{"type":"preference","user_id":1,"key":"n","value":{"b":1.00,"a":12345678901234567890123}}"#;
        let CheckedRecord::Preference(preference) = check(line).unwrap() else { panic!("a preference") };
        assert_eq!(preference.value.as_str(), r#"{"b":1.00,"a":12345678901234567890123}"#);
    }

    #[test]
    fn a_broken_line_says_what_is_wrong() {
        let reason = |line: &str| check(line).unwrap_err().to_string();
        assert!(reason("{").contains("EOF"));
        assert!(reason(r#"{"type":"cat"}"#).contains("unknown type \"cat\""));
        assert!(reason(r#"{"type":"user","id":1}"#).contains("username"));
        assert!(reason(r#"{"type":"user","id":0,"username":"a"}"#).contains("an id is an integer"));
        assert!(reason(r#"{"type":"preference","user_id":1,"id":-5,"key":"a","value":1}"#).contains("an id is an integer"));
        assert!(reason(r#"{"type":"post","user_id":1,"id":9223372036854775807,"kind":"post","text":"x"}"#).contains("an id is an integer"));
        assert!(reason(r#"{"type":"user","id":1,"username":"a","status":"x"}"#).contains("unknown status"));
        assert!(reason(r#"{"type":"preference","user_id":1,"key":"","value":1}"#).starts_with("key:"));
        assert!(reason(r#"{"type":"post","user_id":1,"id":1,"kind":"poem","text":"x"}"#).contains("poem"));
        assert!(reason(r#"{"type":"hold","user_id":1,"id":0,"reason":"x","placed_by":2}"#).starts_with("id: an id is an integer"));
        assert!(reason(r#"{"type":"hold","user_id":1,"id":1,"reason":" ","placed_by":2}"#).starts_with("reason:"));
        assert!(reason(r#"{"type":"hold","user_id":1,"id":1,"reason":"x","placed_by":0}"#).starts_with("placed_by:"));
        assert!(reason(r#"{"type":"hold","user_id":1,"id":1,"reason":"x"}"#).contains("placed_by"));
        assert!(reason(r#"{"type":"hold","user_id":1,"id":1,"reason":"x","expires_at":"soon","placed_by":2}"#).contains("line 1"));
        assert!(reason(r#"{"type":"revocation","id":"ab"}"#).starts_with("id: a revocation id"));
    }

    #[test]
    fn a_hold_and_a_revocation_are_written_as_they_are_read() {
        let hold = r#"{"type":"hold","user_id":1,"id":7,"reason":"a\ncourt","expires_at":"2027-01-01T00:00:00.000000Z","placed_at":"2026-01-01T00:00:00.000001Z","placed_by":900}"#;
        let CheckedRecord::Hold(checked) = check(hold).unwrap() else { panic!("a hold") };
        assert_eq!(serde_json::to_string(&Record::Hold(HoldRecord::of(&checked))).unwrap(), hold);
        let open = r#"{"type":"hold","user_id":1,"id":7,"reason":"x","placed_at":"2026-01-01T00:00:00.000000Z","placed_by":900}"#;
        let CheckedRecord::Hold(checked) = check(open).unwrap() else { panic!("a hold") };
        assert_eq!(serde_json::to_string(&Record::Hold(HoldRecord::of(&checked))).unwrap(), open);
        let revocation = format!(r#"{{"type":"revocation","id":"{}","revoked_at":"2026-01-01T00:00:00.000000Z"}}"#, ID.to_uppercase());
        let CheckedRecord::Revocation(checked) = check(&revocation).unwrap() else { panic!("a revocation") };
        let record = RevocationRecord::of(checked.id, checked.revoked_at, checked.expires_at);
        assert_eq!(serde_json::to_string(&Record::Revocation(record)).unwrap(), revocation.replace(&ID.to_uppercase(), ID));
    }

    #[test]
    fn a_revocation_is_never_shortened() {
        let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        let revocation =
            |revoked_at, expires_at| CheckedRevocation { id: ID.into(), revoked_at: Timestamp::from_micros(revoked_at), expires_at: at(expires_at) };
        for (known, new, kept) in [(Some(5), Some(6), Some(6)), (Some(6), Some(5), Some(6)), (None, Some(5), None), (Some(5), None, None), (None, None, None)] {
            let known = revocation(2, known);
            assert_eq!(revocation(1, new).over(Some(&known)), revocation(2, kept), "{known:?}");
        }
        assert_eq!(revocation(1, Some(5)).over(None), revocation(1, Some(5)));
    }

    #[test]
    fn a_living_user_that_comes_deleted_is_deleted_in_an_epoch_of_its_own() {
        let CheckedRecord::User(user) = check(r#"{"type":"user","id":1,"username":"a","status":"d","deletion_epoch":2}"#).unwrap() else { panic!("a user") };
        let (known, now) = (Account { deletion_epoch: 2, ..Account::new(UserId::new(1)) }, Timestamp::from_micros(9));
        let CheckedRecord::User(living) = check(r#"{"type":"user","id":1,"username":"a"}"#).unwrap() else { panic!("a user") };
        let gone = Account { deletion_epoch: 3, ..known }.soft_delete(Timestamp::EPOCH, None).unwrap();
        assert_eq!(living.over(Some(&gone), now).map(|account| account.tokens_valid_from), Ok(now), "tokens from before are dead");
        assert_eq!(user.over(Some(&known), now).map(|account| account.deletion_epoch), Ok(3));
        let deleted = known.soft_delete(Timestamp::EPOCH, None).unwrap();
        assert_eq!(user.over(Some(&deleted), now).map(|account| account.deletion_epoch), Ok(3), "it is deleted already");
        assert_eq!(user.over(None, now).map(|account| account.deletion_epoch), Ok(2));
    }

    #[test]
    fn an_erased_line_has_nothing_else() {
        let record = Record::parse(r#"{"type":"user","id":5,"status":"u","erased_at":"2026-01-01T00:00:00Z"}"#).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), r#"{"type":"user","id":5,"status":"u","erased_at":"2026-01-01T00:00:00.000000Z"}"#);
    }
}
