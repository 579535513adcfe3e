//! `lethe serve`: the service, from its first line to its last.

mod migration;
mod shutdown;
mod upkeep;
mod welcome;

use super::{migration_failure, runtime};
use crate::configuration::{Configuration, Settings};
use crate::failure::Failure;
use crate::keys::KeyRing;
use crate::output::print;
use crate::telemetry;
use crate::wiring::{self, Store};
use futures_util::future::{Either, select};
use metrics_exporter_prometheus::PrometheusHandle;
use migration::{Migration, StoreState};
use shutdown::Shutdown;
use std::path::Path;
use std::pin::pin;
use upkeep::Upkeep;
use welcome::Welcome;

pub(super) fn run(configuration: &Configuration, chosen_file: Option<&Path>) -> Result<(), Failure> {
    let settings = &configuration.settings;
    telemetry::start_logging(&settings.log);
    let metrics = telemetry::start_metrics()?;
    upkeep::describe_metrics();
    let keys = KeyRing::load_or_begin(settings)?;
    let welcome = Welcome::new(configuration, &keys, chosen_file);
    let runtime = runtime()?;
    let served = runtime.block_on(serve(settings, &keys, metrics, welcome));
    // Whoever is being told of an event may take long to answer, and is told again.
    runtime.shutdown_background();
    served
}

async fn serve(settings: &Settings, keys: &KeyRing, metrics: PrometheusHandle, welcome: Welcome) -> Result<(), Failure> {
    let shutdown = Shutdown::on_signals()?;
    let store = Store::open(settings)?;
    let served = serve_over(&store, settings, keys, metrics, welcome, shutdown).await;
    store.close().await;
    served
}

async fn serve_over(
    store: &Store,
    settings: &Settings,
    keys: &KeyRing,
    metrics: PrometheusHandle,
    welcome: Welcome,
    shutdown: Shutdown,
) -> Result<(), Failure> {
    let (inbound, sender) = (store.lethe(settings), wiring::sender(settings)?);
    let (bound, revoked) = wiring::bind(settings, inbound.services.clone(), keys, metrics.clone())?;
    let address = bound.address();
    let migration = match store {
        Store::Sqlite(..) => Migration::done_at_once(store).await.map_err(|error| migration_failure(store, &error))?,
        Store::Postgres(..) => Migration::when_reachable(store.clone()),
    };
    let metrics_upkeep = tokio::spawn(telemetry::keep_metrics_small(metrics));
    let upkeep = Upkeep::begin(&inbound, sender, revoked, migration.state(), settings.history.look_every.0).await;
    let greeting = async {
        let state = migration.first_state().await;
        if state == StoreState::Ready {
            upkeep.first_lesson().await;
        }
        print(welcome.text(address, store, state))
    };
    let stop = async {
        shutdown.requested().await;
        upkeep.stop();
    };
    let result = match select(pin!(bound.run(stop)), pin!(greeting)).await {
        Either::Left((result, _)) => result,
        Either::Right((greeted, running)) => {
            let result = running.await;
            greeted?;
            result
        }
    };
    metrics_upkeep.abort();
    upkeep.end().await;
    migration.stop();
    result.map_err(|error| Failure::of("the server stopped", error))
}
