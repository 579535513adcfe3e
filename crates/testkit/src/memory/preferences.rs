//! Preferences, one by one.

use super::MemoryStore;
use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use lethe_domain::change::{Change, LogPage};
use lethe_domain::draft::Standing;
use lethe_domain::limits::Limits;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::preference::{NewPreference, Preference, PreferenceUpdate};
use lethe_domain::{PreferenceId, PreferenceKey, Revision, UserId};
use lethe_ports::outbound::{
    FeedStore, Hint, KeyRange, Look, OwnerFence, PastPart, Position, PreferenceStore, PreferenceStoreError, Snapshot, Stamp, StoreError,
};

use super::reads::page_of;
use super::state::State;

impl State {
    /// The preference that the fence, the id and the expected revision lead to.
    fn reach(&self, fence: &OwnerFence, id: PreferenceId, expected: Option<Revision>) -> Result<Preference, PreferenceStoreError> {
        self.pass(fence)?;
        let preference = self.preferences.get(&(fence.owner, id)).ok_or(PreferenceStoreError::NotFound)?;
        if expected.is_some_and(|expected| expected != preference.revision) {
            return Err(PreferenceStoreError::Changed);
        }
        Ok(preference.clone())
    }
}

#[async_trait]
impl PreferenceStore for MemoryStore {
    async fn get(&self, fence: &OwnerFence, id: PreferenceId) -> Result<Preference, PreferenceStoreError> {
        self.state.lock().await.reach(fence, id, None)
    }

    async fn list(&self, fence: &OwnerFence, key: Option<PreferenceKey>, page: PageRequest) -> Result<Page<Preference>, PreferenceStoreError> {
        let state = self.state.lock().await;
        state.pass(fence)?;
        Ok(page_of(state.preferences_of(fence.owner).filter(|preference| key.as_ref().is_none_or(|key| preference.key == *key)).cloned(), page))
    }

    async fn all(&self, fence: &OwnerFence) -> Result<Snapshot, PreferenceStoreError> {
        let state = self.state.lock().await;
        state.pass(fence)?;
        Ok(Snapshot { revision: state.revision(fence.owner), preferences: state.by_keys(fence.owner) })
    }

    async fn part(&self, fence: &OwnerFence, range: KeyRange) -> Result<Snapshot, PreferenceStoreError> {
        let state = self.state.lock().await;
        state.pass(fence)?;
        let preferences = state.by_keys(fence.owner).into_iter().filter(|preference| is_within(&preference.key, &range));
        Ok(Snapshot { revision: state.revision(fence.owner), preferences: preferences.take(range.limit as usize).collect() })
    }

    async fn look(&self, fence: &OwnerFence, key: &PreferenceKey) -> Result<Look, PreferenceStoreError> {
        let state = self.state.lock().await;
        state.pass(fence)?;
        Ok(Look { standing: state.standing(fence.owner), found: state.by_key(fence.owner, key).cloned() })
    }

    async fn standing(&self, fence: &OwnerFence) -> Result<Standing, PreferenceStoreError> {
        let state = self.state.lock().await;
        state.pass(fence)?;
        Ok(state.standing(fence.owner))
    }

    async fn as_of(&self, fence: &OwnerFence, at: Revision, range: KeyRange) -> Result<PastPart, PreferenceStoreError> {
        let state = self.state.lock().await;
        state.pass(fence)?;
        let items = state.as_of(fence.owner, at).filter(|item| is_within(&item.key, &range)).take(range.limit as usize).collect();
        Ok(PastPart { standing: state.standing(fence.owner), items })
    }

    async fn changes(&self, fence: &OwnerFence, since: Revision, limit: u32) -> Result<LogPage, PreferenceStoreError> {
        let state = self.state.lock().await;
        state.pass(fence)?;
        Ok(state.changes_since(fence.owner, since, limit))
    }

    async fn history(&self, fence: &OwnerFence, key: &PreferenceKey, before: Option<Revision>, limit: u32) -> Result<Vec<Change>, PreferenceStoreError> {
        let state = self.state.lock().await;
        state.pass(fence)?;
        let earlier = state.log_of(fence.owner).rev().filter(|change| change.key == *key && before.is_none_or(|before| change.revision < before));
        Ok(earlier.take(limit as usize).cloned().collect())
    }

    async fn create(&self, fence: &OwnerFence, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError> {
        let mut state = self.state.lock().await;
        state.pass(fence)?;
        state.create_preference(fence.owner, new, stamp, limits)
    }

    async fn update(
        &self,
        fence: &OwnerFence,
        id: PreferenceId,
        expected: Option<Revision>,
        update: PreferenceUpdate,
        stamp: Stamp,
        limits: &Limits,
    ) -> Result<Preference, PreferenceStoreError> {
        let mut state = self.state.lock().await;
        let before = state.reach(fence, id, expected)?;
        state.update_preference(&before, &update, stamp, limits)
    }

    async fn delete(&self, fence: &OwnerFence, id: PreferenceId, expected: Option<Revision>, stamp: Stamp) -> Result<Revision, PreferenceStoreError> {
        let mut state = self.state.lock().await;
        let preference = state.reach(fence, id, expected)?;
        Ok(state.remove_preference(&preference, stamp))
    }
}

fn is_within(key: &PreferenceKey, range: &KeyRange) -> bool {
    key.as_str().starts_with(&range.prefix) && range.after.as_ref().is_none_or(|after| key > after)
}

#[async_trait]
impl FeedStore for MemoryStore {
    async fn positions(&self, owners: &[UserId]) -> Result<Vec<Position>, StoreError> {
        let state = self.state.lock().await;
        Ok(owners.iter().filter_map(|owner| state.users.get(owner)).map(|row| Position { account: row.account, revision: row.revision }).collect())
    }

    fn hints(&self) -> BoxStream<'static, Hint> {
        stream::pending().boxed()
    }

    async fn hint(&self, _: &[UserId]) -> Result<(), StoreError> {
        Ok(())
    }
}
