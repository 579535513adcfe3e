//! `lethe keys`: root key pairs, for rotation.

use crate::cli::KeysCommand;
use crate::configuration::Settings;
use crate::failure::Failure;
use crate::keys::{self, KeyRing, KeyUse};
use crate::output::print;

pub(super) fn run(settings: &Settings, command: &KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Generate => generate(settings),
        KeysCommand::List => list(settings),
    }
}

fn generate(settings: &Settings) -> Result<(), Failure> {
    let key = keys::generate(settings)?;
    print(key)?;
    eprintln!("key {} signs new tokens from now on; a running service accepts them once it was restarted", key.id());
    Ok(())
}

fn list(settings: &Settings) -> Result<(), Failure> {
    let uses = KeyRing::load(settings)?.uses();
    if uses.is_empty() {
        eprintln!("there are no keys yet: `lethe serve`, `lethe token issue` and `lethe keys generate` make one");
    }
    uses.iter().try_for_each(|key| print(format_args!("{}  {}", key.key, description(key))))
}

const fn description(key: &KeyUse) -> &'static str {
    match (key.signs, key.trusted) {
        (true, true) => "signs new tokens",
        (false, true) => "its tokens are accepted",
        (_, false) => "not in auth.public_keys: its tokens are refused",
    }
}
