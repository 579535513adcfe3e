//! The inbound ports, each answered by the use case of that name.

use crate::Lethe;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use lethe_domain::access::Act;
use lethe_domain::account::{DeletionMode, UserStatus};
use lethe_domain::archive::Record;
use lethe_domain::audit::AuditEntry;
use lethe_domain::change::{Change, LogPage};
use lethe_domain::content::{Post, PostKind, PostText, PostTitle, Reaction, Vote};
use lethe_domain::draft::{Item, KeyChange, KeyOutcome, SetOutcome, SetPatch};
use lethe_domain::erasure::{Erasure, ErasureState};
use lethe_domain::hold::{Hold, NewHold};
use lethe_domain::id::{HoldId, NodeId, PostId, PreferenceId, Revision, UserId};
use lethe_domain::key::PreferenceKey;
use lethe_domain::limits::Usage;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::plan::DeletionPlan;
use lethe_domain::precondition::Precondition;
use lethe_domain::preference::{NewPreference, Preference, PreferenceUpdate};
use lethe_domain::profile::{NewUser, ProfileUpdate, User};
use lethe_domain::settings::Document;
use lethe_domain::time::Timestamp;
use lethe_domain::webhook::{Delivery, DeliveryId, DeliveryState, EndpointId};
use lethe_ports::Caller;
use lethe_ports::inbound::{
    Access, AccessError, AccountError, Accounts, Archive, AuditLog, AuditVerdict, Batch, BatchOutcome, Bearer, ChangeFeed, Content, ContentError,
    CreateUserError, DeleteUserError, Deletion, DeletionRequest, FeedEvent, Health, Holds, KeyFilter, KeyedError, KeyedPreferences, LifeCycle, LookUpError,
    Operator, PreferenceError, Preferences, Restoration, RestoreError, Reversion, Settings, SettingsChange, SettingsError, Upkeep, Webhooks, Work,
};
use lethe_ports::outbound::{
    AccountStore, ArchiveStore, AuditFilter, AuditStore, Backlog, ContentStore, ErasureStore, FeedStore, HoldStore, KeyRange, ListedDelivery, OutboxStore,
    PastPart, PreferenceStore, RecordOutcome, RevocationStore, Revocations, RevokedToken, Snapshot, Store, StoreError, UpkeepStore, UserFilter, UserQuery,
    WebhookSender,
};
use std::time::Duration;

/// How late a purge may be before it counts as overdue: the scheduler looks twice a second, and what is there takes a moment.
const OVERDUE_AFTER: Duration = Duration::from_mins(1);

#[async_trait]
impl<S: AccountStore> Access for Lethe<S> {
    async fn check(&self, caller: &Caller, act: &Act<'_>) -> Result<(), AccessError> {
        Self::check(self, caller, act).await
    }
}

#[async_trait]
impl<S: PreferenceStore + Store + AccountStore> Preferences for Lethe<S> {
    async fn list(&self, caller: &Caller, owner: UserId, filter: KeyFilter, page: PageRequest) -> Result<Page<Preference>, PreferenceError> {
        self.list_preferences(caller, owner, filter, page).await
    }

    async fn get(&self, caller: &Caller, owner: UserId, id: PreferenceId) -> Result<Preference, PreferenceError> {
        self.get_preference(caller, owner, id).await
    }

    async fn create(&self, caller: &Caller, owner: UserId, new: NewPreference) -> Result<Preference, PreferenceError> {
        self.create_preference(caller, owner, new).await
    }

    async fn update(
        &self,
        caller: &Caller,
        owner: UserId,
        id: PreferenceId,
        update: PreferenceUpdate,
        precondition: Precondition,
    ) -> Result<Preference, PreferenceError> {
        self.update_preference(caller, owner, id, update, precondition).await
    }

    async fn delete(&self, caller: &Caller, owner: UserId, id: PreferenceId, precondition: Precondition) -> Result<(), PreferenceError> {
        self.delete_preference(caller, owner, id, precondition).await
    }
}

#[async_trait]
impl<S: PreferenceStore + Store + AccountStore> KeyedPreferences for Lethe<S> {
    async fn show(&self, caller: &Caller, owner: UserId, key: &PreferenceKey) -> Result<Item, KeyedError> {
        self.show_key(caller, owner, key).await
    }

    async fn change(&self, caller: &Caller, owner: UserId, change: KeyChange) -> Result<KeyOutcome, KeyedError> {
        self.change_key(caller, owner, change).await
    }

    async fn part(&self, caller: &Caller, owner: UserId, range: KeyRange) -> Result<Snapshot, KeyedError> {
        self.read_part(caller, owner, range).await
    }

    async fn as_of(&self, caller: &Caller, owner: UserId, at: Revision, range: KeyRange) -> Result<PastPart, KeyedError> {
        self.read_past_part(caller, owner, at, range).await
    }

    async fn patch(&self, caller: &Caller, owner: UserId, patch: SetPatch, precondition: Precondition) -> Result<SetOutcome, KeyedError> {
        self.patch_set(caller, owner, patch, precondition).await
    }

    async fn batch(&self, caller: &Caller, owner: UserId, batch: Batch) -> Result<BatchOutcome, KeyedError> {
        self.batch_changes(caller, owner, batch).await
    }

    async fn revert(&self, caller: &Caller, owner: UserId, reversion: Reversion, precondition: Precondition) -> Result<SetOutcome, KeyedError> {
        self.revert_set(caller, owner, reversion, precondition).await
    }

    async fn changes(&self, caller: &Caller, owner: UserId, since: Revision, limit: u32) -> Result<LogPage, KeyedError> {
        self.list_changes(caller, owner, since, limit).await
    }

    async fn history(&self, caller: &Caller, owner: UserId, key: &PreferenceKey, before: Option<Revision>, limit: u32) -> Result<Vec<Change>, KeyedError> {
        self.list_history(caller, owner, key, before, limit).await
    }

    async fn usage(&self, caller: &Caller, owner: UserId) -> Result<Usage, KeyedError> {
        self.read_usage(caller, owner).await
    }
}

#[async_trait]
impl<S: FeedStore + PreferenceStore + AccountStore + 'static> ChangeFeed for Lethe<S> {
    async fn watch(&self, caller: &Caller, owner: UserId, since: Option<Revision>) -> Result<BoxStream<'static, FeedEvent>, KeyedError> {
        self.watch_changes(caller, owner, since).await
    }
}

#[async_trait]
impl<S: PreferenceStore + Store + AccountStore> Settings for Lethe<S> {
    async fn read(&self, caller: &Caller) -> Result<(Revision, Document), SettingsError> {
        self.read_settings(caller).await
    }

    async fn change(&self, caller: &Caller, change: SettingsChange, precondition: Precondition) -> Result<Revision, SettingsError> {
        self.change_settings(caller, change, precondition).await
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

    async fn walk(&self, caller: &Caller, statuses: &[UserStatus], after: Option<UserId>, limit: u32) -> Result<Vec<User>, AccountError> {
        self.walk_users(caller, statuses, after, limit).await
    }

    async fn show(&self, caller: &Caller, id: UserId) -> Result<User, AccountError> {
        self.show_user(caller, id).await
    }

    async fn update_profile(&self, caller: &Caller, id: UserId, update: ProfileUpdate) -> Result<User, AccountError> {
        Self::update_profile(self, caller, id, update).await
    }

    async fn delete(&self, caller: &Caller, id: UserId, request: DeletionRequest) -> Result<Deletion, DeleteUserError> {
        self.delete_user(caller, id, request).await
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
impl<S: Store + AccountStore + ErasureStore> LifeCycle for Lethe<S> {
    async fn deletion_plan(&self, caller: &Caller, user: UserId, mode: DeletionMode) -> Result<DeletionPlan, AccountError> {
        self.plan_deletion(caller, user, mode).await
    }

    async fn restore(&self, bearer: &Bearer, user: UserId) -> Result<Restoration, RestoreError> {
        self.restore_user(bearer, user).await
    }

    async fn erasure(&self, bearer: &Bearer, user: UserId) -> Result<Erasure, LookUpError> {
        self.follow_erasure(bearer, user).await
    }

    async fn erasures(&self, caller: &Caller, states: &[ErasureState], after: Option<UserId>, limit: u32) -> Result<Vec<Erasure>, AccountError> {
        self.list_erasures(caller, states, after, limit).await
    }
}

#[async_trait]
impl<S: Store + AccountStore + ErasureStore + HoldStore> Holds for Lethe<S> {
    async fn place(&self, caller: &Caller, user: UserId, hold: NewHold) -> Result<Hold, LookUpError> {
        self.place_hold(caller, user, hold).await
    }

    async fn list(&self, caller: &Caller, user: UserId) -> Result<Vec<Hold>, LookUpError> {
        self.list_holds(caller, user).await
    }

    async fn lift(&self, caller: &Caller, user: UserId, hold: HoldId) -> Result<(), LookUpError> {
        self.lift_hold(caller, user, hold).await
    }
}

#[async_trait]
impl<S: AccountStore + AuditStore> AuditLog for Lethe<S> {
    async fn entries(&self, caller: &Caller, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, AccountError> {
        self.list_audit(caller, filter, limit).await
    }
}

#[async_trait]
impl<S: Store + AccountStore + OutboxStore + UpkeepStore> Webhooks for Lethe<S> {
    async fn list(&self, caller: &Caller, states: &[DeliveryState], before: Option<i64>, limit: u32) -> Result<Vec<ListedDelivery>, AccountError> {
        self.list_deliveries(caller, states, before, limit).await
    }

    async fn retry(&self, caller: &Caller, id: &DeliveryId) -> Result<Delivery, LookUpError> {
        self.retry_delivery(caller, id).await
    }
}

#[async_trait]
impl<S: Store + AuditStore + UpkeepStore> Operator for Lethe<S> {
    async fn revoke_token(&self, token: RevokedToken, bearer: Option<UserId>) -> Result<(), StoreError> {
        self.revoke_one_token(&token, bearer).await
    }

    async fn revoke_tokens_of(&self, user: UserId) -> Result<bool, StoreError> {
        self.revoke_all_tokens(user).await
    }

    async fn renumber(&self) -> Result<u64, StoreError> {
        self.renumber_all().await
    }

    async fn verify_audit(&self) -> Result<AuditVerdict, StoreError> {
        self.verify_audit_log().await
    }
}

#[async_trait]
impl<S: Store + ErasureStore + FeedStore + OutboxStore + PreferenceStore + RevocationStore + UpkeepStore> Upkeep for Lethe<S> {
    async fn erase(&self, node: NodeId) -> Result<Work, StoreError> {
        self.erase_chunk(node).await
    }

    async fn purge(&self, node: NodeId) -> Result<Work, StoreError> {
        self.purge_due(node).await
    }

    async fn deliver(&self, sender: &dyn WebhookSender, endpoint: &EndpointId) -> Result<Work, StoreError> {
        self.deliver_events(sender, endpoint).await
    }

    async fn shorten_logs(&self, node: NodeId, after: Option<UserId>) -> Result<Option<UserId>, StoreError> {
        self.shorten_next_logs(node, after).await
    }

    async fn look_for_changes(&self) -> Result<Work, StoreError> {
        self.look_for_all_changes().await
    }

    async fn follow_changes(&self) {
        self.follow_all_changes().await;
    }

    async fn tell_of_changes(&self) {
        self.tell_of_all_changes().await;
    }

    async fn prune(&self, node: NodeId) -> Result<Work, StoreError> {
        self.prune_settled(node).await
    }

    async fn revocations(&self, since: Option<Timestamp>) -> Result<Revocations, StoreError> {
        self.store.revocations(since).await
    }
}

#[async_trait]
impl<S: Store + UpkeepStore> Health for Lethe<S> {
    async fn ready(&self) -> Result<Backlog, StoreError> {
        self.store.ready().await?;
        let now = self.store.now().await?;
        self.store.backlog(now.before(OVERDUE_AFTER), now).await
    }
}

#[async_trait]
impl<S: ArchiveStore + UpkeepStore> Archive for Lethe<S> {
    async fn import(&self, lines: Vec<String>) -> Result<Vec<RecordOutcome>, StoreError> {
        self.import_lines(&lines).await
    }

    fn export(&self) -> BoxStream<'static, Result<Vec<Record>, StoreError>> {
        self.store.export()
    }
}
