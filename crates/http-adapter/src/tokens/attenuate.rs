//! Narrower tokens. Any bearer can make one, offline and without a key.

use super::bounds;
use super::checks;
use super::envelope::Envelope;
use super::error::TokenError;
use biscuit_auth::UnverifiedBiscuit;
use biscuit_auth::builder::{BlockBuilder, Check};
use lethe_domain::time::Timestamp;

/// What a token is narrowed to. Everything that is asked for holds at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// Looking only.
    pub read_only: bool,
    /// Preferences only whose key begins with this text. The text is data, whatever is in it.
    pub key_prefix: Option<String>,
    /// Up to and including the second of this time.
    pub expires_at: Option<Timestamp>,
}

impl Narrowing {
    fn checks(&self) -> Vec<Check> {
        let read_only = self.read_only.then(checks::read_only);
        let key_prefix = self.key_prefix.as_deref().map(checks::key_prefix);
        let expires_at = self.expires_at.map(checks::until);
        [read_only, key_prefix, expires_at].into_iter().flatten().collect()
    }
}

/// Appends a block to a token, so that it allows less. The token that was given stays as good as it was.
///
/// The signature is not looked at: a token that is worth nothing stays worth nothing.
///
/// # Errors
/// [`TokenError::NothingToNarrow`]; [`TokenError::Sealed`] if the token admits no block; [`TokenError::TooLarge`] and
/// [`TokenError::TooComplex`] if no service would accept the outcome; [`TokenError::Malformed`].
pub fn attenuate(token: &str, narrowing: &Narrowing) -> Result<String, TokenError> {
    let checks = narrowing.checks();
    if checks.is_empty() {
        return Err(TokenError::NothingToNarrow);
    }
    let envelope = Envelope::open(token)?;
    let block = checks.into_iter().try_fold(BlockBuilder::new(), BlockBuilder::check)?;
    let narrowed = UnverifiedBiscuit::from(&envelope.bytes)?.append(block)?.to_base64()?;
    bounds::check(&Envelope::open(&narrowed)?)?;
    Ok(narrowed)
}
