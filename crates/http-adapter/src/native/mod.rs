//! The native dialect: `/v1`. JSON in and out, times of RFC 3339, lists with cursors, and problem details of RFC 9457, whose types lead to
//! pages that Lethe serves itself.

mod answer;
mod asked;
mod audit;
mod batch;
mod changes;
mod deletion;
mod deliveries;
mod erasures;
mod error;
mod fields;
mod holds;
mod items;
mod keys;
mod pages;
mod parameters;
mod plan_tags;
mod plans;
mod prefer;
mod preferences;
mod restoration;
mod reversion;
mod routes;
mod schema;
mod sets;
mod usage;
mod users;
mod violations;
mod watch;

pub(crate) use error::Problem;
#[cfg(test)]
pub(crate) use error::problems;
pub(crate) use prefer::{PREFER, PREFERENCE_APPLIED};
pub(crate) use routes::{endpoints, openapi};
pub(crate) use watch::{LAST_EVENT_ID, describe_metrics};
