//! `lethe token`: issue, narrow, explain and revoke tokens. Nothing but revoking needs the store, and nothing the service.

mod explanation;
mod revocation;

use crate::cli::{AttenuateArguments, IssueArguments, TokenCommand, TokenRole};
use crate::clock::SystemClock;
use crate::configuration::Settings;
use crate::failure::Failure;
use crate::keys::KeyRing;
use crate::output::print;
use crate::wiring::{clock, tokens};
use explanation::Explanation;
use lethe_ports::outbound::Clock;
use std::io::Read;

/// More than any token has.
const LONGEST_INPUT: u64 = 64 * 1024;

pub(super) fn run(settings: &Settings, command: TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Issue(arguments) => issue(settings, &arguments),
        TokenCommand::Attenuate(arguments) => attenuate(arguments),
        TokenCommand::Inspect => inspect(settings),
        TokenCommand::Revoke(arguments) => revocation::run(settings, arguments),
    }
}

fn issue(settings: &Settings, arguments: &IssueArguments) -> Result<(), Failure> {
    let admin = match arguments.role {
        Some(TokenRole::Admin) => true,
        None => false,
    };
    let new = tokens::NewToken { user: arguments.user, admin, ttl: arguments.ttl };
    let keys = KeyRing::load_or_begin(settings)?;
    let token = tokens::issue(keys.signing_key()?, &new, SystemClock.now()).map_err(|error| Failure::of("cannot issue the token", error))?;
    print(token)
}

fn attenuate(arguments: AttenuateArguments) -> Result<(), Failure> {
    let expires_at = arguments.expires_in.map(|span| SystemClock.now().after(span));
    let narrowing = tokens::Narrowing { read_only: arguments.read_only, key_prefix: arguments.key_prefix, expires_at };
    let token = tokens::attenuate(&read_token()?, &narrowing).map_err(|error| Failure::of("cannot narrow the token", error))?;
    print(token)
}

fn inspect(settings: &Settings) -> Result<(), Failure> {
    let token = read_token()?;
    let contents = tokens::inspect(&token).map_err(|error| Failure::of("cannot read the token", error))?;
    let proof = explanation::proof(&token, KeyRing::load(settings)?.trusted());
    print(Explanation { contents, proof, now: clock().now() })
}

fn read_token() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().lock().take(LONGEST_INPUT).read_to_string(&mut text).map_err(|error| Failure::of("cannot read standard input", error))?;
    match text.trim() {
        "" => Err(Failure::Misuse("there is no token on standard input".to_owned())),
        token => Ok(token.to_owned()),
    }
}
