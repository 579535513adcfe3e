//! Transactions: what can be done inside one, in diesel's own words.

use crate::connection::Patience;
use crate::error::Failure;
use crate::ledger::{Counters, Ledger};
use crate::row::{AccountRow, PersonRow, PreferenceRow, ProfileRow, UserRow, corrupt, unique_names};
use crate::schema::{posts, preferences, reservations, users, votes};
use crate::{Lease, PgStore, attempts, audit, change_log, erasure, erasures, holds, ledger, outbox, preferences as single, revocations};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::dsl::select;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use futures_util::future::BoxFuture;
use lethe_domain::account::{Account, StatusSet, UserStatus};
use lethe_domain::attempt::Attempt;
use lethe_domain::audit::{AuditEntry, AuditHead};
use lethe_domain::change::LogPage;
use lethe_domain::content::{NewPost, PostKind, Reaction};
use lethe_domain::draft::{Item, Standing};
use lethe_domain::erasure::{Chunk, Erasure, ErasureCursor};
use lethe_domain::hold::{Hold, NewHold};
use lethe_domain::id::HoldId;
use lethe_domain::limits::Limits;
use lethe_domain::manifest::{ContentKind, Tally};
use lethe_domain::preference::{Edit, NewPreference, Preference, PreferenceUpdate};
use lethe_domain::profile::{ExtId, NewUser, Profile};
use lethe_domain::webhook::{Delivery, DeliveryId, EndpointId};
use lethe_domain::{PostId, PreferenceId, PreferenceKey, Revision, Timestamp, UserId};
use lethe_ports::outbound::{AttemptState, InsertUserError, OwnerFence, PreferenceStoreError, RevokedToken, Stamp, Store, StoreError, Tx};

diesel::define_sql_function!(fn pg_get_serial_sequence(of_table: Text, of_column: Text) -> Nullable<Text>);
diesel::define_sql_function!(fn nextval(sequence: Nullable<Text>) -> BigInt);
diesel::define_sql_function!(fn clock_timestamp() -> Timestamptz);

#[async_trait]
impl Store for PgStore {
    async fn transact<R, E, F>(&self, work: F) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut dyn Tx) -> BoxFuture<'t, Result<R, E>> + Send + 'static,
    {
        let mut tx = PgTx(self.lease(Patience::Short).await.map_err(StoreError::from)?);
        tx.0.begin().await.map_err(StoreError::from)?;
        let done = match work(&mut tx).await {
            Ok(done) => done,
            Err(error) => {
                tx.0.roll_back().await;
                return Err(error);
            }
        };
        tx.0.commit().await.map_err(StoreError::from)?;
        Ok(done)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        self.check_schema().await
    }
}

/// An open transaction. Dropped before it was committed, it is rolled back.
struct PgTx(Lease);

impl PgTx {
    /// Reserves the names of a person who has none yet; `Some` is the first that is taken, and then none is reserved.
    async fn reserve(&mut self, id: UserId, user: &NewUser) -> Result<Option<lethe_domain::profile::UniqueName>, Failure> {
        let names = unique_names(user);
        let row = |(kind, value): &(lethe_domain::profile::UniqueName, String)| {
            (reservations::kind.eq(kind.name()), reservations::value.eq(value.clone()), reservations::user_id.eq(id.get()))
        };
        let insert = diesel::insert_into(reservations::table).values(names.iter().map(row).collect::<Vec<_>>());
        let reserved: Vec<String> = self.0.rows(insert.on_conflict_do_nothing().returning(reservations::kind)).await?;
        let taken = names.iter().map(|(kind, _)| *kind).find(|kind| !reserved.iter().any(|reserved| reserved == kind.name()));
        if taken.is_some() {
            self.0.execute(diesel::delete(reservations::table.filter(reservations::user_id.eq(id.get())))).await?;
        }
        Ok(taken)
    }

    async fn ledger(&mut self, owner: UserId, edits: &[Edit]) -> Result<Ledger, StoreError> {
        let counters = users::table.find(owner.get()).select((users::revision, users::preference_keys, users::preference_bytes));
        let counters: Option<Counters> = self.0.first(counters).await?;
        let mut ledger = Ledger::new(owner, counters.ok_or_else(|| corrupt("an owner is gone"))?);
        let keys: Vec<_> = edits.iter().map(edited_key).collect();
        let touched = preferences::table.filter(preferences::user_id.eq(owner.get())).filter(preferences::key.eq_any(&keys));
        let rows: Vec<PreferenceRow> = self.0.rows(touched.select(PreferenceRow::as_select())).await?;
        for row in rows {
            ledger.take_in(row);
        }
        Ok(ledger)
    }
}

/// For an owner who is locked: its state was looked at then.
const fn in_whatever_state(owner: UserId) -> OwnerFence {
    OwnerFence { owner, states: StatusSet::READABLE, issued_at: None }
}

fn edited_key(edit: &Edit) -> &str {
    match edit {
        Edit::Put(new) => new.key.as_str(),
        Edit::Remove(key) => key.as_str(),
    }
}

#[async_trait]
impl Tx for PgTx {
    async fn now(&mut self) -> Result<Timestamp, StoreError> {
        // Not `now()`: that is the beginning of the transaction, before anybody was waited for.
        let present: Option<DateTime<Utc>> = self.0.first(select(clock_timestamp())).await?;
        present.map(Timestamp::new).ok_or_else(|| corrupt("the present"))
    }

    async fn account_for_update(&mut self, id: UserId) -> Result<Option<Account>, StoreError> {
        let row: Option<AccountRow> = self.0.first(users::table.find(id.get()).select(AccountRow::as_select()).for_update()).await?;
        row.map(Account::try_from).transpose()
    }

    async fn account_for_share(&mut self, id: UserId) -> Result<Option<Account>, StoreError> {
        // Whoever changes the state locks the row for update, and that waits. Counters may still move.
        let row: Option<AccountRow> = self.0.first(users::table.find(id.get()).select(AccountRow::as_select()).for_key_share()).await?;
        row.map(Account::try_from).transpose()
    }

    async fn save_account(&mut self, account: &Account) -> Result<(), StoreError> {
        self.0.execute(diesel::update(users::table.find(account.id.get())).set(AccountRow::from(account))).await?;
        Ok(())
    }

    async fn insert_user(&mut self, user: &NewUser) -> Result<UserId, InsertUserError> {
        let id: Option<i64> = self.0.first(select(nextval(pg_get_serial_sequence("users", "id")))).await.map_err(StoreError::from)?;
        let id = UserId::new(id.ok_or_else(|| corrupt("users.id"))?);
        if let Some(taken) = self.reserve(id, user).await.map_err(StoreError::from)? {
            return Err(InsertUserError::Taken(taken));
        }
        let row = UserRow { account: (&Account::new(id)).into(), person: user.into() };
        self.0.execute(diesel::insert_into(users::table).values(row)).await.map_err(StoreError::from)?;
        Ok(id)
    }

    async fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StoreError> {
        let row: Option<PersonRow> = self.0.first(users::table.find(id.get()).select(PersonRow::as_select())).await?;
        let person = row.map(PersonRow::person).transpose()?.flatten();
        Ok(person.map(|person| person.profile))
    }

    async fn save_profile(&mut self, id: UserId, profile: &Profile) -> Result<(), StoreError> {
        let alive = users::table.find(id.get()).filter(users::username.is_not_null());
        self.0.execute(diesel::update(alive).set(ProfileRow::from(profile))).await?;
        Ok(())
    }

    async fn preferences(&mut self, owner: UserId) -> Result<Vec<Preference>, StoreError> {
        let all = preferences::table.filter(preferences::user_id.eq(owner.get())).order(preferences::key).select(PreferenceRow::as_select());
        let rows: Vec<PreferenceRow> = self.0.rows(all).await?;
        Ok(rows.into_iter().map(|row| row.preference(owner)).collect())
    }

    async fn standing(&mut self, owner: UserId) -> Result<Standing, StoreError> {
        Ok(change_log::standing_of(&mut self.0, owner).await?)
    }

    async fn preferences_of_keys(&mut self, owner: UserId, keys: &[PreferenceKey]) -> Result<Vec<Preference>, StoreError> {
        let keys: Vec<_> = keys.iter().map(PreferenceKey::as_str).collect();
        let named = preferences::table.filter(preferences::user_id.eq(owner.get())).filter(preferences::key.eq_any(&keys));
        let rows: Vec<PreferenceRow> = self.0.rows(named.select(PreferenceRow::as_select())).await?;
        Ok(rows.into_iter().map(|row| row.preference(owner)).collect())
    }

    async fn preference(&mut self, owner: UserId, id: PreferenceId) -> Result<Option<Preference>, StoreError> {
        let row: Option<PreferenceRow> = self.0.first(preferences::table.find((owner.get(), id.get())).select(PreferenceRow::as_select())).await?;
        Ok(row.map(|row| row.preference(owner)))
    }

    async fn as_of(&mut self, owner: UserId, at: Revision, key: Option<&PreferenceKey>) -> Result<Vec<Item>, StoreError> {
        Ok(match key {
            Some(key) => change_log::key_as_of(&mut self.0, owner, at, key).await?.into_iter().collect(),
            None => change_log::as_of_locked(&mut self.0, &in_whatever_state(owner), at).await?,
        })
    }

    async fn changes(&mut self, owner: UserId, since: Revision, limit: u32) -> Result<LogPage, StoreError> {
        change_log::changes_locked(&mut self.0, &in_whatever_state(owner), since, limit).await
    }

    async fn create_preference(&mut self, owner: UserId, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError> {
        single::create_locked(&mut self.0, owner, new, stamp, limits).await
    }

    async fn update_preference(
        &mut self,
        owner: UserId,
        id: PreferenceId,
        update: PreferenceUpdate,
        stamp: Stamp,
        limits: &Limits,
    ) -> Result<Preference, PreferenceStoreError> {
        single::update_locked(&mut self.0, owner, id, &update, stamp, limits).await
    }

    async fn delete_preference(&mut self, owner: UserId, id: PreferenceId, stamp: Stamp) -> Result<Revision, PreferenceStoreError> {
        single::delete_locked(&mut self.0, owner, id, stamp).await
    }

    async fn shorten_log(&mut self, owner: UserId, beginning: Revision) -> Result<(), StoreError> {
        Ok(change_log::shorten(&mut self.0, owner, beginning).await?)
    }

    async fn begin_attempt(&mut self, about: UserId, attempt: &Attempt, since: Timestamp) -> Result<AttemptState, StoreError> {
        Ok(attempts::begin(&mut self.0, about, attempt, since).await?)
    }

    async fn end_attempt(&mut self, about: UserId, attempt: &Attempt, outcome: &str, now: Timestamp) -> Result<(), StoreError> {
        Ok(attempts::end(&mut self.0, about, attempt, outcome, now).await?)
    }

    async fn edit_preferences(&mut self, owner: UserId, edits: &[Edit], stamp: Stamp, limits: &Limits) -> Result<(), PreferenceStoreError> {
        let mut ledger = self.ledger(owner, edits).await?;
        let before = ledger.usage();
        for edit in edits {
            match edit {
                Edit::Put(new) => ledger.put(new, stamp),
                Edit::Remove(key) => ledger.remove(key, stamp),
            }
        }
        limits.admit(before, ledger.usage())?;
        ledger::write(&mut self.0, &[ledger]).await.map_err(StoreError::from)?;
        Ok(())
    }

    async fn ext_id(&mut self, id: UserId) -> Result<Option<ExtId>, StoreError> {
        let alive = users::table.find(id.get()).filter(users::status.ne(UserStatus::Erased.letter()));
        let row: Option<Option<String>> = self.0.first(alive.select(users::ext_id)).await?;
        Ok(row.flatten().map(ExtId::from_store))
    }

    async fn holds(&mut self, user: UserId) -> Result<Vec<Hold>, StoreError> {
        Ok(holds::of(&mut self.0, user).await?)
    }

    async fn insert_hold(&mut self, user: UserId, hold: &NewHold, stamp: Stamp) -> Result<HoldId, StoreError> {
        holds::insert(&mut self.0, user, hold, stamp).await
    }

    async fn delete_hold(&mut self, user: UserId, hold: HoldId) -> Result<bool, StoreError> {
        Ok(holds::delete(&mut self.0, user, hold).await?)
    }

    async fn tally(&mut self, user: UserId) -> Result<Tally, StoreError> {
        erasure::tally(&mut self.0, user).await
    }

    async fn erase(&mut self, user: UserId, kind: ContentKind, after: ErasureCursor, limit: u32) -> Result<Chunk, StoreError> {
        Ok(erasure::erase(&mut self.0, user, kind, after, limit).await?)
    }

    async fn erasure_for_update(&mut self, user: UserId) -> Result<Option<Erasure>, StoreError> {
        erasures::lock(&mut self.0, user).await
    }

    async fn save_erasure(&mut self, erasure: &Erasure) -> Result<(), StoreError> {
        erasures::save(&mut self.0, erasure).await
    }

    async fn audit_head_for_update(&mut self) -> Result<AuditHead, StoreError> {
        audit::lock_head(&mut self.0).await
    }

    async fn append_audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        Ok(audit::append(&mut self.0, entries).await?)
    }

    async fn insert_deliveries(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        Ok(outbox::insert(&mut self.0, deliveries).await?)
    }

    async fn delivery_for_update(&mut self, id: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
        outbox::lock(&mut self.0, id).await
    }

    async fn save_delivery(&mut self, delivery: &Delivery) -> Result<(), StoreError> {
        Ok(outbox::save(&mut self.0, delivery).await?)
    }

    async fn endpoint_gone_since(&mut self, endpoint: &EndpointId) -> Result<Option<Timestamp>, StoreError> {
        Ok(outbox::gone_since(&mut self.0, endpoint).await?)
    }

    async fn save_endpoint(&mut self, endpoint: &EndpointId, gone_since: Option<Timestamp>) -> Result<(), StoreError> {
        Ok(outbox::save_endpoint(&mut self.0, endpoint, gone_since).await?)
    }

    async fn insert_revocation(&mut self, token: &RevokedToken) -> Result<(), StoreError> {
        Ok(revocations::insert(&mut self.0, token).await?)
    }

    async fn insert_post(&mut self, post: &NewPost, now: Timestamp) -> Result<PostId, StoreError> {
        let row = (
            posts::user_id.eq(post.author.get()),
            posts::kind.eq(post.kind.name()),
            posts::title.eq(post.title.as_str()),
            posts::text.eq(post.text.as_str()),
            posts::added_at.eq(now.to_utc()),
            posts::last_activity_at.eq(now.to_utc()),
        );
        let id: Option<i64> = self.0.first(diesel::insert_into(posts::table).values(row).returning(posts::id)).await?;
        Ok(PostId::new(id.ok_or_else(|| corrupt("posts.id"))?))
    }

    async fn post_author_for_update(&mut self, kind: PostKind, id: PostId) -> Result<Option<UserId>, StoreError> {
        let post = posts::table.filter(posts::id.eq(id.get())).filter(posts::kind.eq(kind.name())).select(posts::user_id);
        let author: Option<i64> = self.0.first(post.for_update()).await?;
        Ok(author.map(UserId::new))
    }

    async fn post_author(&mut self, kind: PostKind, id: PostId) -> Result<Option<UserId>, StoreError> {
        let post = posts::table.filter(posts::id.eq(id.get())).filter(posts::kind.eq(kind.name())).select(posts::user_id);
        let author: Option<i64> = self.0.first(post).await?;
        Ok(author.map(UserId::new))
    }

    async fn delete_post(&mut self, author: UserId, id: PostId) -> Result<(), StoreError> {
        erasure::delete_posts(&mut self.0, author.get(), &[id.get()]).await?;
        Ok(())
    }

    async fn toggle_vote(&mut self, voter: UserId, author: UserId, post: PostId, reaction: Reaction, now: Timestamp) -> Result<(), StoreError> {
        let place = (voter.get(), author.get(), post.get());
        let taken_back = self.0.execute(diesel::delete(votes::table.find(place))).await? == 1;
        if !taken_back {
            let vote = (
                votes::user_id.eq(voter.get()),
                votes::post_owner_id.eq(author.get()),
                votes::post_id.eq(post.get()),
                votes::reaction.eq(reaction.name()),
                votes::voted_at.eq(now.to_utc()),
            );
            self.0.execute(diesel::insert_into(votes::table).values(vote)).await?;
        }
        let step = if taken_back { -1 } else { 1 };
        let counter = posts::vote_count.eq(posts::vote_count + step);
        self.0.execute(diesel::update(posts::table.find((author.get(), post.get()))).set(counter)).await?;
        Ok(())
    }
}
