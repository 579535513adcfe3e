//! Preferences, one by one: each call is one statement.
//!
//! # Why one statement is enough
//!
//! A statement sees one snapshot, taken when it begins, while another transaction may commit before it writes. So it decides by the
//! snapshot, and then updates the owner's row only if that row still carries the revision of the snapshot, and still passes the fence.
//! Whatever changes a preference takes the owner's next revision in the same transaction: if the revision has not moved, nothing that
//! the decision rests on has. If it has moved, nothing is written and the call counts as raced. It is repeated then, behind a lock on
//! the owner's row, where nobody can be faster.

use crate::change_log::{StandingColumns, StandingRow};
use crate::connection::Patience;
use crate::error::Failure;
use crate::row::{PreferenceRow, corrupt, count, signed};
use crate::schema::users;
use crate::statement::{Statement, statement};
use crate::{Lease, PgStore, change_log};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use lethe_domain::account::StatusSet;
use lethe_domain::change::{Change, LogPage};
use lethe_domain::draft::Standing;
use lethe_domain::limits::{Limits, QuotaError};
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::preference::{NewPreference, Preference, PreferenceUpdate, weight};
use lethe_domain::{JsonText, PreferenceId, PreferenceKey, Revision, Timestamp, UserId};
use lethe_ports::outbound::{KeyRange, Look, OwnerFence, PastPart, PreferenceStore, PreferenceStoreError, Snapshot, Stamp, StoreError};

type PreferenceColumns = (BigInt, Text, Text, BigInt, Timestamptz, Timestamptz);

statement! {
    GetPreference<'a> = "sql/get_preference.sql" => (Nullable<PreferenceColumns>,) as (Option<PreferenceRow>,) {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
        id: BigInt = i64,
    }
}

statement! {
    FindPreference<'a> = "sql/find_preference.sql" => (Nullable<PreferenceColumns>,) as (Option<PreferenceRow>,) {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
        key: Text = &'a str,
    }
}

statement! {
    ListPreferences<'a> = "sql/list_preferences.sql" => (BigInt, Nullable<PreferenceColumns>) as (i64, Option<PreferenceRow>) {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
        limit: BigInt = i64,
        offset: BigInt = i64,
    }
}

statement! {
    PartPreferences<'a> = "sql/part_preferences.sql" => (BigInt, Nullable<PreferenceColumns>) as (i64, Option<PreferenceRow>) {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
        prefix: Text = &'a str,
        after: Text = &'a str,
        limit: BigInt = i64,
    }
}

statement! {
    LookAtKey<'a> = "sql/look_at_key.sql" => (StandingColumns, Nullable<PreferenceColumns>) as (StandingRow, Option<PreferenceRow>) {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
        key: Text = &'a str,
    }
}

statement! {
    AllPreferences<'a> = "sql/all_preferences.sql" => (BigInt, Nullable<PreferenceColumns>) as (i64, Option<PreferenceRow>) {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
    }
}

statement! {
    CreatePreference<'a> = "sql/create_preference.sql" => (Text, Nullable<BigInt>, Nullable<BigInt>) as CreatedRow {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
        key: Text = &'a str,
        value: Text = &'a str,
        weight: BigInt = i64,
        actor: BigInt = i64,
        now: Timestamptz = DateTime<Utc>,
        max_keys: BigInt = i64,
        max_bytes: BigInt = i64,
    }
}

statement! {
    UpdatePreference<'a> = "sql/update_preference.sql" => (Text, Nullable<Text>, Nullable<Text>, Nullable<BigInt>, Nullable<Timestamptz>, Nullable<Timestamptz>) as UpdatedRow {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
        id: BigInt = i64,
        expected: Nullable<BigInt> = Option<i64>,
        key: Nullable<Text> = Option<&'a str>,
        value: Nullable<Text> = Option<&'a str>,
        actor: BigInt = i64,
        now: Timestamptz = DateTime<Utc>,
        max_bytes: BigInt = i64,
    }
}

statement! {
    DeletePreference<'a> = "sql/delete_preference.sql" => (Text, Nullable<BigInt>) as DeletedRow {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
        id: BigInt = i64,
        expected: Nullable<BigInt> = Option<i64>,
        actor: BigInt = i64,
        now: Timestamptz = DateTime<Utc>,
    }
}

/// What a write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromSqlRow)]
pub(crate) enum Outcome {
    Done,
    Same,
    Raced,
    NotFound,
    Changed,
    KeyTaken,
    TooManyKeys,
    TooManyBytes,
}

impl FromSql<Text, Pg> for Outcome {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        match value.as_bytes() {
            b"done" => Ok(Self::Done),
            b"same" => Ok(Self::Same),
            b"raced" => Ok(Self::Raced),
            b"not found" => Ok(Self::NotFound),
            b"changed" => Ok(Self::Changed),
            b"key taken" => Ok(Self::KeyTaken),
            b"too many keys" => Ok(Self::TooManyKeys),
            b"too many bytes" => Ok(Self::TooManyBytes),
            other => Err(format!("unknown outcome {:?}", String::from_utf8_lossy(other)).into()),
        }
    }
}

impl Outcome {
    fn within(self, limits: &Limits) -> Result<Self, QuotaError> {
        match self {
            Self::TooManyKeys => Err(QuotaError::TooManyKeys { limit: limits.keys_per_user }),
            Self::TooManyBytes => Err(QuotaError::TooManyBytes { limit: limits.bytes_per_user }),
            Self::Done | Self::Same | Self::Raced | Self::NotFound | Self::Changed | Self::KeyTaken => Ok(self),
        }
    }

    fn check(self) -> Result<(), PreferenceStoreError> {
        match self {
            Self::Done | Self::Same => Ok(()),
            Self::NotFound => Err(PreferenceStoreError::NotFound),
            Self::Changed => Err(PreferenceStoreError::Changed),
            Self::KeyTaken => Err(PreferenceStoreError::KeyTaken),
            Self::Raced | Self::TooManyKeys | Self::TooManyBytes => Err(StoreError::Failed(format!("a write came to {self:?}")).into()),
        }
    }
}

/// A row that begins with an outcome.
trait Judged {
    fn outcome(&self) -> Outcome;
}

#[derive(Debug, Queryable)]
pub(crate) struct CreatedRow {
    outcome: Outcome,
    id: Option<i64>,
    revision: Option<i64>,
}

#[derive(Debug, Queryable)]
pub(crate) struct UpdatedRow {
    outcome: Outcome,
    key: Option<String>,
    value: Option<String>,
    revision: Option<i64>,
    created_at: Option<DateTime<Utc>>,
    last_updated_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Queryable)]
pub(crate) struct DeletedRow {
    outcome: Outcome,
    revision: Option<i64>,
}

macro_rules! judged {
    ($($row:ty),+) => {
        $(impl Judged for $row {
            fn outcome(&self) -> Outcome {
                self.outcome
            }
        })+
    };
}
judged!(CreatedRow, UpdatedRow, DeletedRow);

/// How often a statement is tried that the server sacrificed to another.
const TRIES: usize = 4;

impl PgStore {
    /// Runs a statement that writes. `None` when the fence refuses.
    async fn write<S: Statement<Row: Judged>>(&self, owner: UserId, statement: S) -> Result<Option<S::Row>, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let mut tries = 1;
        loop {
            match statement.run(&mut lease).await {
                Err(Failure::Overtaken(_)) if tries < TRIES => tries += 1,
                Ok(rows) if rows.iter().any(|row| row.outcome() == Outcome::Raced) => return Ok(write_undisturbed(&mut lease, owner, statement).await?),
                outcome => return Ok(outcome?.into_iter().next()),
            }
        }
    }
}

/// Repeats a statement that was raced, behind a lock that keeps the owner's other writers out.
async fn write_undisturbed<S: Statement>(lease: &mut Lease, owner: UserId, statement: S) -> Result<Option<S::Row>, Failure> {
    lease.begin().await?;
    lease.first::<_, i64, _>(users::table.find(owner.get()).select(users::id).for_no_key_update()).await?;
    let rows = statement.run(lease).await?;
    lease.commit().await?;
    Ok(rows.into_iter().next())
}

pub(crate) fn refused<T>(row: Option<T>) -> Result<T, PreferenceStoreError> {
    row.ok_or(PreferenceStoreError::Refused)
}

/// The rows of a list that the fence admits, where one row of nothing stands for an empty list.
pub(crate) fn listed<T>(rows: Vec<(Option<T>,)>) -> Result<impl Iterator<Item = T>, PreferenceStoreError> {
    if rows.is_empty() {
        return Err(PreferenceStoreError::Refused);
    }
    Ok(rows.into_iter().filter_map(|(row,)| row))
}

impl PgStore {
    async fn find(&self, fence: &OwnerFence, key: &PreferenceKey, page: PageRequest) -> Result<Page<Preference>, PreferenceStoreError> {
        let statement = FindPreference {
            owner: fence.owner.get(),
            states: &fence.states.letters(),
            issued_at: fence.issued_at_or_end_of_time().to_utc(),
            key: key.as_str(),
        };
        let found: Vec<Preference> = listed(self.read(statement).await?)?.map(|row| row.preference(fence.owner)).collect();
        let count = found.len() as u64;
        Ok(Page { count, items: if page.offset() == 0 { found } else { Vec::new() } })
    }
}

#[async_trait]
impl PreferenceStore for PgStore {
    async fn get(&self, fence: &OwnerFence, id: PreferenceId) -> Result<Preference, PreferenceStoreError> {
        let statement =
            GetPreference { owner: fence.owner.get(), states: &fence.states.letters(), issued_at: fence.issued_at_or_end_of_time().to_utc(), id: id.get() };
        let row = listed(self.read(statement).await?)?.next();
        row.map(|row| row.preference(fence.owner)).ok_or(PreferenceStoreError::NotFound)
    }

    async fn list(&self, fence: &OwnerFence, key: Option<PreferenceKey>, page: PageRequest) -> Result<Page<Preference>, PreferenceStoreError> {
        if let Some(key) = key {
            return self.find(fence, &key, page).await;
        }
        let statement = ListPreferences {
            owner: fence.owner.get(),
            states: &fence.states.letters(),
            issued_at: fence.issued_at_or_end_of_time().to_utc(),
            limit: i64::from(page.limit()),
            offset: i64::try_from(page.offset()).unwrap_or(i64::MAX),
        };
        let rows = self.read(statement).await?;
        let whole = refused(rows.first())?.0;
        Ok(Page { count: count(whole), items: rows.into_iter().filter_map(|(_, row)| row).map(|row| row.preference(fence.owner)).collect() })
    }

    async fn all(&self, fence: &OwnerFence) -> Result<Snapshot, PreferenceStoreError> {
        let statement = AllPreferences { owner: fence.owner.get(), states: &fence.states.letters(), issued_at: fence.issued_at_or_end_of_time().to_utc() };
        snapshot(fence.owner, self.read(statement).await?)
    }

    async fn part(&self, fence: &OwnerFence, range: KeyRange) -> Result<Snapshot, PreferenceStoreError> {
        let statement = PartPreferences {
            owner: fence.owner.get(),
            states: &fence.states.letters(),
            issued_at: fence.issued_at_or_end_of_time().to_utc(),
            prefix: &range.prefix,
            after: range.after.as_ref().map_or("", PreferenceKey::as_str),
            limit: i64::from(range.limit),
        };
        snapshot(fence.owner, self.read(statement).await?)
    }

    async fn look(&self, fence: &OwnerFence, key: &PreferenceKey) -> Result<Look, PreferenceStoreError> {
        let statement =
            LookAtKey { owner: fence.owner.get(), states: &fence.states.letters(), issued_at: fence.issued_at_or_end_of_time().to_utc(), key: key.as_str() };
        let (standing, found) = refused(self.read(statement).await?.pop())?;
        Ok(Look { standing: standing.into(), found: found.map(|row| row.preference(fence.owner)) })
    }

    async fn standing(&self, fence: &OwnerFence) -> Result<Standing, PreferenceStoreError> {
        change_log::standing(self, fence).await
    }

    async fn as_of(&self, fence: &OwnerFence, at: Revision, range: KeyRange) -> Result<PastPart, PreferenceStoreError> {
        change_log::as_of(self, fence, at, &range).await
    }

    async fn changes(&self, fence: &OwnerFence, since: Revision, limit: u32) -> Result<LogPage, PreferenceStoreError> {
        change_log::changes(self, fence, since, limit).await
    }

    async fn history(&self, fence: &OwnerFence, key: &PreferenceKey, before: Option<Revision>, limit: u32) -> Result<Vec<Change>, PreferenceStoreError> {
        change_log::history(self, fence, key, before, limit).await
    }

    async fn create(&self, fence: &OwnerFence, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError> {
        let states = fence.states.letters();
        let row = self.write(fence.owner, creation(fence, &states, &new, stamp, limits)).await?;
        created(row, fence.owner, new, stamp, limits)
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
        let states = fence.states.letters();
        let row = self.write(fence.owner, renewal(fence, &states, (id, expected), &update, stamp, limits)).await?;
        updated(row, fence.owner, id, limits)
    }

    async fn delete(&self, fence: &OwnerFence, id: PreferenceId, expected: Option<Revision>, stamp: Stamp) -> Result<Revision, PreferenceStoreError> {
        let states = fence.states.letters();
        deleted(self.write(fence.owner, removal(fence, &states, (id, expected), stamp)).await?)
    }
}

/// A fence around an owner whose row this transaction has locked: its state was looked at then.
fn around_locked(owner: UserId) -> OwnerFence {
    OwnerFence { owner, states: StatusSet::WRITABLE, issued_at: None }
}

/// Adds a preference of an owner who is locked.
pub(crate) async fn create_locked(
    lease: &mut Lease,
    owner: UserId,
    new: NewPreference,
    stamp: Stamp,
    limits: &Limits,
) -> Result<Preference, PreferenceStoreError> {
    let (fence, states) = (around_locked(owner), StatusSet::WRITABLE.letters());
    let rows = creation(&fence, &states, &new, stamp, limits).run(lease).await.map_err(StoreError::from)?;
    created(rows.into_iter().next(), owner, new, stamp, limits)
}

/// Changes a preference of an owner who is locked.
pub(crate) async fn update_locked(
    lease: &mut Lease,
    owner: UserId,
    id: PreferenceId,
    update: &PreferenceUpdate,
    stamp: Stamp,
    limits: &Limits,
) -> Result<Preference, PreferenceStoreError> {
    let (fence, states) = (around_locked(owner), StatusSet::WRITABLE.letters());
    let rows = renewal(&fence, &states, (id, None), update, stamp, limits).run(lease).await.map_err(StoreError::from)?;
    updated(rows.into_iter().next(), owner, id, limits)
}

/// Removes a preference of an owner who is locked.
pub(crate) async fn delete_locked(lease: &mut Lease, owner: UserId, id: PreferenceId, stamp: Stamp) -> Result<Revision, PreferenceStoreError> {
    let (fence, states) = (around_locked(owner), StatusSet::WRITABLE.letters());
    let rows = removal(&fence, &states, (id, None), stamp).run(lease).await.map_err(StoreError::from)?;
    deleted(rows.into_iter().next())
}

fn creation<'a>(fence: &OwnerFence, states: &'a [&'static str], new: &'a NewPreference, stamp: Stamp, limits: &Limits) -> CreatePreference<'a> {
    CreatePreference {
        owner: fence.owner.get(),
        states,
        issued_at: fence.issued_at_or_end_of_time().to_utc(),
        key: new.key.as_str(),
        value: new.value.as_str(),
        weight: signed(weight(&new.key, &new.value)),
        actor: stamp.actor.get(),
        now: stamp.now.to_utc(),
        max_keys: signed(limits.keys_per_user),
        max_bytes: signed(limits.bytes_per_user),
    }
}

fn created(row: Option<CreatedRow>, owner: UserId, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError> {
    let row = refused(row)?;
    row.outcome.within(limits)?.check()?;
    Ok(Preference {
        id: PreferenceId::new(complete(row.id)?),
        owner,
        key: new.key,
        value: new.value,
        revision: Revision::new(complete(row.revision)?),
        created_at: stamp.now,
        last_updated_at: stamp.now,
    })
}

fn renewal<'a>(
    fence: &OwnerFence,
    states: &'a [&'static str],
    (id, expected): (PreferenceId, Option<Revision>),
    update: &'a PreferenceUpdate,
    stamp: Stamp,
    limits: &Limits,
) -> UpdatePreference<'a> {
    UpdatePreference {
        owner: fence.owner.get(),
        states,
        issued_at: fence.issued_at_or_end_of_time().to_utc(),
        id: id.get(),
        expected: expected.map(Revision::get),
        key: update.key().map(PreferenceKey::as_str),
        value: update.value().map(JsonText::as_str),
        actor: stamp.actor.get(),
        now: stamp.now.to_utc(),
        max_bytes: signed(limits.bytes_per_user),
    }
}

fn updated(row: Option<UpdatedRow>, owner: UserId, id: PreferenceId, limits: &Limits) -> Result<Preference, PreferenceStoreError> {
    let row = refused(row)?;
    row.outcome.within(limits)?.check()?;
    Ok(Preference {
        id,
        owner,
        key: PreferenceKey::from_store(complete(row.key)?),
        value: JsonText::from_store(complete(row.value)?),
        revision: Revision::new(complete(row.revision)?),
        created_at: Timestamp::new(complete(row.created_at)?),
        last_updated_at: Timestamp::new(complete(row.last_updated_at)?),
    })
}

fn removal<'a>(fence: &OwnerFence, states: &'a [&'static str], (id, expected): (PreferenceId, Option<Revision>), stamp: Stamp) -> DeletePreference<'a> {
    DeletePreference {
        owner: fence.owner.get(),
        states,
        issued_at: fence.issued_at_or_end_of_time().to_utc(),
        id: id.get(),
        expected: expected.map(Revision::get),
        actor: stamp.actor.get(),
        now: stamp.now.to_utc(),
    }
}

fn deleted(row: Option<DeletedRow>) -> Result<Revision, PreferenceStoreError> {
    let row = refused(row)?;
    row.outcome.check()?;
    Ok(Revision::new(complete(row.revision)?))
}

/// What was read of a set; no row says that the fence refuses.
fn snapshot(owner: UserId, rows: Vec<(i64, Option<PreferenceRow>)>) -> Result<Snapshot, PreferenceStoreError> {
    let revision = refused(rows.first())?.0;
    let preferences = rows.into_iter().filter_map(|(_, row)| row).map(|row| row.preference(owner)).collect();
    Ok(Snapshot { revision: Revision::new(revision), preferences })
}

/// A column that is only empty when nothing was written.
fn complete<T>(column: Option<T>) -> Result<T, StoreError> {
    column.ok_or_else(|| corrupt("a write left no row"))
}
