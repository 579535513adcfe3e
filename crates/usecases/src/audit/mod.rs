//! The audit log.

mod list_audit;
mod verify_audit;
