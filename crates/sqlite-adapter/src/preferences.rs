//! Preferences: looking them up, and the steps of each write.

use crate::SqliteStore;
use crate::accounts::account;
use crate::error::Failure;
use crate::ledger::{Ledger, all, by_id, by_key};
use crate::row::{ChangeRow, PreferenceRow, count};
use crate::schema::{changes, preferences};
use async_trait::async_trait;
use diesel::prelude::*;
use lethe_domain::PreferenceKey;
use lethe_domain::change::Change;
use lethe_domain::id::{PreferenceId, Revision, UserId};
use lethe_domain::limits::Limits;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::preference::{Edit, NewPreference, Preference, PreferenceUpdate};
use lethe_ports::outbound::{OwnerFence, PreferenceStore, PreferenceStoreError, Stamp};

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

    async fn all(&self, fence: &OwnerFence) -> Result<Vec<Preference>, PreferenceStoreError> {
        let look_up = |connection: &mut SqliteConnection| {
            pass(connection, fence)?;
            Ok(all(connection, fence.owner)?)
        };
        self.readers().look_up(look_up).await
    }

    async fn changes(&self, fence: &OwnerFence, since: Revision, limit: u32) -> Result<Vec<Change>, PreferenceStoreError> {
        let look_up = |connection: &mut SqliteConnection| {
            pass(connection, fence)?;
            Ok(changes_since(connection, fence.owner, since, limit)?)
        };
        self.readers().look_up(look_up).await
    }

    async fn create(&self, fence: &OwnerFence, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError> {
        let (fence, limits) = (*fence, *limits);
        let write = move |connection: &mut SqliteConnection| {
            let mut ledger = open(connection, &fence, stamp)?;
            let created = ledger.create(new)?;
            ledger.admit(&limits)?;
            ledger.save()?;
            Ok(created)
        };
        self.writer().write(write).await
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
        let (fence, limits) = (*fence, *limits);
        let write = move |connection: &mut SqliteConnection| {
            let mut ledger = open(connection, &fence, stamp)?;
            let current = find_expected(&mut ledger, id, expected)?;
            let updated = ledger.update(current, &update)?;
            ledger.admit(&limits)?;
            ledger.save()?;
            Ok(updated)
        };
        self.writer().write(write).await
    }

    async fn delete(&self, fence: &OwnerFence, id: PreferenceId, expected: Option<Revision>, stamp: Stamp) -> Result<(), PreferenceStoreError> {
        let fence = *fence;
        let write = move |connection: &mut SqliteConnection| {
            let mut ledger = open(connection, &fence, stamp)?;
            let current = find_expected(&mut ledger, id, expected)?;
            ledger.remove(&current)?;
            Ok(ledger.save()?)
        };
        self.writer().write(write).await
    }
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
    let mut ledger = Ledger::open(connection, owner, stamp)?.ok_or(Failure::Refused(PreferenceStoreError::Refused))?;
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

fn changes_since(connection: &mut SqliteConnection, owner: UserId, since: Revision, limit: u32) -> QueryResult<Vec<Change>> {
    let query = changes::table.filter(changes::user_id.eq(owner.get())).filter(changes::revision.gt(since.get()));
    let rows: Vec<ChangeRow> = query.order(changes::revision).limit(limit.into()).select(ChangeRow::as_select()).load(connection)?;
    rows.into_iter().map(ChangeRow::into_change).collect()
}
