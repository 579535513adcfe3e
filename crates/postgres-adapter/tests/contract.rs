//! PostgreSQL keeps the contract of every store.

mod common;

use common::fresh;

lethe_testkit::contract_suite!(fresh);
