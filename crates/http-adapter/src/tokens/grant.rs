//! What a verified token allows, evaluated per request.

use super::checks::{self, PREFERENCE_KEY, TIME};
use super::envelope::Envelope;
use super::error::TokenError;
use biscuit_auth::builder::{AuthorizerBuilder, fact, int, string};
use biscuit_auth::error::Token;
use biscuit_auth::{AuthorizerLimits, Biscuit};
use lethe_domain::access::{Act, Audience};
use lethe_domain::time::Timestamp;
use lethe_ports::{Grant, GrantError};
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

/// When an evaluation is given up. It takes some microseconds, but on a busy machine the thread may have to wait in between; the library's
/// own limit of a millisecond refuses valid requests there.
const PATIENCE: Duration = Duration::from_secs(1);

static POLICY: LazyLock<AuthorizerBuilder> = LazyLock::new(|| {
    let limits = AuthorizerLimits { max_time: PATIENCE, ..AuthorizerLimits::default() };
    #[expect(clippy::expect_used, reason = "the text is part of the program, and every test of a grant reads it")]
    let policy = AuthorizerBuilder::new().code(include_str!("policy.datalog")).expect("the policy is Datalog");
    policy.set_limits(limits)
});

/// A token whose signature was checked and whose blocks are within bounds.
pub(super) struct BiscuitGrant {
    token: Biscuit,
    last_second: Option<Timestamp>,
    depends_on_key: bool,
}

impl BiscuitGrant {
    /// Takes the same token twice: verified, and as it travelled.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] if it cannot be evaluated at all, such as when it names strings that are not there.
    pub(super) fn new(token: Biscuit, envelope: &Envelope) -> Result<Self, TokenError> {
        let symbols = envelope.symbols()?;
        let last_second = checks::last_second(envelope.blocks(), &symbols);
        let depends_on_key = checks::mention(envelope.blocks(), &symbols, PREFERENCE_KEY);
        AuthorizerBuilder::new().build(&token)?;
        Ok(Self { token, last_second, depends_on_key })
    }

    /// Whether the token's time is over.
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        self.last_second.is_some_and(|last| last.after(Duration::from_secs(1)) <= now)
    }
}

impl Grant for BiscuitGrant {
    fn allows(&self, act: &Act<'_>, now: Timestamp) -> Result<(), GrantError> {
        if self.has_expired(now) {
            return Err(GrantError::Expired);
        }
        let decision = present(act, now).and_then(|request| request.build(&self.token)?.authorize());
        decision.map(|_line| ()).map_err(|error| refusal(&error))
    }

    fn depends_on_key(&self) -> bool {
        self.depends_on_key
    }
}

/// By hand, since the token would show its last private key.
impl fmt::Debug for BiscuitGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BiscuitGrant").field("last_second", &self.last_second).field("depends_on_key", &self.depends_on_key).finish_non_exhaustive()
    }
}

/// The policy with a request laid before it.
fn present(act: &Act<'_>, now: Timestamp) -> Result<AuthorizerBuilder, Token> {
    let mut request = POLICY.clone().fact(fact("operation", &[string(act.operation.name())]))?.fact(fact(TIME, &[checks::date(now)]))?;
    request = match act.audience {
        Audience::Owner(owner) => request.fact(fact("audience", &[string("owner")]))?.fact(fact("owner", &[int(owner.get())]))?,
        Audience::Members => request.fact(fact("audience", &[string("members")]))?,
        Audience::Admins => request.fact(fact("audience", &[string("admins")]))?,
    };
    match act.key {
        Some(key) => request.fact(fact(PREFERENCE_KEY, &[string(key.as_str())])),
        None => Ok(request),
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
    use lethe_domain::access::Operation;
    use lethe_domain::id::UserId;

    #[test]
    fn a_limit_that_was_hit_is_no_refusal() {
        let token = Biscuit::builder().code("user(42)").unwrap().build(&KeyPair::new()).unwrap();
        let request = present(&Act::on(Operation::Read, UserId::new(42)), Timestamp::EPOCH).unwrap();
        assert_eq!(request.limits().max_time, PATIENCE);
        assert!(request.clone().build(&token).unwrap().authorize().is_ok());

        let hurried = AuthorizerLimits { max_time: Duration::ZERO, ..AuthorizerLimits::default() };
        let error = request.set_limits(hurried).build(&token).unwrap().authorize().unwrap_err();
        assert_eq!(refusal(&error), GrantError::Undecided);
    }
}
