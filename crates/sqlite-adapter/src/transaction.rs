//! Transactions: the caller decides, step by step, and the writer does.

use crate::SqliteStore;
use crate::accounts::{account, ext_id, insert_user, profile, save_account, save_profile};
use crate::clock;
use crate::content::{delete_post, insert_post, post_author, toggle_vote};
use crate::erasure::{erase, tally};
use crate::erasures::{erasure, save_erasure};
use crate::holds::{delete_hold, insert_hold};
use crate::ledger::{all, by_id, by_keys};
use crate::outbox::{delivery, endpoint_gone_since, insert_deliveries, save_delivery, save_endpoint};
use crate::preferences::{create, delete, edit, open_locked, update};
use crate::revocations::insert_revocation;
use crate::row::VoteRow;
use crate::session::Session;
use crate::{attempts, audit, change_log, holds, migration};
use async_trait::async_trait;
use diesel::SqliteConnection;
use futures_util::future::BoxFuture;
use lethe_domain::account::Account;
use lethe_domain::attempt::Attempt;
use lethe_domain::audit::{AuditEntry, AuditHead};
use lethe_domain::change::LogPage;
use lethe_domain::content::{NewPost, PostKind, Reaction};
use lethe_domain::draft::{Item, Standing};
use lethe_domain::erasure::{Chunk, Erasure, ErasureCursor, ErasureState};
use lethe_domain::hold::{Hold, NewHold};
use lethe_domain::id::{HoldId, PostId, PreferenceId, Revision, UserId};
use lethe_domain::key::PreferenceKey;
use lethe_domain::limits::Limits;
use lethe_domain::manifest::{ContentKind, Tally};
use lethe_domain::preference::{Edit, NewPreference, Preference, PreferenceUpdate};
use lethe_domain::profile::{ExtId, NewUser, Profile};
use lethe_domain::time::Timestamp;
use lethe_domain::webhook::{Delivery, DeliveryId, DeliveryState, EndpointId};
use lethe_ports::outbound::{AttemptState, InsertUserError, KeyRange, PreferenceStoreError, RevokedToken, Stamp, Store, StoreError, Tx};

#[async_trait]
impl Store for SqliteStore {
    async fn transact<R, E, F>(&self, work: F) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut dyn Tx) -> BoxFuture<'t, Result<R, E>> + Send + 'static,
    {
        let mut tx = SqliteTx { session: self.writer().begin().await? };
        let done = work(&mut tx).await?;
        tx.session.commit().await?;
        Ok(done)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.readers().look_up(|connection| Ok(migration::check(connection)?)).await
    }
}

/// A transaction that has the writer to itself, so that no row needs a lock. Dropping it rolls back.
struct SqliteTx {
    session: Session,
}

#[async_trait]
impl Tx for SqliteTx {
    async fn now(&mut self) -> Result<Timestamp, StoreError> {
        self.session.run(|connection| Ok(clock::now(connection)?)).await
    }

    async fn account_for_update(&mut self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.session.run(move |connection| Ok(account(connection, id)?)).await
    }

    async fn account_for_share(&mut self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.account_for_update(id).await
    }

    async fn save_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let account = *account;
        self.session.run(move |connection| Ok(save_account(connection, &account)?)).await
    }

    async fn insert_user(&mut self, user: &NewUser) -> Result<UserId, InsertUserError> {
        let user = user.clone();
        self.session.run(move |connection| insert_user(connection, &user)).await
    }

    async fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StoreError> {
        self.session.run(move |connection| Ok(profile(connection, id)?)).await
    }

    async fn save_profile(&mut self, id: UserId, profile: &Profile) -> Result<(), StoreError> {
        let profile = profile.clone();
        self.session.run(move |connection| Ok(save_profile(connection, id, &profile)?)).await
    }

    async fn preferences(&mut self, owner: UserId) -> Result<Vec<Preference>, StoreError> {
        self.session.run(move |connection| Ok(all(connection, owner)?)).await
    }

    async fn standing(&mut self, owner: UserId) -> Result<Standing, StoreError> {
        self.session.run(move |connection| Ok(change_log::standing(connection, owner)?)).await
    }

    async fn preferences_of_keys(&mut self, owner: UserId, keys: &[PreferenceKey]) -> Result<Vec<Preference>, StoreError> {
        let keys = keys.to_vec();
        self.session.run(move |connection| Ok(by_keys(connection, owner, &keys)?)).await
    }

    async fn preference(&mut self, owner: UserId, id: PreferenceId) -> Result<Option<Preference>, StoreError> {
        self.session.run(move |connection| Ok(by_id(connection, owner, id)?)).await
    }

    async fn as_of(&mut self, owner: UserId, at: Revision, key: Option<&PreferenceKey>) -> Result<Vec<Item>, StoreError> {
        let (everything, key) = (KeyRange { limit: u32::MAX, ..KeyRange::default() }, key.cloned());
        let work = move |connection: &mut SqliteConnection| {
            Ok(match key {
                Some(key) => change_log::key_as_of(connection, owner, at, &key)?.into_iter().collect(),
                None => change_log::as_of(connection, owner, at, &everything)?,
            })
        };
        self.session.run(work).await
    }

    async fn changes(&mut self, owner: UserId, since: Revision, limit: u32) -> Result<LogPage, StoreError> {
        self.session.run(move |connection| Ok(change_log::changes_since(connection, owner, since, limit)?)).await
    }

    async fn create_preference(&mut self, owner: UserId, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError> {
        let limits = *limits;
        self.session.run(move |connection| create(open_locked(connection, owner, stamp)?, new, &limits)).await
    }

    async fn update_preference(
        &mut self,
        owner: UserId,
        id: PreferenceId,
        change: PreferenceUpdate,
        stamp: Stamp,
        limits: &Limits,
    ) -> Result<Preference, PreferenceStoreError> {
        let limits = *limits;
        self.session.run(move |connection| update(open_locked(connection, owner, stamp)?, id, None, &change, &limits)).await
    }

    async fn delete_preference(&mut self, owner: UserId, id: PreferenceId, stamp: Stamp) -> Result<Revision, PreferenceStoreError> {
        self.session.run(move |connection| delete(open_locked(connection, owner, stamp)?, id, None)).await
    }

    async fn shorten_log(&mut self, owner: UserId, beginning: Revision) -> Result<(), StoreError> {
        self.session.run(move |connection| Ok(change_log::shorten(connection, owner, beginning)?)).await
    }

    async fn begin_attempt(&mut self, about: UserId, attempt: &Attempt, since: Timestamp) -> Result<AttemptState, StoreError> {
        let attempt = attempt.clone();
        self.session.run(move |connection| Ok(attempts::begin(connection, about, &attempt, since)?)).await
    }

    async fn end_attempt(&mut self, about: UserId, attempt: &Attempt, outcome: &str, now: Timestamp) -> Result<(), StoreError> {
        let (attempt, outcome) = (attempt.clone(), outcome.to_owned());
        self.session.run(move |connection| Ok(attempts::end(connection, about, &attempt, &outcome, now)?)).await
    }

    async fn edit_preferences(&mut self, owner: UserId, edits: &[Edit], stamp: Stamp, limits: &Limits) -> Result<(), PreferenceStoreError> {
        let (edits, limits) = (edits.to_vec(), *limits);
        self.session.run(move |connection| edit(connection, owner, edits, stamp, &limits)).await
    }

    async fn ext_id(&mut self, id: UserId) -> Result<Option<ExtId>, StoreError> {
        self.session.run(move |connection| Ok(ext_id(connection, id)?)).await
    }

    async fn holds(&mut self, user: UserId) -> Result<Vec<Hold>, StoreError> {
        self.session.run(move |connection| Ok(holds::of_user(connection, user)?)).await
    }

    async fn insert_hold(&mut self, user: UserId, hold: &NewHold, stamp: Stamp) -> Result<HoldId, StoreError> {
        let hold = hold.clone();
        self.session.run(move |connection| Ok(insert_hold(connection, user, &hold, stamp)?)).await
    }

    async fn delete_hold(&mut self, user: UserId, hold: HoldId) -> Result<bool, StoreError> {
        self.session.run(move |connection| Ok(delete_hold(connection, user, hold)?)).await
    }

    async fn tally(&mut self, user: UserId) -> Result<Tally, StoreError> {
        self.session.run(move |connection| Ok(tally(connection, user)?)).await
    }

    async fn erase(&mut self, user: UserId, kind: ContentKind, after: ErasureCursor, limit: u32) -> Result<Chunk, StoreError> {
        self.session.run(move |connection| Ok(erase(connection, user, kind, after, limit)?)).await
    }

    async fn erasure_for_update(&mut self, user: UserId) -> Result<Option<Erasure>, StoreError> {
        self.session.run(move |connection| Ok(erasure(connection, user)?)).await
    }

    async fn save_erasure(&mut self, erasure: &Erasure) -> Result<(), StoreError> {
        let erasure = erasure.clone();
        if erasure.state == ErasureState::Done {
            self.session.note_erased();
        }
        self.session.run(move |connection| Ok(save_erasure(connection, &erasure)?)).await
    }

    async fn audit_head_for_update(&mut self) -> Result<AuditHead, StoreError> {
        self.session.run(|connection| Ok(audit::head(connection)?)).await
    }

    async fn append_audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let entries = entries.to_vec();
        self.session.run(move |connection| Ok(audit::append(connection, &entries)?)).await
    }

    async fn insert_deliveries(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        let deliveries = deliveries.to_vec();
        self.session.run(move |connection| Ok(insert_deliveries(connection, deliveries)?)).await
    }

    async fn delivery_for_update(&mut self, id: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
        let id = id.clone();
        self.session.run(move |connection| Ok(delivery(connection, &id)?)).await
    }

    async fn save_delivery(&mut self, delivery: &Delivery) -> Result<(), StoreError> {
        let delivery = delivery.clone();
        if delivery.state != DeliveryState::Pending {
            // It has forgotten the `ext_id` of its user, who may be erased.
            self.session.note_erased();
        }
        self.session.run(move |connection| Ok(save_delivery(connection, &delivery)?)).await
    }

    async fn endpoint_gone_since(&mut self, endpoint: &EndpointId) -> Result<Option<Timestamp>, StoreError> {
        let endpoint = endpoint.clone();
        self.session.run(move |connection| Ok(endpoint_gone_since(connection, &endpoint)?)).await
    }

    async fn save_endpoint(&mut self, endpoint: &EndpointId, gone_since: Option<Timestamp>) -> Result<(), StoreError> {
        let endpoint = endpoint.clone();
        self.session.run(move |connection| Ok(save_endpoint(connection, &endpoint, gone_since)?)).await
    }

    async fn insert_revocation(&mut self, token: &RevokedToken) -> Result<(), StoreError> {
        let token = token.clone();
        self.session.run(move |connection| Ok(insert_revocation(connection, &token)?)).await
    }

    async fn insert_post(&mut self, post: &NewPost, now: Timestamp) -> Result<PostId, StoreError> {
        let post = post.clone();
        self.session.run(move |connection| Ok(insert_post(connection, &post, now)?)).await
    }

    async fn post_author_for_update(&mut self, kind: PostKind, id: PostId) -> Result<Option<UserId>, StoreError> {
        self.post_author(kind, id).await
    }

    async fn post_author(&mut self, kind: PostKind, id: PostId) -> Result<Option<UserId>, StoreError> {
        self.session.run(move |connection| Ok(post_author(connection, kind, id)?)).await
    }

    async fn delete_post(&mut self, author: UserId, id: PostId) -> Result<(), StoreError> {
        self.session.run(move |connection| Ok(delete_post(connection, author, id)?)).await
    }

    async fn toggle_vote(&mut self, voter: UserId, author: UserId, post: PostId, reaction: Reaction, now: Timestamp) -> Result<(), StoreError> {
        let vote = VoteRow::new(voter, (author, post), reaction, now);
        self.session.run(move |connection| Ok(toggle_vote(connection, &vote)?)).await
    }
}
