//! Where each kind of content lies, and how it is removed, a bounded number of rows at a time.

use crate::error::corrupt;
use crate::schema::{changes, posts, preferences, reservations, users, votes};
use crate::user_row::{CountersRow, NamesRow, ProfileRow};
use crate::votes::{VoteKey, take_back};
use diesel::prelude::*;
use lethe_domain::manifest::ContentKind;
use lethe_domain::id::UserId;

/// Removes at most `limit` rows of one kind that name `user`, and returns how many went.
pub(crate) fn erase(connection: &mut SqliteConnection, user: UserId, kind: ContentKind, limit: u32) -> QueryResult<u32> {
    let erase_kind = match kind {
        ContentKind::VotesCast => votes_cast,
        ContentKind::VotesReceived => votes_received,
        ContentKind::Posts => posts,
        ContentKind::Preferences => preferences,
        ContentKind::Changes => changes,
        ContentKind::Reservations => reservations,
        ContentKind::Profile => profile,
    };
    let removed = erase_kind(connection, user.get(), limit.into())?;
    removed.try_into().map_err(|_| corrupt("more rows went than were asked for"))
}

fn votes_cast(connection: &mut SqliteConnection, user: i64, limit: i64) -> QueryResult<usize> {
    let cast = votes::table.filter(votes::user_id.eq(user)).limit(limit).select(VoteKey::as_select());
    let keys = cast.load(connection)?;
    take_all_back(connection, keys)
}

fn votes_received(connection: &mut SqliteConnection, user: i64, limit: i64) -> QueryResult<usize> {
    let received = votes::table.filter(votes::post_owner_id.eq(user)).limit(limit).select(VoteKey::as_select());
    let keys = received.load(connection)?;
    take_all_back(connection, keys)
}

fn take_all_back(connection: &mut SqliteConnection, votes: Vec<VoteKey>) -> QueryResult<usize> {
    let number = votes.len();
    votes.into_iter().try_for_each(|vote| take_back(connection, vote).map(drop))?;
    Ok(number)
}

fn posts(connection: &mut SqliteConnection, user: i64, limit: i64) -> QueryResult<usize> {
    let own = posts::table.filter(posts::user_id.eq(user));
    let first_to_stay: Option<i64> = own.order(posts::id).offset(limit).select(posts::id).first(connection).optional()?;
    match first_to_stay {
        Some(id) => diesel::delete(own.filter(posts::id.lt(id))).execute(connection),
        None => diesel::delete(own).execute(connection),
    }
}

fn preferences(connection: &mut SqliteConnection, user: i64, limit: i64) -> QueryResult<usize> {
    let own = preferences::table.filter(preferences::user_id.eq(user));
    let first_to_stay: Option<i64> = own.order(preferences::id).offset(limit).select(preferences::id).first(connection).optional()?;
    match first_to_stay {
        Some(id) => diesel::delete(own.filter(preferences::id.lt(id))).execute(connection),
        None => diesel::delete(own).execute(connection),
    }
}

fn changes(connection: &mut SqliteConnection, user: i64, limit: i64) -> QueryResult<usize> {
    let own = changes::table.filter(changes::user_id.eq(user));
    let first_to_stay: Option<i64> = own.order(changes::revision).offset(limit).select(changes::revision).first(connection).optional()?;
    match first_to_stay {
        Some(revision) => diesel::delete(own.filter(changes::revision.lt(revision))).execute(connection),
        None => diesel::delete(own).execute(connection),
    }
}

fn reservations(connection: &mut SqliteConnection, user: i64, limit: i64) -> QueryResult<usize> {
    let own = reservations::table.filter(reservations::user_id.eq(user)).limit(limit);
    let names: Vec<(String, String)> = own.select((reservations::kind, reservations::value)).load(connection)?;
    for (kind, value) in &names {
        diesel::delete(reservations::table.find((kind, value))).execute(connection)?;
    }
    Ok(names.len())
}

/// Whatever the user's row says of the person; the row itself stays. It is done once: `date_joined` is null only afterwards.
fn profile(connection: &mut SqliteConnection, user: i64, limit: i64) -> QueryResult<usize> {
    if limit == 0 {
        return Ok(0);
    }
    let person = users::table.find(user).filter(users::date_joined.is_not_null());
    diesel::update(person).set((NamesRow::default(), ProfileRow::default(), CountersRow::default())).execute(connection)
}
