//! Changes as they happen.
//!
//! Whoever follows a user is told from the window of that user's latest changes, which is shared by all followers on this node. The log is
//! read by one reader for all of them, when it is worth while: after a write here, after a hint from another node, and, since hints can be lost, every
//! now and then. Whoever is further behind than the window reaches reads the log itself, once.

mod follow_changes;
mod hub;
mod watch_changes;

pub(crate) use hub::Hub;
