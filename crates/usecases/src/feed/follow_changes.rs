//! Learning of changes: the one reader of the log on this node, and whoever tells other nodes.

use super::hub::Window;
use crate::Lethe;
use futures_util::StreamExt;
use lethe_domain::account::StatusSet;
use lethe_domain::change::{LogPage, Reach};
use lethe_domain::id::{Revision, UserId};
use lethe_ports::inbound::Work;
use lethe_ports::outbound::{FeedStore, Hint, OwnerFence, Position, PreferenceStore, PreferenceStoreError, StoreError};
use std::time::Duration;
use tokio::time::sleep;

/// Changes that are read at once.
const PAGE: u32 = 64;

/// Between two hints to other nodes: what is written meanwhile is in the next one.
const REST: Duration = Duration::from_millis(5);

impl<S: FeedStore + PreferenceStore> Lethe<S> {
    /// Reads what happened to everyone who is followed.
    pub(crate) async fn look_for_all_changes(&self) -> Result<Work, StoreError> {
        self.look_for_changes_of(self.hub.followed()).await?;
        Ok(Work::Nothing)
    }

    /// Reads whenever there is a reason to. What fails is made up for when everyone is looked at.
    pub(crate) async fn follow_all_changes(&self) {
        let mut hints = self.store.hints();
        loop {
            let owners = tokio::select! {
                touched = self.hub.touched() => self.hub.followed_among(touched),
                hint = hints.next() => match hint {
                    Some(Hint::Owners(owners)) => self.hub.followed_among(owners),
                    Some(Hint::Anything) => self.hub.followed(),
                    None => return,
                },
            };
            // A store that is away is complained of by whoever looks at everyone.
            drop(self.look_for_changes_of(owners).await);
        }
    }

    /// Hints to other nodes, for as many writes at once as have come together.
    pub(crate) async fn tell_of_all_changes(&self) {
        loop {
            let owners: Vec<_> = self.hub.untold().await.into_iter().collect();
            // Who misses a hint looks by itself.
            drop(self.store.hint(&owners).await);
            sleep(REST).await;
        }
    }

    /// Reads what happened to some who are followed, and tells those who follow.
    pub(super) async fn look_for_changes_of(&self, owners: Vec<UserId>) -> Result<(), StoreError> {
        if owners.is_empty() {
            return Ok(());
        }
        let _turn = self.hub.reader.lock().await;
        for position in self.store.positions(&owners).await? {
            self.catch_up(position).await?;
        }
        Ok(())
    }

    async fn catch_up(&self, position: Position) -> Result<(), StoreError> {
        let owner = position.account.id;
        let Some(known) = self.hub.known(owner) else { return Ok(()) };
        let Some(window) = known.borrow().clone() else {
            known.send_replace(Some(Window::new(position.account, position.revision)));
            return Ok(());
        };
        let mut news = window.clone();
        news.account = position.account;
        if news.latest > position.revision {
            news.fall_back_to(position.revision);
        }
        while news.latest < position.revision {
            match self.read_log(owner, news.latest).await? {
                Some(page) if Reach::of(news.latest, page.begins_after, page.latest) == Reach::Kept && !page.changes.is_empty() => news.extend(page.changes),
                Some(_) | None => news.skip_to(position.revision),
            }
        }
        if news.latest != window.latest || news.account != window.account {
            known.send_replace(Some(news));
        }
        Ok(())
    }

    /// What happened since; `None`: the owner is not there any more.
    async fn read_log(&self, owner: UserId, since: Revision) -> Result<Option<LogPage>, StoreError> {
        let fence = OwnerFence { owner, states: StatusSet::READABLE, issued_at: None };
        match self.store.changes(&fence, since, PAGE).await {
            Ok(page) => Ok(Some(page)),
            Err(PreferenceStoreError::Store(error)) => Err(error),
            Err(
                PreferenceStoreError::Refused
                | PreferenceStoreError::NotFound
                | PreferenceStoreError::Changed
                | PreferenceStoreError::KeyTaken
                | PreferenceStoreError::Quota(_),
            ) => Ok(None),
        }
    }
}
