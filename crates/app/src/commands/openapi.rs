//! `lethe openapi`: the document, as the service serves it.

use crate::failure::Failure;
use crate::output::print;
use crate::wiring;

pub(super) fn run() -> Result<(), Failure> {
    let document = wiring::openapi().to_pretty_json().map_err(|error| Failure::of("cannot write the document", error))?;
    print(document)
}
