//! Looking up posts and votes. What an erased user published does not exist, also while it is still being removed.

use crate::PgStore;
use crate::connection::Patience;
use crate::row::{AuthorRow, PostRow, author, count};
use crate::schema::{posts, users, votes};
use async_trait::async_trait;
use diesel::dsl::count_star;
use diesel::pg::Pg;
use diesel::prelude::*;
use lethe_domain::content::{Post, PostKind, Reaction, Vote};
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::{PostId, Timestamp, UserId};
use lethe_ports::outbound::{ContentStore, StoreError};

/// The columns of a vote and its voter.
type VoteRow = (AuthorRow, chrono::DateTime<chrono::Utc>);

#[async_trait]
impl ContentStore for PgStore {
    async fn post(&self, kind: PostKind, id: PostId) -> Result<Option<Post>, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let found = published().filter(posts::id.eq(id.get())).filter(posts::kind.eq(kind.name()));
        let row: Option<(PostRow, AuthorRow)> = lease.first(found.select((PostRow::as_select(), AUTHOR))).await?;
        row.map(|(post, writer)| post.post(author(writer)?)).transpose()
    }

    async fn posts(&self, kind: PostKind, author: Option<UserId>, page: PageRequest) -> Result<Page<Post>, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let whole: Option<i64> = lease.first(listed(kind, author).select(count_star())).await?;
        let part = listed(kind, author).order(posts::id.desc()).limit(i64::from(page.limit())).offset(i64::try_from(page.offset()).unwrap_or(i64::MAX));
        let rows: Vec<(PostRow, AuthorRow)> = lease.rows(part.select((PostRow::as_select(), AUTHOR))).await?;
        let items = rows.into_iter().map(|(post, writer)| post.post(crate::row::author(writer)?)).collect::<Result<_, _>>()?;
        Ok(Page { count: count(whole.unwrap_or(0)), items })
    }

    async fn votes(&self, kind: PostKind, id: PostId, page: PageRequest) -> Result<Option<Page<Vote>>, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let found = published().filter(posts::id.eq(id.get())).filter(posts::kind.eq(kind.name()));
        let owner: Option<i64> = lease.first(found.select(posts::user_id)).await?;
        let Some(owner) = owner else { return Ok(None) };
        let cast = || {
            let voters = votes::table.inner_join(users::table.on(users::id.eq(votes::user_id))).filter(users::username.is_not_null());
            voters.filter(votes::post_owner_id.eq(owner)).filter(votes::post_id.eq(id.get()))
        };
        let whole: Option<i64> = lease.first(cast().select(count_star())).await?;
        let part = cast().order(votes::user_id).limit(i64::from(page.limit())).offset(i64::try_from(page.offset()).unwrap_or(i64::MAX));
        let rows: Vec<VoteRow> = lease.rows(part.select((AUTHOR, votes::voted_at))).await?;
        let items = rows.into_iter().map(vote).collect::<Result<_, _>>()?;
        Ok(Some(Page { count: count(whole.unwrap_or(0)), items }))
    }
}

/// The columns of an [`AuthorRow`].
const AUTHOR: (users::id, users::username, users::status) = (users::id, users::username, users::status);

#[diesel::dsl::auto_type]
fn published() -> _ {
    posts::table.inner_join(users::table.on(users::id.eq(posts::user_id))).filter(users::username.is_not_null())
}

#[diesel::dsl::auto_type]
fn of_kind(kind: &'static str) -> _ {
    let published: published = published();
    published.filter(posts::kind.eq(kind))
}

fn listed(kind: PostKind, author: Option<UserId>) -> diesel::helper_types::IntoBoxed<'static, of_kind, Pg> {
    let listed = of_kind(kind.name()).into_boxed();
    match author {
        Some(author) => listed.filter(posts::user_id.eq(author.get())),
        None => listed,
    }
}

fn vote((voter, voted_at): VoteRow) -> Result<Vote, StoreError> {
    Ok(Vote { voter: author(voter)?, reaction: Reaction::Like, voted_at: Timestamp::new(voted_at) })
}
