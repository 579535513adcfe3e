//! From a bearer's text to a caller or a ticket. Verified tokens are remembered for a minute, since a signature costs more than most requests;
//! whether they are dead by now is asked each time.

use super::bounds;
use super::checked::Checked;
use super::claims::{self, Claim};
use super::envelope::Envelope;
use super::error::TokenError;
use super::grant::BiscuitGrant;
use super::keys::RootKey;
use super::revocation::RevocationList;
use super::tickets::BiscuitTicket;
use super::vigil::Vigil;
use biscuit_auth::Biscuit;
use lethe_domain::access::Actor;
use lethe_ports::inbound::Bearer;
use lethe_ports::outbound::Clock;
use lethe_ports::{Caller, Errand, Ticket};
use moka::sync::Cache;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const REMEMBERED_FOR: Duration = Duration::from_mins(1);
/// Bytes of memory, about.
const REMEMBERED_AT_MOST: u64 = 32 << 20;
/// A token in memory, decoded several times over, for each character of its text.
const BYTES_PER_CHARACTER: usize = 20;

#[derive(Clone)]
enum Verified {
    Caller { actor: Actor, grant: Arc<BiscuitGrant> },
    Ticket { errand: Errand, grant: Arc<BiscuitTicket> },
}

impl Verified {
    fn token(&self) -> &Checked {
        match self {
            Self::Caller { grant, .. } => grant.token(),
            Self::Ticket { grant, .. } => grant.token(),
        }
    }
}

impl From<Verified> for Bearer {
    fn from(verified: Verified) -> Self {
        match verified {
            Verified::Caller { actor, grant } => Self::Caller(Caller { actor, grant, retry: None }),
            Verified::Ticket { errand, grant } => Self::Ticket(Ticket { errand, grant }),
        }
    }
}

/// Verifies tokens against the root keys that are trusted.
pub struct Verifier {
    keys: Vec<RootKey>,
    clock: Arc<dyn Clock>,
    verified: Cache<Box<str>, Verified>,
    revoked: RevocationList,
}

impl Verifier {
    /// Trusts these keys. Two keys may share a number; without any key, no token is good. Nothing is revoked until it is learnt: for those
    /// who have nobody to learn it from.
    #[must_use]
    pub fn new(keys: Vec<RootKey>, clock: Arc<dyn Clock>) -> Self {
        Self::with(keys, clock, RevocationList::empty())
    }

    /// As [`Self::new`], but no token is good before [`Self::revocations`] have learnt, for the first time, which ones are dead.
    #[must_use]
    pub fn awaiting_revocations(keys: Vec<RootKey>, clock: Arc<dyn Clock>) -> Self {
        Self::with(keys, clock, RevocationList::unknown())
    }

    fn with(keys: Vec<RootKey>, clock: Arc<dyn Clock>, revoked: RevocationList) -> Self {
        let verified = Cache::builder().weigher(weight).max_capacity(REMEMBERED_AT_MOST).time_to_live(REMEMBERED_FOR).build();
        Self { keys, clock, verified, revoked }
    }

    /// What this verifier knows to be revoked: what the list learns, the very next token is held against.
    #[must_use]
    pub fn revocations(&self) -> RevocationList {
        self.revoked.clone()
    }

    /// Who sends this token. Whether that user still exists is not known here. A ticket is nobody's, whatever was appended to it.
    ///
    /// # Errors
    /// Any [`TokenError`] but those of making tokens; all of them mean that the token proves nothing, [`TokenError::Unready`] that it may do so
    /// later. A token that is bad for another reason is so from the beginning.
    pub fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        match self.verify_bearer(token)? {
            Bearer::Caller(caller) => Ok(caller),
            Bearer::Ticket(_) => Err(claims::NO_USER),
        }
    }

    /// Who sends this token, or what the ticket is good for that it is.
    ///
    /// # Errors
    /// As for [`Self::verify`].
    pub fn verify_bearer(&self, token: &str) -> Result<Bearer, TokenError> {
        bounds::check_text(token)?;
        let verified = match self.verified.get(token) {
            Some(verified) => verified,
            None => self.verify_and_remember(token)?,
        };
        // The list is asked once: between two questions it could learn of this very token.
        let revoked = self.revoked.has_any(verified.token().revocation_ids());
        if revoked == Some(true) {
            return Err(TokenError::Revoked);
        }
        if verified.token().has_expired(self.clock.now()) {
            return Err(TokenError::Expired);
        }
        if revoked.is_none() {
            return Err(TokenError::Unready);
        }
        Ok(verified.into())
    }

    /// Watches over a token that was verified before.
    ///
    /// # Errors
    /// As for [`Self::verify`].
    pub(crate) fn vigil(&self, token: &str) -> Result<Vigil, TokenError> {
        let verified = match self.verified.get(token) {
            Some(verified) => verified,
            None => self.verify_and_remember(token)?,
        };
        let token = verified.token();
        Ok(Vigil::new(token.revocation_ids().to_vec(), token.ends_at(), self.revoked.clone(), self.clock.clone()))
    }

    fn verify_and_remember(&self, token: &str) -> Result<Verified, TokenError> {
        let envelope = Envelope::open(token)?;
        bounds::check(&envelope)?;
        let biscuit = self.check_signature(&envelope)?;
        let claim = claims::claim(&envelope)?;
        let checked = Checked::new(biscuit, &envelope)?;
        let verified = match claim {
            Claim::Caller(actor) => Verified::Caller { actor, grant: Arc::new(BiscuitGrant::new(checked, &envelope)?) },
            Claim::Ticket(errand) => Verified::Ticket { errand, grant: Arc::new(BiscuitTicket::new(checked, errand)) },
        };
        self.verified.insert(token.into(), verified.clone());
        Ok(verified)
    }

    /// Tries the trusted keys of the number that the token names. The number is not signed, so it is nothing but a hint; a token that names
    /// none is tried with all of them.
    fn check_signature(&self, envelope: &Envelope) -> Result<Biscuit, TokenError> {
        let mut outcome = Err(TokenError::UnknownKey(envelope.root_key_id));
        for root in self.keys.iter().filter(|root| envelope.root_key_id.is_none_or(|id| id == root.id())) {
            outcome = Biscuit::from(&envelope.bytes, root.key()).map_err(TokenError::from);
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.keys).field("revoked", &self.revoked).finish_non_exhaustive()
    }
}

#[expect(clippy::borrowed_box, reason = "the cache's signature")]
fn weight(text: &Box<str>, _verified: &Verified) -> u32 {
    u32::try_from(text.len() * BYTES_PER_CHARACTER).unwrap_or(u32::MAX)
}
