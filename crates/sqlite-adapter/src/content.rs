//! Posts and votes.
//!
//! What an erased user published is gone from the moment of the erasure, also while its rows are still being removed.

use crate::SqliteStore;
use crate::accounts::not_erased;
use crate::ids::{IdKind, next_id};
use crate::row::{PostRow, VoteRow, count};
use crate::schema::{posts, users, votes};
use crate::user_row::AuthorRow;
use crate::votes::{cast, take_back};
use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use lethe_domain::content::{NewPost, Post, PostKind, Vote};
use lethe_domain::id::{PostId, UserId};
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::time::Timestamp;
use lethe_ports::outbound::{ContentStore, StoreError};

#[async_trait]
impl ContentStore for SqliteStore {
    async fn post(&self, kind: PostKind, id: PostId) -> Result<Option<Post>, StoreError> {
        self.readers().look_up(|connection| Ok(post(connection, kind, id)?)).await
    }

    async fn posts(&self, kind: PostKind, author: Option<UserId>, page: PageRequest) -> Result<Page<Post>, StoreError> {
        self.readers().scan(move |connection| Ok(page_of_posts(connection, kind, author, page)?)).await
    }

    async fn votes(&self, kind: PostKind, id: PostId, page: PageRequest) -> Result<Option<Page<Vote>>, StoreError> {
        self.readers().scan(move |connection| Ok(page_of_votes(connection, kind, id, page)?)).await
    }
}

/// The author of a post.
pub(crate) fn post_author(connection: &mut SqliteConnection, kind: PostKind, id: PostId) -> QueryResult<Option<UserId>> {
    let query = posts::table.inner_join(users::table).filter(posts::id.eq(id.get())).filter(posts::kind.eq(kind.name()));
    let author: Option<i64> = query.filter(not_erased()).select(users::id).get_result(connection).optional()?;
    Ok(author.map(UserId::new))
}

/// Publishes a post.
pub(crate) fn insert_post(connection: &mut SqliteConnection, post: &NewPost, now: Timestamp) -> QueryResult<PostId> {
    let id = PostId::new(next_id(connection, IdKind::Post)?);
    diesel::insert_into(posts::table).values(PostRow::new(id, post, now, now)).execute(connection)?;
    Ok(id)
}

/// Removes a post, and the votes on it.
pub(crate) fn delete_post(connection: &mut SqliteConnection, author: UserId, id: PostId) -> QueryResult<()> {
    let received = votes::table.filter(votes::post_owner_id.eq(author.get())).filter(votes::post_id.eq(id.get()));
    diesel::delete(received).execute(connection)?;
    diesel::delete(posts::table.find((author.get(), id.get()))).execute(connection)?;
    Ok(())
}

/// Casts a vote, or takes it back if it is there.
pub(crate) fn toggle_vote(connection: &mut SqliteConnection, vote: &VoteRow) -> QueryResult<()> {
    if take_back(connection, vote.key())? { Ok(()) } else { cast(connection, vote) }
}

fn post(connection: &mut SqliteConnection, kind: PostKind, id: PostId) -> QueryResult<Option<Post>> {
    let query = posts::table.inner_join(users::table).filter(posts::id.eq(id.get())).filter(posts::kind.eq(kind.name()));
    let row: Option<(PostRow, AuthorRow)> =
        query.filter(not_erased()).select((PostRow::as_select(), AuthorRow::as_select())).get_result(connection).optional()?;
    row.map(|(post, author)| post.into_post(author)).transpose()
}

fn page_of_posts(connection: &mut SqliteConnection, kind: PostKind, author: Option<UserId>, page: PageRequest) -> QueryResult<Page<Post>> {
    let published = || {
        let query = posts::table.inner_join(users::table).filter(posts::kind.eq(kind.name()));
        let query = query.filter(not_erased()).into_boxed::<Sqlite>();
        match author {
            Some(author) => query.filter(posts::user_id.eq(author.get())),
            None => query,
        }
    };
    let all: i64 = published().count().get_result(connection)?;
    let rows: Vec<(PostRow, AuthorRow)> = published()
        .order(posts::id.desc())
        .limit(page.limit().into())
        .offset(page.offset().cast_signed())
        .select((PostRow::as_select(), AuthorRow::as_select()))
        .load(connection)?;
    let items = rows.into_iter().map(|(post, author)| post.into_post(author)).collect::<QueryResult<_>>()?;
    Ok(Page { count: count(all)?, items })
}

fn page_of_votes(connection: &mut SqliteConnection, kind: PostKind, id: PostId, page: PageRequest) -> QueryResult<Option<Page<Vote>>> {
    let Some(author) = post_author(connection, kind, id)? else { return Ok(None) };
    let cast = votes::table.inner_join(users::table).filter(votes::post_owner_id.eq(author.get())).filter(votes::post_id.eq(id.get())).filter(not_erased());
    let all: i64 = cast.count().get_result(connection)?;
    let rows: Vec<(VoteRow, AuthorRow)> = cast
        .order(votes::user_id)
        .limit(page.limit().into())
        .offset(page.offset().cast_signed())
        .select((VoteRow::as_select(), AuthorRow::as_select()))
        .load(connection)?;
    let items = rows.into_iter().map(|(vote, voter)| vote.into_vote(voter)).collect::<QueryResult<_>>()?;
    Ok(Some(Page { count: count(all)?, items }))
}
