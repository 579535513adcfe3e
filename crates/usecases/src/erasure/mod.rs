//! Erasures: carrying out what a hard delete began, and saying how far it is.

mod advance;
mod erase_chunk;
mod follow_erasure;

pub(crate) use advance::advance;
pub(crate) use erase_chunk::{LEASE, erase, stopped};
