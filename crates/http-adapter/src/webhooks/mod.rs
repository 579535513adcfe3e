//! Telling others what became of a user: a webhook sender after the [Standard Webhooks](https://www.standardwebhooks.com) specification.
//!
//! Each attempt is one `POST` with the exact text that it was given, signed with the endpoint's secret. It follows no redirect, uses no proxy,
//! reads no more of an answer than it must, and comes to an end within its time limit. Whatever addresses a host's name stands for are looked
//! at before one of them is reached, so that a name cannot lead into the operator's own network (`networks`). Each endpoint is told by so many
//! attempts at the same time and no more, whatever the others do.
//!
//! Which events there are, who wants them, and when one is told again: nothing in here knows.

mod answer;
mod config;
mod networks;
mod resolver;
mod sender;
#[cfg(test)]
mod tests;

pub use config::{UrlFault, WebhookConfig, WebhookConfigError, WebhookEndpoint};
pub use ipnet::IpNet;
pub use sender::Webhooks;
