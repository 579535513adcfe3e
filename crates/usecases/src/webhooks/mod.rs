//! Events on their way to those who want to know.

mod deliver_events;
mod list_deliveries;
mod retry_delivery;
