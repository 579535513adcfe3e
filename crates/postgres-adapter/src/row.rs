//! Rows, and what they mean.

use crate::schema::{posts, preferences, users};
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use lethe_domain::account::{Account, AccountState, LiveState, UserStatus};
use lethe_domain::change::{Change, ChangeKind};
use lethe_domain::content::{Author, NewPost, Post, PostKind, PostText, PostTitle};
use lethe_domain::preference::Preference;
use lethe_domain::profile::{Email, ExtId, Gender, NewUser, Person, PostCounts, Profile, Role, UniqueName, User, Username};
use lethe_domain::{JsonText, PostId, PreferenceId, PreferenceKey, Revision, Timestamp, UserId};
use lethe_ports::outbound::StoreError;

/// A row that no write of ours could have left.
pub(crate) fn corrupt(what: &str) -> StoreError {
    tracing::error!(what, "a row in the database makes no sense");
    StoreError::Failed(format!("a row in the database makes no sense: {what}"))
}

/// A number that the database keeps as a signed one.
pub(crate) fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count that goes to the database.
pub(crate) fn signed_count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count that came from the database.
pub(crate) fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A small count that came from the database.
pub(crate) fn small(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

pub(crate) fn status(letter: &str) -> Result<UserStatus, StoreError> {
    UserStatus::from_letter(letter).ok_or_else(|| corrupt("users.status"))
}

pub(crate) fn post_kind(name: &str) -> Result<PostKind, StoreError> {
    PostKind::from_name(name).ok_or_else(|| corrupt("posts.kind"))
}

/// The columns of an account.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, check_for_backend(Pg), treat_none_as_null = true)]
pub(crate) struct AccountRow {
    pub(crate) id: i64,
    pub(crate) status: String,
    pub(crate) deleted_from: Option<String>,
    pub(crate) deleted_at: Option<DateTime<Utc>>,
    pub(crate) purge_at: Option<DateTime<Utc>>,
    pub(crate) erased_at: Option<DateTime<Utc>>,
    pub(crate) deletion_epoch: i64,
    pub(crate) tokens_valid_from: DateTime<Utc>,
}

impl From<&Account> for AccountRow {
    fn from(account: &Account) -> Self {
        let row = Self {
            id: account.id.get(),
            status: account.status().letter().to_owned(),
            deleted_from: None,
            deleted_at: None,
            purge_at: None,
            erased_at: None,
            deletion_epoch: account.deletion_epoch,
            tokens_valid_from: account.tokens_valid_from.to_utc(),
        };
        match account.state {
            AccountState::Live(_) => row,
            AccountState::SoftDeleted { at, purge_at, was } => {
                Self { deleted_from: Some(was.status().letter().to_owned()), deleted_at: Some(at.to_utc()), purge_at: purge_at.map(Timestamp::to_utc), ..row }
            }
            AccountState::Erased { at } => Self { erased_at: Some(at.to_utc()), ..row },
        }
    }
}

impl TryFrom<AccountRow> for Account {
    type Error = StoreError;

    fn try_from(row: AccountRow) -> Result<Self, StoreError> {
        let state = match status(&row.status)? {
            UserStatus::Active => AccountState::Live(LiveState::Active),
            UserStatus::Blocked => AccountState::Live(LiveState::Blocked),
            UserStatus::SoftDeleted => AccountState::SoftDeleted {
                at: row.deleted_at.map(Timestamp::new).ok_or_else(|| corrupt("users.deleted_at"))?,
                purge_at: row.purge_at.map(Timestamp::new),
                was: live_state(row.deleted_from.as_deref())?,
            },
            UserStatus::Erased => AccountState::Erased { at: row.erased_at.map(Timestamp::new).ok_or_else(|| corrupt("users.erased_at"))? },
        };
        Ok(Self { id: UserId::new(row.id), state, deletion_epoch: row.deletion_epoch, tokens_valid_from: Timestamp::new(row.tokens_valid_from) })
    }
}

fn live_state(letter: Option<&str>) -> Result<LiveState, StoreError> {
    match letter.map(status).transpose()? {
        Some(UserStatus::Active) => Ok(LiveState::Active),
        Some(UserStatus::Blocked) => Ok(LiveState::Blocked),
        Some(UserStatus::SoftDeleted | UserStatus::Erased) | None => Err(corrupt("users.deleted_from")),
    }
}

/// The columns of a person. All are empty once the user is erased.
#[derive(Debug, Clone, Default, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, check_for_backend(Pg), treat_none_as_null = true)]
pub(crate) struct PersonRow {
    pub(crate) username: Option<String>,
    pub(crate) ext_id: Option<String>,
    #[diesel(embed)]
    pub(crate) profile: ProfileRow,
}

/// The columns of a profile.
#[derive(Debug, Clone, Default, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, check_for_backend(Pg), treat_none_as_null = true)]
pub(crate) struct ProfileRow {
    pub(crate) real_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) bio: Option<String>,
    pub(crate) location: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) gender: Option<String>,
    pub(crate) website: Option<String>,
    pub(crate) date_joined: Option<DateTime<Utc>>,
}

impl From<&Profile> for ProfileRow {
    fn from(profile: &Profile) -> Self {
        Self {
            real_name: Some(profile.real_name.clone()),
            email: profile.email.as_ref().map(ToString::to_string),
            role: profile.role.map(|role| role.word().to_owned()),
            bio: Some(profile.bio.clone()),
            location: Some(profile.location.clone()),
            description: Some(profile.description.clone()),
            gender: Some(profile.gender.word().to_owned()),
            website: Some(profile.website.clone()),
            date_joined: Some(profile.date_joined.to_utc()),
        }
    }
}

impl TryFrom<ProfileRow> for Profile {
    type Error = StoreError;

    fn try_from(row: ProfileRow) -> Result<Self, StoreError> {
        Ok(Self {
            real_name: row.real_name.unwrap_or_default(),
            email: row.email.map(Email::from_store),
            role: row.role.map(|word| Role::parse(&word)).transpose().map_err(|_| corrupt("users.role"))?,
            date_joined: row.date_joined.map(Timestamp::new).ok_or_else(|| corrupt("users.date_joined"))?,
            bio: row.bio.unwrap_or_default(),
            location: row.location.unwrap_or_default(),
            description: row.description.unwrap_or_default(),
            gender: row.gender.map_or(Ok(Gender::Unspecified), |word| Gender::parse(&word)).map_err(|_| corrupt("users.gender"))?,
            website: row.website.unwrap_or_default(),
        })
    }
}

impl From<&NewUser> for PersonRow {
    fn from(user: &NewUser) -> Self {
        Self { username: Some(user.username.to_string()), ext_id: user.ext_id.as_ref().map(ToString::to_string), profile: (&user.profile).into() }
    }
}

impl PersonRow {
    /// The person; `None` once erased.
    pub(crate) fn person(self) -> Result<Option<NewUser>, StoreError> {
        let Some(username) = self.username else { return Ok(None) };
        let profile = self.profile.try_into()?;
        Ok(Some(NewUser { username: Username::from_store(username), ext_id: self.ext_id.map(ExtId::from_store), profile }))
    }
}

/// The columns of a user.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, check_for_backend(Pg))]
pub(crate) struct UserRow {
    #[diesel(embed)]
    pub(crate) account: AccountRow,
    #[diesel(embed)]
    pub(crate) person: PersonRow,
}

impl UserRow {
    pub(crate) fn user(self, counts: PostCounts) -> Result<User, StoreError> {
        let account = Account::try_from(self.account)?;
        let person = self.person.person()?.map(|NewUser { username, ext_id, profile }| Person { username, ext_id, profile, counts });
        Ok(User { id: account.id, state: account.state, person })
    }
}

/// The names of a person that only one user can have, in the form in which they are unique, the username first.
pub(crate) fn unique_names(person: &NewUser) -> Vec<(UniqueName, String)> {
    let username = (UniqueName::Username, person.username.reserved_as());
    let ext_id = person.ext_id.as_ref().map(|ext_id| (UniqueName::ExtId, ext_id.to_string()));
    std::iter::once(username).chain(ext_id).collect()
}

/// The columns of a preference, without its owner.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = preferences, check_for_backend(Pg))]
pub(crate) struct PreferenceRow {
    pub(crate) id: i64,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) revision: i64,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) last_updated_at: DateTime<Utc>,
}

impl PreferenceRow {
    pub(crate) fn preference(self, owner: UserId) -> Preference {
        Preference {
            id: PreferenceId::new(self.id),
            owner,
            key: PreferenceKey::from_store(self.key),
            value: JsonText::from_store(self.value),
            revision: Revision::new(self.revision),
            created_at: Timestamp::new(self.created_at),
            last_updated_at: Timestamp::new(self.last_updated_at),
        }
    }
}

/// The columns of a change, without its owner.
#[derive(Debug, Clone, Queryable)]
pub(crate) struct ChangeRow {
    revision: i64,
    key: String,
    kind: String,
    value: Option<String>,
    at: DateTime<Utc>,
    actor: i64,
    created_at: Option<DateTime<Utc>>,
}

impl TryFrom<ChangeRow> for Change {
    type Error = StoreError;

    fn try_from(row: ChangeRow) -> Result<Self, StoreError> {
        let kind = match (row.kind.as_str(), row.value, row.created_at) {
            ("put", Some(value), Some(created_at)) => ChangeKind::Put { value: JsonText::from_store(value), created_at: Timestamp::new(created_at) },
            ("delete", None, None) => ChangeKind::Delete,
            (_, Some(_) | None, Some(_) | None) => return Err(corrupt("changes.kind")),
        };
        Ok(Self {
            revision: Revision::new(row.revision),
            key: PreferenceKey::from_store(row.key),
            kind,
            at: Timestamp::new(row.at),
            actor: UserId::new(row.actor),
        })
    }
}

/// The columns of a post.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = posts, check_for_backend(Pg))]
pub(crate) struct PostRow {
    pub(crate) user_id: i64,
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) vote_count: i64,
    pub(crate) added_at: DateTime<Utc>,
    pub(crate) last_activity_at: DateTime<Utc>,
}

impl PostRow {
    /// The post, whose author was looked up along with it.
    pub(crate) fn post(self, author: Author) -> Result<Post, StoreError> {
        Ok(Post {
            id: PostId::new(self.id),
            kind: post_kind(&self.kind)?,
            author,
            title: PostTitle::from_store(self.title),
            text: PostText::from_store(self.text),
            vote_count: count(self.vote_count),
            added_at: Timestamp::new(self.added_at),
            last_activity_at: Timestamp::new(self.last_activity_at),
        })
    }

    /// The post as its author wrote it.
    pub(crate) fn written(self) -> Result<NewPost, StoreError> {
        Ok(NewPost {
            author: UserId::new(self.user_id),
            kind: post_kind(&self.kind)?,
            title: PostTitle::from_store(self.title),
            text: PostText::from_store(self.text),
        })
    }
}

/// The columns of whoever published something.
pub(crate) type AuthorRow = (i64, Option<String>, String);

/// Somebody who published something and is not erased.
pub(crate) fn author((id, username, letter): AuthorRow) -> Result<Author, StoreError> {
    let username = username.ok_or_else(|| corrupt("users.username"))?;
    Ok(Author { id: UserId::new(id), username: Username::from_store(username), status: status(&letter)? })
}
