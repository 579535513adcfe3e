//! New tokens. Needs a private root key and no service.

use super::checks;
use super::claims::{ADMIN, FOLLOWS_ERASURE, ISSUED_AT, RESTORES, ROLE, USER};
use super::error::TokenError;
use super::keys::SigningKey;
use biscuit_auth::Biscuit;
use biscuit_auth::builder::{BiscuitBuilder, Fact, Term, fact, int, string};
use lethe_domain::id::UserId;
use lethe_domain::time::Timestamp;
use lethe_ports::Errand;
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
    let user = fact(USER, &[user_id(new.user)?]);
    let role = new.admin.then(|| fact(ROLE, &[string(ADMIN)]));
    sign(key, user, role, now.after(new.ttl), now)
}

/// Makes a ticket that counts as issued at `now`. It names no user, so that nobody can call with it; it is good up to and including the second
/// of `expires_at`.
///
/// # Errors
/// [`TokenError::NotOurs`] if there can be no such user or no such deletion.
pub fn issue_ticket(key: &SigningKey, errand: Errand, expires_at: Timestamp, now: Timestamp) -> Result<String, TokenError> {
    let errand = match errand {
        Errand::Restore { user, epoch } if epoch >= 0 => fact(RESTORES, &[user_id(user)?, int(epoch)]),
        Errand::Restore { .. } => return Err(TokenError::NotOurs("deletions are not counted below 0")),
        Errand::FollowErasure { user } => fact(FOLLOWS_ERASURE, &[user_id(user)?]),
    };
    sign(key, errand, None, expires_at, now)
}

fn user_id(user: UserId) -> Result<Term, TokenError> {
    if user.get() > 0 { Ok(int(user.get())) } else { Err(TokenError::NotOurs("a user's id is a positive number")) }
}

fn sign(key: &SigningKey, bearer: Fact, role: Option<Fact>, expires_at: Timestamp, now: Timestamp) -> Result<String, TokenError> {
    let issued_at = fact(ISSUED_AT, &[int(now.micros().div_euclid(1000))]);
    let token = Biscuit::builder().root_key_id(key.id()).check(checks::until(expires_at))?;
    let token = [bearer, issued_at].into_iter().chain(role).try_fold(token, BiscuitBuilder::fact)?;
    Ok(token.build(key.pair())?.to_base64()?)
}
