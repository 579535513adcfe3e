//! Where each kind of content lies, and how it is counted and removed, a bounded number of rows at a time.
//!
//! A chunk reads its keys, in their order, and removes the range that they make up: one statement, whatever the number of rows.

use crate::error::corrupt;
use crate::row::count;
use crate::schema::{attempts, changes, holds, posts, preferences, reservations, users, votes};
use crate::user_row::{CountersRow, NamesRow, ProfileRow};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use lethe_domain::erasure::{Chunk, ErasureCursor};
use lethe_domain::id::UserId;
use lethe_domain::manifest::{ContentKind, Tally};
use std::collections::HashMap;

/// Removes the first `limit` rows of one kind that name `user`, from behind `after` on.
pub(crate) fn erase(connection: &mut SqliteConnection, user: UserId, kind: ContentKind, after: ErasureCursor, limit: u32) -> QueryResult<Chunk> {
    let (user, limit) = (user.get(), i64::from(limit));
    match kind {
        ContentKind::Reservations => chunk(reservations(connection, user, limit)?, after),
        ContentKind::Profile => chunk(profile(connection, user, limit)?, after),
        ContentKind::VotesCast => votes(connection, &CAST, user, after, limit),
        ContentKind::VotesReceived => votes(connection, &RECEIVED, user, after, limit),
        ContentKind::Posts => posts(connection, user, after, limit),
        ContentKind::Preferences => preferences(connection, user, after, limit),
        ContentKind::Changes => changes(connection, user, after, limit),
        ContentKind::Holds => holds(connection, user, after, limit),
        ContentKind::Attempts => chunk(attempts(connection, user, limit)?, after),
    }
}

/// How much of each kind names `user`: what [`erase`] would remove, each row once.
pub(crate) fn tally(connection: &mut SqliteConnection, user: UserId) -> QueryResult<Tally> {
    let counted = ContentKind::ALL.into_iter().map(|kind| Ok((kind, count(number(connection, user.get(), kind)?)?)));
    let counts = counted.collect::<QueryResult<HashMap<_, _>>>()?;
    Ok(Tally::of(|kind| counts.get(&kind).copied().unwrap_or_default()))
}

fn number(connection: &mut SqliteConnection, user: i64, kind: ContentKind) -> QueryResult<i64> {
    match kind {
        ContentKind::Reservations => reservations::table.filter(reservations::user_id.eq(user)).count().get_result(connection),
        ContentKind::Profile => users::table.find(user).filter(users::date_joined.is_not_null()).count().get_result(connection),
        ContentKind::VotesCast => votes::table.filter(votes::user_id.eq(user)).count().get_result(connection),
        ContentKind::VotesReceived => votes::table.filter(votes::post_owner_id.eq(user)).filter(votes::user_id.ne(user)).count().get_result(connection),
        ContentKind::Posts => posts::table.filter(posts::user_id.eq(user)).count().get_result(connection),
        ContentKind::Preferences => preferences::table.filter(preferences::user_id.eq(user)).count().get_result(connection),
        ContentKind::Changes => changes::table.filter(changes::user_id.eq(user)).count().get_result(connection),
        ContentKind::Holds => holds::table.filter(holds::user_id.eq(user)).count().get_result(connection),
        ContentKind::Attempts => attempts::table.filter(attempts::user_id.eq(user)).count().get_result(connection),
    }
}

fn chunk(rows: usize, cursor: ErasureCursor) -> QueryResult<Chunk> {
    let rows = rows.try_into().map_err(|_| corrupt("more rows went than were asked for"))?;
    Ok(Chunk { rows, cursor })
}

/// Removes a chunk from a table that has nothing but the user and one number in its key.
macro_rules! one_table {
    ($table:ident, $key:ident) => {
        fn $table(connection: &mut SqliteConnection, user: i64, after: ErasureCursor, limit: i64) -> QueryResult<Chunk> {
            let left = $table::table.filter($table::user_id.eq(user)).filter($table::$key.gt(after.0));
            let keys: Vec<i64> = left.order($table::$key).limit(limit).select($table::$key).load(connection)?;
            let Some(last) = keys.last().copied() else { return chunk(0, after) };
            chunk(diesel::delete(left.filter($table::$key.le(last))).execute(connection)?, ErasureCursor(last, 0))
        }
    };
}

one_table!(posts, id);
one_table!(preferences, id);
one_table!(changes, revision);
one_table!(holds, id);

fn reservations(connection: &mut SqliteConnection, user: i64, limit: i64) -> QueryResult<usize> {
    let own = reservations::table.filter(reservations::user_id.eq(user)).limit(limit);
    let names: Vec<(String, String)> = own.select((reservations::kind, reservations::value)).load(connection)?;
    for (kind, value) in &names {
        diesel::delete(reservations::table.find((kind, value))).execute(connection)?;
    }
    Ok(names.len())
}

fn attempts(connection: &mut SqliteConnection, user: i64, limit: i64) -> QueryResult<usize> {
    let own = attempts::table.filter(attempts::user_id.eq(user)).limit(limit);
    let keys: Vec<(i64, String)> = own.select((attempts::actor, attempts::scope)).load(connection)?;
    for (actor, scope) in &keys {
        diesel::delete(attempts::table.find((user, actor, scope))).execute(connection)?;
    }
    Ok(keys.len())
}

/// Whatever the user's row says of the person; the row itself stays. It is done once: `date_joined` is null only afterwards.
fn profile(connection: &mut SqliteConnection, user: i64, limit: i64) -> QueryResult<usize> {
    if limit == 0 {
        return Ok(0);
    }
    let person = users::table.find(user).filter(users::date_joined.is_not_null());
    diesel::update(person).set((NamesRow::default(), ProfileRow::default(), CountersRow::default(), users::log_begins_after.eq(0))).execute(connection)
}

/// The votes of one kind: which they are, and what orders them. Each is a range of one index, which the comparison of pairs can use and
/// diesel cannot say.
struct Votes {
    of_user: &'static str,
    first: &'static str,
    second: &'static str,
}

const CAST: Votes = Votes { of_user: "user_id = ?1", first: "post_owner_id", second: "post_id" };

/// Without the user's own, which are among those that it cast.
const RECEIVED: Votes = Votes { of_user: "post_owner_id = ?1 AND user_id <> ?1", first: "post_id", second: "user_id" };

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = BigInt)]
    first: i64,
    #[diesel(sql_type = BigInt)]
    second: i64,
}

fn votes(connection: &mut SqliteConnection, kind: &Votes, user: i64, after: ErasureCursor, limit: i64) -> QueryResult<Chunk> {
    let Votes { of_user, first, second } = kind;
    let left = format!("{of_user} AND ({first}, {second}) > (?2, ?3)");
    let keys = format!("SELECT {first} AS first, {second} AS second FROM votes WHERE {left} ORDER BY {first}, {second} LIMIT ?4");
    let keys = sql_query(keys).bind::<BigInt, _>(user).bind::<BigInt, _>(after.0).bind::<BigInt, _>(after.1).bind::<BigInt, _>(limit);
    let keys: Vec<KeyRow> = keys.load(connection)?;
    let Some(last) = keys.last().map(|key| ErasureCursor(key.first, key.second)) else { return chunk(0, after) };
    let range = format!("{left} AND ({first}, {second}) <= (?4, ?5)");
    // The counters first: they go by the votes that are still there.
    let uncount = format!(
        "UPDATE posts SET vote_count = vote_count - gone
         FROM (SELECT post_owner_id, post_id, count(*) AS gone FROM votes WHERE {range} GROUP BY post_owner_id, post_id) AS v
         WHERE posts.user_id = v.post_owner_id AND posts.id = v.post_id"
    );
    let mut removed = 0;
    for statement in [uncount, format!("DELETE FROM votes WHERE {range}")] {
        let bound = sql_query(statement).bind::<BigInt, _>(user).bind::<BigInt, _>(after.0).bind::<BigInt, _>(after.1);
        removed = bound.bind::<BigInt, _>(last.0).bind::<BigInt, _>(last.1).execute(connection)?;
    }
    chunk(removed, last)
}
