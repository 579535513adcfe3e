//! Looking up users.

use async_trait::async_trait;
use lethe_domain::account::{Account, UserStatus};
use lethe_domain::id::UserId;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::profile::{Email, ExtId, Gender, User, Username};

use super::StoreError;

/// Which users a list shows. A text field matches users whose field contains it, whatever the case of its letters (ASCII);
/// `%`, `_` and `\` stand for themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserFilter {
    /// The states to show; an empty list shows none.
    pub statuses: Vec<UserStatus>,
    /// In the username or the real name.
    pub search: Option<String>,
    /// In the username.
    pub username: Option<String>,
    /// In the real name.
    pub real_name: Option<String>,
    /// In the location.
    pub location: Option<String>,
    /// In the description.
    pub description: Option<String>,
    /// Exactly this gender.
    pub gender: Option<Gender>,
    /// The order; users that are equal in it follow by id.
    pub order: UserOrder,
}

/// The order of a list of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserOrder {
    /// By id.
    #[default]
    Id,
    /// By username.
    Username,
    /// By username, backwards.
    UsernameDescending,
    /// The longest-standing first.
    DateJoined,
    /// The newest first.
    DateJoinedDescending,
}

/// The one thing by which a user is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserQuery {
    /// By username, whatever the case of its letters.
    Username(Username),
    /// By mail address; of several users the one with the lowest id.
    Email(Email),
    /// By the id in another system.
    ExtId(ExtId),
}

/// Users, for reading.
#[async_trait]
pub trait AccountStore: Send + Sync {
    /// The account, in whatever state; `None` if there never was one.
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// The user, in whatever state; `None` if there never was one.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user that a name leads to, in whatever state.
    async fn find_user(&self, query: &UserQuery) -> Result<Option<User>, StoreError>;

    /// Users in one of these states, by id from `after` on, at most `limit`.
    async fn users_after(&self, statuses: &[UserStatus], after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;

    /// A page of users. An erased user has no fields, so every filter on one leaves it out.
    async fn users(&self, filter: &UserFilter, page: PageRequest) -> Result<Page<User>, StoreError>;
}
