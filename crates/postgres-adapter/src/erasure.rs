//! Removing what a user leaves behind, kind by kind, in chunks.

use crate::Lease;
use crate::error::Failure;
use crate::row::PersonRow;
use crate::schema::{posts, users, votes};
use crate::statement::{Statement, statement};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use lethe_domain::UserId;
use lethe_domain::manifest::ContentKind;

statement! {
    EraseVotesCast = "sql/erase_votes_cast.sql" => (BigInt,) as (i64,) {
        user: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    EraseVotesReceived = "sql/erase_votes_received.sql" {
        user: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    ErasePreferences = "sql/erase_preferences.sql" {
        user: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    EraseChanges = "sql/erase_changes.sql" {
        user: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    EraseReservations = "sql/erase_reservations.sql" {
        user: BigInt = i64,
        limit: BigInt = i64,
    }
}

/// Removes at most `limit` rows of one kind that name the user, and returns how many went.
pub(crate) async fn erase(lease: &mut Lease, user: UserId, kind: ContentKind, limit: u32) -> Result<u32, Failure> {
    let (user, limit) = (user.get(), i64::from(limit));
    let gone = match kind {
        ContentKind::VotesCast => {
            let removed = EraseVotesCast { user, limit }.run(lease).await?;
            removed.first().map_or(0, |(count,)| usize::try_from(*count).unwrap_or(0))
        }
        ContentKind::VotesReceived => lease.execute(EraseVotesReceived { user, limit }).await?,
        ContentKind::Posts => erase_posts(lease, user, limit).await?,
        ContentKind::Preferences => lease.execute(ErasePreferences { user, limit }).await?,
        ContentKind::Changes => lease.execute(EraseChanges { user, limit }).await?,
        ContentKind::Reservations => lease.execute(EraseReservations { user, limit }).await?,
        ContentKind::Profile => erase_profile(lease, user).await?,
    };
    Ok(u32::try_from(gone).unwrap_or(u32::MAX))
}

async fn erase_posts(lease: &mut Lease, author: i64, limit: i64) -> Result<usize, Failure> {
    let chosen = posts::table.filter(posts::user_id.eq(author)).select(posts::id).order(posts::id).limit(limit).for_update();
    let ids: Vec<i64> = lease.rows(chosen).await?;
    delete_posts(lease, author, &ids).await
}

/// Removes posts that are locked, and the votes on them. Votes are looked for once the posts are locked: then none is in flight.
pub(crate) async fn delete_posts(lease: &mut Lease, author: i64, ids: &[i64]) -> Result<usize, Failure> {
    lease.execute(diesel::delete(votes::table.filter(votes::post_owner_id.eq(author)).filter(votes::post_id.eq_any(ids)))).await?;
    lease.execute(diesel::delete(posts::table.filter(posts::user_id.eq(author)).filter(posts::id.eq_any(ids)))).await
}

async fn erase_profile(lease: &mut Lease, user: i64) -> Result<usize, Failure> {
    let counters = (users::revision.eq(0), users::preference_keys.eq(0), users::preference_bytes.eq(0));
    let known = users::table.find(user).filter(users::username.is_not_null());
    lease.execute(diesel::update(known).set((PersonRow::default(), counters))).await
}
