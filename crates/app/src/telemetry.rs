//! What the process tells about itself: log lines on standard error, and metrics.

use crate::configuration::{Log, LogFormat};
use crate::failure::Failure;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::io::IsTerminal;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// Upper bounds of the buckets of every duration, in seconds.
const DURATION_BUCKETS: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// How often recorded durations are moved into their buckets, so that they take no memory while nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Sends log lines to standard error.
pub(crate) fn start_logging(log: &Log) {
    let terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(EnvFilter::new(log.level.to_string())).with_writer(std::io::stderr);
    let for_people = match log.format {
        LogFormat::Auto => terminal,
        LogFormat::Json => false,
        LogFormat::Text => true,
    };
    if for_people {
        lines.with_ansi(terminal).init();
    } else {
        lines.json().flatten_event(true).with_span_list(false).init();
    }
}

/// Collects metrics from here on.
pub(crate) fn start_metrics() -> Result<PrometheusHandle, Failure> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATION_BUCKETS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::of("cannot collect metrics", error))
}

/// Keeps collected metrics small. Never ends.
pub(crate) async fn keep_metrics_small(metrics: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        metrics.run_upkeep();
    }
}
