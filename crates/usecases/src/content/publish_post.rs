//! Publishing a post.

use crate::Lethe;
use crate::access::{admits, is_alive};
use crate::once::Once;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::StatusSet;
use lethe_domain::content::{NewPost, Post, PostKind, PostText, PostTitle};
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, ContentError};
use lethe_ports::outbound::{AccountStore, ContentStore, Store, StoreError, Tx};

/// Holds the caller's account for as long as it publishes: a hard delete waits, or has happened.
pub(super) async fn hold_publisher(tx: &mut dyn Tx, caller: &Caller) -> Result<(), AccessError> {
    let account = tx.account_for_share(caller.actor.user).await?;
    is_alive(caller, account.as_ref())?;
    admits(StatusSet::PUBLISHING, account.as_ref())
}

impl<S: Store + AccountStore + ContentStore> Lethe<S> {
    pub(crate) async fn publish_post(&self, caller: &Caller, kind: PostKind, title: PostTitle, text: PostText) -> Result<Post, ContentError> {
        self.authorize(caller, &Act::by_member(Operation::Create)).await?;
        let new = NewPost { author: caller.actor.user, kind, title, text };
        let now = self.clock.now();
        let id = self
            .once(Once::new(caller, caller.actor.user), || {
                let (caller, new) = (caller.clone(), new.clone());
                move |tx| {
                    Box::pin(async move {
                        hold_publisher(tx, &caller).await?;
                        Ok::<_, ContentError>(tx.insert_post(&new, now).await?)
                    })
                }
            })
            .await?;
        let published = self.store.post(kind, id).await?;
        published.ok_or_else(|| {
            if caller.is_replayed() { AccessError::AttemptExpired.into() } else { StoreError::Contention("the post was deleted at once".into()).into() }
        })
    }
}
