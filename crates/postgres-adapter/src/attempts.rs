//! Attempts at what must happen once.
//!
//! Whoever begins an attempt takes a lock that belongs to the transaction, without waiting for it. Who gets it looks for an outcome only then, so
//! that the outcome of whoever had the lock before is seen.

use crate::Lease;
use crate::error::Failure;
use crate::statement::{Statement, statement};
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz};
use lethe_domain::{Attempt, Timestamp, UserId, UserStatus};
use lethe_ports::outbound::AttemptState;

statement! {
    BeginAttempt<'a> = "sql/begin_attempt.sql" => (Bool,) as (bool,) {
        actor: BigInt = i64,
        scope: Text = &'a str,
    }
}

statement! {
    FindAttempt<'a> = "sql/find_attempt.sql" => (Text, Text) as (String, String) {
        about: BigInt = i64,
        actor: BigInt = i64,
        scope: Text = &'a str,
        since: Timestamptz = DateTime<Utc>,
        erased: Text = &'a str,
    }
}

statement! {
    KeepAttempt<'a> = "sql/keep_attempt.sql" {
        about: BigInt = i64,
        actor: BigInt = i64,
        scope: Text = &'a str,
        fingerprint: Text = &'a str,
        outcome: Text = &'a str,
        now: Timestamptz = DateTime<Utc>,
        erased: Text = &'a str,
    }
}

statement! {
    PruneAttempts = "sql/prune_attempts.sql" {
        before: Timestamptz = DateTime<Utc>,
    }
}

pub(crate) async fn begin(lease: &mut Lease, about: UserId, attempt: &Attempt, since: Timestamp) -> Result<AttemptState, Failure> {
    let actor = attempt.actor.get();
    let is_alone = BeginAttempt { actor, scope: &attempt.scope }.run(lease).await?.pop().is_some_and(|(is_alone,)| is_alone);
    if !is_alone {
        return Ok(AttemptState::Running);
    }
    let find = FindAttempt { about: about.get(), actor, scope: &attempt.scope, since: since.to_utc(), erased: UserStatus::Erased.letter() };
    let known = find.run(lease).await?.pop();
    Ok(known.map_or(AttemptState::First, |(fingerprint, outcome)| AttemptState::Done { fingerprint, outcome }))
}

pub(crate) async fn end(lease: &mut Lease, about: UserId, attempt: &Attempt, outcome: &str, now: Timestamp) -> Result<(), Failure> {
    let Attempt { actor, scope, fingerprint } = attempt;
    let erased = UserStatus::Erased.letter();
    lease.execute(KeepAttempt { about: about.get(), actor: actor.get(), scope, fingerprint, outcome, now: now.to_utc(), erased }).await.map(drop)
}

/// Forgets what was kept before a moment; how many rows.
pub(crate) async fn prune(lease: &mut Lease, before: Timestamp) -> Result<usize, Failure> {
    let mut pruned = 0;
    loop {
        // A batch at a time, so that nothing is locked for long.
        let batch = lease.execute(PruneAttempts { before: before.to_utc() }).await?;
        pruned += batch;
        if batch == 0 {
            return Ok(pruned);
        }
    }
}
