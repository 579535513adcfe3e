//! Users and the life of their accounts.

use super::AccessError;
use crate::caller::Caller;
use crate::outbound::{StoreError, UserFilter, UserQuery};
use async_trait::async_trait;
use lethe_domain::account::{Account, DeletionMode, TransitionError, UserStatus};
use lethe_domain::erasure::Erasure;
use lethe_domain::id::UserId;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::plan::PlanVersion;
use lethe_domain::profile::{NewUser, ProfileUpdate, UniqueName, User};

/// Why nothing came of a request about users.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The caller may not, or the user is not there.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a user was not created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreateUserError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A name is not free.
    #[error("{} is taken", .0.name())]
    Taken(UniqueName, Reservation),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who keeps a name from being taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reservation {
    /// Another user, who has it.
    InUse,
    /// A soft deleted user, who may come back to it.
    Reserved,
}

/// A deletion that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletionRequest {
    /// Which deletion.
    pub mode: DeletionMode,
    /// The plan that must still be true.
    pub plan: Option<PlanVersion>,
}

impl DeletionRequest {
    /// A deletion, whatever it does.
    #[must_use]
    pub const fn unplanned(mode: DeletionMode) -> Self {
        Self { mode, plan: None }
    }
}

/// A deletion that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// The account after it.
    pub account: Account,
    /// What a hard delete began, and may have ended at once.
    pub erasure: Option<Erasure>,
}

/// Why a user was not deleted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeleteUserError {
    /// The caller may not, or there never was such a user.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The account's state does not lead there.
    #[error(transparent)]
    Transition(#[from] TransitionError),
    /// The plan is not true any more.
    #[error("what the plan counted has changed")]
    PlanChanged,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Users.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Adds a user, who joins now, whatever the profile says. For admins.
    async fn create(&self, caller: &Caller, user: NewUser) -> Result<User, CreateUserError>;
    /// The caller's own user.
    async fn me(&self, caller: &Caller) -> Result<User, AccountError>;
    /// Any user who is not erased. Nobody needs to say who they are.
    async fn get(&self, id: UserId) -> Result<User, AccountError>;
    /// A page of the users that are listed: those of [`lethe_domain::StatusSet::LISTED`], whatever the filter's states. For every user.
    async fn list(&self, caller: &Caller, filter: UserFilter, page: PageRequest) -> Result<Page<User>, AccountError>;
    /// A page of users in the filter's states. For admins.
    async fn moderate(&self, caller: &Caller, filter: UserFilter, page: PageRequest) -> Result<Page<User>, AccountError>;
    /// The one user that a name leads to, in whatever state but erased. For admins.
    async fn find(&self, caller: &Caller, query: UserQuery) -> Result<User, AccountError>;
    /// Users in one of these states, by id from `after` on, at most `limit`. For admins.
    async fn walk(&self, caller: &Caller, statuses: &[UserStatus], after: Option<UserId>, limit: u32) -> Result<Vec<User>, AccountError>;
    /// A user who is not erased. For the user itself and admins.
    async fn show(&self, caller: &Caller, id: UserId) -> Result<User, AccountError>;
    /// Changes a profile. For the user itself and admins.
    async fn update_profile(&self, caller: &Caller, id: UserId, update: ProfileUpdate) -> Result<User, AccountError>;
    /// Deletes a user. For the user itself, even when it is deleted already, and for admins.
    async fn delete(&self, caller: &Caller, id: UserId, request: DeletionRequest) -> Result<Deletion, DeleteUserError>;
}
