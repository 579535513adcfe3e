//! One file for each command.

mod audit;
mod config;
mod export;
mod import;
mod keys;
mod migrate;
mod openapi;
mod renumber;
mod serve;
mod token;

use crate::cli::{Cli, Command};
use crate::configuration::{Configuration, Settings};
use crate::failure::Failure;
use crate::telemetry;
use crate::wiring::Store;
use lethe_ports::outbound::StoreError;
use std::path::Path;
use tokio::runtime::{Builder, Runtime};

/// Most of the work happens in the threads of the HTTP server and of the store.
const WORKER_THREADS: usize = 2;

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let configuration = Configuration::load(cli.config.as_deref())?;
    let settings = &configuration.settings;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&configuration, cli.config.as_deref()),
        Command::Token(command) => token::run(settings, command),
        Command::Audit(command) => audit::run(settings, &command),
        Command::Keys(command) => keys::run(settings, &command),
        Command::Migrate => migrate::run(settings),
        Command::Import { file } => import::run(settings, &file),
        Command::Export { file } => export::run(settings, &file),
        Command::Renumber => renumber::run(settings),
        Command::Openapi => openapi::run(),
        Command::Config => config::run(&configuration),
    }
}

fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .thread_name("lethe")
        .enable_all()
        .build()
        .map_err(|error| Failure::of("cannot start threads", error))
}

/// Opens the store, brings it up to date, works on it and closes it. The work is told which migrations were applied.
fn with_store(settings: &Settings, work: impl AsyncFnOnce(&Store, Vec<String>) -> Result<(), Failure>) -> Result<(), Failure> {
    telemetry::start_logging(&settings.log);
    runtime()?.block_on(async {
        let store = Store::open(settings)?;
        let result = match store.migrate().await {
            Ok(applied) => work(&store, applied).await,
            Err(error) => Err(migration_failure(&store, &error)),
        };
        store.close().await;
        result
    })
}

fn migration_failure(store: &Store, error: &StoreError) -> Failure {
    Failure::of(format!("cannot bring the store up to date ({store})"), error)
}

/// Whether a file name stands for standard input or output.
fn is_standard_stream(file: &Path) -> bool {
    file == Path::new("-")
}
