//! What several nodes share: the clock, duties, and how much there is to do.

use crate::connection::Patience;
use crate::row::{corrupt, count};
use crate::schema::revoked_tokens;
use crate::statement::statement;
use crate::{PgStore, attempts, change_log};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use lethe_domain::Timestamp;
use lethe_domain::erasure::ErasureState;
use lethe_domain::id::{NodeId, Revision, UserId};
use lethe_ports::outbound::{Backlog, Duty, Forgettable, LogScan, Renumbered, StoreError, UpkeepStore};

statement! {
    TakeDuty<'a> = "sql/take_duty.sql" {
        duty: Text = &'a str,
        node: BigInt = i64,
        now: Timestamptz = DateTime<Utc>,
        until: Timestamptz = DateTime<Utc>,
    }
}

statement! {
    CountBacklog<'a> = "sql/count_backlog.sql" => (BigInt, BigInt, BigInt, BigInt, BigInt, BigInt) as BacklogRow {
        open: Array<Text> = &'a [&'static str],
        blocked: Text = &'static str,
        failed: Text = &'static str,
        overdue_since: Timestamptz = DateTime<Utc>,
        now: Timestamptz = DateTime<Utc>,
    }
}

statement! {
    PruneDeliveries = "sql/prune_deliveries.sql" {
        untold_since: Timestamptz = DateTime<Utc>,
    }
}

#[derive(Debug, Queryable)]
pub(crate) struct BacklogRow {
    open_erasures: i64,
    blocked_erasures: i64,
    failed_erasures: i64,
    overdue_purges: i64,
    pending_deliveries: i64,
    failed_deliveries: i64,
}

#[async_trait]
impl UpkeepStore for PgStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        let now: Option<DateTime<Utc>> = self.lease(Patience::Short).await?.first(diesel::select(diesel::dsl::now.into_sql::<Timestamptz>())).await?;
        Ok(Timestamp::new(now.ok_or_else(|| corrupt("now"))?))
    }

    async fn take_duty(&self, duty: Duty, node: NodeId, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
        let take = TakeDuty { duty: duty.name(), node: node.get(), now: now.to_utc(), until: until.to_utc() };
        Ok(self.lease(Patience::Short).await?.execute(take).await? > 0)
    }

    async fn backlog(&self, overdue_since: Timestamp, now: Timestamp) -> Result<Backlog, StoreError> {
        let statement = CountBacklog {
            open: &ErasureState::OPEN.map(ErasureState::name),
            blocked: ErasureState::Blocked.name(),
            failed: ErasureState::Failed.name(),
            overdue_since: overdue_since.to_utc(),
            now: now.to_utc(),
        };
        let row = self.read(statement).await?.pop().ok_or_else(|| corrupt("a count"))?;
        Ok(Backlog {
            open_erasures: count(row.open_erasures),
            blocked_erasures: count(row.blocked_erasures),
            failed_erasures: count(row.failed_erasures),
            overdue_purges: count(row.overdue_purges),
            pending_deliveries: count(row.pending_deliveries),
            failed_deliveries: count(row.failed_deliveries),
        })
    }

    async fn prune(&self, what: Forgettable) -> Result<u64, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let ended = revoked_tokens::table.filter(revoked_tokens::expires_at.le(what.now.to_utc()));
        let mut pruned = lease.execute(diesel::delete(ended)).await?;
        pruned += attempts::prune(&mut lease, what.attempted_before).await?;
        loop {
            // A batch at a time, so that nothing is locked for long.
            let batch = lease.execute(PruneDeliveries { untold_since: what.untold_since.to_utc() }).await?;
            pruned += batch;
            if batch == 0 {
                return Ok(u64::try_from(pruned).unwrap_or(u64::MAX));
            }
        }
    }

    async fn renumber(&self, after: Option<UserId>, limit: u32, beginning: Revision) -> Result<Renumbered, StoreError> {
        Ok(change_log::renumber(self, after, limit, beginning).await?)
    }

    async fn overgrown_logs(&self, after: Option<UserId>, limit: u32, max_changes: u64, young_since: Timestamp) -> Result<LogScan, StoreError> {
        change_log::overgrown(self, after, limit, max_changes, young_since).await
    }
}
