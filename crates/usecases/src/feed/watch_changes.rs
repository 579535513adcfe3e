//! Following one user's changes.

use super::hub::{Subscription, size};
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

/// Changes that one who is behind reads at once, and bytes of them that it holds: there may be many who do not take what they are told.
const PAGE: u32 = 16;
const FOLLOWER_BYTES: usize = 64 * 1024;

/// How long a store that failed is left alone.
const PAUSE: Duration = Duration::from_secs(1);

impl<S: FeedStore + PreferenceStore + AccountStore + 'static> Lethe<S> {
    pub(crate) async fn watch_changes(&self, caller: &Caller, owner: UserId, since: Option<Revision>) -> Result<BoxStream<'static, FeedEvent>, KeyedError> {
        let act = Act::on(Operation::Read, owner);
        let fence = self.fence(caller, owner, &act).await?;
        // First of all, so that nothing is missed from here on.
        let subscription = self.hub.subscribe(owner).ok_or(KeyedError::TooManyFollowers)?;
        let setbacks = subscription.window.borrow().as_ref().map_or(0, |window| window.setbacks);
        let latest = match self.store.standing(&fence).await {
            Ok(standing) => standing.revision,
            Err(error) => return Err(self.keyed_refusal(caller, &act, error).await),
        };
        // A window that is ahead has not noticed yet that the store has fallen back.
        if subscription.window.borrow().as_ref().is_none_or(|window| window.latest > latest) {
            self.look_for_changes_of(vec![owner]).await?;
        }
        // Whoever is ahead has seen what is lost here.
        let (told, resync) = since.map_or((latest, None), |since| (since, (since > latest).then_some(latest)));
        let follower = Follower { lethe: self.clone(), fence, subscription, told, setbacks, pending: VecDeque::new(), resync, ended: false };
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
    /// How often the store had fallen back by then, as far as was known.
    setbacks: u64,
    pending: VecDeque<Arc<Change>>,
    /// A revision from which to go on, because what was before cannot be told.
    resync: Option<Revision>,
    ended: bool,
}

/// Where those changes are that are to be told next.
enum Next {
    Here(Vec<Arc<Change>>),
    /// The window does not reach back so far.
    InLog,
    NotMadeYet,
}

impl<S: FeedStore + PreferenceStore> Follower<S> {
    async fn next(&mut self) -> Option<FeedEvent> {
        if self.ended {
            return None;
        }
        loop {
            // First of all: of whoever is deleted nothing more is told, whatever is pending.
            if let Some(end) = self.look_at_window() {
                self.ended = true;
                return Some(FeedEvent::End(end));
            }
            if let Some(revision) = self.resync.take() {
                self.told = revision;
                self.pending.clear();
                return Some(FeedEvent::Resync(revision));
            }
            if let Some(change) = self.pending.pop_front() {
                self.told = change.revision;
                return Some(FeedEvent::Change(Change::clone(&change)));
            }
            match self.find_next() {
                Next::Here(changes) => self.pending = within_bounds(changes),
                Next::InLog => self.read_log().await,
                // The hub goes with the last who follows, and this one is there.
                Next::NotMadeYet => drop(self.subscription.window.changed().await),
            }
        }
    }

    /// Whether there is nothing more to be told; and notes whether the store has fallen back.
    fn look_at_window(&mut self) -> Option<FeedEnd> {
        let window = self.subscription.window.borrow_and_update();
        let window = window.as_ref()?;
        if std::mem::replace(&mut self.setbacks, window.setbacks) != window.setbacks {
            self.resync = Some(window.latest);
        }
        end(&self.fence, &window.account)
    }

    fn find_next(&self) -> Next {
        let window = self.subscription.window.borrow();
        match window.as_ref() {
            Some(window) if window.latest > self.told => window.after(self.told).map_or(Next::InLog, Next::Here),
            Some(_) | None => Next::NotMadeYet,
        }
    }

    /// Reads what the window does not reach back to, a part at a time.
    async fn read_log(&mut self) {
        match self.lethe.store.changes(&self.fence, self.told, PAGE).await {
            Ok(page) if Reach::of(self.told, page.begins_after, page.latest) != Reach::Kept => self.resync = Some(page.latest),
            // The window is ahead of the log: it will soon show why.
            Ok(page) if page.changes.is_empty() => drop(self.subscription.window.changed().await),
            Ok(page) => self.pending = within_bounds(page.changes.into_iter().map(Arc::new)),
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

/// The first changes, as far as one follower may hold. What is left is looked for again.
fn within_bounds(changes: impl IntoIterator<Item = Arc<Change>>) -> VecDeque<Arc<Change>> {
    let mut bytes = 0;
    let first = changes.into_iter().take_while(|change| {
        let fits = bytes == 0 || bytes + size(change) <= FOLLOWER_BYTES;
        bytes += size(change);
        fits
    });
    first.collect()
}

/// Whether there is nothing more to be told of an owner to whoever has this fence.
fn end(fence: &OwnerFence, account: &Account) -> Option<FeedEnd> {
    if !StatusSet::WRITABLE.contains(account.status()) {
        return Some(FeedEnd::Deleted);
    }
    (!fence.admits(account)).then_some(FeedEnd::Token)
}
