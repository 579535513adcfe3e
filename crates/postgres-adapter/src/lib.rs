//! Lethe's data in PostgreSQL 15 or later. Knows SQL and failures of databases; knows no HTTP and no rules.
//!
//! Who writes what belongs to a user first locks or updates the user's row in `users`, and is fenced by the state that stands there.
//! Locks are taken in one order: users by id, then posts by author and id, then whatever hangs on one user alone, and the end of the audit log
//! last, as everyone waits for that.

mod accounts;
mod archive;
mod attempts;
mod audit;
mod change_log;
mod connection;
mod content;
mod erasure;
mod erasures;
mod error;
mod feed;
mod holds;
mod ledger;
mod migration;
mod outbox;
mod preferences;
mod revocations;
mod row;
mod schema;
mod statement;
mod target;
mod tls;
mod transaction;
mod upkeep;

use connection::{Connections, Lease, Patience};
use error::Failure;
use lethe_ports::outbound::StoreError;
use statement::Statement;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use target::Target;

/// Where the database is, and how many connections may be open to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgConfig {
    /// `postgres://user:password@host:5432/database`. Several hosts, separated by commas, and `target_session_attrs=read-write` find the
    /// leader of a cluster; `sslmode` is `disable`, `prefer`, `require` or `verify-full`, with `sslrootcert` for an authority of one's own.
    pub url: String,
    /// Connections of this process at the most.
    pub max_connections: usize,
}

/// The store. Its clones are handles on one pool.
#[derive(Debug, Clone)]
pub struct PgStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    target: Arc<Target>,
    connections: Connections,
    /// Whether the schema was seen to be the one that this program was built for.
    migrated: AtomicBool,
}

impl PgStore {
    /// A store. It connects when it is first used, so the database need not be there yet.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the URL, or what it names, cannot be used.
    pub fn new(config: &PgConfig) -> Result<Self, StoreError> {
        let target = Arc::new(Target::parse(&config.url)?);
        let connections = Connections::new(target.clone(), config.max_connections)?;
        Ok(Self(Arc::new(Inner { target, connections, migrated: AtomicBool::new(false) })))
    }

    async fn lease(&self, patience: Patience) -> Result<Lease, Failure> {
        self.0.connections.lease(patience).await
    }

    /// Runs a statement that only reads.
    async fn read<S: Statement>(&self, statement: S) -> Result<Vec<S::Row>, StoreError> {
        Ok(statement.run(&mut self.lease(Patience::Short).await?).await?)
    }
}
