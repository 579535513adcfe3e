//! `lethe token revoke`: dead before its time.

use super::{explanation, read_token};
use crate::cli::RevokeArguments;
use crate::commands::with_store;
use crate::configuration::Settings;
use crate::failure::Failure;
use crate::keys::KeyRing;
use crate::output::print;
use crate::wiring::tokens;
use lethe_domain::UserId;
use lethe_ports::outbound::RevokedToken;

/// What is to be revoked.
enum Target {
    /// One token, and whom it was issued to, if that can be told.
    Token(RevokedToken, Option<UserId>),
    /// Every token of a user.
    User(UserId),
}

pub(super) fn run(settings: &Settings, arguments: RevokeArguments) -> Result<(), Failure> {
    let target = target(settings, arguments)?;
    with_store(settings, async |store, _| {
        let operator = store.lethe(settings).operator;
        match target {
            Target::Token(token, bearer) => {
                let id = token.id.clone();
                operator.revoke_token(token, bearer).await?;
                print(format_args!("revoked {id}"))
            }
            Target::User(user) if operator.revoke_tokens_of(user).await? => print(format_args!("revoked every token of user {user} so far")),
            Target::User(user) => Err(Failure::Failed(format!("there is no user {user}"))),
        }
    })
}

fn target(settings: &Settings, arguments: RevokeArguments) -> Result<Target, Failure> {
    match (arguments.user, arguments.id) {
        (Some(user), _) => Ok(Target::User(user)),
        (None, Some(id)) => Ok(Target::Token(RevokedToken { id, expires_at: None }, None)),
        (None, None) => {
            let token = read_token()?;
            let revoked = tokens::revocation(&token).map_err(|error| Failure::of("cannot read the token", error))?;
            let bearer = explanation::proof(&token, KeyRing::load(settings)?.trusted()).ok().as_ref().map(explanation::user_of);
            Ok(Target::Token(revoked, bearer))
        }
    }
}
