//! A token as it travels, opened far enough to be looked at. Nothing in it is trusted: no signature was checked.
//!
//! The library would decompress a curve point for every key that it meets, and that before anybody can count them; and what it prints of a
//! block is not what it evaluates, since strings are printed without escapes. So the wire format is read here, and bounds are held against
//! that.

use super::bounds::{self, Excess};
use super::error::TokenError;
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::format::schema::public_key::Algorithm;
use biscuit_auth::format::schema::{Biscuit, Block, SignedBlock};
use prost::{DecodeError, Message};

/// Some libraries leave the padding away.
const TEXT: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

/// An opened token of at most as many bytes and blocks as [`bounds`] admits, without third-party blocks.
pub(super) struct Envelope {
    pub(super) bytes: Vec<u8>,
    pub(super) root_key_id: Option<u32>,
    pub(super) authority: Block,
    pub(super) attenuations: Vec<Block>,
}

impl Envelope {
    /// Opens a token.
    ///
    /// # Errors
    /// [`TokenError::TooLarge`], [`TokenError::Malformed`] and [`TokenError::TooComplex`].
    pub(super) fn open(text: &str) -> Result<Self, TokenError> {
        bounds::check_text(text)?;
        let bytes = TEXT.decode(text).map_err(|error| TokenError::Malformed(error.to_string()))?;
        let outer = Biscuit::decode(bytes.as_slice()).map_err(malformed)?;
        bounds::check_block_count(1 + outer.blocks.len())?;
        let authority = open_block(&outer.authority)?;
        let attenuations = outer.blocks.iter().map(open_block).collect::<Result<_, _>>()?;
        Ok(Self { bytes, root_key_id: outer.root_key_id, authority, attenuations })
    }

    /// All blocks, the authority first.
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block> {
        std::iter::once(&self.authority).chain(&self.attenuations)
    }

    /// The strings that numbers stand for in the blocks.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] if a block redefines one of the library's own.
    pub(super) fn symbols(&self) -> Result<SymbolTable, TokenError> {
        symbols_of(self.blocks())
    }

    /// The strings that numbers stand for in the authority block, whatever later blocks add.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] if the block redefines one of the library's own.
    pub(super) fn authority_symbols(&self) -> Result<SymbolTable, TokenError> {
        symbols_of(std::iter::once(&self.authority))
    }
}

fn symbols_of<'a>(blocks: impl Iterator<Item = &'a Block>) -> Result<SymbolTable, TokenError> {
    let strings = blocks.flat_map(|block| block.symbols.iter().cloned()).collect();
    SymbolTable::from(strings).map_err(|error| TokenError::Malformed(error.to_string()))
}

fn open_block(signed: &SignedBlock) -> Result<Block, TokenError> {
    if signed.external_signature.is_some() {
        return Err(Excess::ThirdParty.into());
    }
    if signed.next_key.algorithm != Algorithm::Ed25519 as i32 {
        return Err(Excess::KeyAlgorithm.into());
    }
    Block::decode(signed.block.as_slice()).map_err(malformed)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn malformed(error: DecodeError) -> TokenError {
    TokenError::Malformed(error.to_string())
}
