//! Transactions: the caller decides, step by step, and the writer does.

use crate::SqliteStore;
use crate::accounts::{account, insert_user, profile, save_account, save_profile};
use crate::content::{delete_post, insert_post, post_author, toggle_vote};
use crate::erasure::erase;
use crate::ledger::all;
use crate::migration;
use crate::preferences::edit;
use crate::row::VoteRow;
use crate::session::Session;
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use lethe_domain::account::Account;
use lethe_domain::content::{NewPost, PostKind, Reaction};
use lethe_domain::manifest::ContentKind;
use lethe_domain::id::{PostId, UserId};
use lethe_domain::limits::Limits;
use lethe_domain::preference::{Edit, Preference};
use lethe_domain::profile::{NewUser, Profile};
use lethe_domain::time::Timestamp;
use lethe_ports::outbound::{InsertUserError, PreferenceStoreError, Stamp, Store, StoreError, Tx};

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

    async fn edit_preferences(&mut self, owner: UserId, edits: &[Edit], stamp: Stamp, limits: &Limits) -> Result<(), PreferenceStoreError> {
        let (edits, limits) = (edits.to_vec(), *limits);
        self.session.run(move |connection| edit(connection, owner, edits, stamp, &limits)).await
    }

    async fn erase(&mut self, user: UserId, kind: ContentKind, limit: u32) -> Result<u32, StoreError> {
        self.session.run(move |connection| Ok(erase(connection, user, kind, limit)?)).await
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
