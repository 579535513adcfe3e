//! The change log, read in every way, and shortened.

use crate::connection::Patience;
use crate::error::Failure;
use crate::preferences::{listed, refused};
use crate::row::{ChangeRow, count, signed_count};
use crate::schema::users;
use crate::statement::{Statement, statement};
use crate::{Lease, PgStore};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use lethe_domain::account::UserStatus;
use lethe_domain::change::{Change, LogExtent, LogPage, renumbering_distance};
use lethe_domain::draft::{Item, Standing};
use lethe_domain::limits::Usage;
use lethe_domain::{JsonText, PreferenceKey, Revision, Timestamp, UserId};
use lethe_ports::outbound::{KeyRange, LogScan, OwnerFence, PastPart, PreferenceStoreError, Renumbered, StoreError};

pub(crate) type StandingColumns = (BigInt, BigInt, BigInt, BigInt);
type ChangeColumns = (BigInt, Text, Text, Nullable<Text>, Timestamptz, BigInt, Nullable<Timestamptz>);
type ItemColumns = (Text, Text, BigInt, Timestamptz, Timestamptz);

/// What the owner's row says of its preferences.
#[derive(Debug, Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = users)]
pub(crate) struct StandingRow {
    revision: i64,
    log_begins_after: i64,
    preference_keys: i64,
    preference_bytes: i64,
}

impl From<StandingRow> for Standing {
    fn from(row: StandingRow) -> Self {
        let size = |number| usize::try_from(count(number)).unwrap_or(usize::MAX);
        Self {
            revision: Revision::new(row.revision),
            log_begins_after: Revision::new(row.log_begins_after),
            usage: Usage { keys: size(row.preference_keys), bytes: size(row.preference_bytes) },
        }
    }
}

/// What a key had.
#[derive(Debug, Queryable)]
pub(crate) struct ItemRow {
    key: String,
    value: String,
    revision: i64,
    created_at: DateTime<Utc>,
    at: DateTime<Utc>,
}

impl From<ItemRow> for Item {
    fn from(row: ItemRow) -> Self {
        Self {
            key: PreferenceKey::from_store(row.key),
            value: JsonText::from_store(row.value),
            revision: Revision::new(row.revision),
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.at),
        }
    }
}

statement! {
    ShowStanding<'a> = "sql/show_standing.sql" => StandingColumns as StandingRow {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
    }
}

statement! {
    PastPreferences<'a> = "sql/past_preferences.sql" => (StandingColumns, Nullable<ItemColumns>) as (StandingRow, Option<ItemRow>) {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
        at: BigInt = i64,
        prefix: Text = &'a str,
        after: Text = &'a str,
        limit: BigInt = i64,
    }
}

statement! {
    PastPreference<'a> = "sql/past_preference.sql" => ChangeColumns as ChangeRow {
        owner: BigInt = i64,
        key: Text = &'a str,
        at: BigInt = i64,
    }
}

statement! {
    ListChanges<'a> = "sql/list_changes.sql" => (BigInt, BigInt, Nullable<ChangeColumns>) as (i64, i64, Option<ChangeRow>) {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
        since: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    ListHistory<'a> = "sql/list_history.sql" => (Nullable<ChangeColumns>,) as (Option<ChangeRow>,) {
        owner: BigInt = i64,
        states: Array<Text> = &'a [&'static str],
        issued_at: Timestamptz = DateTime<Utc>,
        key: Text = &'a str,
        before: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    ShortenLog = "sql/shorten_log.sql" {
        owner: BigInt = i64,
        beginning: BigInt = i64,
    }
}

/// A user, its status, where its log begins, the first revision that is kept, and the last one.
type CountersRow = (i64, String, i64, Option<i64>, i64);

statement! {
    LockCounters = "sql/lock_counters.sql" => (BigInt, Text, BigInt, Nullable<BigInt>, BigInt) as CountersRow {
        after: BigInt = i64,
        limit: BigInt = i64,
    }
}

statement! {
    Renumber<'a> = "sql/renumber.sql" {
        owners: Array<BigInt> = &'a [i64],
        distances: Array<BigInt> = &'a [i64],
    }
}

/// A user who was looked at; of one whose log is overgrown, where it begins and ends, and its first change that is young.
type ExtentRow = (i64, Option<i64>, Option<i64>, Option<i64>);

statement! {
    FindOvergrownLogs = "sql/find_overgrown_logs.sql" => (BigInt, Nullable<BigInt>, Nullable<BigInt>, Nullable<BigInt>) as ExtentRow {
        after: BigInt = i64,
        limit: BigInt = i64,
        max_changes: BigInt = i64,
        young_since: Timestamptz = DateTime<Utc>,
    }
}

pub(crate) async fn standing(store: &PgStore, fence: &OwnerFence) -> Result<Standing, PreferenceStoreError> {
    let statement = ShowStanding { owner: fence.owner.get(), states: &fence.states.letters(), issued_at: fence.issued_at_or_end_of_time().to_utc() };
    refused(store.read(statement).await?.pop()).map(Standing::from)
}

/// As [`standing`], without a fence.
pub(crate) async fn standing_of(lease: &mut Lease, owner: UserId) -> Result<Standing, Failure> {
    let row: Option<StandingRow> = lease.first(users::table.find(owner.get()).select(StandingRow::as_select())).await?;
    Ok(row.map(Standing::from).unwrap_or_default())
}

pub(crate) async fn as_of(store: &PgStore, fence: &OwnerFence, at: Revision, range: &KeyRange) -> Result<PastPart, PreferenceStoreError> {
    let rows = store.read(past(fence, &fence.states.letters(), at, range)).await?;
    let standing = refused(rows.first().map(|(standing, _)| *standing))?.into();
    Ok(PastPart { standing, items: items(rows) })
}

/// As [`as_of`], for an owner who is locked.
pub(crate) async fn as_of_locked(lease: &mut Lease, fence: &OwnerFence, at: Revision) -> Result<Vec<Item>, Failure> {
    let everything = KeyRange { limit: u32::MAX, ..KeyRange::default() };
    Ok(items(past(fence, &fence.states.letters(), at, &everything).run(lease).await?))
}

/// What one key had.
pub(crate) async fn key_as_of(lease: &mut Lease, owner: UserId, at: Revision, key: &PreferenceKey) -> Result<Option<Item>, StoreError> {
    let row = PastPreference { owner: owner.get(), key: key.as_str(), at: at.get() }.run(lease).await?.pop();
    Ok(row.map(Change::try_from).transpose()?.and_then(|change| change.item()))
}

fn past<'a>(fence: &OwnerFence, states: &'a [&'static str], at: Revision, range: &'a KeyRange) -> PastPreferences<'a> {
    PastPreferences {
        owner: fence.owner.get(),
        states,
        issued_at: fence.issued_at_or_end_of_time().to_utc(),
        at: at.get(),
        prefix: &range.prefix,
        after: range.after.as_ref().map_or("", PreferenceKey::as_str),
        limit: i64::from(range.limit),
    }
}

fn items(rows: Vec<(StandingRow, Option<ItemRow>)>) -> Vec<Item> {
    rows.into_iter().filter_map(|(_, row)| row).map(Item::from).collect()
}

pub(crate) async fn changes(store: &PgStore, fence: &OwnerFence, since: Revision, limit: u32) -> Result<LogPage, PreferenceStoreError> {
    let rows = store.read(listing(fence, &fence.states.letters(), since, limit)).await?;
    refused(log_page(rows)?)
}

/// As [`changes`], for an owner who is locked; nothing of one who is not there.
pub(crate) async fn changes_locked(lease: &mut Lease, fence: &OwnerFence, since: Revision, limit: u32) -> Result<LogPage, StoreError> {
    let rows = listing(fence, &fence.states.letters(), since, limit).run(lease).await?;
    let nothing = LogPage { begins_after: Revision::ZERO, latest: Revision::ZERO, changes: Vec::new() };
    Ok(log_page(rows)?.unwrap_or(nothing))
}

fn listing<'a>(fence: &OwnerFence, states: &'a [&'static str], since: Revision, limit: u32) -> ListChanges<'a> {
    let (owner, issued_at) = (fence.owner.get(), fence.issued_at_or_end_of_time().to_utc());
    ListChanges { owner, states, issued_at, since: since.get(), limit: i64::from(limit) }
}

/// `None`: there is no such owner, or in another state.
fn log_page(rows: Vec<(i64, i64, Option<ChangeRow>)>) -> Result<Option<LogPage>, StoreError> {
    let Some((latest, begins_after)) = rows.first().map(|(latest, begins_after, _)| (Revision::new(*latest), Revision::new(*begins_after))) else {
        return Ok(None);
    };
    let changes = rows.into_iter().filter_map(|(_, _, row)| row).map(Change::try_from).collect::<Result<_, _>>()?;
    Ok(Some(LogPage { begins_after, latest, changes }))
}

pub(crate) async fn history(
    store: &PgStore,
    fence: &OwnerFence,
    key: &PreferenceKey,
    before: Option<Revision>,
    limit: u32,
) -> Result<Vec<Change>, PreferenceStoreError> {
    let statement = ListHistory {
        owner: fence.owner.get(),
        states: &fence.states.letters(),
        issued_at: fence.issued_at_or_end_of_time().to_utc(),
        key: key.as_str(),
        before: before.map_or(i64::MAX, Revision::get),
        limit: i64::from(limit),
    };
    listed(store.read(statement).await?)?.map(|row| Ok(row.try_into()?)).collect()
}

/// Lets the log of an owner who is locked begin later.
pub(crate) async fn shorten(lease: &mut Lease, owner: UserId, beginning: Revision) -> Result<(), Failure> {
    lease.execute(ShortenLog { owner: owner.get(), beginning: beginning.get() }).await?;
    lease.execute(diesel::update(users::table.find(owner.get())).set(users::log_begins_after.eq(beginning.get()))).await?;
    Ok(())
}

/// Moves the revisions of the next `limit` users to behind `beginning`. They are locked first: what is counted must have come to an end before
/// the statement that moves it begins to look.
pub(crate) async fn renumber(store: &PgStore, after: Option<UserId>, limit: u32, beginning: Revision) -> Result<Renumbered, StoreError> {
    let mut lease = store.lease(Patience::Long).await?;
    lease.begin().await?;
    let rows = LockCounters { after: after.map_or(0, UserId::get), limit: limit.into() }.run(&mut lease).await?;
    let last = rows.last().map(|(id, ..)| UserId::new(*id));
    let counted = rows.into_iter().filter(|(_, status, ..)| status != UserStatus::Erased.letter());
    let (owners, distances): (Vec<_>, Vec<_>) = counted
        .map(|(id, _, begins_after, first, latest)| {
            let distance = renumbering_distance(Revision::new(begins_after), first.map(Revision::new), Revision::new(latest), beginning);
            (id, distance)
        })
        .unzip();
    lease.execute(Renumber { owners: &owners, distances: &distances }).await?;
    lease.commit().await?;
    Ok(Renumbered { users: owners.len() as u64, last })
}

pub(crate) async fn overgrown(store: &PgStore, after: Option<UserId>, limit: u32, max_changes: u64, young_since: Timestamp) -> Result<LogScan, StoreError> {
    let statement = FindOvergrownLogs {
        after: after.map_or(0, UserId::get),
        limit: i64::from(limit),
        max_changes: signed_count(max_changes),
        young_since: young_since.to_utc(),
    };
    let rows = store.read(statement).await?;
    let last = rows.last().map(|(owner, ..)| UserId::new(*owner));
    let extent = |(owner, begins_after, latest, first_young): ExtentRow| {
        Some(LogExtent {
            owner: UserId::new(owner),
            begins_after: Revision::new(begins_after?),
            latest: Revision::new(latest?),
            first_young: first_young.map(Revision::new),
        })
    };
    Ok(LogScan { overgrown: rows.into_iter().filter_map(extent).collect(), last })
}
