//! Holds on users. For admins.

use super::LookUpError;
use crate::caller::Caller;
use async_trait::async_trait;
use lethe_domain::hold::{Hold, NewHold};
use lethe_domain::id::{HoldId, UserId};

/// Holds. They go with the user's content, so one who is entirely erased has none.
#[async_trait]
pub trait Holds: Send + Sync {
    /// Places a hold, also on a user whose content is being erased: that stops within a chunk.
    async fn place(&self, caller: &Caller, user: UserId, hold: NewHold) -> Result<Hold, LookUpError>;
    /// The holds on a user, in force or over, by id.
    async fn list(&self, caller: &Caller, user: UserId) -> Result<Vec<Hold>, LookUpError>;
    /// Lifts a hold. What it stopped goes on by itself.
    async fn lift(&self, caller: &Caller, user: UserId, hold: HoldId) -> Result<(), LookUpError>;
}
