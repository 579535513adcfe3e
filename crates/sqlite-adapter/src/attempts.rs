//! Attempts at what must happen once. Transactions have the writer to themselves, so no attempt ever meets another that is running.

use crate::accounts::account;
use crate::schema::attempts;
use diesel::prelude::*;
use lethe_domain::{Attempt, Timestamp, UserId, UserStatus};
use lethe_ports::outbound::AttemptState;

/// What is known of an attempt. Of who is erased nothing is told, though it may take a while until all of it is gone.
pub(crate) fn begin(connection: &mut SqliteConnection, about: UserId, attempt: &Attempt, since: Timestamp) -> QueryResult<AttemptState> {
    if is_erased(connection, about)? {
        return Ok(AttemptState::First);
    }
    let kept = attempts::table.find((about.get(), attempt.actor.get(), &attempt.scope)).filter(attempts::at.ge(since.micros()));
    let known: Option<(String, String)> = kept.select((attempts::fingerprint, attempts::outcome)).get_result(connection).optional()?;
    Ok(known.map_or(AttemptState::First, |(fingerprint, outcome)| AttemptState::Done { fingerprint, outcome }))
}

/// Keeps what came of it, unless whom it is about is erased.
pub(crate) fn end(connection: &mut SqliteConnection, about: UserId, attempt: &Attempt, outcome: &str, now: Timestamp) -> QueryResult<()> {
    if is_erased(connection, about)? {
        return Ok(());
    }
    let row = (
        attempts::user_id.eq(about.get()),
        attempts::actor.eq(attempt.actor.get()),
        attempts::scope.eq(&attempt.scope),
        attempts::fingerprint.eq(&attempt.fingerprint),
        attempts::outcome.eq(outcome),
        attempts::at.eq(now.micros()),
    );
    diesel::replace_into(attempts::table).values(row).execute(connection)?;
    Ok(())
}

fn is_erased(connection: &mut SqliteConnection, user: UserId) -> QueryResult<bool> {
    Ok(account(connection, user)?.is_some_and(|account| account.status() == UserStatus::Erased))
}

/// Forgets at most `limit` of what was kept before a moment, and says how many.
pub(crate) fn forget(connection: &mut SqliteConnection, before: Timestamp, limit: i64) -> QueryResult<usize> {
    let old = attempts::table.filter(attempts::at.lt(before.micros())).order(attempts::at).limit(limit);
    let moments: Vec<i64> = old.select(attempts::at).load(connection)?;
    let Some(last) = moments.last() else { return Ok(0) };
    diesel::delete(attempts::table.filter(attempts::at.le(last))).execute(connection)
}
