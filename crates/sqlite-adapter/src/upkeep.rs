//! What several nodes share so that one of them at a time does what is to be done.

use crate::SqliteStore;
use crate::erasures::{open_by_state, overdue_purges};
use crate::error::Failure;
use crate::outbox::{failed, forget_untold, pending, untold};
use crate::revocations::forget_ended;
use crate::row::count;
use crate::schema::duties;
use crate::{attempts, change_log, clock};
use async_trait::async_trait;
use diesel::prelude::*;
use lethe_domain::Timestamp;
use lethe_domain::erasure::ErasureState;
use lethe_domain::id::{NodeId, Revision, UserId};
use lethe_ports::outbound::{Backlog, Duty, Forgettable, LogScan, Renumbered, StoreError, UpkeepStore};

/// Rows of one kind that are forgotten at once: other writers come between.
const PRUNED: i64 = 1_000;

#[async_trait]
impl UpkeepStore for SqliteStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.readers().look_up(|connection| Ok(clock::now(connection)?)).await
    }

    async fn take_duty(&self, duty: Duty, node: NodeId, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
        self.writer().write(move |connection| Ok::<_, Failure<StoreError>>(take_duty(connection, duty, node, now, until)?)).await
    }

    async fn backlog(&self, overdue_since: Timestamp, now: Timestamp) -> Result<Backlog, StoreError> {
        self.readers().scan(move |connection| Ok(backlog(connection, overdue_since, now)?)).await
    }

    async fn prune(&self, what: Forgettable) -> Result<u64, StoreError> {
        let Forgettable { untold_since, attempted_before, now } = what;
        let ended = self.writer().write(move |connection| Ok::<_, Failure<StoreError>>(forget_ended(connection, now)?)).await?;
        let (mut removed, mut last) = (ended, 0);
        loop {
            let forget = move |connection: &mut SqliteConnection| Ok::<_, Failure<StoreError>>(attempts::forget(connection, attempted_before, PRUNED)?);
            let forgotten = self.writer().write(forget).await?;
            removed += forgotten;
            if forgotten == 0 {
                break;
            }
        }
        loop {
            // Looked for by a reader: whoever writes need not wait for that.
            let numbers = self.readers().scan(move |connection| Ok(untold(connection, untold_since, last, PRUNED)?)).await?;
            let Some(end) = numbers.last().copied() else { return Ok(removed.try_into().unwrap_or(u64::MAX)) };
            let forget = move |connection: &mut SqliteConnection| Ok::<_, Failure<StoreError>>(forget_untold(connection, &numbers, untold_since)?);
            removed += self.writer().write(forget).await?;
            last = end;
        }
    }

    async fn renumber(&self, after: Option<UserId>, limit: u32, beginning: Revision) -> Result<Renumbered, StoreError> {
        self.writer().write(move |connection| Ok::<_, Failure<StoreError>>(change_log::renumber(connection, after, limit, beginning)?)).await
    }

    async fn overgrown_logs(&self, after: Option<UserId>, limit: u32, max_changes: u64, young_since: Timestamp) -> Result<LogScan, StoreError> {
        self.readers().scan(move |connection| Ok(change_log::overgrown(connection, after, limit, max_changes, young_since)?)).await
    }
}

fn take_duty(connection: &mut SqliteConnection, duty: Duty, node: NodeId, now: Timestamp, until: Timestamp) -> QueryResult<bool> {
    let holder: Option<(i64, i64)> = duties::table.find(duty.name()).select((duties::holder, duties::until)).get_result(connection).optional()?;
    let is_free = holder.is_none_or(|(holder, until)| holder == node.get() || until <= now.micros());
    if is_free {
        let row = (duties::name.eq(duty.name()), duties::holder.eq(node.get()), duties::until.eq(until.micros()));
        diesel::replace_into(duties::table).values(row).execute(connection)?;
    }
    Ok(is_free)
}

fn backlog(connection: &mut SqliteConnection, overdue_since: Timestamp, now: Timestamp) -> QueryResult<Backlog> {
    let open = open_by_state(connection)?;
    let of_state = |state: ErasureState| open.iter().filter(|(name, _)| name == state.name()).map(|(_, number)| *number).sum::<i64>();
    Ok(Backlog {
        open_erasures: count(ErasureState::OPEN.into_iter().map(of_state).sum())?,
        blocked_erasures: count(of_state(ErasureState::Blocked))?,
        failed_erasures: count(of_state(ErasureState::Failed))?,
        overdue_purges: count(overdue_purges(overdue_since, now).get_result(connection)?)?,
        pending_deliveries: count(pending().get_result(connection)?)?,
        failed_deliveries: count(failed().get_result(connection)?)?,
    })
}
