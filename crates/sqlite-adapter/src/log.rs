//! The write-ahead log, as a place where content outlives its erasure: pages are overwritten in the file, but their older images stay in
//! the log until it is begun anew. What ends an erasure therefore has the log emptied, soon and without being waited for.

use crate::connection::without_waiting;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Integer;
use std::time::{Duration, Instant};

/// How long after one try the next one comes at the earliest. An export can be in the way for minutes, and many erasures end together.
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_AFTER_FAILURE: Duration = Duration::from_mins(1);

/// What the writer knows of the log.
#[derive(Debug)]
pub(crate) struct Log {
    may_hold_erased: bool,
    next_try: Instant,
}

#[derive(QueryableByName)]
struct Checkpoint {
    #[diesel(sql_type = Integer)]
    busy: i32,
}

impl Log {
    /// The log as it was found, with whatever an earlier run has left in it.
    pub(crate) fn found() -> Self {
        Self { may_hold_erased: true, next_try: Instant::now() }
    }

    /// Notes that a transaction was committed after which something must not be found in the log.
    pub(crate) fn note_erased(&mut self) {
        self.may_hold_erased = true;
    }

    /// How long until the next try is due; `None` when there is nothing to do.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.may_hold_erased.then(|| self.next_try.saturating_duration_since(Instant::now()))
    }

    /// Empties the log into the file, if that is due. Whoever reads at the moment keeps it from that: then it is due again later.
    pub(crate) fn empty_if_due(&mut self, connection: &mut SqliteConnection) {
        if self.pause().is_none_or(|pause| pause > Duration::ZERO) {
            return;
        }
        let pause = match empty(connection) {
            Ok(is_empty) => {
                self.may_hold_erased = !is_empty;
                PAUSE
            }
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log could not be emptied of what was erased: it will be tried again");
                PAUSE_AFTER_FAILURE
            }
        };
        self.next_try = Instant::now() + pause;
    }
}

/// Empties the log unless somebody is in the way, and says whether it is empty. Nobody is waited for: every writer would have to wait, too.
fn empty(connection: &mut SqliteConnection) -> QueryResult<bool> {
    without_waiting(connection, |connection| {
        let checkpoint: Checkpoint = sql_query("PRAGMA wal_checkpoint(TRUNCATE)").get_result(connection)?;
        Ok(checkpoint.busy == 0)
    })
}
