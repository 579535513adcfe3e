//! Reading posts and the votes on them.

use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::content::{Post, PostKind, Vote};
use lethe_domain::id::{PostId, UserId};
use lethe_domain::page::{Page, PageRequest};
use lethe_ports::Caller;
use lethe_ports::inbound::ContentError;
use lethe_ports::outbound::{AccountStore, ContentStore};

impl<S: AccountStore + ContentStore> Lethe<S> {
    pub(crate) async fn get_post(&self, caller: &Caller, kind: PostKind, id: PostId) -> Result<Post, ContentError> {
        self.authorize(caller, &Act::by_member(Operation::Read)).await?;
        self.store.post(kind, id).await?.ok_or(ContentError::NotFound)
    }

    pub(crate) async fn list_posts(&self, caller: &Caller, kind: PostKind, author: Option<UserId>, page: PageRequest) -> Result<Page<Post>, ContentError> {
        self.authorize(caller, &Act::by_member(Operation::Read)).await?;
        Ok(self.store.posts(kind, author, page).await?)
    }

    pub(crate) async fn list_votes(&self, caller: &Caller, kind: PostKind, id: PostId, page: PageRequest) -> Result<Page<Vote>, ContentError> {
        self.authorize(caller, &Act::by_member(Operation::Read)).await?;
        self.store.votes(kind, id, page).await?.ok_or(ContentError::NotFound)
    }
}
