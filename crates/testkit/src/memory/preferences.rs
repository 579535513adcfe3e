//! Preferences, one by one.

use super::MemoryStore;
use async_trait::async_trait;
use lethe_domain::change::Change;
use lethe_domain::limits::Limits;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::preference::{NewPreference, Preference, PreferenceUpdate};
use lethe_domain::{PreferenceId, PreferenceKey, Revision};
use lethe_ports::outbound::{OwnerFence, PreferenceStore, PreferenceStoreError, Stamp};

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

    async fn all(&self, fence: &OwnerFence) -> Result<Vec<Preference>, PreferenceStoreError> {
        let state = self.state.lock().await;
        state.pass(fence)?;
        let mut all: Vec<_> = state.preferences_of(fence.owner).cloned().collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }

    async fn changes(&self, fence: &OwnerFence, since: Revision, limit: u32) -> Result<Vec<Change>, PreferenceStoreError> {
        let state = self.state.lock().await;
        state.pass(fence)?;
        let after = state.changes.range((fence.owner, since.next())..=(fence.owner, Revision::new(i64::MAX)));
        Ok(after.take(limit as usize).map(|(_, change)| change.clone()).collect())
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

    async fn delete(&self, fence: &OwnerFence, id: PreferenceId, expected: Option<Revision>, stamp: Stamp) -> Result<(), PreferenceStoreError> {
        let mut state = self.state.lock().await;
        let preference = state.reach(fence, id, expected)?;
        state.remove_preference(&preference, stamp);
        Ok(())
    }
}
