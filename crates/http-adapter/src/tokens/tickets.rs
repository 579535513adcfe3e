//! What a ticket allows: its one errand, as long as every check in it holds.

use super::checked::{self, Checked};
use super::checks::{self, TIME};
use biscuit_auth::builder::{AuthorizerBuilder, fact, int, string};
use biscuit_auth::error::Token;
use lethe_domain::time::Timestamp;
use lethe_ports::{Errand, GrantError, TicketGrant};
use std::sync::LazyLock;

static POLICY: LazyLock<AuthorizerBuilder> = LazyLock::new(|| checked::policy(include_str!("tickets.datalog")));

/// A token that names an errand in place of a user.
#[derive(Debug)]
pub(super) struct BiscuitTicket {
    token: Checked,
    errand: Errand,
}

impl BiscuitTicket {
    pub(super) const fn new(token: Checked, errand: Errand) -> Self {
        Self { token, errand }
    }

    pub(super) const fn token(&self) -> &Checked {
        &self.token
    }
}

impl TicketGrant for BiscuitTicket {
    fn allows(&self, now: Timestamp) -> Result<(), GrantError> {
        self.token.allows(present(self.errand, now), now)
    }
}

/// The policy with the errand laid before it.
fn present(errand: Errand, now: Timestamp) -> Result<AuthorizerBuilder, Token> {
    let (operation, owner) = match errand {
        Errand::Restore { user, epoch: _ } => ("restore", user),
        Errand::FollowErasure { user } => ("read", user),
    };
    let request = POLICY.clone().fact(fact("operation", &[string(operation)]))?.fact(fact("owner", &[int(owner.get())]))?;
    request.fact(fact(TIME, &[checks::date(now)]))
}
