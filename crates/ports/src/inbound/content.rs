//! Posts and votes.

use super::AccessError;
use crate::caller::Caller;
use crate::outbound::StoreError;
use async_trait::async_trait;
use lethe_domain::content::{Post, PostKind, PostText, PostTitle, Reaction, Vote};
use lethe_domain::id::{PostId, UserId};
use lethe_domain::page::{Page, PageRequest};

/// Why nothing came of a request about posts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The caller may not.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// There is no such post.
    #[error("no such post")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Posts and votes. Every user may read them; who is blocked may not publish.
#[async_trait]
pub trait Content: Send + Sync {
    /// Publishes a post as the caller.
    async fn publish(&self, caller: &Caller, kind: PostKind, title: PostTitle, text: PostText) -> Result<Post, ContentError>;
    /// One post.
    async fn get_post(&self, caller: &Caller, kind: PostKind, id: PostId) -> Result<Post, ContentError>;
    /// A page of posts, newest first, of one author if one is given.
    async fn list_posts(&self, caller: &Caller, kind: PostKind, author: Option<UserId>, page: PageRequest) -> Result<Page<Post>, ContentError>;
    /// Removes a post. For its author and admins.
    async fn delete_post(&self, caller: &Caller, kind: PostKind, id: PostId) -> Result<(), ContentError>;
    /// Casts the caller's vote on a post, or takes it back.
    async fn toggle_vote(&self, caller: &Caller, kind: PostKind, id: PostId, reaction: Reaction) -> Result<(), ContentError>;
    /// A page of the votes on a post.
    async fn list_votes(&self, caller: &Caller, kind: PostKind, id: PostId, page: PageRequest) -> Result<Page<Vote>, ContentError>;
}
