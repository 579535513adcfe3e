//! Removing what a user leaves behind, kind by kind, in chunks.
//!
//! A chunk is a piece of an index: it begins behind a key and ends at the last of so many keys. Nothing is joined to a list of a length that
//! the server would have to guess, so a chunk costs the same in a table of any size, whatever the statistics say.

use crate::Lease;
use crate::error::Failure;
use crate::ledger::column;
use crate::row::{PersonRow, corrupt, count};
use crate::schema::{posts, users, votes};
use crate::statement::{Statement, statement};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable};
use lethe_domain::UserId;
use lethe_domain::erasure::{Chunk, ErasureCursor};
use lethe_domain::manifest::{ContentKind, Tally};
use lethe_ports::outbound::StoreError;

statement! {
    ChooseVotesCast = "sql/choose_votes_cast.sql" => (BigInt, BigInt) as (i64, i64) {
        user: BigInt = i64,
        first: BigInt = i64,
        second: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    EraseVotesCast<'a> = "sql/erase_votes_cast.sql" => (BigInt,) as (i64,) {
        user: BigInt = i64,
        owners: Array<BigInt> = &'a [i64],
        posts: Array<BigInt> = &'a [i64],
    }
}

statement! {
    ChooseVotesReceived = "sql/choose_votes_received.sql" => (BigInt, BigInt) as (i64, i64) {
        user: BigInt = i64,
        first: BigInt = i64,
        second: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    EraseVotesReceived<'a> = "sql/erase_votes_received.sql" => (BigInt,) as (i64,) {
        user: BigInt = i64,
        posts: Array<BigInt> = &'a [i64],
        voters: Array<BigInt> = &'a [i64],
    }
}

statement! {
    ChoosePosts = "sql/choose_posts.sql" => (BigInt,) as (i64,) {
        user: BigInt = i64,
        first: BigInt = i64,
        limit: BigInt = i64,
    }
}

/// How many rows were chosen, how many of them were removed, and the key of the last.
type ErasedRow = (i64, i64, Option<i64>);

statement! {
    ErasePreferences = "sql/erase_preferences.sql" => (BigInt, BigInt, Nullable<BigInt>) as ErasedRow {
        user: BigInt = i64,
        first: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    EraseChanges = "sql/erase_changes.sql" => (BigInt, BigInt, Nullable<BigInt>) as ErasedRow {
        user: BigInt = i64,
        first: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    EraseHolds = "sql/erase_holds.sql" => (BigInt, BigInt, Nullable<BigInt>) as ErasedRow {
        user: BigInt = i64,
        first: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    EraseReservations = "sql/erase_reservations.sql" {
        user: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    EraseAttempts = "sql/erase_attempts.sql" {
        user: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    CountContent = "sql/count_content.sql" => (BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt, BigInt) as ContentRow {
        user: BigInt = i64,
    }
}

#[derive(Debug, Queryable)]
pub(crate) struct ContentRow {
    reservations: i64,
    profile: i64,
    votes_cast: i64,
    votes_received: i64,
    posts: i64,
    preferences: i64,
    changes: i64,
    holds: i64,
    attempts: i64,
}

/// How much of each kind [`erase`] would remove.
pub(crate) async fn tally(lease: &mut Lease, user: UserId) -> Result<Tally, StoreError> {
    let row = CountContent { user: user.get() }.run(lease).await?.pop().ok_or_else(|| corrupt("a count"))?;
    Ok(Tally::of(|kind| {
        count(match kind {
            ContentKind::Reservations => row.reservations,
            ContentKind::Profile => row.profile,
            ContentKind::VotesCast => row.votes_cast,
            ContentKind::VotesReceived => row.votes_received,
            ContentKind::Posts => row.posts,
            ContentKind::Preferences => row.preferences,
            ContentKind::Changes => row.changes,
            ContentKind::Holds => row.holds,
            ContentKind::Attempts => row.attempts,
        })
    }))
}

/// What became of the rows that a chunk chose.
struct Part {
    chosen: usize,
    removed: usize,
    /// The key of the last that was chosen.
    last: Option<ErasureCursor>,
}

impl Part {
    /// Rows that are found in no order: there are never many.
    const fn whole(removed: usize) -> Self {
        Self { chosen: removed, removed, last: None }
    }
}

/// Removes at most `limit` rows of one kind that name the user, in the order of their keys from behind `after` on.
pub(crate) async fn erase(lease: &mut Lease, user: UserId, kind: ContentKind, after: ErasureCursor, limit: u32) -> Result<Chunk, Failure> {
    let mut chunk = Chunk { rows: 0, cursor: after };
    loop {
        let left = limit.saturating_sub(chunk.rows);
        let part = erase_part(lease, user.get(), kind, chunk.cursor, left).await?;
        chunk.rows = chunk.rows.saturating_add(small(part.removed));
        chunk.cursor = part.last.unwrap_or(chunk.cursor);
        // What somebody else removed in the meantime (a vote has two sides) is made up for: fewer than asked for says that there is no more.
        if small(part.chosen) < left || chunk.rows >= limit {
            return Ok(chunk);
        }
    }
}

fn small(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(u32::MAX)
}

async fn erase_part(lease: &mut Lease, user: i64, kind: ContentKind, after: ErasureCursor, limit: u32) -> Result<Part, Failure> {
    let (ErasureCursor(first, second), limit) = (after, i64::from(limit));
    match kind {
        ContentKind::Reservations => Ok(Part::whole(lease.execute(EraseReservations { user, limit }).await?)),
        ContentKind::Profile => Ok(Part::whole(erase_profile(lease, user).await?)),
        ContentKind::VotesCast => {
            let chosen = ChooseVotesCast { user, first, second, limit }.run(lease).await?;
            let (owners, posts) = (column(&chosen, |key| key.0), column(&chosen, |key| key.1));
            votes_part(&chosen, lease, EraseVotesCast { user, owners: &owners, posts: &posts }).await
        }
        ContentKind::VotesReceived => {
            let chosen = ChooseVotesReceived { user, first, second, limit }.run(lease).await?;
            let (posts, voters) = (column(&chosen, |key| key.0), column(&chosen, |key| key.1));
            votes_part(&chosen, lease, EraseVotesReceived { user, posts: &posts, voters: &voters }).await
        }
        ContentKind::Posts => erase_posts(lease, user, first, limit).await,
        ContentKind::Preferences => single_part(lease, ErasePreferences { user, first, limit }).await,
        ContentKind::Changes => single_part(lease, EraseChanges { user, first, limit }).await,
        ContentKind::Holds => single_part(lease, EraseHolds { user, first, limit }).await,
        ContentKind::Attempts => Ok(Part::whole(lease.execute(EraseAttempts { user, limit }).await?)),
    }
}

/// Removes votes that were chosen by their keys.
async fn votes_part(chosen: &[(i64, i64)], lease: &mut Lease, erase: impl Statement<Row = (i64,)>) -> Result<Part, Failure> {
    let removed = if chosen.is_empty() { 0 } else { erase.run(lease).await?.first().map_or(0, |(removed,)| unsigned(*removed)) };
    Ok(Part { chosen: chosen.len(), removed, last: chosen.last().map(|(first, second)| ErasureCursor(*first, *second)) })
}

/// Removes what one statement chooses and removes, by a key of one number.
async fn single_part(lease: &mut Lease, erase: impl Statement<Row = ErasedRow>) -> Result<Part, Failure> {
    let (chosen, removed, last) = erase.run(lease).await?.pop().unwrap_or_default();
    Ok(Part { chosen: unsigned(chosen), removed: unsigned(removed), last: last.map(of_one_number) })
}

fn unsigned(rows: i64) -> usize {
    usize::try_from(rows).unwrap_or(0)
}

const fn of_one_number(key: i64) -> ErasureCursor {
    ErasureCursor(key, 0)
}

async fn erase_posts(lease: &mut Lease, user: i64, first: i64, limit: i64) -> Result<Part, Failure> {
    let chosen = ChoosePosts { user, first, limit }.run(lease).await?;
    let ids = column(&chosen, |row| row.0);
    let removed = delete_posts(lease, user, &ids).await?;
    Ok(Part { chosen: ids.len(), removed, last: ids.last().copied().map(of_one_number) })
}

/// Removes posts that are locked, and the votes on them. Votes are looked for once the posts are locked: then none is in flight.
pub(crate) async fn delete_posts(lease: &mut Lease, author: i64, ids: &[i64]) -> Result<usize, Failure> {
    lease.execute(diesel::delete(votes::table.filter(votes::post_owner_id.eq(author)).filter(votes::post_id.eq_any(ids)))).await?;
    lease.execute(diesel::delete(posts::table.filter(posts::user_id.eq(author)).filter(posts::id.eq_any(ids)))).await
}

async fn erase_profile(lease: &mut Lease, user: i64) -> Result<usize, Failure> {
    let counters = (users::revision.eq(0), users::preference_keys.eq(0), users::preference_bytes.eq(0), users::log_begins_after.eq(0));
    let known = users::table.find(user).filter(users::username.is_not_null());
    lease.execute(diesel::update(known).set((PersonRow::default(), counters))).await
}
