//! Removing a post.

use crate::Lethe;
use crate::retry::on_contention;
use lethe_domain::access::{Act, Operation};
use lethe_domain::content::PostKind;
use lethe_domain::id::{PostId, UserId};
use lethe_ports::Caller;
use lethe_ports::inbound::ContentError;
use lethe_ports::outbound::{AccountStore, ContentStore, Store, Tx};

impl<S: Store + AccountStore + ContentStore> Lethe<S> {
    pub(crate) async fn delete_post(&self, caller: &Caller, kind: PostKind, id: PostId) -> Result<(), ContentError> {
        self.authorize(caller, &Act::by_member(Operation::Delete)).await?;
        let author = self.store.post(kind, id).await?.ok_or(ContentError::NotFound)?.author.id;
        self.permit(caller, &Act::on(Operation::Delete, author))?;
        on_contention(|| self.store.transact(move |tx| Box::pin(async move { delete(tx, author, kind, id).await }))).await
    }
}

async fn delete(tx: &mut dyn Tx, author: UserId, kind: PostKind, id: PostId) -> Result<(), ContentError> {
    // Users before posts: the order in which everybody locks.
    tx.account_for_share(author).await?;
    tx.post_author_for_update(kind, id).await?.ok_or(ContentError::NotFound)?;
    Ok(tx.delete_post(author, id).await?)
}
