//! The `lethe` binary: command line, configuration, wiring, telemetry. It knows no rule of Lethe.

mod cli;
mod clock;
mod commands;
mod configuration;
mod failure;
mod keys;
mod node;
mod output;
mod telemetry;
mod wiring;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
