//! `lethe migrate`: the schema, brought up to date.

use super::with_store;
use crate::configuration::Settings;
use crate::failure::Failure;
use crate::output::print;

pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    with_store(settings, async |_, applied| {
        if applied.is_empty() {
            return print("the store is up to date");
        }
        applied.iter().try_for_each(|name| print(format_args!("applied {name}")))
    })
}
