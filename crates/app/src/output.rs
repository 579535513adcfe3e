//! Standard output, which may be closed at any time by whoever reads it.

use crate::failure::Failure;
use std::fmt;
use std::io::Write;

/// Prints one text and the end of its line.
pub(crate) fn print(text: impl fmt::Display) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(|error| Failure::of_output(&error))
}
