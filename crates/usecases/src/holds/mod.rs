//! Holds on users.

mod lift_hold;
mod list_holds;
mod place_hold;

use lethe_domain::account::{Account, UserStatus};
use lethe_domain::erasure::{Erasure, ErasureState};
use lethe_ports::inbound::AccessError;

/// Whether a user can have holds: it is there, or is still being erased.
fn can_be_held(account: Option<&Account>, erasure: Option<&Erasure>) -> Result<(), AccessError> {
    match account.map(Account::status) {
        None => Err(AccessError::NoSuchUser),
        Some(UserStatus::Active | UserStatus::Blocked | UserStatus::SoftDeleted) => Ok(()),
        Some(UserStatus::Erased) if erasure.is_some_and(|erasure| erasure.state != ErasureState::Done) => Ok(()),
        Some(UserStatus::Erased) => Err(AccessError::UserErased),
    }
}
