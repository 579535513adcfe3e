//! Who the bearer is. Only the authority block is asked, which nobody but the holder of a root key can write.

use super::envelope::Envelope;
use super::error::TokenError;
use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::format::schema::{Block, Term, term};
use lethe_domain::access::Actor;
use lethe_domain::id::UserId;
use lethe_domain::time::Timestamp;

/// The user that the token was issued to.
pub(super) const USER: &str = "user";
/// When the token was issued, in milliseconds since 1970.
pub(super) const ISSUED_AT: &str = "issued_at";
/// What the user is besides.
pub(super) const ROLE: &str = "role";
/// The role of those who may act for everybody.
pub(super) const ADMIN: &str = "admin";

/// Reads the authority block of a token whose signature is known to be good.
///
/// # Errors
/// [`TokenError::NotOurs`] if it does not name exactly one user and one time of issue.
pub(super) fn actor(envelope: &Envelope) -> Result<Actor, TokenError> {
    let claims = Claims { block: &envelope.authority, symbols: envelope.authority_symbols()? };
    let user = claims.the_number(USER).filter(|id| *id > 0).ok_or(TokenError::NotOurs("it does not name exactly one user"))?;
    let issued_at = claims.the_number(ISSUED_AT).ok_or(TokenError::NotOurs("it does not say exactly once when it was issued"))?;
    Ok(Actor { user: UserId::new(user), admin: claims.has_text(ROLE, ADMIN), issued_at: Timestamp::from_millis(issued_at) })
}

struct Claims<'a> {
    block: &'a Block,
    symbols: SymbolTable,
}

impl Claims<'_> {
    /// The number in the one fact of that name; `None` if there is no such fact, or another one beside it.
    fn the_number(&self, name: &str) -> Option<i64> {
        let mut found = self.facts(name);
        match (found.next()?, found.next()) {
            ([Term { content: Some(term::Content::Integer(number)) }], None) => Some(*number),
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
