//! Whether a caller may do something at all.

use crate::caller::{Caller, GrantError};
use crate::outbound::StoreError;
use async_trait::async_trait;
use lethe_domain::access::Act;

/// The most basic refusals, which every use case can meet, in the order in which they are looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// The caller's user does not exist, or its tokens are dead.
    #[error("the caller's user is not there")]
    CallerGone,
    /// The caller's token has expired, or was good once and has been used.
    #[error("the caller's token has expired")]
    TokenExpired,
    /// The caller is known, and may not do this.
    #[error("the caller may not do this")]
    Forbidden,
    /// The user that it is about never existed.
    #[error("no such user")]
    NoSuchUser,
    /// The user that it is about was erased.
    #[error("the user was erased")]
    UserErased,
    /// The user that it is about is soft deleted, and what belongs to it cannot be changed.
    #[error("the user is soft deleted")]
    UserSoftDeleted,
    /// What names the request, so that it can be sent again, is no such name.
    #[error("the idempotency key is malformed")]
    AttemptMalformed,
    /// The same request is being served at this moment. Trying again will tell what came of it.
    #[error("the same request is being served")]
    AttemptRunning,
    /// Another request had that name.
    #[error("the idempotency key was used for another request")]
    AttemptReused,
    /// The request had its effect when it was sent before, and what came of it then is no longer known.
    #[error("the outcome of the request is no longer known")]
    AttemptExpired,
    /// There was no time to find out. Trying again may help.
    #[error("the token could not be evaluated in time")]
    Undecided,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<GrantError> for AccessError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::Expired => Self::TokenExpired,
            GrantError::Narrowed => Self::Forbidden,
            GrantError::Undecided => Self::Undecided,
        }
    }
}

/// Access on its own, for requests that are refused for their form: who may not ask is told so first.
#[async_trait]
pub trait Access: Send + Sync {
    /// Whether `caller` may do `act`, and the user that it is about is in a state for it.
    ///
    /// # Errors
    /// The first [`AccessError`] in their order.
    async fn check(&self, caller: &Caller, act: &Act<'_>) -> Result<(), AccessError>;
}
