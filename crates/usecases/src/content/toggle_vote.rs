//! Casting a vote, or taking it back.

use super::publish_post::hold_publisher;
use crate::Lethe;
use crate::once::Once;
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::{Account, UserStatus};
use lethe_domain::content::{PostKind, Reaction};
use lethe_domain::id::PostId;
use lethe_domain::time::Timestamp;
use lethe_ports::Caller;
use lethe_ports::inbound::ContentError;
use lethe_ports::outbound::{AccountStore, Store, Tx};

/// A vote that is to be toggled.
#[derive(Debug, Clone, Copy)]
struct Toggle {
    kind: PostKind,
    post: PostId,
    reaction: Reaction,
    now: Timestamp,
}

impl<S: Store + AccountStore> Lethe<S> {
    pub(crate) async fn toggle_vote(&self, caller: &Caller, kind: PostKind, post: PostId, reaction: Reaction) -> Result<(), ContentError> {
        self.authorize(caller, &Act::by_member(Operation::Create)).await?;
        let toggle = Toggle { kind, post, reaction, now: self.clock.now() };
        self.once(Once::new(caller, caller.actor.user), || {
            let caller = caller.clone();
            move |tx| Box::pin(async move { make(tx, &caller, toggle).await })
        })
        .await
    }
}

/// What an erased user published does not exist, also while it is still being removed.
pub(super) fn exists(author: Option<&Account>) -> Result<(), ContentError> {
    match author.map(Account::status) {
        Some(UserStatus::Active | UserStatus::Blocked | UserStatus::SoftDeleted) => Ok(()),
        Some(UserStatus::Erased) | None => Err(ContentError::NotFound),
    }
}

async fn make(tx: &mut dyn Tx, caller: &Caller, toggle: Toggle) -> Result<(), ContentError> {
    hold_publisher(tx, caller).await?;
    // The author is held before the post is locked: users before posts, the order in which everybody locks.
    let author = tx.post_author(toggle.kind, toggle.post).await?.ok_or(ContentError::NotFound)?;
    exists(tx.account_for_share(author).await?.as_ref())?;
    tx.post_author_for_update(toggle.kind, toggle.post).await?.ok_or(ContentError::NotFound)?;
    Ok(tx.toggle_vote(caller.actor.user, author, toggle.post, toggle.reaction, toggle.now).await?)
}
