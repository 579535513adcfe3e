//! Biscuits: who a request comes from, as far as its token proves it, and what that token still allows.
//!
//! The authority block, signed with a root key, says who the bearer is: `user(42); issued_at(MILLIS);`, perhaps `role("admin");`, and a
//! check on the time. A ticket names an errand in place of a user, `restores(42, 3);` or `follows_erasure(42);`, and is good for that alone,
//! whoever holds it. Any bearer may append blocks offline that narrow the token ([`attenuate`]). Such a block is hostile input, so
//! `bounds` comes before everything that costs time, and nothing but the authority block is ever asked who somebody is.
//!
//! Nothing in here knows HTTP. The present comes in from outside, never from the library's clock.

mod attenuate;
mod bounds;
mod checked;
mod checks;
mod claims;
mod envelope;
mod error;
mod grant;
mod inspect;
mod issue;
mod keys;
mod revocation;
#[cfg(test)]
mod tests;
mod tickets;
mod verify;
mod vigil;

pub use attenuate::{Narrowing, attenuate};
pub use bounds::Excess;
pub use error::TokenError;
pub use inspect::{Inspection, inspect};
pub use issue::{NewToken, issue, issue_ticket};
pub use keys::{KeyError, RootKey, SigningKey};
pub use revocation::{RevocationList, revocation};
pub use verify::Verifier;
pub(crate) use vigil::Vigil;
