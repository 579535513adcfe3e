//! Many changes to preferences at once: first the arithmetic, without the database, then few statements for all of them.

use crate::error::Failure;
use crate::row::{PreferenceRow, signed};
use crate::statement::statement;
use crate::{Lease, schema::preferences};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use lethe_domain::archive::CheckedPreference;
use lethe_domain::change::{Change, ChangeKind};
use lethe_domain::limits::{Limits, QuotaError, Usage};
use lethe_domain::preference::{NewPreference, usage_after, weight};
use lethe_domain::{JsonText, PreferenceId, PreferenceKey, Revision, Timestamp, UserId};
use lethe_ports::outbound::Stamp;
use std::collections::{BTreeMap, HashSet};

/// One owner's preferences, as far as they are touched, and what happens to them.
pub(crate) struct Ledger {
    owner: UserId,
    revision: Revision,
    usage: Usage,
    entries: BTreeMap<PreferenceKey, Entry>,
    /// Ids that an entry has, or had.
    ids: HashSet<PreferenceId>,
    removed: Vec<PreferenceId>,
    log: Vec<Change>,
}

/// A preference in a ledger.
struct Entry {
    /// `None` until the database gives it one.
    id: Option<PreferenceId>,
    value: JsonText,
    revision: Revision,
    created_at: Timestamp,
    last_updated_at: Timestamp,
    touched: bool,
}

/// Revision, number of preferences and their bytes, as they stand on the owner's row.
pub(crate) type Counters = (i64, i64, i64);

impl Ledger {
    /// Begins with the counters on the owner's row, which MUST be locked.
    pub(crate) fn new(owner: UserId, (revision, keys, bytes): Counters) -> Self {
        let count = |number| usize::try_from(number).unwrap_or(0);
        Self {
            owner,
            revision: Revision::new(revision),
            usage: Usage { keys: count(keys), bytes: count(bytes) },
            entries: BTreeMap::new(),
            ids: HashSet::new(),
            removed: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Takes in what is there. All preferences whose keys are going to be touched MUST be taken in first.
    pub(crate) fn take_in(&mut self, row: PreferenceRow) {
        let preference = row.preference(self.owner);
        self.ids.insert(preference.id);
        let entry = Entry {
            id: Some(preference.id),
            value: preference.value,
            revision: preference.revision,
            created_at: preference.created_at,
            last_updated_at: preference.last_updated_at,
            touched: false,
        };
        self.entries.insert(preference.key, entry);
    }

    /// What the owner keeps by now.
    pub(crate) fn usage(&self) -> Usage {
        self.usage
    }

    /// Gives a key a value, whether it was there or not.
    pub(crate) fn put(&mut self, new: &NewPreference, stamp: Stamp) {
        let before = self.weight_of(&new.key);
        if let Some(entry) = self.entries.get_mut(&new.key) {
            if entry.value == new.value {
                return;
            }
            entry.value = new.value.clone();
            entry.last_updated_at = stamp.now;
            entry.touched = true;
        } else {
            let entry =
                Entry { id: None, value: new.value.clone(), revision: Revision::ZERO, created_at: stamp.now, last_updated_at: stamp.now, touched: true };
            self.entries.insert(new.key.clone(), entry);
        }
        self.usage = usage_after(self.usage, before, Some(weight(&new.key, &new.value)));
        let created_at = self.entries.get(&new.key).map_or(stamp.now, |entry| entry.created_at);
        let revision = self.log(new.key.clone(), ChangeKind::Put { value: new.value.clone(), created_at }, stamp);
        if let Some(entry) = self.entries.get_mut(&new.key) {
            entry.revision = revision;
        }
    }

    /// Removes a key, if it is there.
    pub(crate) fn remove(&mut self, key: &PreferenceKey, stamp: Stamp) {
        let before = self.weight_of(key);
        let Some(entry) = self.entries.remove(key) else { return };
        self.removed.extend(entry.id);
        self.usage = usage_after(self.usage, before, None);
        self.log(key.clone(), ChangeKind::Delete, stamp);
    }

    /// Puts a preference as an archive has it: with its times and, if it is new, with its id if that is free.
    pub(crate) fn import(&mut self, record: CheckedPreference, limits: &Limits, now: Timestamp) -> Result<(), QuotaError> {
        let new = NewPreference { key: record.key, value: record.value };
        limits.admit(self.usage, usage_after(self.usage, self.weight_of(&new.key), Some(weight(&new.key, &new.value))))?;
        self.put(&new, Stamp { actor: record.owner, now });
        if let Some(entry) = self.entries.get_mut(&new.key) {
            if entry.id.is_none() {
                entry.id = record.id.filter(|id| self.ids.insert(*id));
            }
            entry.touched |= (entry.created_at, entry.last_updated_at) != (record.created_at, record.last_updated_at);
            (entry.created_at, entry.last_updated_at) = (record.created_at, record.last_updated_at);
            if let Some(Change { kind: ChangeKind::Put { created_at, .. }, .. }) = self.log.last_mut().filter(|change| change.revision == entry.revision) {
                *created_at = record.created_at;
            }
        }
        Ok(())
    }

    fn weight_of(&self, key: &PreferenceKey) -> Option<usize> {
        self.entries.get(key).map(|entry| weight(key, &entry.value))
    }

    fn log(&mut self, key: PreferenceKey, kind: ChangeKind, stamp: Stamp) -> Revision {
        self.revision = self.revision.next();
        self.log.push(Change { revision: self.revision, key, kind, at: stamp.now, actor: stamp.actor });
        self.revision
    }
}

statement! {
    WritePreferences<'a> = "sql/write_preferences.sql" {
        owners: Array<BigInt> = &'a [i64],
        ids: Array<Nullable<BigInt>> = &'a [Option<i64>],
        keys: Array<Text> = &'a [&'a str],
        texts: Array<Text> = &'a [&'a str],
        revisions: Array<BigInt> = &'a [i64],
        created: Array<Timestamptz> = &'a [DateTime<Utc>],
        updated: Array<Timestamptz> = &'a [DateTime<Utc>],
    }
}

statement! {
    WriteChanges<'a> = "sql/write_changes.sql" {
        owners: Array<BigInt> = &'a [i64],
        revisions: Array<BigInt> = &'a [i64],
        keys: Array<Text> = &'a [&'a str],
        kinds: Array<Text> = &'a [&'a str],
        texts: Array<Nullable<Text>> = &'a [Option<&'a str>],
        moments: Array<Timestamptz> = &'a [DateTime<Utc>],
        actors: Array<BigInt> = &'a [i64],
        created: Array<Nullable<Timestamptz>> = &'a [Option<DateTime<Utc>>],
    }
}

statement! {
    WriteCounters<'a> = "sql/write_counters.sql" {
        owners: Array<BigInt> = &'a [i64],
        revisions: Array<BigInt> = &'a [i64],
        counts: Array<BigInt> = &'a [i64],
        sizes: Array<BigInt> = &'a [i64],
    }
}

/// Writes what happened in the ledgers.
pub(crate) async fn write(lease: &mut Lease, ledgers: &[Ledger]) -> Result<(), Failure> {
    delete_removed(lease, ledgers).await?;
    write_touched(lease, ledgers).await?;
    write_log(lease, ledgers).await?;
    write_counters(lease, ledgers).await
}

async fn delete_removed(lease: &mut Lease, ledgers: &[Ledger]) -> Result<(), Failure> {
    for ledger in ledgers.iter().filter(|ledger| !ledger.removed.is_empty()) {
        let ids: Vec<_> = ledger.removed.iter().map(|id| id.get()).collect();
        let removed = preferences::table.filter(preferences::user_id.eq(ledger.owner.get())).filter(preferences::id.eq_any(&ids));
        lease.execute(diesel::delete(removed)).await?;
    }
    Ok(())
}

async fn write_touched(lease: &mut Lease, ledgers: &[Ledger]) -> Result<(), Failure> {
    let touched = |ledger| touched_entries(ledger).map(move |(key, entry): (&PreferenceKey, &Entry)| (ledger.owner, key, entry));
    let rows: Vec<(UserId, &PreferenceKey, &Entry)> = ledgers.iter().flat_map(touched).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = WritePreferences {
        owners: &column(&rows, |(owner, _, _)| owner.get()),
        ids: &column(&rows, |(_, _, entry)| entry.id.map(PreferenceId::get)),
        keys: &column(&rows, |(_, key, _)| key.as_str()),
        texts: &column(&rows, |(_, _, entry)| entry.value.as_str()),
        revisions: &column(&rows, |(_, _, entry)| entry.revision.get()),
        created: &column(&rows, |(_, _, entry)| entry.created_at.to_utc()),
        updated: &column(&rows, |(_, _, entry)| entry.last_updated_at.to_utc()),
    };
    lease.execute(statement).await.map(drop)
}

fn touched_entries(ledger: &Ledger) -> impl Iterator<Item = (&PreferenceKey, &Entry)> {
    ledger.entries.iter().filter(|(_, entry)| entry.touched)
}

async fn write_log(lease: &mut Lease, ledgers: &[Ledger]) -> Result<(), Failure> {
    let rows: Vec<(UserId, &Change)> = ledgers.iter().flat_map(|ledger| ledger.log.iter().map(|change| (ledger.owner, change))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = WriteChanges {
        owners: &column(&rows, |(owner, _)| owner.get()),
        revisions: &column(&rows, |(_, change)| change.revision.get()),
        keys: &column(&rows, |(_, change)| change.key.as_str()),
        kinds: &column(&rows, |(_, change)| change.kind.name()),
        texts: &column(&rows, |(_, change)| change.kind.value().map(JsonText::as_str)),
        moments: &column(&rows, |(_, change)| change.at.to_utc()),
        actors: &column(&rows, |(_, change)| change.actor.get()),
        created: &column(&rows, |(_, change)| change.item().map(|item| item.created_at.to_utc())),
    };
    lease.execute(statement).await.map(drop)
}

async fn write_counters(lease: &mut Lease, ledgers: &[Ledger]) -> Result<(), Failure> {
    let changed: Vec<_> = ledgers.iter().filter(|ledger| !ledger.log.is_empty()).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let statement = WriteCounters {
        owners: &column(&changed, |ledger| ledger.owner.get()),
        revisions: &column(&changed, |ledger| ledger.revision.get()),
        counts: &column(&changed, |ledger| signed(ledger.usage.keys)),
        sizes: &column(&changed, |ledger| signed(ledger.usage.bytes)),
    };
    lease.execute(statement).await.map(drop)
}

/// One member of each row, as an array for the database.
pub(crate) fn column<R, T>(rows: &[R], member: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(member).collect()
}
