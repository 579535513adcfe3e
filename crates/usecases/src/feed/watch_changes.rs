//! Following one user's changes.

use super::hub::{Subscription, Window};
use crate::Lethe;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use lethe_domain::access::{Act, Operation};
use lethe_domain::account::{Account, StatusSet};
use lethe_domain::change::{Change, Reach};
use lethe_domain::id::{Revision, UserId};
use lethe_ports::Caller;
use lethe_ports::inbound::{FeedEnd, FeedEvent, KeyedError};
use lethe_ports::outbound::{AccountStore, FeedStore, OwnerFence, PreferenceStore, PreferenceStoreError};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Changes that one who is behind reads at once.
const PAGE: u32 = 100;

/// How long a store that failed is left alone.
const PAUSE: Duration = Duration::from_secs(1);

impl<S: FeedStore + PreferenceStore + AccountStore + 'static> Lethe<S> {
    pub(crate) async fn watch_changes(&self, caller: &Caller, owner: UserId, since: Option<Revision>) -> Result<BoxStream<'static, FeedEvent>, KeyedError> {
        let act = Act::on(Operation::Read, owner);
        let fence = self.fence(caller, owner, &act).await?;
        // First of all, so that nothing is missed from here on.
        let subscription = self.hub.subscribe(owner);
        let latest = match self.store.standing(&fence).await {
            Ok(standing) => standing.revision,
            Err(error) => return Err(self.keyed_refusal(caller, &act, error).await),
        };
        if subscription.window.borrow().is_none() {
            self.look_for_changes_of(vec![owner]).await?;
        }
        let follower = Follower::new(self.clone(), fence, subscription, since.unwrap_or(latest), latest);
        Ok(stream::unfold(follower, |mut follower| async move { follower.next().await.map(|event| (event, follower)) }).boxed())
    }
}

/// Somebody who follows.
struct Follower<S> {
    lethe: Lethe<S>,
    fence: OwnerFence,
    subscription: Subscription,
    /// The last change that was told.
    told: Revision,
    pending: VecDeque<Arc<Change>>,
    /// A revision from which to go on, because what was before cannot be told.
    resync: Option<Revision>,
    ended: bool,
}

impl<S: FeedStore + PreferenceStore> Follower<S> {
    fn new(lethe: Lethe<S>, fence: OwnerFence, subscription: Subscription, since: Revision, latest: Revision) -> Self {
        // Whoever is ahead has seen what is lost here.
        let resync = (since > latest).then_some(latest);
        Self { lethe, fence, subscription, told: since, pending: VecDeque::new(), resync, ended: false }
    }

    async fn next(&mut self) -> Option<FeedEvent> {
        if self.ended {
            return None;
        }
        loop {
            if let Some(revision) = self.resync.take() {
                self.told = revision;
                self.pending.clear();
                return Some(FeedEvent::Resync(revision));
            }
            if let Some(change) = self.pending.pop_front() {
                self.told = change.revision;
                return Some(FeedEvent::Change(Change::clone(&change)));
            }
            let window = self.subscription.window.borrow_and_update().clone();
            if let Some(end) = window.as_ref().and_then(|window| self.end(&window.account)) {
                self.ended = true;
                return Some(FeedEvent::End(end));
            }
            match window {
                Some(window) if window.latest > self.told => self.catch_up(&window).await,
                // The hub goes with the last who follows, and this one is there.
                Some(_) | None => drop(self.subscription.window.changed().await),
            }
        }
    }

    /// Whether there is nothing more to be told of the owner, to this follower.
    fn end(&self, account: &Account) -> Option<FeedEnd> {
        if !StatusSet::WRITABLE.contains(account.status()) {
            return Some(FeedEnd::Deleted);
        }
        (!self.fence.admits(account)).then_some(FeedEnd::Token)
    }

    async fn catch_up(&mut self, window: &Window) {
        if let Some(changes) = window.after(self.told) {
            self.pending = changes.into();
            return;
        }
        match self.lethe.store.changes(&self.fence, self.told, PAGE).await {
            Ok(page) if Reach::of(self.told, page.begins_after, page.latest) == Reach::Kept => self.pending = page.changes.into_iter().map(Arc::new).collect(),
            Ok(page) => self.resync = Some(page.latest),
            // By the next look it shows in the window what has become of the owner, or the store is back.
            Err(
                PreferenceStoreError::Store(_)
                | PreferenceStoreError::Refused
                | PreferenceStoreError::NotFound
                | PreferenceStoreError::Changed
                | PreferenceStoreError::KeyTaken
                | PreferenceStoreError::Quota(_),
            ) => sleep(PAUSE).await,
        }
    }
}
