//! Looking up posts and votes.

use async_trait::async_trait;
use lethe_domain::content::{Post, PostKind, Vote};
use lethe_domain::id::{PostId, UserId};
use lethe_domain::page::{Page, PageRequest};

use super::StoreError;

/// Posts and votes, for reading.
#[async_trait]
pub trait ContentStore: Send + Sync {
    /// One post.
    async fn post(&self, kind: PostKind, id: PostId) -> Result<Option<Post>, StoreError>;

    /// A page of posts, newest (highest id) first, of one author if one is given.
    async fn posts(&self, kind: PostKind, author: Option<UserId>, page: PageRequest) -> Result<Page<Post>, StoreError>;

    /// A page of the votes on a post, by voter; `None` if there is no such post.
    async fn votes(&self, kind: PostKind, id: PostId, page: PageRequest) -> Result<Option<Page<Vote>>, StoreError>;
}
