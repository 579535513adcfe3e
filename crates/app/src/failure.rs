//! Why a command ends without success: one line for people, and an exit code for scripts.

use crate::configuration::ConfigurationError;
use lethe_ports::outbound::StoreError;
use std::fmt;
use std::io;
use std::process::ExitCode;

/// Why a command ends early.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It was asked in a way that cannot work.
    Misuse(String),
    /// It was asked well, and did not succeed.
    Failed(String),
    /// Nobody reads its output any more, which is no fault.
    NobodyListens,
}

impl Failure {
    /// A failure that says what was tried and what came of it.
    pub(crate) fn of(what: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self::Failed(format!("{what}: {error}"))
    }

    /// A failure to write to standard output.
    pub(crate) fn of_output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::NobodyListens } else { Self::of("cannot write the output", error) }
    }

    /// Tells people, and returns what to tell scripts.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Misuse(message) => Self::tell(message, 2),
            Self::Failed(message) => Self::tell(message, 1),
            Self::NobodyListens => ExitCode::SUCCESS,
        }
    }

    fn tell(message: &str, code: u8) -> ExitCode {
        eprintln!("error: {message}");
        ExitCode::from(code)
    }
}

impl From<ConfigurationError> for Failure {
    fn from(error: ConfigurationError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}
