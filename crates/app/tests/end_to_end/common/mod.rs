//! The running service, and clients that talk to it. It knows the command line and HTTP, and nothing of what is behind them.

mod answer;
mod client;
pub(crate) mod forge;
pub(crate) mod raw;
mod service;
mod store;

pub(crate) use answer::Answer;
pub(crate) use client::Client;
pub(crate) use service::{Lethe, User, feed, succeed};
pub(crate) use store::Store;

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
