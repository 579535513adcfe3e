//! Preferences: looking them up, and the steps of each write.

use crate::SqliteStore;
use crate::accounts::account;
use crate::change_log::{self, standing};
use crate::error::Failure;
use crate::ledger::{Ledger, all, by_id, by_key};
use crate::row::{PreferenceRow, count};
use crate::schema::preferences;
use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use lethe_domain::PreferenceKey;
use lethe_domain::change::{Change, LogPage};
use lethe_domain::draft::Standing;
use lethe_domain::id::{PreferenceId, Revision, UserId};
use lethe_domain::limits::Limits;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::preference::{Edit, NewPreference, Preference, PreferenceUpdate};
use lethe_ports::outbound::{KeyRange, Look, OwnerFence, PastPart, PreferenceStore, PreferenceStoreError, Snapshot, Stamp};

type Outcome<T> = Result<T, Failure<PreferenceStoreError>>;

#[async_trait]
impl PreferenceStore for SqliteStore {
    async fn get(&self, fence: &OwnerFence, id: PreferenceId) -> Result<Preference, PreferenceStoreError> {
        let look_up = |connection: &mut SqliteConnection| {
            pass(connection, fence)?;
            by_id(connection, fence.owner, id)?.ok_or(Failure::Refused(PreferenceStoreError::NotFound))
        };
        self.readers().look_up(look_up).await
    }

    async fn list(&self, fence: &OwnerFence, key: Option<PreferenceKey>, page: PageRequest) -> Result<Page<Preference>, PreferenceStoreError> {
        let look_up = |connection: &mut SqliteConnection| {
            pass(connection, fence)?;
            Ok(match key {
                None => page_by_id(connection, fence.owner, page)?,
                Some(key) => page_of_one(by_key(connection, fence.owner, &key)?, page),
            })
        };
        self.readers().look_up(look_up).await
    }

    async fn all(&self, fence: &OwnerFence) -> Result<Snapshot, PreferenceStoreError> {
        let look_up = |connection: &mut SqliteConnection| {
            pass(connection, fence)?;
            Ok(Snapshot { revision: standing(connection, fence.owner)?.revision, preferences: all(connection, fence.owner)? })
        };
        self.readers().look_up(look_up).await
    }

    async fn part(&self, fence: &OwnerFence, range: KeyRange) -> Result<Snapshot, PreferenceStoreError> {
        let look_up = |connection: &mut SqliteConnection| {
            pass(connection, fence)?;
            Ok(Snapshot { revision: standing(connection, fence.owner)?.revision, preferences: part_by_key(connection, fence.owner, &range)? })
        };
        self.readers().look_up(look_up).await
    }

    async fn look(&self, fence: &OwnerFence, key: &PreferenceKey) -> Result<Look, PreferenceStoreError> {
        let look_up = |connection: &mut SqliteConnection| {
            pass(connection, fence)?;
            Ok(Look { standing: standing(connection, fence.owner)?, found: by_key(connection, fence.owner, key)? })
        };
        self.readers().look_up(look_up).await
    }

    async fn standing(&self, fence: &OwnerFence) -> Result<Standing, PreferenceStoreError> {
        let look_up = |connection: &mut SqliteConnection| {
            pass(connection, fence)?;
            Ok(standing(connection, fence.owner)?)
        };
        self.readers().look_up(look_up).await
    }

    async fn as_of(&self, fence: &OwnerFence, at: Revision, range: KeyRange) -> Result<PastPart, PreferenceStoreError> {
        let look_up = |connection: &mut SqliteConnection| {
            pass(connection, fence)?;
            Ok(PastPart { standing: standing(connection, fence.owner)?, items: change_log::as_of(connection, fence.owner, at, &range)? })
        };
        self.readers().look_up(look_up).await
    }

    async fn changes(&self, fence: &OwnerFence, since: Revision, limit: u32) -> Result<LogPage, PreferenceStoreError> {
        let look_up = |connection: &mut SqliteConnection| {
            pass(connection, fence)?;
            Ok(change_log::changes_since(connection, fence.owner, since, limit)?)
        };
        self.readers().look_up(look_up).await
    }

    async fn history(&self, fence: &OwnerFence, key: &PreferenceKey, before: Option<Revision>, limit: u32) -> Result<Vec<Change>, PreferenceStoreError> {
        let look_up = |connection: &mut SqliteConnection| {
            pass(connection, fence)?;
            Ok(change_log::history(connection, fence.owner, key, before, limit)?)
        };
        self.readers().look_up(look_up).await
    }

    async fn create(&self, fence: &OwnerFence, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError> {
        let (fence, limits) = (*fence, *limits);
        self.writer().write(move |connection| create(open(connection, &fence, stamp)?, new, &limits)).await
    }

    async fn update(
        &self,
        fence: &OwnerFence,
        id: PreferenceId,
        expected: Option<Revision>,
        change: PreferenceUpdate,
        stamp: Stamp,
        limits: &Limits,
    ) -> Result<Preference, PreferenceStoreError> {
        let (fence, limits) = (*fence, *limits);
        self.writer().write(move |connection| update(open(connection, &fence, stamp)?, id, expected, &change, &limits)).await
    }

    async fn delete(&self, fence: &OwnerFence, id: PreferenceId, expected: Option<Revision>, stamp: Stamp) -> Result<Revision, PreferenceStoreError> {
        let fence = *fence;
        self.writer().write(move |connection| delete(open(connection, &fence, stamp)?, id, expected)).await
    }
}

/// Adds a preference.
pub(crate) fn create(mut ledger: Ledger<'_>, new: NewPreference, limits: &Limits) -> Outcome<Preference> {
    let created = ledger.create(new)?;
    ledger.admit(limits)?;
    ledger.save()?;
    Ok(created)
}

/// Changes a preference, if it is at the expected revision.
pub(crate) fn update(mut ledger: Ledger<'_>, id: PreferenceId, expected: Option<Revision>, change: &PreferenceUpdate, limits: &Limits) -> Outcome<Preference> {
    let current = find_expected(&mut ledger, id, expected)?;
    let updated = ledger.update(current, change)?;
    ledger.admit(limits)?;
    ledger.save()?;
    Ok(updated)
}

/// Removes a preference, if it is at the expected revision; the revision that this took.
pub(crate) fn delete(mut ledger: Ledger<'_>, id: PreferenceId, expected: Option<Revision>) -> Outcome<Revision> {
    let current = find_expected(&mut ledger, id, expected)?;
    ledger.remove(&current)?;
    let revision = ledger.revision;
    ledger.save()?;
    Ok(revision)
}

/// Opens the ledger of an owner whose state this transaction has looked at.
pub(crate) fn open_locked(connection: &mut SqliteConnection, owner: UserId, stamp: Stamp) -> Outcome<Ledger<'_>> {
    Ledger::open(connection, owner, stamp)?.ok_or(Failure::Refused(PreferenceStoreError::Refused))
}

/// Looks whether the fence lets a reader pass.
fn pass(connection: &mut SqliteConnection, fence: &OwnerFence) -> Outcome<()> {
    match account(connection, fence.owner)? {
        Some(account) if fence.admits(&account) => Ok(()),
        Some(_) | None => Err(Failure::Refused(PreferenceStoreError::Refused)),
    }
}

/// Opens the owner's ledger, if the fence lets a writer pass.
fn open<'c>(connection: &'c mut SqliteConnection, fence: &OwnerFence, stamp: Stamp) -> Outcome<Ledger<'c>> {
    match Ledger::open(connection, fence.owner, stamp)? {
        Some(ledger) if fence.admits(&ledger.account) => Ok(ledger),
        Some(_) | None => Err(Failure::Refused(PreferenceStoreError::Refused)),
    }
}

/// The preference of that id, if it is at the expected revision.
fn find_expected(ledger: &mut Ledger<'_>, id: PreferenceId, expected: Option<Revision>) -> Outcome<Preference> {
    let current = by_id(ledger.connection, ledger.account.id, id)?.ok_or(Failure::Refused(PreferenceStoreError::NotFound))?;
    if expected.is_some_and(|expected| expected != current.revision) {
        return Err(Failure::Refused(PreferenceStoreError::Changed));
    }
    Ok(current)
}

/// Makes the edits in order, and looks at the limits when all are made.
pub(crate) fn edit(connection: &mut SqliteConnection, owner: UserId, edits: Vec<Edit>, stamp: Stamp, limits: &Limits) -> Outcome<()> {
    let mut ledger = open_locked(connection, owner, stamp)?;
    for edit in edits {
        match edit {
            Edit::Put(new) => ledger.put(new)?,
            Edit::Remove(key) => {
                if let Some(current) = by_key(ledger.connection, owner, &key)? {
                    ledger.remove(&current)?;
                }
            }
        }
    }
    ledger.admit(limits)?;
    Ok(ledger.save()?)
}

fn page_by_id(connection: &mut SqliteConnection, owner: UserId, page: PageRequest) -> QueryResult<Page<Preference>> {
    let all = preferences::table.filter(preferences::user_id.eq(owner.get()));
    let number: i64 = all.count().get_result(connection)?;
    let part = all.order(preferences::id).limit(page.limit().into()).offset(page.offset().cast_signed());
    let rows: Vec<PreferenceRow> = part.select(PreferenceRow::as_select()).load(connection)?;
    Ok(Page { count: count(number)?, items: rows.into_iter().map(Preference::from).collect() })
}

fn page_of_one(found: Option<Preference>, page: PageRequest) -> Page<Preference> {
    let count = u64::from(found.is_some());
    Page { count, items: found.into_iter().filter(|_| page.offset() == 0).collect() }
}

fn part_by_key(connection: &mut SqliteConnection, owner: UserId, range: &KeyRange) -> QueryResult<Vec<Preference>> {
    let after = range.after.as_ref().map_or("", PreferenceKey::as_str);
    let behind = preferences::table.filter(preferences::user_id.eq(owner.get())).filter(preferences::key.gt(after));
    let begins = substr(preferences::key, 1, length(&range.prefix)).eq(&range.prefix);
    let query = behind.filter(begins).order(preferences::key).limit(range.limit.into());
    Ok(query.select(PreferenceRow::as_select()).load(connection)?.into_iter().map(Preference::from).collect())
}

diesel::define_sql_function! {
    /// A part of a text, by characters from 1.
    fn substr(text: Text, from: BigInt, count: BigInt) -> Text;
}

diesel::define_sql_function! {
    /// Characters of a text.
    fn length(text: Text) -> BigInt;
}
