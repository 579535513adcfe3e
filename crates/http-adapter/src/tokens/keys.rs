//! Root keys. The private ones sign tokens, the public ones are all that a service needs to trust them. Each has a number, which a token
//! carries as a hint, so that old and new keys can be trusted side by side while they are rotated.

use biscuit_auth::{Algorithm, KeyPair, PrivateKey, PublicKey};
use std::fmt;
use std::str::FromStr;

const PRIVATE_PREFIX: &str = "ed25519-private/";
const PUBLIC_PREFIX: &str = "ed25519/";

/// Why a text is no key. The text itself is never repeated: it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The number is missing, or is none.
    #[error("a root key is written ID:ed25519/HEX, and its id is a number from 0 to 4294967295")]
    Id,
    /// A public key was expected, and this is none of ed25519.
    #[error("a public key is written ed25519/HEX")]
    NotPublic,
    /// A public key was expected, and this is a private one.
    #[error("this is a private key where a public one belongs: keep it secret, and write its public part, ed25519/HEX")]
    PrivateInsteadOfPublic,
    /// A private key was expected, and this is none of ed25519.
    #[error("a private key is written ed25519-private/HEX")]
    NotPrivate,
    /// What follows the prefix is not the key's 32 bytes in hexadecimal digits.
    #[error("a key has 64 hexadecimal digits after its prefix")]
    Digits,
    /// These 32 bytes are no point on the curve.
    #[error("these digits are no ed25519 public key")]
    NotAPoint,
}

/// A private root key with its number. Whoever has it can issue a token for any user.
pub struct SigningKey {
    id: u32,
    pair: KeyPair,
}

impl SigningKey {
    /// A new key from the operating system's randomness.
    #[must_use]
    pub fn generate(id: u32) -> Self {
        Self { id, pair: KeyPair::new_with_algorithm(Algorithm::Ed25519) }
    }

    /// Reads a key as [`Self::to_text`] writes it. Blanks and line ends around it do not matter.
    ///
    /// # Errors
    /// [`KeyError::NotPrivate`] and [`KeyError::Digits`].
    pub fn from_text(id: u32, text: &str) -> Result<Self, KeyError> {
        let digits = text.trim().strip_prefix(PRIVATE_PREFIX).ok_or(KeyError::NotPrivate)?;
        let key = PrivateKey::from_bytes_hex(digits, Algorithm::Ed25519).map_err(|_| KeyError::Digits)?;
        Ok(Self { id, pair: KeyPair::from(&key) })
    }

    /// The secret itself, as `ed25519-private/HEX`: for a file that nobody else can read, and for nothing else.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.pair.private().to_prefixed_string()
    }

    /// The key's number.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// What verifies the tokens of this key.
    #[must_use]
    pub fn public(&self) -> RootKey {
        RootKey { id: self.id, key: self.pair.public() }
    }

    pub(super) const fn pair(&self) -> &KeyPair {
        &self.pair
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A public root key with its number, written `ID:ed25519/HEX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RootKey {
    id: u32,
    key: PublicKey,
}

impl RootKey {
    /// The key's number.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    pub(super) const fn key(&self) -> PublicKey {
        self.key
    }
}

impl fmt::Display for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.id, self.key)
    }
}

impl FromStr for RootKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (id, key) = text.trim().split_once(':').ok_or(KeyError::Id)?;
        let id = id.parse().map_err(|_| KeyError::Id)?;
        if key.starts_with(PRIVATE_PREFIX) {
            return Err(KeyError::PrivateInsteadOfPublic);
        }
        let digits = key.strip_prefix(PUBLIC_PREFIX).ok_or(KeyError::NotPublic)?;
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(KeyError::Digits);
        }
        let key = PublicKey::from_bytes_hex(digits, Algorithm::Ed25519).map_err(|_| KeyError::NotAPoint)?;
        Ok(Self { id, key })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_from_their_text() {
        let key = SigningKey::generate(7);
        let again = SigningKey::from_text(7, &format!(" {}\n", key.to_text())).unwrap();
        assert_eq!(again.public(), key.public());
        assert_eq!(again.to_text(), key.to_text());
        assert_eq!((again.id(), again.public().id()), (7, 7));
        assert_eq!(key.public().to_string().parse(), Ok(key.public()));
        assert!(key.public().to_string().starts_with("7:ed25519/"));
    }

    #[test]
    fn a_private_key_never_shows_in_debug_output_or_errors() {
        let key = SigningKey::generate(7);
        let secret = key.to_text();
        let digits = secret.strip_prefix(PRIVATE_PREFIX).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey { id: 7, .. }");
        let error = format!("7:{secret}").parse::<RootKey>().unwrap_err();
        assert_eq!(error, KeyError::PrivateInsteadOfPublic);
        assert!(!error.to_string().contains(digits));
    }

    #[test]
    fn texts_that_are_no_keys_are_told_why() {
        let digits = "0".repeat(64);
        for (text, error) in [
            (String::new(), KeyError::Id),
            (format!("ed25519/{digits}"), KeyError::Id),
            (format!("x:ed25519/{digits}"), KeyError::Id),
            (format!("-1:ed25519/{digits}"), KeyError::Id),
            (format!("4294967296:ed25519/{digits}"), KeyError::Id),
            (format!("1:{digits}"), KeyError::NotPublic),
            (format!("1:secp256r1/{digits}"), KeyError::NotPublic),
            ("1:ed25519/".to_owned(), KeyError::Digits),
            (format!("1:ed25519/{}", &digits[1..]), KeyError::Digits),
            (format!("1:ed25519/{digits}0"), KeyError::Digits),
            (format!("1:ed25519/{digits} and more"), KeyError::Digits),
            (format!("1:ed25519/é{}", &digits[2..]), KeyError::Digits),
            (format!("1:ed25519/02{}", &digits[2..]), KeyError::NotAPoint),
        ] {
            assert_eq!(text.parse::<RootKey>(), Err(error), "{text:?}");
        }
        for (text, error) in [
            (digits.clone(), KeyError::NotPrivate),
            (format!("ed25519/{digits}"), KeyError::NotPrivate),
            (format!("secp256r1-private/{digits}"), KeyError::NotPrivate),
            ("ed25519-private/".to_owned(), KeyError::Digits),
            (format!("ed25519-private/{digits}00"), KeyError::Digits),
            (format!("ed25519-private/zz{}", &digits[2..]), KeyError::Digits),
        ] {
            assert_eq!(SigningKey::from_text(1, &text).unwrap_err(), error, "{text:?}");
        }
    }
}
