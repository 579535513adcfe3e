//! A user's row: how it becomes the domain's accounts, profiles and users, and back.

use crate::error::corrupt;
use crate::schema::users;
use diesel::prelude::*;
use lethe_domain::Timestamp;
use lethe_domain::account::{Account, AccountState, LiveState, UserStatus};
use lethe_domain::content::Author;
use lethe_domain::id::UserId;
use lethe_domain::profile::{Email, ExtId, Gender, NewUser, Person, PostCounts, Profile, Role, User, Username};

/// The columns of an account's life.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(crate) struct AccountRow {
    id: i64,
    status: String,
    deleted_from: Option<String>,
    deleted_at: Option<i64>,
    purge_at: Option<i64>,
    erased_at: Option<i64>,
    deletion_epoch: i64,
    tokens_valid_from: i64,
}

impl From<&Account> for AccountRow {
    fn from(account: &Account) -> Self {
        let (mut deleted_from, mut deleted_at, mut purge_at, mut erased_at) = (None, None, None, None);
        match account.state {
            AccountState::Live(_) => {}
            AccountState::SoftDeleted { at, purge_at: due, was } => {
                deleted_from = Some(was.status().letter().to_owned());
                deleted_at = Some(at.micros());
                purge_at = due.map(Timestamp::micros);
            }
            AccountState::Erased { at } => erased_at = Some(at.micros()),
        }
        Self {
            id: account.id.get(),
            status: account.status().letter().to_owned(),
            deleted_from,
            deleted_at,
            purge_at,
            erased_at,
            deletion_epoch: account.deletion_epoch,
            tokens_valid_from: account.tokens_valid_from.micros(),
        }
    }
}

impl AccountRow {
    pub(crate) fn into_account(self) -> QueryResult<Account> {
        Ok(Account {
            id: UserId::new(self.id),
            state: self.state()?,
            deletion_epoch: self.deletion_epoch,
            tokens_valid_from: Timestamp::from_micros(self.tokens_valid_from),
        })
    }

    fn state(&self) -> QueryResult<AccountState> {
        let time = |micros: Option<i64>| micros.map(Timestamp::from_micros).ok_or_else(|| corrupt("a deleted user has no time of deletion"));
        Ok(match status(&self.status)? {
            UserStatus::Active => AccountState::Live(LiveState::Active),
            UserStatus::Blocked => AccountState::Live(LiveState::Blocked),
            UserStatus::SoftDeleted => AccountState::SoftDeleted {
                at: time(self.deleted_at)?,
                purge_at: self.purge_at.map(Timestamp::from_micros),
                was: live_state(self.deleted_from.as_deref())?,
            },
            UserStatus::Erased => AccountState::Erased { at: time(self.erased_at)? },
        })
    }
}

fn status(letter: &str) -> QueryResult<UserStatus> {
    UserStatus::from_letter(letter).ok_or_else(|| corrupt("users.status is no status"))
}

fn live_state(letter: Option<&str>) -> QueryResult<LiveState> {
    match letter.and_then(UserStatus::from_letter) {
        Some(UserStatus::Active) => Ok(LiveState::Active),
        Some(UserStatus::Blocked) => Ok(LiveState::Blocked),
        Some(UserStatus::SoftDeleted | UserStatus::Erased) | None => Err(corrupt("users.deleted_from is no living status")),
    }
}

/// The columns of a profile. All are null once the user is erased, and `date_joined` only then.
#[derive(Debug, Default, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(crate) struct ProfileRow {
    real_name: Option<String>,
    email: Option<String>,
    role: Option<String>,
    bio: Option<String>,
    location: Option<String>,
    description: Option<String>,
    gender: Option<String>,
    website: Option<String>,
    date_joined: Option<i64>,
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
            date_joined: Some(profile.date_joined.micros()),
        }
    }
}

impl ProfileRow {
    /// `None` for an erased user.
    pub(crate) fn into_profile(self) -> QueryResult<Option<Profile>> {
        let Some(date_joined) = self.date_joined else { return Ok(None) };
        let gender = self.gender.as_deref().map(Gender::parse).transpose();
        let role = self.role.as_deref().map(Role::parse).transpose();
        Ok(Some(Profile {
            real_name: self.real_name.unwrap_or_default(),
            email: self.email.map(Email::from_store),
            role: role.map_err(|_| corrupt("users.role is no role"))?,
            date_joined: Timestamp::from_micros(date_joined),
            bio: self.bio.unwrap_or_default(),
            location: self.location.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            gender: gender.map_err(|_| corrupt("users.gender is no gender"))?.unwrap_or(Gender::Unspecified),
            website: self.website.unwrap_or_default(),
        }))
    }
}

/// The columns of the two unique names.
#[derive(Debug, Default, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(crate) struct NamesRow {
    pub(crate) username: Option<String>,
    pub(crate) ext_id: Option<String>,
}

impl From<&NewUser> for NamesRow {
    fn from(user: &NewUser) -> Self {
        Self { username: Some(user.username.to_string()), ext_id: user.ext_id.as_ref().map(ToString::to_string) }
    }
}

/// A whole user, but for what is counted.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
pub(crate) struct UserRow {
    #[diesel(embed)]
    pub(crate) account: AccountRow,
    #[diesel(embed)]
    pub(crate) names: NamesRow,
    #[diesel(embed)]
    pub(crate) profile: ProfileRow,
}

impl UserRow {
    /// A user, or without a person the spent id of an erased one.
    pub(crate) fn new(account: &Account, person: Option<&NewUser>) -> Self {
        Self {
            account: account.into(),
            names: person.map(NamesRow::from).unwrap_or_default(),
            profile: person.map(|person| ProfileRow::from(&person.profile)).unwrap_or_default(),
        }
    }

    pub(crate) fn id(&self) -> i64 {
        self.account.id
    }

    /// The account, and whose it is unless it is erased.
    pub(crate) fn into_account_and_person(self) -> QueryResult<(Account, Option<NewUser>)> {
        let account = self.account.into_account()?;
        let profile = match account.state {
            AccountState::Erased { .. } => None,
            AccountState::Live(_) | AccountState::SoftDeleted { .. } => self.profile.into_profile()?,
        };
        let username = self.names.username.map(Username::from_store);
        let ext_id = self.names.ext_id.map(ExtId::from_store);
        Ok((account, username.zip(profile).map(|(username, profile)| NewUser { username, ext_id, profile })))
    }

    pub(crate) fn into_user(self, counts: PostCounts) -> QueryResult<User> {
        let (account, person) = self.into_account_and_person()?;
        let person = person.map(|NewUser { username, ext_id, profile }| Person { username, ext_id, profile, counts });
        Ok(User { id: account.id, state: account.state, person })
    }
}

/// The columns that every write of a preference keeps right.
#[derive(Debug, Default, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = users)]
pub(crate) struct CountersRow {
    pub(crate) revision: i64,
    pub(crate) preference_keys: i64,
    pub(crate) preference_bytes: i64,
}

/// What is shown of somebody who published something.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct AuthorRow {
    id: i64,
    username: Option<String>,
    status: String,
}

impl AuthorRow {
    pub(crate) fn into_author(self) -> QueryResult<Author> {
        let username = self.username.ok_or_else(|| corrupt("an author has no username"))?;
        Ok(Author { id: UserId::new(self.id), username: Username::from_store(username), status: status(&self.status)? })
    }
}
