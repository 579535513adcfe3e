//! The caller's settings: its preferences as one document.

mod change_settings;
mod read_settings;

use lethe_domain::preference::Preference;
use lethe_domain::settings::Document;
use lethe_ports::inbound::SettingsError;
use lethe_ports::outbound::{PreferenceStoreError, StoreError};

fn document(preferences: Vec<Preference>) -> Document {
    Document::of(preferences.into_iter().map(|preference| (preference.key, preference.value)))
}

/// A store's refusal of edits to an owner who is locked: only limits can stand in the way.
fn refusal(error: PreferenceStoreError) -> SettingsError {
    match error {
        PreferenceStoreError::Quota(error) => error.into(),
        PreferenceStoreError::Store(error) => error.into(),
        error @ (PreferenceStoreError::Refused | PreferenceStoreError::NotFound | PreferenceStoreError::Changed | PreferenceStoreError::KeyTaken) => {
            StoreError::Failed(format!("edits of a locked owner were refused: {error}")).into()
        }
    }
}
