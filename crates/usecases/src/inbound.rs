//! The inbound ports, each answered by the use case of that name.

use crate::Lethe;
use crate::settings::SettingsChange;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use lethe_domain::access::Act;
use lethe_domain::account::DeletionMode;
use lethe_domain::archive::Record;
use lethe_domain::content::{Post, PostKind, PostText, PostTitle, Reaction, Vote};
use lethe_domain::id::{PostId, PreferenceId, UserId};
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::preference::{NewPreference, Preference, PreferenceUpdate};
use lethe_domain::profile::{NewUser, ProfileUpdate, User};
use lethe_domain::settings::{Document, SettingName};
use lethe_ports::Caller;
use lethe_ports::inbound::{
    Access, AccessError, AccountError, Accounts, Archive, Content, ContentError, CreateUserError, DeleteUserError, Health, KeyFilter, PreferenceError,
    Preferences, Settings, SettingsError,
};
use lethe_ports::outbound::{AccountStore, ArchiveStore, ContentStore, PreferenceStore, RecordOutcome, Store, StoreError, UserFilter, UserQuery};

#[async_trait]
impl<S: AccountStore> Access for Lethe<S> {
    async fn check(&self, caller: &Caller, act: &Act<'_>) -> Result<(), AccessError> {
        Self::check(self, caller, act).await
    }
}

#[async_trait]
impl<S: PreferenceStore + AccountStore> Preferences for Lethe<S> {
    async fn list(&self, caller: &Caller, owner: UserId, filter: KeyFilter, page: PageRequest) -> Result<Page<Preference>, PreferenceError> {
        self.list_preferences(caller, owner, filter, page).await
    }

    async fn get(&self, caller: &Caller, owner: UserId, id: PreferenceId) -> Result<Preference, PreferenceError> {
        self.get_preference(caller, owner, id).await
    }

    async fn create(&self, caller: &Caller, owner: UserId, new: NewPreference) -> Result<Preference, PreferenceError> {
        self.create_preference(caller, owner, new).await
    }

    async fn update(&self, caller: &Caller, owner: UserId, id: PreferenceId, update: PreferenceUpdate) -> Result<Preference, PreferenceError> {
        self.update_preference(caller, owner, id, update).await
    }

    async fn delete(&self, caller: &Caller, owner: UserId, id: PreferenceId) -> Result<(), PreferenceError> {
        self.delete_preference(caller, owner, id).await
    }
}

#[async_trait]
impl<S: PreferenceStore + Store + AccountStore> Settings for Lethe<S> {
    async fn read(&self, caller: &Caller) -> Result<Document, SettingsError> {
        self.read_settings(caller).await
    }

    async fn replace(&self, caller: &Caller, wanted: Document) -> Result<(), SettingsError> {
        self.change_settings(caller, SettingsChange::Replace(wanted)).await
    }

    async fn merge(&self, caller: &Caller, changes: Document) -> Result<(), SettingsError> {
        self.change_settings(caller, SettingsChange::Merge(changes)).await
    }

    async fn remove(&self, caller: &Caller, names: Vec<SettingName>) -> Result<(), SettingsError> {
        self.change_settings(caller, SettingsChange::Remove(names)).await
    }
}

#[async_trait]
impl<S: Store + AccountStore> Accounts for Lethe<S> {
    async fn create(&self, caller: &Caller, user: NewUser) -> Result<User, CreateUserError> {
        self.create_user(caller, user).await
    }

    async fn me(&self, caller: &Caller) -> Result<User, AccountError> {
        self.get_me(caller).await
    }

    async fn get(&self, id: UserId) -> Result<User, AccountError> {
        self.get_user(id).await
    }

    async fn list(&self, caller: &Caller, filter: UserFilter, page: PageRequest) -> Result<Page<User>, AccountError> {
        self.list_users(caller, filter, page).await
    }

    async fn moderate(&self, caller: &Caller, filter: UserFilter, page: PageRequest) -> Result<Page<User>, AccountError> {
        self.moderate_users(caller, filter, page).await
    }

    async fn find(&self, caller: &Caller, query: UserQuery) -> Result<User, AccountError> {
        self.find_user(caller, &query).await
    }

    async fn update_profile(&self, caller: &Caller, id: UserId, update: ProfileUpdate) -> Result<User, AccountError> {
        Self::update_profile(self, caller, id, update).await
    }

    async fn delete(&self, caller: &Caller, id: UserId, mode: DeletionMode) -> Result<(), DeleteUserError> {
        self.delete_user(caller, id, mode).await
    }
}

#[async_trait]
impl<S: Store + AccountStore + ContentStore> Content for Lethe<S> {
    async fn publish(&self, caller: &Caller, kind: PostKind, title: PostTitle, text: PostText) -> Result<Post, ContentError> {
        self.publish_post(caller, kind, title, text).await
    }

    async fn get_post(&self, caller: &Caller, kind: PostKind, id: PostId) -> Result<Post, ContentError> {
        Self::get_post(self, caller, kind, id).await
    }

    async fn list_posts(&self, caller: &Caller, kind: PostKind, author: Option<UserId>, page: PageRequest) -> Result<Page<Post>, ContentError> {
        Self::list_posts(self, caller, kind, author, page).await
    }

    async fn delete_post(&self, caller: &Caller, kind: PostKind, id: PostId) -> Result<(), ContentError> {
        Self::delete_post(self, caller, kind, id).await
    }

    async fn toggle_vote(&self, caller: &Caller, kind: PostKind, id: PostId, reaction: Reaction) -> Result<(), ContentError> {
        Self::toggle_vote(self, caller, kind, id, reaction).await
    }

    async fn list_votes(&self, caller: &Caller, kind: PostKind, id: PostId, page: PageRequest) -> Result<Page<Vote>, ContentError> {
        Self::list_votes(self, caller, kind, id, page).await
    }
}

#[async_trait]
impl<S: Store> Health for Lethe<S> {
    async fn ready(&self) -> Result<(), StoreError> {
        self.store.ready().await
    }
}

#[async_trait]
impl<S: ArchiveStore> Archive for Lethe<S> {
    async fn import(&self, lines: Vec<String>) -> Result<Vec<RecordOutcome>, StoreError> {
        self.import_lines(&lines).await
    }

    fn export(&self) -> BoxStream<'static, Result<Vec<Record>, StoreError>> {
        self.store.export()
    }
}
