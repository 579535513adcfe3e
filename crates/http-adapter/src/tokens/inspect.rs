//! What a token says about itself, for people.

use super::checks;
use super::envelope::Envelope;
use super::error::TokenError;
use super::revocation;
use biscuit_auth::UnverifiedBiscuit;
use biscuit_auth::format::schema;
use lethe_domain::time::Timestamp;
use prost::Message;
use std::fmt;

/// What a token says. No signature was checked, so none of it need be true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Each block as Datalog, the authority first. Quotes and unprintable characters within strings are escaped.
    pub blocks: Vec<String>,
    /// The last second in which it is good, as far as its checks on the time can be read.
    pub expires_at: Option<Timestamp>,
    /// The number of the root key that it claims to be signed with.
    pub root_key_id: Option<u32>,
    /// What each block can be revoked by, in hexadecimal digits, the authority first.
    pub revocation_ids: Vec<String>,
}

/// Reads a token without a key.
///
/// # Errors
/// [`TokenError::TooLarge`], [`TokenError::TooComplex`] and [`TokenError::Malformed`].
pub fn inspect(token: &str) -> Result<Inspection, TokenError> {
    let envelope = Envelope::open(token)?;
    let token = UnverifiedBiscuit::from(with_escaped_strings(&envelope)?)?;
    Ok(Inspection {
        blocks: (0..token.block_count()).map(|index| token.print_block_source(index)).collect::<Result<_, _>>()?,
        expires_at: checks::last_second(envelope.blocks(), &envelope.symbols()?),
        root_key_id: envelope.root_key_id,
        revocation_ids: revocation::texts(&token.revocation_identifiers()),
    })
}

/// The same token, not validly signed any more, whose strings are harmless to print: the library prints them as they are, so that they
/// could pass for Datalog, or steer the reader's terminal.
fn with_escaped_strings(envelope: &Envelope) -> Result<Vec<u8>, TokenError> {
    let mut outer = schema::Biscuit::decode(envelope.bytes.as_slice()).map_err(|error| TokenError::Malformed(error.to_string()))?;
    let signed = std::iter::once(&mut outer.authority).chain(&mut outer.blocks);
    for (signed, block) in signed.zip(envelope.blocks()) {
        let symbols = block.symbols.iter().map(|symbol| symbol.escape_debug().to_string()).collect();
        signed.block = schema::Block { symbols, ..block.clone() }.encode_to_vec();
    }
    Ok(outer.encode_to_vec())
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The signature was not checked: this is what the token says, and need not be true.")?;
        match self.root_key_id {
            Some(id) => writeln!(f, "root key: {id}")?,
            None => writeln!(f, "root key: not named")?,
        }
        match self.expires_at {
            Some(time) => writeln!(f, "expires: {time}")?,
            None => writeln!(f, "expires: not that it says so")?,
        }
        for (index, (block, id)) in self.blocks.iter().zip(&self.revocation_ids).enumerate() {
            let title = if index == 0 { "authority" } else { "attenuation" };
            writeln!(f, "\nblock {index} ({title}), revocation id {id}")?;
            block.lines().try_for_each(|line| writeln!(f, "  {line}"))?;
        }
        Ok(())
    }
}
