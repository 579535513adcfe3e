//! The change log, read in every way, and shortened.

use crate::ledger::size;
use crate::row::ChangeRow;
use crate::schema::{changes, preferences, users};
use diesel::dsl::min;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text};
use lethe_domain::account::UserStatus;
use lethe_domain::change::{Change, LogExtent, LogPage, renumbering_distance};
use lethe_domain::draft::{Item, Standing};
use lethe_domain::id::{Revision, UserId};
use lethe_domain::limits::Usage;
use lethe_domain::{JsonText, PreferenceKey, Timestamp};
use lethe_ports::outbound::{KeyRange, LogScan, Renumbered};

/// Of each key the last change up to a revision, unless that is a removal.
const AS_OF: &str = "
    SELECT c.key, c.value, c.revision, c.created_at, c.at
    FROM (
        SELECT max(revision) AS revision FROM changes
        WHERE user_id = ?1 AND revision <= ?2 AND key > ?3 AND substr(key, 1, length(?4)) = ?4 GROUP BY key
    ) last
    JOIN changes c ON c.user_id = ?1 AND c.revision = last.revision
    WHERE c.kind = 'put' ORDER BY c.key LIMIT ?5";

/// Of what is not after the beginning, the last value of each key stays.
const SHORTEN: &str = "
    DELETE FROM changes AS c
    WHERE c.user_id = ?1 AND c.revision <= ?2 AND (c.kind = 'delete' OR c.revision NOT IN (
        SELECT max(revision) FROM changes WHERE user_id = ?1 AND revision <= ?2 GROUP BY key))";

/// One row per user that is looked at. The second half is empty for a log that is short and young.
const OVERGROWN: &str = "
    SELECT id, CASE WHEN overgrown THEN log_begins_after END AS begins_after, CASE WHEN overgrown THEN revision END AS latest, CASE WHEN overgrown THEN (
        SELECT min(c.revision) FROM changes c WHERE c.user_id = id AND c.revision > log_begins_after AND c.at >= ?4
    ) END AS first_young
    FROM (
        SELECT id, revision, log_begins_after, revision > log_begins_after AND (revision - log_begins_after > ?3 OR (
            SELECT c.at FROM changes c WHERE c.user_id = users.id AND c.revision > log_begins_after ORDER BY c.revision LIMIT 1
        ) < ?4) AS overgrown
        FROM users WHERE id > ?1 ORDER BY id LIMIT ?2
    ) ORDER BY id";

#[derive(QueryableByName)]
struct ItemRow {
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = Text)]
    value: String,
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    at: i64,
}

impl From<ItemRow> for Item {
    fn from(row: ItemRow) -> Self {
        Self {
            key: PreferenceKey::from_store(row.key),
            value: JsonText::from_store(row.value),
            revision: Revision::new(row.revision),
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.at),
        }
    }
}

#[derive(QueryableByName)]
struct ExtentRow {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    begins_after: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    latest: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    first_young: Option<i64>,
}

impl ExtentRow {
    fn extent(&self) -> Option<LogExtent> {
        Some(LogExtent {
            owner: UserId::new(self.id),
            begins_after: Revision::new(self.begins_after?),
            latest: Revision::new(self.latest?),
            first_young: self.first_young.map(Revision::new),
        })
    }
}

/// What the owner's row says of its preferences.
pub(crate) fn standing(connection: &mut SqliteConnection, owner: UserId) -> QueryResult<Standing> {
    let columns = (users::revision, users::log_begins_after, users::preference_keys, users::preference_bytes);
    let row: Option<(i64, i64, i64, i64)> = users::table.find(owner.get()).select(columns).get_result(connection).optional()?;
    let (revision, log_begins_after, keys, bytes) = row.unwrap_or_default();
    let usage = Usage { keys: size(keys)?, bytes: size(bytes)? };
    Ok(Standing { revision: Revision::new(revision), log_begins_after: Revision::new(log_begins_after), usage })
}

/// A part of the set as it stood at a revision.
pub(crate) fn as_of(connection: &mut SqliteConnection, owner: UserId, at: Revision, range: &KeyRange) -> QueryResult<Vec<Item>> {
    let after = range.after.as_ref().map_or("", PreferenceKey::as_str);
    let query = sql_query(AS_OF).bind::<BigInt, _>(owner.get()).bind::<BigInt, _>(at.get()).bind::<Text, _>(after);
    let rows: Vec<ItemRow> = query.bind::<Text, _>(&range.prefix).bind::<BigInt, _>(i64::from(range.limit)).load(connection)?;
    Ok(rows.into_iter().map(Item::from).collect())
}

/// What one key had at a revision.
pub(crate) fn key_as_of(connection: &mut SqliteConnection, owner: UserId, at: Revision, key: &PreferenceKey) -> QueryResult<Option<Item>> {
    let of_key = changes::table.filter(changes::user_id.eq(owner.get())).filter(changes::key.eq(key.as_str())).filter(changes::revision.le(at.get()));
    let last: Option<ChangeRow> = of_key.order(changes::revision.desc()).select(ChangeRow::as_select()).first(connection).optional()?;
    Ok(last.map(ChangeRow::into_change).transpose()?.and_then(|change| change.item()))
}

/// The changes after `since`, and where the log begins and ends. What is before its beginning is a set, not a log.
pub(crate) fn changes_since(connection: &mut SqliteConnection, owner: UserId, since: Revision, limit: u32) -> QueryResult<LogPage> {
    let standing = standing(connection, owner)?;
    let after = since.max(standing.log_begins_after);
    let query = changes::table.filter(changes::user_id.eq(owner.get())).filter(changes::revision.gt(after.get()));
    let rows: Vec<ChangeRow> = query.order(changes::revision).limit(limit.into()).select(ChangeRow::as_select()).load(connection)?;
    let changes = rows.into_iter().map(ChangeRow::into_change).collect::<QueryResult<_>>()?;
    Ok(LogPage { begins_after: standing.log_begins_after, latest: standing.revision, changes })
}

/// What happened to one key, newest first.
pub(crate) fn history(connection: &mut SqliteConnection, owner: UserId, key: &PreferenceKey, before: Option<Revision>, limit: u32) -> QueryResult<Vec<Change>> {
    let of_key = changes::table.filter(changes::user_id.eq(owner.get())).filter(changes::key.eq(key.as_str()));
    let earlier = of_key.filter(changes::revision.lt(before.map_or(i64::MAX, Revision::get)));
    let rows: Vec<ChangeRow> = earlier.order(changes::revision.desc()).limit(limit.into()).select(ChangeRow::as_select()).load(connection)?;
    rows.into_iter().map(ChangeRow::into_change).collect()
}

/// Lets a log begin later.
pub(crate) fn shorten(connection: &mut SqliteConnection, owner: UserId, beginning: Revision) -> QueryResult<()> {
    sql_query(SHORTEN).bind::<BigInt, _>(owner.get()).bind::<BigInt, _>(beginning.get()).execute(connection)?;
    diesel::update(users::table.find(owner.get())).set(users::log_begins_after.eq(beginning.get())).execute(connection)?;
    Ok(())
}

/// Moves the revisions of the next `limit` users to behind `beginning`.
pub(crate) fn renumber(connection: &mut SqliteConnection, after: Option<UserId>, limit: u32, beginning: Revision) -> QueryResult<Renumbered> {
    let next = users::table.filter(users::id.gt(after.map_or(0, UserId::get))).order(users::id).limit(limit.into());
    let rows: Vec<(i64, String)> = next.select((users::id, users::status)).load(connection)?;
    let counted = rows.iter().filter(|(_, status)| status != UserStatus::Erased.letter()).map(|(id, _)| *id);
    let moved = counted.map(|id| renumber_one(connection, id, beginning)).collect::<QueryResult<Vec<()>>>()?;
    Ok(Renumbered { users: moved.len() as u64, last: rows.last().map(|(id, _)| UserId::new(*id)) })
}

fn renumber_one(connection: &mut SqliteConnection, id: i64, beginning: Revision) -> QueryResult<()> {
    let Standing { revision, log_begins_after, .. } = standing(connection, UserId::new(id))?;
    let first: Option<i64> = changes::table.filter(changes::user_id.eq(id)).select(min(changes::revision)).get_result(connection)?;
    let distance = renumbering_distance(log_begins_after, first.map(Revision::new), revision, beginning);
    let counted = (users::revision.eq(users::revision + distance), users::log_begins_after.eq(users::log_begins_after + distance));
    diesel::update(users::table.find(id)).set(counted).execute(connection)?;
    let preferences_of_user = preferences::table.filter(preferences::user_id.eq(id));
    diesel::update(preferences_of_user).set(preferences::revision.eq(preferences::revision + distance)).execute(connection)?;
    let changes_of_user = changes::table.filter(changes::user_id.eq(id));
    diesel::update(changes_of_user).set(changes::revision.eq(changes::revision + distance)).execute(connection)?;
    Ok(())
}

/// Which of the next `limit` users have a log that is too long or too old.
pub(crate) fn overgrown(
    connection: &mut SqliteConnection,
    after: Option<UserId>,
    limit: u32,
    max_changes: u64,
    young_since: Timestamp,
) -> QueryResult<LogScan> {
    let query = sql_query(OVERGROWN).bind::<BigInt, _>(after.map_or(0, UserId::get)).bind::<BigInt, _>(i64::from(limit));
    let query = query.bind::<BigInt, _>(i64::try_from(max_changes).unwrap_or(i64::MAX)).bind::<BigInt, _>(young_since.micros());
    let rows: Vec<ExtentRow> = query.load(connection)?;
    Ok(LogScan { overgrown: rows.iter().filter_map(ExtentRow::extent).collect(), last: rows.last().map(|row| UserId::new(row.id)) })
}
