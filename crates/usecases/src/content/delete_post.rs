//! Removing a post.

use super::toggle_vote::exists;
use crate::Lethe;
use crate::access::permit;
use crate::once::Once;
use lethe_domain::access::{Act, Operation};
use lethe_domain::content::PostKind;
use lethe_domain::id::PostId;
use lethe_domain::time::Timestamp;
use lethe_ports::Caller;
use lethe_ports::inbound::ContentError;
use lethe_ports::outbound::{AccountStore, ContentStore, Store, Tx};

impl<S: Store + AccountStore + ContentStore> Lethe<S> {
    pub(crate) async fn delete_post(&self, caller: &Caller, kind: PostKind, id: PostId) -> Result<(), ContentError> {
        self.authorize(caller, &Act::by_member(Operation::Delete)).await?;
        self.once(Once::new(caller, caller.actor.user), || {
            let (caller, now) = (caller.clone(), self.clock.now());
            move |tx| Box::pin(async move { delete(tx, &caller, now, kind, id).await })
        })
        .await
    }
}

async fn delete(tx: &mut dyn Tx, caller: &Caller, now: Timestamp, kind: PostKind, id: PostId) -> Result<(), ContentError> {
    let author = tx.post_author(kind, id).await?.ok_or(ContentError::NotFound)?;
    // Users before posts: the order in which everybody locks.
    exists(tx.account_for_share(author).await?.as_ref())?;
    permit(caller, &Act::on(Operation::Delete, author), now)?;
    tx.post_author_for_update(kind, id).await?.ok_or(ContentError::NotFound)?;
    Ok(tx.delete_post(author, id).await?)
}
