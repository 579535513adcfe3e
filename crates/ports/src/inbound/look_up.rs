//! Why something that was asked for by its id is not shown or changed.

use super::AccessError;
use crate::outbound::StoreError;

/// Why nothing came of a request about one thing among many.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookUpError {
    /// The caller may not, or the user that it belongs to is not there.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such thing.
    #[error("no such thing")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
