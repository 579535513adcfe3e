//! New tokens. Needs a private root key and no service.

use super::checks;
use super::claims::{ADMIN, ISSUED_AT, ROLE, USER};
use super::error::TokenError;
use super::keys::SigningKey;
use biscuit_auth::Biscuit;
use biscuit_auth::builder::{fact, int, string};
use lethe_domain::id::UserId;
use lethe_domain::time::Timestamp;
use std::time::Duration;

/// What a new token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewToken {
    /// Whose it is. Ids begin at 1.
    pub user: UserId,
    /// Whether the user may act for everybody.
    pub admin: bool,
    /// How long it is good. Tokens know whole seconds only: the second in which this ends is still good.
    pub ttl: Duration,
}

/// Makes a token that counts as issued at `now`.
///
/// # Errors
/// [`TokenError::NotOurs`] if there can be no such user.
pub fn issue(key: &SigningKey, new: &NewToken, now: Timestamp) -> Result<String, TokenError> {
    if new.user.get() <= 0 {
        return Err(TokenError::NotOurs("a user's id is a positive number"));
    }
    let mut token = Biscuit::builder()
        .root_key_id(key.id())
        .fact(fact(USER, &[int(new.user.get())]))?
        .fact(fact(ISSUED_AT, &[int(now.micros().div_euclid(1000))]))?
        .check(checks::until(now.after(new.ttl)))?;
    if new.admin {
        token = token.fact(fact(ROLE, &[string(ADMIN)]))?;
    }
    Ok(token.build(key.pair())?.to_base64()?)
}
