//! Tokens that the command line would not make: old ones, and ones with odd blocks.

use super::Lethe;
use biscuit_auth::UnverifiedBiscuit;
use biscuit_auth::builder::BlockBuilder;
use lethe_domain::{Timestamp, UserId};
use lethe_http_adapter::tokens::{NewToken, SigningKey, issue};
use std::time::Duration;

/// A plain token of that user that ended in 1970.
pub(crate) fn expired_token(lethe: &Lethe, user: i64) -> String {
    let new = NewToken { user: UserId::new(user), admin: false, ttl: Duration::from_mins(1) };
    issue(&signing_key(lethe), &new, Timestamp::EPOCH).unwrap()
}

/// The token with a block of Datalog appended, as any bearer can.
pub(crate) fn append(token: &str, datalog: &str) -> String {
    let block = BlockBuilder::new().code(datalog).unwrap();
    UnverifiedBiscuit::from_base64(token).unwrap().append(block).unwrap().to_base64().unwrap()
}

/// The installation's first root key, as it lies on the disk.
fn signing_key(lethe: &Lethe) -> SigningKey {
    let text = std::fs::read_to_string(lethe.data_dir().join("keys/1.private")).unwrap();
    let (id, key) = text.trim().split_once(':').unwrap();
    SigningKey::from_text(id.parse().unwrap(), key).unwrap()
}
