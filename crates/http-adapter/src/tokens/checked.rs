//! A token whose signature was checked and whose blocks are within bounds, held against a request.

use super::checks;
use super::envelope::Envelope;
use super::error::TokenError;
use super::revocation;
use biscuit_auth::builder::AuthorizerBuilder;
use biscuit_auth::error::Token;
use biscuit_auth::{AuthorizerLimits, Biscuit};
use lethe_domain::time::Timestamp;
use lethe_ports::GrantError;
use std::fmt;
use std::time::Duration;

/// When an evaluation is given up. It takes some microseconds, but on a busy machine the thread may have to wait in between; the library's
/// own limit of a millisecond refuses valid requests there.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// A policy of the program's own.
#[expect(clippy::expect_used, reason = "the text is part of the program, and every test of a grant reads it")]
pub(super) fn policy(datalog: &'static str) -> AuthorizerBuilder {
    let limits = AuthorizerLimits { max_time: PATIENCE, ..AuthorizerLimits::default() };
    AuthorizerBuilder::new().code(datalog).expect("a policy is Datalog").set_limits(limits)
}

/// Such a token.
pub(super) struct Checked {
    token: Biscuit,
    last_second: Option<Timestamp>,
    /// Of all blocks, the authority first.
    revocation_ids: Vec<String>,
}

impl Checked {
    /// Takes the same token twice: verified, and as it travelled.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] if it cannot be evaluated at all, such as when it names strings that are not there.
    pub(super) fn new(token: Biscuit, envelope: &Envelope) -> Result<Self, TokenError> {
        let last_second = checks::last_second(envelope.blocks(), &envelope.symbols()?);
        AuthorizerBuilder::new().build(&token)?;
        Ok(Self { last_second, revocation_ids: revocation::texts(&token.revocation_identifiers()), token })
    }

    /// What its blocks can be revoked by.
    pub(super) fn revocation_ids(&self) -> &[String] {
        &self.revocation_ids
    }

    /// From here on the token is not honoured.
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        self.last_second.map(|last| last.after(Duration::from_secs(1)))
    }

    /// Whether the token's time is over.
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.ends_at().is_some_and(|end| end <= now)
    }

    /// Whether the token allows a request that is made at `now`: a policy with the request's facts laid before it.
    ///
    /// # Errors
    /// [`GrantError`] says why not.
    pub(super) fn allows(&self, request: Result<AuthorizerBuilder, Token>, now: Timestamp) -> Result<(), GrantError> {
        if self.has_expired(now) {
            return Err(GrantError::Expired);
        }
        let decision = request.and_then(|request| request.build(&self.token)?.authorize());
        decision.map(|_line| ()).map_err(|error| refusal(&error))
    }
}

/// By hand, since the token would show its last private key.
impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked").field("last_second", &self.last_second).finish_non_exhaustive()
    }
}

/// A check that cannot be evaluated does not hold.
const fn refusal(error: &Token) -> GrantError {
    match error {
        Token::RunLimit(_) => GrantError::Undecided,
        Token::FailedLogic(_)
        | Token::Execution(_)
        | Token::InternalError
        | Token::Format(_)
        | Token::AppendOnSealed
        | Token::AlreadySealed
        | Token::Language(_)
        | Token::ConversionError(_)
        | Token::Base64(_) => GrantError::Narrowed,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use biscuit_auth::KeyPair;

    #[test]
    fn a_limit_that_was_hit_is_no_refusal() {
        let token = Biscuit::builder().code("user(42)").unwrap().build(&KeyPair::new()).unwrap();
        let request = policy("allow if user(42)");
        assert_eq!(request.limits().max_time, PATIENCE);
        assert!(request.clone().build(&token).unwrap().authorize().is_ok());

        let hurried = AuthorizerLimits { max_time: Duration::ZERO, ..AuthorizerLimits::default() };
        let error = request.set_limits(hurried).build(&token).unwrap().authorize().unwrap_err();
        assert_eq!(refusal(&error), GrantError::Undecided);
    }
}
