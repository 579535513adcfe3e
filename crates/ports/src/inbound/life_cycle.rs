//! The life of an account beyond its deletion: what one would do, taking it back, and how far an erasure is.

use super::{AccessError, AccountError, LookUpError};
use crate::caller::Caller;
use crate::outbound::StoreError;
use crate::ticket::Ticket;
use async_trait::async_trait;
use lethe_domain::account::DeletionMode;
use lethe_domain::erasure::{Erasure, ErasureState};
use lethe_domain::id::UserId;
use lethe_domain::plan::DeletionPlan;
use serde::{Deserialize, Serialize};

/// Whoever asks: somebody, or nobody in particular who holds a ticket.
#[derive(Debug, Clone)]
pub enum Bearer {
    /// A user.
    Caller(Caller),
    /// The holder of a ticket.
    Ticket(Ticket),
}

/// Whether a restore brought an account back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Restoration {
    /// It did.
    Restored,
    /// The account was not deleted.
    WasNotDeleted,
}

/// Why an account was not restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// The bearer may not, or there is nothing left to restore.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The life of accounts.
#[async_trait]
pub trait LifeCycle: Send + Sync {
    /// What a deletion would do to a user who is not erased. For the user itself and admins.
    async fn deletion_plan(&self, caller: &Caller, user: UserId, mode: DeletionMode) -> Result<DeletionPlan, AccountError>;
    /// Takes a soft delete back. For admins, and for whoever holds the ticket of this very deletion: it is good once.
    async fn restore(&self, bearer: &Bearer, user: UserId) -> Result<Restoration, RestoreError>;
    /// How far the erasure of a user is. For admins, and for whoever holds a ticket for it.
    async fn erasure(&self, bearer: &Bearer, user: UserId) -> Result<Erasure, LookUpError>;
    /// Erasures in one of these states, by user from `after` on, at most `limit`. For admins.
    async fn erasures(&self, caller: &Caller, states: &[ErasureState], after: Option<UserId>, limit: u32) -> Result<Vec<Erasure>, AccountError>;
}
