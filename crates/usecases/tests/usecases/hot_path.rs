//! The hot path: one call to the store for a user's own preferences, and what that call carries.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use lethe_domain::account::{Account, StatusSet, UserStatus};
use lethe_domain::change::{Change, LogPage};
use lethe_domain::draft::{KeyAction, KeyChange, KeyOutcome, Standing};
use lethe_domain::limits::Limits;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::preference::{NewPreference, Preference, PreferenceUpdate};
use lethe_domain::profile::User;
use lethe_domain::{Precondition, PreferenceId, PreferenceKey, Revision, UserId};
use lethe_ports::inbound::{KeyedPreferences, Preferences};
use lethe_ports::outbound::{
    AccountStore, KeyRange, Look, OwnerFence, PastPart, PreferenceStore, PreferenceStoreError, Snapshot, Stamp, Store, StoreError, Tx, UserFilter, UserQuery,
};
use lethe_testkit::FixedClock;
use lethe_testkit::fixture::{admin, caller, json, key, preference};
use lethe_usecases::{Lethe, Policy};
use mockall::mock;
use mockall::predicate::{always, eq};
use std::sync::Arc;

mock! {
    Store {}
    #[async_trait]
    impl PreferenceStore for Store {
        async fn get(&self, fence: &OwnerFence, id: PreferenceId) -> Result<Preference, PreferenceStoreError>;
        async fn list(&self, fence: &OwnerFence, key: Option<PreferenceKey>, page: PageRequest) -> Result<Page<Preference>, PreferenceStoreError>;
        async fn all(&self, fence: &OwnerFence) -> Result<Snapshot, PreferenceStoreError>;
        async fn part(&self, fence: &OwnerFence, range: KeyRange) -> Result<Snapshot, PreferenceStoreError>;
        async fn look(&self, fence: &OwnerFence, key: &PreferenceKey) -> Result<Look, PreferenceStoreError>;
        async fn standing(&self, fence: &OwnerFence) -> Result<Standing, PreferenceStoreError>;
        async fn as_of(&self, fence: &OwnerFence, at: Revision, range: KeyRange) -> Result<PastPart, PreferenceStoreError>;
        async fn changes(&self, fence: &OwnerFence, since: Revision, limit: u32) -> Result<LogPage, PreferenceStoreError>;
        async fn history(&self, fence: &OwnerFence, key: &PreferenceKey, before: Option<Revision>, limit: u32) -> Result<Vec<Change>, PreferenceStoreError>;
        async fn create(&self, fence: &OwnerFence, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError>;
        async fn update(&self, fence: &OwnerFence, id: PreferenceId, expected: Option<Revision>, update: PreferenceUpdate, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError>;
        async fn delete(&self, fence: &OwnerFence, id: PreferenceId, expected: Option<Revision>, stamp: Stamp) -> Result<Revision, PreferenceStoreError>;
    }
    #[async_trait]
    impl AccountStore for Store {
        async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError>;
        async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;
        async fn find_user(&self, query: &UserQuery) -> Result<Option<User>, StoreError>;
        async fn users_after(&self, statuses: &[UserStatus], after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;
        async fn users(&self, filter: &UserFilter, page: PageRequest) -> Result<Page<User>, StoreError>;
    }
}

/// No transaction is opened here.
#[async_trait]
impl Store for MockStore {
    async fn transact<R, E, F>(&self, _: F) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut dyn Tx) -> BoxFuture<'t, Result<R, E>> + Send + 'static,
    {
        Err(StoreError::Failed("a transaction was opened".into()).into())
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

const OWNER: UserId = UserId::new(7);
const ID: PreferenceId = PreferenceId::new(3);

fn stored() -> Preference {
    let preference = preference("theme", "1");
    let now = FixedClock::start();
    Preference { id: ID, owner: OWNER, key: preference.key, value: preference.value, revision: Revision::new(1), created_at: now, last_updated_at: now }
}

fn lethe(store: MockStore) -> Lethe<MockStore> {
    Lethe::new(Arc::new(store), Arc::new(FixedClock::default()), Policy::default())
}

fn own() -> OwnerFence {
    OwnerFence { owner: OWNER, states: StatusSet::SIGNED_IN, issued_at: Some(FixedClock::start()) }
}

#[tokio::test]
async fn a_users_own_preference_is_one_call() {
    let mut store = MockStore::new();
    store.expect_get().with(eq(own()), eq(ID)).times(1).returning(|_, _| Ok(stored()));
    let stamp = Stamp { actor: OWNER, now: FixedClock::start() };
    store.expect_create().with(eq(own()), always(), eq(stamp), eq(Limits::default())).times(1).returning(|_, _, _, _| Ok(stored()));
    store.expect_update().with(eq(own()), eq(ID), eq(None), always(), eq(stamp), always()).times(1).returning(|_, _, _, _, _, _| Ok(stored()));
    store.expect_delete().with(eq(own()), eq(ID), eq(None), eq(stamp)).times(1).returning(|_, _, _, _| Ok(Revision::new(2)));
    let lethe = lethe(store);
    let ann = caller(OWNER);
    Preferences::get(&lethe, &ann, OWNER, ID).await.unwrap();
    Preferences::create(&lethe, &ann, OWNER, preference("theme", "1")).await.unwrap();
    Preferences::update(&lethe, &ann, OWNER, ID, PreferenceUpdate::Value(json("2")), Precondition::NONE).await.unwrap();
    Preferences::delete(&lethe, &ann, OWNER, ID, Precondition::NONE).await.unwrap();
}

#[tokio::test]
async fn an_admin_is_looked_up_first() {
    let mut store = MockStore::new();
    store.expect_account().with(eq(UserId::new(1))).times(1).returning(|_| Ok(None));
    let fence = OwnerFence { owner: OWNER, states: StatusSet::READABLE, issued_at: None };
    store.expect_get().with(eq(fence), eq(ID)).times(1).returning(|_, _| Ok(stored()));
    Preferences::get(&lethe(store), &admin(UserId::new(1)), OWNER, ID).await.unwrap();
}

#[tokio::test]
async fn a_stores_failure_is_passed_on() {
    let mut store = MockStore::new();
    store.expect_get().returning(|_, _| Err(StoreError::Unavailable("gone".into()).into()));
    let failed = Preferences::get(&lethe(store), &caller(OWNER), OWNER, ID).await;
    assert_eq!(failed, Err(StoreError::Unavailable("gone".into()).into()));
}

#[tokio::test]
async fn by_its_key_it_is_a_look_and_a_write_bound_to_what_was_seen() {
    let mut store = MockStore::new();
    let standing = Standing { revision: Revision::new(1), ..Standing::default() };
    store.expect_look().with(eq(own()), eq(key("theme"))).times(3).returning(move |_, _| Ok(Look { standing, found: Some(stored()) }));
    let seen = eq(Some(Revision::new(1)));
    store.expect_update().with(eq(own()), eq(ID), seen, always(), always(), always()).times(1).returning(|_, _, _, _, _, _| Ok(stored()));
    store.expect_delete().with(eq(own()), eq(ID), seen, always()).times(1).returning(|_, _, _, _| Ok(Revision::new(2)));
    let (lethe, ann) = (lethe(store), caller(OWNER));
    let change = |action| KeyChange { key: key("theme"), action, precondition: Precondition::NONE };
    assert_eq!(lethe.change(&ann, OWNER, change(KeyAction::Put(json("2")))).await, Ok(KeyOutcome::Changed(stored().into())));
    assert_eq!(lethe.change(&ann, OWNER, change(KeyAction::Put(json("1")))).await, Ok(KeyOutcome::Unchanged(stored().into())), "nothing is written");
    assert_eq!(lethe.change(&ann, OWNER, change(KeyAction::Delete)).await, Ok(KeyOutcome::Removed(Revision::new(2))));
}
