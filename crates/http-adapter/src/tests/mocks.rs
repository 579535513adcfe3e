//! Mocks of the inbound ports. One that is called without having been told to panics, which a test sees as a 500.

use crate::Services;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use lethe_domain::account::DeletionMode;
use lethe_domain::audit::AuditEntry;
use lethe_domain::change::LogPage;
use lethe_domain::limits::Usage;
use lethe_domain::plan::DeletionPlan;
use lethe_domain::profile::NewUser;
use lethe_domain::settings::Document;
use lethe_domain::webhook::{Delivery, DeliveryId, DeliveryState};
use lethe_domain::{
    Act, Audience, Change, Erasure, ErasureState, Hold, HoldId, Item, KeyChange, KeyOutcome, NewHold, NewPreference, Operation, Page, PageRequest, Post,
    PostId, PostKind, PostText, PostTitle, Precondition, Preference, PreferenceId, PreferenceKey, PreferenceUpdate, ProfileUpdate, Reaction, Revision,
    SetOutcome, SetPatch, User, UserId, UserStatus, Vote,
};
use lethe_ports::Caller;
use lethe_ports::inbound::{
    self as ports, AccessError, AccountError, Batch, BatchOutcome, Bearer, ContentError, CreateUserError, DeleteUserError, Deletion, DeletionRequest,
    FeedEvent, KeyFilter, KeyedError, LookUpError, PreferenceError, Restoration, RestoreError, Reversion, SettingsChange, SettingsError,
};
use lethe_ports::outbound::{AuditFilter, Backlog, KeyRange, ListedDelivery, PastPart, Snapshot, StoreError, UserFilter, UserQuery};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::Notify;

mockall::mock! {
    pub(super) Access {
        pub(super) fn check_act(&self, operation: Operation, audience: Audience) -> Result<(), AccessError>;
    }
}

/// By hand, since an act borrows, which mocks cannot.
#[async_trait]
impl ports::Access for MockAccess {
    async fn check(&self, _: &Caller, act: &Act<'_>) -> Result<(), AccessError> {
        self.check_act(act.operation, act.audience)
    }
}

mockall::mock! {
    pub(super) Preferences {}
    #[async_trait]
    impl ports::Preferences for Preferences {
        async fn list(&self, caller: &Caller, owner: UserId, filter: KeyFilter, page: PageRequest) -> Result<Page<Preference>, PreferenceError>;
        async fn get(&self, caller: &Caller, owner: UserId, id: PreferenceId) -> Result<Preference, PreferenceError>;
        async fn create(&self, caller: &Caller, owner: UserId, new: NewPreference) -> Result<Preference, PreferenceError>;
        async fn update(&self, caller: &Caller, owner: UserId, id: PreferenceId, update: PreferenceUpdate, precondition: Precondition) -> Result<Preference, PreferenceError>;
        async fn delete(&self, caller: &Caller, owner: UserId, id: PreferenceId, precondition: Precondition) -> Result<(), PreferenceError>;
    }
}

mockall::mock! {
    pub(super) Settings {}
    #[async_trait]
    impl ports::Settings for Settings {
        async fn read(&self, caller: &Caller) -> Result<(Revision, Document), SettingsError>;
        async fn change(&self, caller: &Caller, change: SettingsChange, precondition: Precondition) -> Result<Revision, SettingsError>;
    }
}

mockall::mock! {
    pub(super) KeyedPreferences {}
    #[async_trait]
    impl ports::KeyedPreferences for KeyedPreferences {
        async fn show(&self, caller: &Caller, owner: UserId, key: &PreferenceKey) -> Result<Item, KeyedError>;
        async fn change(&self, caller: &Caller, owner: UserId, change: KeyChange) -> Result<KeyOutcome, KeyedError>;
        async fn part(&self, caller: &Caller, owner: UserId, range: KeyRange) -> Result<Snapshot, KeyedError>;
        async fn as_of(&self, caller: &Caller, owner: UserId, at: Revision, range: KeyRange) -> Result<PastPart, KeyedError>;
        async fn patch(&self, caller: &Caller, owner: UserId, patch: SetPatch, precondition: Precondition) -> Result<SetOutcome, KeyedError>;
        async fn batch(&self, caller: &Caller, owner: UserId, batch: Batch) -> Result<BatchOutcome, KeyedError>;
        async fn revert(&self, caller: &Caller, owner: UserId, reversion: Reversion, precondition: Precondition) -> Result<SetOutcome, KeyedError>;
        async fn changes(&self, caller: &Caller, owner: UserId, since: Revision, limit: u32) -> Result<LogPage, KeyedError>;
        async fn history(&self, caller: &Caller, owner: UserId, key: &PreferenceKey, before: Option<Revision>, limit: u32) -> Result<Vec<Change>, KeyedError>;
        async fn usage(&self, caller: &Caller, owner: UserId) -> Result<Usage, KeyedError>;
    }
}

mockall::mock! {
    pub(super) ChangeFeed {}
    #[async_trait]
    impl ports::ChangeFeed for ChangeFeed {
        async fn watch(&self, caller: &Caller, owner: UserId, since: Option<Revision>) -> Result<BoxStream<'static, FeedEvent>, KeyedError>;
    }
}

mockall::mock! {
    pub(super) Accounts {}
    #[async_trait]
    impl ports::Accounts for Accounts {
        async fn create(&self, caller: &Caller, user: NewUser) -> Result<User, CreateUserError>;
        async fn me(&self, caller: &Caller) -> Result<User, AccountError>;
        async fn get(&self, id: UserId) -> Result<User, AccountError>;
        async fn list(&self, caller: &Caller, filter: UserFilter, page: PageRequest) -> Result<Page<User>, AccountError>;
        async fn moderate(&self, caller: &Caller, filter: UserFilter, page: PageRequest) -> Result<Page<User>, AccountError>;
        async fn find(&self, caller: &Caller, query: UserQuery) -> Result<User, AccountError>;
        async fn walk(&self, caller: &Caller, statuses: &[UserStatus], after: Option<UserId>, limit: u32) -> Result<Vec<User>, AccountError>;
        async fn show(&self, caller: &Caller, id: UserId) -> Result<User, AccountError>;
        async fn update_profile(&self, caller: &Caller, id: UserId, update: ProfileUpdate) -> Result<User, AccountError>;
        async fn delete(&self, caller: &Caller, id: UserId, request: DeletionRequest) -> Result<Deletion, DeleteUserError>;
    }
}

mockall::mock! {
    pub(super) Content {}
    #[async_trait]
    impl ports::Content for Content {
        async fn publish(&self, caller: &Caller, kind: PostKind, title: PostTitle, text: PostText) -> Result<Post, ContentError>;
        async fn get_post(&self, caller: &Caller, kind: PostKind, id: PostId) -> Result<Post, ContentError>;
        async fn list_posts(&self, caller: &Caller, kind: PostKind, author: Option<UserId>, page: PageRequest) -> Result<Page<Post>, ContentError>;
        async fn delete_post(&self, caller: &Caller, kind: PostKind, id: PostId) -> Result<(), ContentError>;
        async fn toggle_vote(&self, caller: &Caller, kind: PostKind, id: PostId, reaction: Reaction) -> Result<(), ContentError>;
        async fn list_votes(&self, caller: &Caller, kind: PostKind, id: PostId, page: PageRequest) -> Result<Page<Vote>, ContentError>;
    }
}

mockall::mock! {
    pub(super) Health {}
    #[async_trait]
    impl ports::Health for Health {
        async fn ready(&self) -> Result<Backlog, StoreError>;
    }
}

mockall::mock! {
    pub(super) LifeCycle {}
    #[async_trait]
    impl ports::LifeCycle for LifeCycle {
        async fn deletion_plan(&self, caller: &Caller, user: UserId, mode: DeletionMode) -> Result<DeletionPlan, AccountError>;
        async fn restore(&self, bearer: &Bearer, user: UserId) -> Result<Restoration, RestoreError>;
        async fn erasure(&self, bearer: &Bearer, user: UserId) -> Result<Erasure, LookUpError>;
        async fn erasures(&self, caller: &Caller, states: &[ErasureState], after: Option<UserId>, limit: u32) -> Result<Vec<Erasure>, AccountError>;
    }
}

mockall::mock! {
    pub(super) Holds {}
    #[async_trait]
    impl ports::Holds for Holds {
        async fn place(&self, caller: &Caller, user: UserId, hold: NewHold) -> Result<Hold, LookUpError>;
        async fn list(&self, caller: &Caller, user: UserId) -> Result<Vec<Hold>, LookUpError>;
        async fn lift(&self, caller: &Caller, user: UserId, hold: HoldId) -> Result<(), LookUpError>;
    }
}

mockall::mock! {
    pub(super) AuditLog {}
    #[async_trait]
    impl ports::AuditLog for AuditLog {
        async fn entries(&self, caller: &Caller, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, AccountError>;
    }
}

mockall::mock! {
    pub(super) Webhooks {}
    #[async_trait]
    impl ports::Webhooks for Webhooks {
        async fn list(&self, caller: &Caller, states: &[DeliveryState], before: Option<i64>, limit: u32) -> Result<Vec<ListedDelivery>, AccountError>;
        async fn retry(&self, caller: &Caller, id: &DeliveryId) -> Result<Delivery, LookUpError>;
    }
}

/// One of each.
#[derive(Default)]
pub(super) struct Mocks {
    pub(super) access: MockAccess,
    pub(super) preferences: MockPreferences,
    pub(super) keyed: MockKeyedPreferences,
    pub(super) feed: MockChangeFeed,
    pub(super) settings: MockSettings,
    pub(super) accounts: MockAccounts,
    pub(super) content: MockContent,
    pub(super) health: MockHealth,
    pub(super) life_cycle: MockLifeCycle,
    pub(super) holds: MockHolds,
    pub(super) audit: MockAuditLog,
    pub(super) webhooks: MockWebhooks,
}

impl From<Mocks> for Services {
    fn from(mocks: Mocks) -> Self {
        Self {
            access: Arc::new(mocks.access),
            preferences: Arc::new(mocks.preferences),
            keyed: Arc::new(mocks.keyed),
            feed: Arc::new(mocks.feed),
            settings: Arc::new(mocks.settings),
            accounts: Arc::new(mocks.accounts),
            content: Arc::new(mocks.content),
            health: Arc::new(mocks.health),
            life_cycle: Arc::new(mocks.life_cycle),
            holds: Arc::new(mocks.holds),
            audit: Arc::new(mocks.audit),
            webhooks: Arc::new(mocks.webhooks),
        }
    }
}

/// Settings that cannot be read until the gate is open, and tell when somebody stands before it.
struct GatedSettings {
    asked: Sender<()>,
    open: Arc<Notify>,
}

/// The outside of the gate.
pub(super) struct Gate {
    pub(super) asked: Receiver<()>,
    pub(super) open: Arc<Notify>,
}

#[async_trait]
impl ports::Settings for GatedSettings {
    async fn read(&self, _: &Caller) -> Result<(Revision, Document), SettingsError> {
        self.asked.send(()).unwrap();
        self.open.notified().await;
        Ok((Revision::ZERO, Document::default()))
    }

    async fn change(&self, _: &Caller, _: SettingsChange, _: Precondition) -> Result<Revision, SettingsError> {
        Ok(Revision::ZERO)
    }
}

/// Services whose settings stand behind a gate.
pub(super) fn gated() -> (Services, Gate) {
    let (sender, asked) = channel();
    let open = Arc::new(Notify::new());
    let settings = Arc::new(GatedSettings { asked: sender, open: open.clone() });
    (Services { settings, ..Mocks::default().into() }, Gate { asked, open })
}
