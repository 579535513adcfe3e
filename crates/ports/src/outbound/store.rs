//! Transactions: look, decide in the domain, write, all or nothing.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use lethe_domain::account::Account;
use lethe_domain::attempt::Attempt;
use lethe_domain::audit::{AuditEntry, AuditHead};
use lethe_domain::change::LogPage;
use lethe_domain::content::{NewPost, PostKind, Reaction};
use lethe_domain::draft::{Item, Standing};
use lethe_domain::erasure::{Chunk, Erasure, ErasureCursor};
use lethe_domain::hold::{Hold, NewHold};
use lethe_domain::id::{HoldId, PostId, PreferenceId, Revision, UserId};
use lethe_domain::key::PreferenceKey;
use lethe_domain::limits::Limits;
use lethe_domain::manifest::{ContentKind, Tally};
use lethe_domain::preference::{Edit, NewPreference, Preference, PreferenceUpdate};
use lethe_domain::profile::{ExtId, NewUser, Profile, UniqueName};
use lethe_domain::time::Timestamp;
use lethe_domain::webhook::{Delivery, DeliveryId, EndpointId};

use super::{PreferenceStoreError, RevokedToken, Stamp};

/// A store did not do what it was asked. The texts are for the log, never for a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or the connection broke: a write may or may not have happened.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// Another writer was in the way. Nothing was written; trying again may succeed.
    #[error("store busy: {0}")]
    Contention(String),
    /// Anything else: a defect, here or there.
    #[error("store failed: {0}")]
    Failed(String),
}

/// A store that can do several things as one.
#[async_trait]
pub trait Store: Send + Sync {
    /// Runs `work` in a transaction.
    ///
    /// `Ok` MUST commit durably before it is returned. `Err` MUST leave no trace, and so MUST a future that is dropped.
    ///
    /// # Errors
    /// Whatever `work` returns; a [`StoreError`] when the transaction could not begin or commit.
    async fn transact<R, E, F>(&self, work: F) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut dyn Tx) -> BoxFuture<'t, Result<R, E>> + Send + 'static;

    /// Whether the store can be reached and its schema is the one that this program was built for.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when not.
    async fn ready(&self) -> Result<(), StoreError>;
}

/// A name is taken, or the store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InsertUserError {
    /// Another user has this name, or it is reserved by a soft deleted one.
    #[error("{} is taken", .0.name())]
    Taken(UniqueName),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is known of an attempt at something that must happen once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptState {
    /// Nobody has made one before.
    First,
    /// Another one is being made at this moment.
    Running,
    /// One has succeeded.
    Done {
        /// What exactly was asked for.
        fingerprint: String,
        /// What came of it, as it was kept.
        outcome: String,
    },
}

/// What can be done inside a transaction. All methods see what earlier ones in the same transaction wrote.
///
/// Every method fails with [`StoreError`] when the store does; what else it can fail with is said there.
#[async_trait]
pub trait Tx: Send {
    /// The store's own clock, as by [`super::UpkeepStore::now`], at the moment of the call: after the locks that were waited for.
    async fn now(&mut self) -> Result<Timestamp, StoreError>;

    /// The account, locked: until the end of the transaction no one else changes it, writes what belongs to it, or shares it.
    async fn account_for_update(&mut self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// The account, held in its state: until the end of the transaction no one deletes it, while others may hold it too.
    async fn account_for_share(&mut self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// Keeps a changed account. MUST have been loaded by [`Self::account_for_update`] in this transaction.
    async fn save_account(&mut self, account: &Account) -> Result<(), StoreError>;

    /// Adds a user, and reserves its names, with an id that was never used before.
    ///
    /// # Errors
    /// [`InsertUserError::Taken`] when a name is not free: the username is looked at first.
    async fn insert_user(&mut self, user: &NewUser) -> Result<UserId, InsertUserError>;

    /// The profile of a user who is not erased.
    async fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StoreError>;

    /// Replaces the profile of a user who is not erased.
    async fn save_profile(&mut self, id: UserId, profile: &Profile) -> Result<(), StoreError>;

    /// All preferences of a user, by key.
    async fn preferences(&mut self, owner: UserId) -> Result<Vec<Preference>, StoreError>;

    /// What the owner's row says of its preferences.
    async fn standing(&mut self, owner: UserId) -> Result<Standing, StoreError>;

    /// The preferences of these keys, as far as there are any.
    async fn preferences_of_keys(&mut self, owner: UserId, keys: &[PreferenceKey]) -> Result<Vec<Preference>, StoreError>;

    /// The preference of that id.
    async fn preference(&mut self, owner: UserId, id: PreferenceId) -> Result<Option<Preference>, StoreError>;

    /// The set as it stood at a revision, or what it had under one key: see [`super::PreferenceStore::as_of`].
    async fn as_of(&mut self, owner: UserId, at: Revision, key: Option<&PreferenceKey>) -> Result<Vec<Item>, StoreError>;

    /// What the change log tells of the revisions after `since`: see [`super::PreferenceStore::changes`].
    async fn changes(&mut self, owner: UserId, since: Revision, limit: u32) -> Result<LogPage, StoreError>;

    /// As [`super::PreferenceStore::create`], for an owner that is locked by [`Self::account_for_update`] in this transaction.
    ///
    /// # Errors
    /// `KeyTaken`, `Quota`, in that order.
    async fn create_preference(&mut self, owner: UserId, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError>;

    /// As [`super::PreferenceStore::update`], for an owner that is locked by [`Self::account_for_update`] in this transaction.
    ///
    /// # Errors
    /// `NotFound`, `KeyTaken`, `Quota`, in that order.
    async fn update_preference(
        &mut self,
        owner: UserId,
        id: PreferenceId,
        update: PreferenceUpdate,
        stamp: Stamp,
        limits: &Limits,
    ) -> Result<Preference, PreferenceStoreError>;

    /// As [`super::PreferenceStore::delete`], for an owner that is locked by [`Self::account_for_update`] in this transaction.
    ///
    /// # Errors
    /// `NotFound`.
    async fn delete_preference(&mut self, owner: UserId, id: PreferenceId, stamp: Stamp) -> Result<Revision, PreferenceStoreError>;

    /// Lets the change log begin after `beginning`, which MUST NOT be before its present beginning or after the owner's revision. Of what is
    /// not after it, the last value of each key MUST stay, unless the key was removed since: the set as it stood there. The owner MUST be
    /// locked by [`Self::account_for_update`] in this transaction.
    async fn shorten_log(&mut self, owner: UserId, beginning: Revision) -> Result<(), StoreError>;

    /// Begins an attempt at something about `about`. Until the end of the transaction, nobody else gets [`AttemptState::First`] for it; whether
    /// they wait or are told that it is [`AttemptState::Running`] is up to the store. What was kept before `since` is forgotten.
    async fn begin_attempt(&mut self, about: UserId, attempt: &Attempt, since: Timestamp) -> Result<AttemptState, StoreError>;

    /// Keeps what came of an attempt, which MUST have been begun in this transaction; unless `about` is erased by then: nothing is kept of who is
    /// not there. A deletion of `about` that is under way is waited for.
    async fn end_attempt(&mut self, about: UserId, attempt: &Attempt, outcome: &str, now: Timestamp) -> Result<(), StoreError>;

    /// Makes the edits in order. Each one that changes something takes the owner's next revision and an entry in the change log;
    /// a removal of what is not there, and a put of what is there, leave no trace. The owner MUST be locked by
    /// [`Self::account_for_update`] in this transaction.
    ///
    /// # Errors
    /// [`PreferenceStoreError::Quota`] when the owner would end up beyond `limits`.
    async fn edit_preferences(&mut self, owner: UserId, edits: &[Edit], stamp: Stamp, limits: &Limits) -> Result<(), PreferenceStoreError>;

    /// The `ext_id` of a user who is not erased.
    async fn ext_id(&mut self, id: UserId) -> Result<Option<ExtId>, StoreError>;

    /// The holds on a user, in force or over, by id.
    async fn holds(&mut self, user: UserId) -> Result<Vec<Hold>, StoreError>;

    /// Places a hold. The user MUST be locked by [`Self::account_for_update`] in this transaction.
    async fn insert_hold(&mut self, user: UserId, hold: &NewHold, stamp: Stamp) -> Result<HoldId, StoreError>;

    /// Lifts a hold, if the user has it; whether it had.
    async fn delete_hold(&mut self, user: UserId, hold: HoldId) -> Result<bool, StoreError>;

    /// How much content of each kind names `user`: exactly what [`Self::erase`] would remove, each row once.
    async fn tally(&mut self, user: UserId) -> Result<Tally, StoreError>;

    /// Removes content of one kind that names `user`, in the order of its key from behind `after` on, at most `limit` rows of it.
    /// Fewer than `limit` means that nothing of the kind is left there. Counters on what stays are corrected.
    async fn erase(&mut self, user: UserId, kind: ContentKind, after: ErasureCursor, limit: u32) -> Result<Chunk, StoreError>;

    /// The erasure of a user, locked until the end of the transaction.
    async fn erasure_for_update(&mut self, user: UserId) -> Result<Option<Erasure>, StoreError>;

    /// Keeps an erasure, new or changed.
    async fn save_erasure(&mut self, erasure: &Erasure) -> Result<(), StoreError>;

    /// The end of the audit log, locked until the end of the transaction. Everyone who writes to the log waits for this lock, so it is the
    /// last one to take.
    async fn audit_head_for_update(&mut self) -> Result<AuditHead, StoreError>;

    /// Adds entries to the audit log. They MUST follow the end that [`Self::audit_head_for_update`] gave in this transaction.
    async fn append_audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError>;

    /// Puts new deliveries into the outbox.
    async fn insert_deliveries(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError>;

    /// A delivery, locked until the end of the transaction.
    async fn delivery_for_update(&mut self, id: &DeliveryId) -> Result<Option<Delivery>, StoreError>;

    /// Keeps what has become of a delivery that is there.
    async fn save_delivery(&mut self, delivery: &Delivery) -> Result<(), StoreError>;

    /// When an endpoint said that it wants no more events; `None`: it still does.
    async fn endpoint_gone_since(&mut self, endpoint: &EndpointId) -> Result<Option<Timestamp>, StoreError>;

    /// Keeps that an endpoint wants no more events, or does again.
    async fn save_endpoint(&mut self, endpoint: &EndpointId, gone_since: Option<Timestamp>) -> Result<(), StoreError>;

    /// Keeps a revocation, by the store's own clock. One that is there already stays as it is.
    async fn insert_revocation(&mut self, token: &RevokedToken) -> Result<(), StoreError>;

    /// Publishes a post.
    async fn insert_post(&mut self, post: &NewPost, now: Timestamp) -> Result<PostId, StoreError>;

    /// The author of a post, which is locked until the end of the transaction.
    async fn post_author_for_update(&mut self, kind: PostKind, id: PostId) -> Result<Option<UserId>, StoreError>;

    /// The author of a post, without a lock.
    async fn post_author(&mut self, kind: PostKind, id: PostId) -> Result<Option<UserId>, StoreError>;

    /// Removes a post, and the votes on it. It MUST have been locked by [`Self::post_author_for_update`] in this transaction.
    async fn delete_post(&mut self, author: UserId, id: PostId) -> Result<(), StoreError>;

    /// Casts the vote if the voter has none on this post, takes it back otherwise, and keeps the post's counter right.
    /// The post MUST have been locked by [`Self::post_author_for_update`] in this transaction.
    async fn toggle_vote(&mut self, voter: UserId, author: UserId, post: PostId, reaction: Reaction, now: Timestamp) -> Result<(), StoreError>;
}
