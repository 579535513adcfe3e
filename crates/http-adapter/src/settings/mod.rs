//! The settings dialect: `/settings/user`. A user's preferences as one document; every answer says `success` and, but for the document, a message.

mod error;
mod handlers;
mod routes;
mod schema;

pub(crate) use error::Problem;
pub(crate) use routes::{endpoints, openapi};
