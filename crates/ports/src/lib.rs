//! The ports of Lethe: traits, and the errors that go with them. No driver is known here.
//!
//! * [`inbound`]: what an adapter, such as HTTP or the command line, may ask of Lethe. Use cases implement these.
//! * [`outbound`]: what Lethe asks of the world: stores, a clock, tokens. Storage and token adapters implement these.
#![deny(missing_docs)]

pub mod caller;
pub mod inbound;
pub mod outbound;
pub mod ticket;

pub use caller::{Caller, Grant, GrantError, Retry};
pub use ticket::{Errand, Ticket, TicketGrant};
