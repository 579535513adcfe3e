//! Who the bearer is, or what a ticket is for. Only the authority block is asked, which nobody but the holder of a root key can write.

use super::envelope::Envelope;
use super::error::TokenError;
use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::format::schema::{Block, Term, term};
use lethe_domain::access::Actor;
use lethe_domain::id::UserId;
use lethe_domain::time::Timestamp;
use lethe_ports::Errand;

/// The user that the token was issued to.
pub(super) const USER: &str = "user";
/// When the token was issued, in milliseconds since 1970.
pub(super) const ISSUED_AT: &str = "issued_at";
/// What the user is besides.
pub(super) const ROLE: &str = "role";
/// The role of those who may act for everybody.
pub(super) const ADMIN: &str = "admin";
/// Instead of a user: the one whose soft delete a ticket takes back, and which of its deletions that is.
pub(super) const RESTORES: &str = "restores";
/// Instead of a user: the one whose erasure a ticket shows.
pub(super) const FOLLOWS_ERASURE: &str = "follows_erasure";

/// A token that is good, but does not say who its bearer is.
pub(super) const NO_USER: TokenError = TokenError::NotOurs("it does not name exactly one user");

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// Somebody's.
    Caller(Actor),
    /// A ticket: whoever holds it may do this.
    Ticket(Errand),
}

/// Reads the authority block of a token whose signature is known to be good.
///
/// # Errors
/// [`TokenError::NotOurs`] if it does not name exactly one user or exactly one errand, or does not say exactly once when it was issued.
pub(super) fn claim(envelope: &Envelope) -> Result<Claim, TokenError> {
    let claims = Claims { block: &envelope.authority, symbols: envelope.authority_symbols()? };
    let issued_at = claims.the_number(ISSUED_AT).ok_or(TokenError::NotOurs("it does not say exactly once when it was issued"))?;
    if claims.facts(RESTORES).chain(claims.facts(FOLLOWS_ERASURE)).next().is_none() {
        return claims.actor(Timestamp::from_millis(issued_at)).map(Claim::Caller);
    }
    claims.the_errand().map(Claim::Ticket).ok_or(TokenError::NotOurs("it does not name exactly one errand, and no user besides"))
}

struct Claims<'a> {
    block: &'a Block,
    symbols: SymbolTable,
}

impl Claims<'_> {
    fn actor(&self, issued_at: Timestamp) -> Result<Actor, TokenError> {
        let user = self.the_number(USER).filter(|id| *id > 0).ok_or(NO_USER)?;
        Ok(Actor { user: UserId::new(user), admin: self.has_text(ROLE, ADMIN), issued_at })
    }

    /// The one errand; `None` if there is no such fact, another one beside it, or a user.
    fn the_errand(&self) -> Option<Errand> {
        let mut restores = self.facts(RESTORES);
        let mut follows = self.facts(FOLLOWS_ERASURE);
        let errand = match (restores.next(), follows.next()) {
            (Some([user, epoch]), None) => Errand::Restore { user: user_id(user)?, epoch: number(epoch).filter(|epoch| *epoch >= 0)? },
            (None, Some([user])) => Errand::FollowErasure { user: user_id(user)? },
            (Some(_) | None, Some(_) | None) => return None,
        };
        let is_alone = restores.next().is_none() && follows.next().is_none() && self.facts(USER).next().is_none();
        is_alone.then_some(errand)
    }

    /// The number in the one fact of that name; `None` if there is no such fact, or another one beside it.
    fn the_number(&self, name: &str) -> Option<i64> {
        let mut found = self.facts(name);
        match (found.next()?, found.next()) {
            ([term], None) => number(term),
            _ => None,
        }
    }

    /// Whether there is a fact of that name with that text.
    fn has_text(&self, name: &str, text: &str) -> bool {
        self.facts(name).any(|terms| match terms {
            [Term { content: Some(term::Content::String(symbol)) }] => self.symbols.get_symbol(*symbol) == Some(text),
            _ => false,
        })
    }

    /// The terms of each fact of that name.
    fn facts(&self, name: &str) -> impl Iterator<Item = &[Term]> {
        self.block.facts.iter().filter(move |fact| self.symbols.get_symbol(fact.predicate.name) == Some(name)).map(|fact| fact.predicate.terms.as_slice())
    }
}

fn user_id(term: &Term) -> Option<UserId> {
    number(term).filter(|id| *id > 0).map(UserId::new)
}

const fn number(term: &Term) -> Option<i64> {
    match term.content {
        Some(term::Content::Integer(number)) => Some(number),
        _ => None,
    }
}
