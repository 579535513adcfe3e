//! From a bearer's text to a caller. Verified tokens are remembered for a minute, since a signature costs more than most requests.

use super::bounds;
use super::claims;
use super::envelope::Envelope;
use super::error::TokenError;
use super::grant::BiscuitGrant;
use super::keys::RootKey;
use biscuit_auth::Biscuit;
use lethe_domain::access::Actor;
use lethe_ports::Caller;
use lethe_ports::outbound::Clock;
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
struct Verified {
    actor: Actor,
    grant: Arc<BiscuitGrant>,
}

/// Verifies tokens against the root keys that are trusted.
pub struct Verifier {
    keys: Vec<RootKey>,
    clock: Arc<dyn Clock>,
    verified: Cache<Box<str>, Verified>,
}

impl Verifier {
    /// Trusts these keys. Two keys may share a number; without any key, no token is good.
    #[must_use]
    pub fn new(keys: Vec<RootKey>, clock: Arc<dyn Clock>) -> Self {
        let verified = Cache::builder().weigher(weight).max_capacity(REMEMBERED_AT_MOST).time_to_live(REMEMBERED_FOR).build();
        Self { keys, clock, verified }
    }

    /// Who sends this token. Whether that user still exists is not known here.
    ///
    /// # Errors
    /// Any [`TokenError`] but those of making tokens; all of them mean that the token proves nothing.
    pub fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        bounds::check_text(token)?;
        let Verified { actor, grant } = match self.verified.get(token) {
            Some(verified) => verified,
            None => self.verify_and_remember(token)?,
        };
        if grant.has_expired(self.clock.now()) {
            return Err(TokenError::Expired);
        }
        Ok(Caller { actor, grant })
    }

    fn verify_and_remember(&self, token: &str) -> Result<Verified, TokenError> {
        let envelope = Envelope::open(token)?;
        bounds::check(&envelope)?;
        let biscuit = self.check_signature(&envelope)?;
        let verified = Verified { actor: claims::actor(&envelope)?, grant: Arc::new(BiscuitGrant::new(biscuit, &envelope)?) };
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
        f.debug_struct("Verifier").field("keys", &self.keys).finish_non_exhaustive()
    }
}

#[expect(clippy::borrowed_box, reason = "the cache's signature")]
fn weight(text: &Box<str>, _verified: &Verified) -> u32 {
    u32::try_from(text.len() * BYTES_PER_CHARACTER).unwrap_or(u32::MAX)
}
