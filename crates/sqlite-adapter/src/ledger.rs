//! The one place that writes preferences: their rows, the owner's counters and the change log move together.

use crate::error::{Failure, corrupt};
use crate::ids::{IdKind, next_id};
use crate::row::{ChangeRow, PreferenceRow};
use crate::schema::{changes, preferences, users};
use crate::statement::KeepCounters;
use crate::user_row::{AccountRow, CountersRow};
use diesel::prelude::*;
use lethe_domain::PreferenceKey;
use lethe_domain::account::Account;
use lethe_domain::change::{Change, ChangeKind};
use lethe_domain::id::{PreferenceId, Revision, UserId};
use lethe_domain::limits::{Limits, QuotaError, Usage};
use lethe_domain::preference::{Effect, NewPreference, Preference, PreferenceUpdate, usage_after, weight};
use lethe_ports::outbound::{PreferenceStoreError, Stamp};

/// One write to an owner's preferences, from the look at the owner to [`Self::save`].
pub(crate) struct Ledger<'c> {
    pub(crate) connection: &'c mut SqliteConnection,
    pub(crate) account: Account,
    stamp: Stamp,
    before: Usage,
    usage: Usage,
    opened_at: Revision,
    /// The owner's latest.
    pub(crate) revision: Revision,
}

impl<'c> Ledger<'c> {
    /// Opens the ledger of `owner`; `None` if there never was such a user.
    pub(crate) fn open(connection: &'c mut SqliteConnection, owner: UserId, stamp: Stamp) -> QueryResult<Option<Self>> {
        let query = users::table.find(owner.get()).select((AccountRow::as_select(), CountersRow::as_select()));
        let Some((account, counters)) = query.get_result::<(AccountRow, CountersRow)>(connection).optional()? else { return Ok(None) };
        let usage = Usage { keys: size(counters.preference_keys)?, bytes: size(counters.preference_bytes)? };
        let revision = Revision::new(counters.revision);
        Ok(Some(Self { connection, account: account.into_account()?, stamp, before: usage, usage, opened_at: revision, revision }))
    }

    /// Adds a preference under a new id.
    ///
    /// # Errors
    /// `KeyTaken`.
    pub(crate) fn create(&mut self, new: NewPreference) -> Result<Preference, Failure<PreferenceStoreError>> {
        self.must_be_free(&new.key)?;
        Ok(self.add(new)?)
    }

    /// Changes a preference as [`Preference::apply`] says.
    ///
    /// # Errors
    /// `KeyTaken`.
    pub(crate) fn update(&mut self, current: Preference, update: &PreferenceUpdate) -> Result<Preference, Failure<PreferenceStoreError>> {
        match current.apply(update, self.revision, self.stamp.now) {
            Effect::Nothing => Ok(current),
            Effect::Revalued(after) => {
                self.revalue(&current, &after)?;
                Ok(after)
            }
            Effect::Renamed(after) => {
                self.must_be_free(&after.key)?;
                self.rename(&current, &after)?;
                Ok(after)
            }
        }
    }

    /// Gives a key a value, whether it was there or not.
    pub(crate) fn put(&mut self, new: NewPreference) -> Result<(), Failure<PreferenceStoreError>> {
        match by_key(self.connection, self.account.id, &new.key)? {
            Some(current) => self.update(current, &PreferenceUpdate::Value(new.value)).map(drop),
            None => Ok(self.add(new).map(drop)?),
        }
    }

    /// Removes a preference.
    pub(crate) fn remove(&mut self, current: &Preference) -> QueryResult<()> {
        diesel::delete(preferences::table.find((current.owner.get(), current.id.get()))).execute(self.connection)?;
        self.count(Some(current), None);
        self.log(current.key.clone(), ChangeKind::Delete)
    }

    /// Keeps a preference that is not there yet. Its revision MUST be the owner's next.
    pub(crate) fn insert(&mut self, new: &Preference) -> QueryResult<()> {
        diesel::insert_into(preferences::table).values(PreferenceRow::from(new)).execute(self.connection)?;
        self.count(None, Some(new));
        self.log(new.key.clone(), given(new))
    }

    /// Keeps a preference whose value has changed. Its revision MUST be the owner's next.
    pub(crate) fn revalue(&mut self, current: &Preference, after: &Preference) -> QueryResult<()> {
        self.replace(current, after)?;
        self.log(after.key.clone(), given(after))
    }

    /// Keeps a preference of which nothing has changed but its times: nobody is told.
    pub(crate) fn retime(&mut self, after: &Preference) -> QueryResult<()> {
        self.replace(after, after)
    }

    /// Whether the owner may keep what it has come to.
    ///
    /// # Errors
    /// The first limit that is exceeded.
    pub(crate) fn admit(&self, limits: &Limits) -> Result<(), QuotaError> {
        limits.admit(self.before, self.usage)
    }

    /// Keeps the owner's revision and counters, if anything has changed.
    pub(crate) fn save(self) -> QueryResult<()> {
        if self.revision == self.opened_at {
            return Ok(());
        }
        let counters = CountersRow { revision: self.revision.get(), preference_keys: number(self.usage.keys)?, preference_bytes: number(self.usage.bytes)? };
        KeepCounters { user: self.account.id.get(), counters }.execute(self.connection)?;
        Ok(())
    }

    fn must_be_free(&mut self, key: &PreferenceKey) -> Result<(), Failure<PreferenceStoreError>> {
        match by_key(self.connection, self.account.id, key)? {
            Some(_) => Err(Failure::Refused(PreferenceStoreError::KeyTaken)),
            None => Ok(()),
        }
    }

    fn add(&mut self, new: NewPreference) -> QueryResult<Preference> {
        let preference = Preference {
            id: PreferenceId::new(next_id(self.connection, IdKind::Preference)?),
            owner: self.account.id,
            key: new.key,
            value: new.value,
            revision: self.revision.next(),
            created_at: self.stamp.now,
            last_updated_at: self.stamp.now,
        };
        self.insert(&preference)?;
        Ok(preference)
    }

    fn rename(&mut self, current: &Preference, after: &Preference) -> QueryResult<()> {
        self.replace(current, after)?;
        self.log(current.key.clone(), ChangeKind::Delete)?;
        self.log(after.key.clone(), given(after))
    }

    fn replace(&mut self, current: &Preference, after: &Preference) -> QueryResult<()> {
        // Not by an update: diesel has one prepared anew each time.
        diesel::delete(preferences::table.find((current.owner.get(), current.id.get()))).execute(self.connection)?;
        diesel::insert_into(preferences::table).values(PreferenceRow::from(after)).execute(self.connection)?;
        self.count(Some(current), Some(after));
        Ok(())
    }

    fn count(&mut self, before: Option<&Preference>, after: Option<&Preference>) {
        let weight = |preference: &Preference| weight(&preference.key, &preference.value);
        self.usage = usage_after(self.usage, before.map(weight), after.map(weight));
    }

    fn log(&mut self, key: PreferenceKey, kind: ChangeKind) -> QueryResult<()> {
        self.revision = self.revision.next();
        let change = Change { revision: self.revision, key, kind, at: self.stamp.now, actor: self.stamp.actor };
        diesel::insert_into(changes::table).values(ChangeRow::new(self.account.id, &change)).execute(self.connection)?;
        Ok(())
    }
}

/// That a preference was given its value.
fn given(preference: &Preference) -> ChangeKind {
    ChangeKind::Put { value: preference.value.clone(), created_at: preference.created_at }
}

/// The preference of that id.
pub(crate) fn by_id(connection: &mut SqliteConnection, owner: UserId, id: PreferenceId) -> QueryResult<Option<Preference>> {
    let query = preferences::table.find((owner.get(), id.get())).select(PreferenceRow::as_select());
    Ok(query.get_result(connection).optional()?.map(Preference::from))
}

/// The preferences of these keys, as far as there are any.
pub(crate) fn by_keys(connection: &mut SqliteConnection, owner: UserId, keys: &[PreferenceKey]) -> QueryResult<Vec<Preference>> {
    keys.iter().filter_map(|key| by_key(connection, owner, key).transpose()).collect()
}

/// The preference of that key.
pub(crate) fn by_key(connection: &mut SqliteConnection, owner: UserId, key: &PreferenceKey) -> QueryResult<Option<Preference>> {
    let query = preferences::table.filter(preferences::user_id.eq(owner.get())).filter(preferences::key.eq(key.as_str()));
    Ok(query.select(PreferenceRow::as_select()).get_result(connection).optional()?.map(Preference::from))
}

/// All preferences, by key.
pub(crate) fn all(connection: &mut SqliteConnection, owner: UserId) -> QueryResult<Vec<Preference>> {
    let query = preferences::table.filter(preferences::user_id.eq(owner.get())).order(preferences::key);
    Ok(query.select(PreferenceRow::as_select()).load(connection)?.into_iter().map(Preference::from).collect())
}

pub(crate) fn size(number: i64) -> QueryResult<usize> {
    number.try_into().map_err(|_| corrupt("a counter of users is negative"))
}

fn number(size: usize) -> QueryResult<i64> {
    size.try_into().map_err(|_| corrupt("a counter of users is too large"))
}
