//! What a caller's token allows, evaluated per request.

use super::checked::{self, Checked};
use super::checks::{self, PREFERENCE_KEY, TIME};
use super::envelope::Envelope;
use super::error::TokenError;
use biscuit_auth::builder::{AuthorizerBuilder, fact, int, string};
use biscuit_auth::error::Token;
use lethe_domain::access::{Act, Audience};
use lethe_domain::time::Timestamp;
use lethe_ports::{Grant, GrantError};
use std::sync::LazyLock;

static POLICY: LazyLock<AuthorizerBuilder> = LazyLock::new(|| checked::policy(include_str!("policy.datalog")));

/// A token that names a user.
#[derive(Debug)]
pub(super) struct BiscuitGrant {
    token: Checked,
    depends_on_key: bool,
}

impl BiscuitGrant {
    /// Takes the same token twice: checked, and as it travelled.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] if a block redefines one of the library's own strings.
    pub(super) fn new(token: Checked, envelope: &Envelope) -> Result<Self, TokenError> {
        let depends_on_key = checks::mention(envelope.blocks(), &envelope.symbols()?, PREFERENCE_KEY);
        Ok(Self { token, depends_on_key })
    }

    pub(super) const fn token(&self) -> &Checked {
        &self.token
    }
}

impl Grant for BiscuitGrant {
    fn allows(&self, act: &Act<'_>, now: Timestamp) -> Result<(), GrantError> {
        self.token.allows(present(act, now), now)
    }

    fn depends_on_key(&self) -> bool {
        self.depends_on_key
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
