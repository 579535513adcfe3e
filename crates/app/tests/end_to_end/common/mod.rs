//! The running service, and clients that talk to it. It knows the command line and HTTP, and nothing of what is behind them.

mod answer;
mod client;
pub(crate) mod forge;
mod node;
pub(crate) mod raw;
mod receiver;
mod service;
mod store;
mod watch;

pub(crate) use answer::Answer;
pub(crate) use client::Client;
pub(crate) use node::Node;
pub(crate) use receiver::{Heard, Mood, Receiver};
pub(crate) use service::{Lethe, User, encode, feed, succeed};
pub(crate) use store::Store;
pub(crate) use watch::{Event, Watch};

use std::time::{Duration, Instant};

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long to leave the service alone meanwhile.
const PAUSE: Duration = Duration::from_millis(3);

/// Looks again and again until there is something to see.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(PAUSE);
    }
}

/// An id that no user has.
pub(crate) const NOBODY: i64 = 1 << 40;

/// Makes two tests of each function: one on each store.
macro_rules! on_both_stores {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test($crate::common::Store::sqlite()); })+
        }
        mod postgres {
            $(#[test] fn $test() { super::$test($crate::common::Store::postgres()); })+
        }
    };
}
pub(crate) use on_both_stores;
