//! `lethe renumber`: revisions that nobody remembers.

use super::with_store;
use crate::configuration::Settings;
use crate::failure::Failure;
use crate::output::print;

pub(super) fn run(settings: &Settings) -> Result<(), Failure> {
    with_store(settings, async |store, _| {
        let users = store.lethe(settings).operator.renumber().await?;
        print(format_args!("users whose revisions have new numbers: {users}"))
    })
}
