//! The community dialect: `/api/v2`. Its errors are lists under `errors`, its lists are pages with addresses of their neighbours.

mod account_search;
mod answer;
mod asked;
mod error;
mod form;
mod moderation;
mod posts;
mod preferences;
mod routes;
mod schema;
mod signup;
mod user;
mod users;
mod votes;

pub(crate) use error::Problem;
pub(crate) use routes::{endpoints, openapi};
