//! The one place that casts votes and takes them back: their rows and the posts' counters move together.

use crate::row::VoteRow;
use crate::schema::{posts, votes};
use diesel::prelude::*;

/// Which vote: by whom, and on whose post.
#[derive(Debug, Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = votes)]
pub(crate) struct VoteKey {
    #[diesel(column_name = user_id)]
    pub(crate) voter: i64,
    #[diesel(column_name = post_owner_id)]
    pub(crate) author: i64,
    #[diesel(column_name = post_id)]
    pub(crate) post: i64,
}

/// Casts a vote that is not there yet.
pub(crate) fn cast(connection: &mut SqliteConnection, vote: &VoteRow) -> QueryResult<()> {
    diesel::insert_into(votes::table).values(vote).execute(connection)?;
    count(connection, vote.key(), 1)
}

/// Takes a vote back, and says whether it was there.
pub(crate) fn take_back(connection: &mut SqliteConnection, vote: VoteKey) -> QueryResult<bool> {
    let key = (vote.voter, vote.author, vote.post);
    let was_there = diesel::delete(votes::table.find(key)).execute(connection)? > 0;
    if was_there {
        count(connection, vote, -1)?;
    }
    Ok(was_there)
}

fn count(connection: &mut SqliteConnection, vote: VoteKey, step: i64) -> QueryResult<()> {
    let post = posts::table.find((vote.author, vote.post));
    diesel::update(post).set(posts::vote_count.eq(posts::vote_count + step)).execute(connection)?;
    Ok(())
}
