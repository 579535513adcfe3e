//! The native dialect: `/v1`. JSON in and out, times of RFC 3339, lists with cursors, and problem details of RFC 9457, whose types lead to
//! pages that Lethe serves itself.

mod answer;
mod asked;
mod audit;
mod deletion;
mod deliveries;
mod entity_tags;
mod erasures;
mod error;
mod fields;
mod holds;
mod pages;
mod parameters;
mod plans;
mod prefer;
mod restoration;
mod routes;
mod schema;
mod users;
mod violations;

pub(crate) use error::Problem;
#[cfg(test)]
pub(crate) use error::problems;
pub(crate) use prefer::{PREFER, PREFERENCE_APPLIED};
pub(crate) use routes::{endpoints, openapi};
