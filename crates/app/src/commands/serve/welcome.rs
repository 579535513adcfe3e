//! What a newcomer is told when the service is ready: where it listens, where the data is, and what to do next.

use super::migration::StoreState;
use crate::configuration::Configuration;
use crate::keys::KeyRing;
use crate::wiring::Store;
use std::net::SocketAddr;
use std::path::Path;

/// Keys of the configuration that decide which key signs.
const KEYS_OF_SIGNING: [&str; 2] = ["data_dir", "auth.private_key_file"];

/// The words of welcome.
pub(super) struct Welcome {
    /// A command that prints a token, when this installation can issue one.
    token_command: Option<String>,
}

impl Welcome {
    pub(super) fn new(configuration: &Configuration, keys: &KeyRing, chosen_file: Option<&Path>) -> Self {
        Self { token_command: keys.signing_key().is_ok().then(|| token_command(configuration, chosen_file)) }
    }

    /// The first line is for scripts, the rest for people.
    pub(super) fn text(&self, address: SocketAddr, store: &Store, state: StoreState) -> String {
        let waiting = match state {
            StoreState::Ready => "",
            StoreState::Unknown | StoreState::Awaited => " (not reachable yet)",
        };
        let token = self.token_command.as_deref().unwrap_or("issued where the private key is; here are public keys only");
        format!("lethe listening on http://{address}\n  data   {store}{waiting}\n  token  {token}\n  API    http://{address}/docs")
    }
}

/// The command that issues a token which this very service accepts: same program, same files, same variables.
fn token_command(configuration: &Configuration, chosen_file: Option<&Path>) -> String {
    let variables = KEYS_OF_SIGNING.iter().filter_map(|key| configuration.variable(key));
    let variables = variables.map(|name| format!("{name}={} ", quoted(&std::env::var(name).unwrap_or_default())));
    let program = std::env::args().next().unwrap_or_else(|| "lethe".to_owned());
    let file = chosen_file.map(|file| format!(" --config {}", quoted(&file.to_string_lossy()))).unwrap_or_default();
    format!("{}{}{file} token issue --user 1 --role admin", variables.collect::<String>(), quoted(&program))
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = !word.is_empty() && word.chars().all(|character| character.is_alphanumeric() || "-_./:=".contains(character));
    if plain { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_gets_back_the_word() {
        assert_eq!(quoted("target/release/lethe"), "target/release/lethe");
        assert_eq!(quoted("/my files/lethe"), "'/my files/lethe'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
