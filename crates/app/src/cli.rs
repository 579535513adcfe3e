//! The command line as its user sees it.
#![expect(clippy::doc_markdown, reason = "these comments are help texts, and no Markdown")]

use clap::{Args, Parser, Subcommand, ValueEnum};
use lethe_domain::UserId;
use lethe_domain::id::parse_revocation_id;
use std::path::PathBuf;
use std::time::Duration;

/// Lethe remembers what users prefer, and lets them leave properly.
///
/// Without a command it serves: it keeps its data in ./lethe-data and answers on http://127.0.0.1:8080 until it is told otherwise.
#[derive(Debug, Parser)]
#[command(
    name = "lethe",
    version,
    after_help = "Settings come from /etc/lethe/lethe.toml, ./lethe.toml, --config FILE and LETHE__SECTION__KEY variables; later ones win."
)]
pub(crate) struct Cli {
    /// Read this file of settings too; it must exist
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring the store up to date, then answer requests until SIGTERM or Ctrl-C (the default)
    Serve,
    /// Issue, narrow, read and revoke the tokens that callers identify themselves with
    #[command(subcommand)]
    Token(TokenCommand),
    /// Check the log of what was done to accounts
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Make and list the root keys that sign tokens
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Bring the store's schema up to date and exit
    Migrate,
    /// Read users, holds, preferences, posts, votes and revocations of tokens, one JSON object a line
    ///
    /// A line replaces what the store has under the same id. Refused lines are reported with their number and do not stop the others;
    /// if there were any, the exit code is 1. An import that was interrupted can simply be run again. The service may run meanwhile, unless
    /// users come who are due to be purged: it would not wait for their holds.
    Import {
        /// The file to read; `-` is standard input
        file: PathBuf,
    },
    /// Write users, holds, preferences, posts, votes and revocations of tokens, one JSON object a line
    ///
    /// The lines are what `lethe import` reads. They are of one moment, and the service may run meanwhile. The audit log, the accounts of
    /// erasures, the deliveries of webhooks and the log of changes stay behind.
    Export {
        /// The file to write; `-` is standard output
        #[arg(default_value = "-")]
        file: PathBuf,
    },
    /// Give all revisions new numbers, after a backup was played back or an export read in
    ///
    /// A store that went back, or that another one moved into, would give the same numbers to other changes. Clients that remember a revision are
    /// then told to read everything again, and ETags that they have kept match nothing. The service may run meanwhile.
    Renumber,
    /// Print the OpenAPI document of the HTTP interface
    Openapi,
    /// Print every setting in force and where it comes from; passwords are hidden
    Config,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Print a new token
    ///
    /// Needs the private root key, and neither the service nor the store. The first call makes a key if there is none.
    Issue(IssueArguments),
    /// Read a token from standard input and print one that is allowed less
    ///
    /// Needs no key: whoever holds a token can narrow it. At least one narrowing must be given.
    Attenuate(AttenuateArguments),
    /// Read a token from standard input and explain it
    Inspect,
    /// Kill a token before its time, on every running node, within a second
    ///
    /// Reads the token from standard input, unless it is named by its id. What was narrowed from it dies with it; what it was narrowed from
    /// stays alive. Needs the store.
    Revoke(RevokeArguments),
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct RevokeArguments {
    /// The revocation id of a block, as `lethe token inspect` prints it
    #[arg(long, value_name = "HEX", value_parser = parse_revocation_id)]
    pub(crate) id: Option<String>,
    /// Kill every token that was issued to this user so far
    ///
    /// Tickets (restore and erasure tokens) are not the user's tokens, and stay alive. Revoke them one by one.
    #[arg(long, value_name = "ID", value_parser = user_id)]
    pub(crate) user: Option<UserId>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Read the log from its beginning and see that nothing was changed, removed or cut off
    ///
    /// Prints the number of entries and the last hash; whoever keeps that somewhere else can tell later whether the end was cut off. Exits
    /// with 1 at the first entry that does not follow the one before it.
    Verify,
}

#[derive(Debug, Args)]
pub(crate) struct IssueArguments {
    /// The id of the user whom the token speaks for
    #[arg(long, value_name = "ID", value_parser = user_id)]
    pub(crate) user: UserId,
    /// What the user may do beyond its own data
    #[arg(long)]
    pub(crate) role: Option<TokenRole>,
    /// How long the token lives, such as 15m, 12h or 30d
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = span)]
    pub(crate) ttl: Duration,
}

/// The roles that a token can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenRole {
    /// May act for every user
    Admin,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct AttenuateArguments {
    /// Allow reading only
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Allow only preferences whose key begins like this
    #[arg(long, value_name = "PREFIX")]
    pub(crate) key_prefix: Option<String>,
    /// Let the token end after this span, unless it ends earlier already
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pub(crate) expires_in: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Add a root key pair, which signs tokens from now on
    Generate,
    /// Print the public keys, and which of them signs
    List,
}

fn user_id(text: &str) -> Result<UserId, &'static str> {
    UserId::parse(text).ok_or("a user id is a whole number from 1 on")
}

fn span(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("must be longer than nothing".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    fn refusal(line: &str) -> ErrorKind {
        Cli::try_parse_from(line.split(' ')).unwrap_err().kind()
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_means_serve() {
        let cli = Cli::try_parse_from(["lethe"]).unwrap();
        assert!(cli.command.is_none());
    }

    #[test]
    fn the_configuration_file_may_stand_anywhere() {
        for line in ["lethe --config a.toml", "lethe --config a.toml keys list", "lethe keys list --config a.toml"] {
            assert_eq!(Cli::try_parse_from(line.split(' ')).unwrap().config, Some("a.toml".into()), "{line}");
        }
    }

    #[test]
    fn a_token_lives_an_hour_unless_told_otherwise() {
        let Some(Command::Token(TokenCommand::Issue(arguments))) = Cli::try_parse_from("lethe token issue --user 42".split(' ')).unwrap().command else {
            panic!("another command")
        };
        assert_eq!((arguments.user, arguments.role, arguments.ttl), (UserId::new(42), None, Duration::from_hours(1)));
    }

    #[test]
    fn misuse_is_refused() {
        for line in
            ["lethe token issue --user 0", "lethe token issue --user abc", "lethe token issue --user 1 --ttl soon", "lethe token issue --user 1 --ttl 0s"]
        {
            assert_eq!(refusal(line), ErrorKind::ValueValidation, "{line}");
        }
        assert_eq!(refusal("lethe token revoke --id abc"), ErrorKind::ValueValidation);
        assert_eq!(refusal(&format!("lethe token revoke --user 1 --id {}", "a".repeat(128))), ErrorKind::ArgumentConflict);
        assert_eq!(refusal("lethe token issue --user 1 --role king"), ErrorKind::InvalidValue);
        for line in ["lethe token issue", "lethe token attenuate", "lethe import"] {
            assert_eq!(refusal(line), ErrorKind::MissingRequiredArgument, "{line}");
        }
        assert_eq!(refusal("lethe dance"), ErrorKind::InvalidSubcommand);
    }

    #[test]
    fn an_export_goes_to_standard_output_unless_told_otherwise() {
        let Some(Command::Export { file }) = Cli::try_parse_from(["lethe", "export"]).unwrap().command else { panic!("another command") };
        assert_eq!(file, PathBuf::from("-"));
    }
}
