//! Users and their names, in an import.

use crate::Lease;
use crate::archive::import::Obstacle;
use crate::error::Failure;
use crate::ledger::Counters;
use crate::row::{UserRow, corrupt, unique_names};
use crate::schema::{reservations, users};
use diesel::prelude::*;
use lethe_domain::account::{Account, UserStatus};
use lethe_domain::archive::{CheckedRecord, CheckedUser, RecordError};
use lethe_domain::event::Event;
use lethe_domain::profile::{NewUser, UniqueName};
use lethe_domain::{Timestamp, UserId};
use lethe_ports::outbound::{RecordOutcome, StoreError};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows of one statement at the most: a statement takes 65,535 values, and a user has nineteen.
const CHUNK: usize = 1_000;

/// Names that only one user can have, and whose they are.
type Names = HashMap<(UniqueName, String), UserId>;

/// The users that a batch refers to, and the names that it asks for.
pub(super) struct People {
    users: BTreeMap<UserId, Known>,
    names: Names,
    stored_names: Names,
    /// What the batch did to users, in order.
    events: Vec<Event>,
}

/// A user as it is going to be, and as it is stored.
struct Known {
    account: Account,
    person: Option<NewUser>,
    counters: Counters,
    stored: Option<(Account, Option<NewUser>)>,
}

impl People {
    /// Locks and loads everyone whom the batch names, and `authors`.
    pub(super) async fn load(lease: &mut Lease, batch: &[CheckedRecord], authors: Vec<i64>) -> Result<Self, Obstacle> {
        let ids: BTreeSet<i64> = batch.iter().filter_map(person_in).map(UserId::get).chain(authors).collect();
        let wanted = users::table.filter(users::id.eq_any(ids)).order(users::id).for_update();
        let counters = (users::revision, users::preference_keys, users::preference_bytes);
        let rows: Vec<(UserRow, Counters)> = lease.rows(wanted.select((UserRow::as_select(), counters))).await?;
        let known = rows.into_iter().map(Known::stored).collect::<Result<_, _>>()?;
        let names = load_names(lease, batch).await?;
        Ok(Self { users: known, stored_names: names.clone(), names, events: Vec::new() })
    }

    /// The counters on a user's row, if there is one.
    pub(super) fn counters(&self, id: UserId) -> Option<Counters> {
        self.users.get(&id).map(|known| known.counters)
    }

    /// Refuses what belongs to a user who is not there.
    pub(super) fn check_alive(&self, id: UserId) -> RecordOutcome {
        match self.users.get(&id).map(|known| known.account.status()) {
            Some(UserStatus::Active | UserStatus::Blocked | UserStatus::SoftDeleted) => Ok(()),
            Some(UserStatus::Erased) | None => Err(RecordError::NoSuchUser(id)),
        }
    }

    pub(super) fn import(&mut self, record: &CheckedUser, now: Timestamp) -> RecordOutcome {
        let id = record.account.id;
        let before = self.users.get(&id).map(|known| known.account);
        let account = record.over(before.as_ref(), now)?;
        self.rename(id, record.person.as_ref())?;
        let ext_id = record.person.as_ref().and_then(|person| person.ext_id.as_ref());
        self.events.extend(Event::of_change(before.as_ref(), &account, ext_id, now));
        let known = self.users.entry(id).or_insert(Known { account, person: None, counters: (0, 0, 0), stored: None });
        known.account = account;
        known.person.clone_from(&record.person);
        Ok(())
    }

    /// What happened to users, in order.
    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    /// Gives a user the names of a person instead of its old ones.
    fn rename(&mut self, id: UserId, person: Option<&NewUser>) -> RecordOutcome {
        let names = person.map(unique_names).unwrap_or_default();
        if let Some((kind, _)) = names.iter().find(|name| self.names.get(*name).is_some_and(|owner| *owner != id)) {
            return Err(RecordError::NameTaken(kind.name()));
        }
        for old in self.users.get(&id).and_then(|known| known.person.as_ref()).map(unique_names).unwrap_or_default() {
            self.names.remove(&old);
        }
        self.names.extend(names.into_iter().map(|name| (name, id)));
        Ok(())
    }

    pub(super) async fn write(&self, lease: &mut Lease) -> Result<(), Failure> {
        self.write_names(lease).await?;
        let new: Vec<UserRow> = self.users.values().filter(|known| known.stored.is_none()).map(Known::row).collect();
        for rows in new.chunks(CHUNK) {
            lease.execute(diesel::insert_into(users::table).values(rows)).await?;
        }
        for known in self.users.values().filter(|known| known.has_changed()) {
            lease.execute(diesel::update(users::table.find(known.account.id.get())).set(known.row())).await?;
        }
        Ok(())
    }

    async fn write_names(&self, lease: &mut Lease) -> Result<(), Failure> {
        for ((kind, value), _) in self.stored_names.iter().filter(|(name, owner)| self.names.get(*name) != Some(owner)) {
            lease.execute(diesel::delete(reservations::table.find((kind.name(), value)))).await?;
        }
        let mut gained: Vec<_> = self.names.iter().filter(|(name, owner)| self.stored_names.get(*name) != Some(owner)).collect();
        // In one order, or two imports could wait for each other.
        gained.sort_by_key(|((kind, value), _)| (kind.name(), value));
        let rows: Vec<_> = gained
            .iter()
            .map(|((kind, value), owner)| (reservations::kind.eq(kind.name()), reservations::value.eq(value), reservations::user_id.eq(owner.get())))
            .collect();
        for rows in rows.chunks(CHUNK) {
            // Others may reserve at the same time. Whoever comes second waits and learns of it here, without a complaint in the server's log.
            let reserved = lease.execute(diesel::insert_into(reservations::table).values(rows).on_conflict_do_nothing()).await?;
            if reserved < rows.len() {
                return Err(Failure::Duplicate("a name was reserved by another in the meantime".into()));
            }
        }
        Ok(())
    }
}

impl Known {
    fn stored((row, counters): (UserRow, Counters)) -> Result<(UserId, Self), StoreError> {
        let account = Account::try_from(row.account)?;
        let person = row.person.person()?;
        Ok((account.id, Self { account, person: person.clone(), counters, stored: Some((account, person)) }))
    }

    fn has_changed(&self) -> bool {
        self.stored.as_ref().is_some_and(|(account, person)| *account != self.account || *person != self.person)
    }

    fn row(&self) -> UserRow {
        UserRow { account: (&self.account).into(), person: self.person.as_ref().map(Into::into).unwrap_or_default() }
    }
}

/// The user whom a record is about, or belongs to.
fn person_in(record: &CheckedRecord) -> Option<UserId> {
    match record {
        CheckedRecord::User(user) => Some(user.account.id),
        CheckedRecord::Hold(hold) => Some(hold.user),
        CheckedRecord::Preference(preference) => Some(preference.owner),
        CheckedRecord::Post(post) => Some(post.post.author),
        CheckedRecord::Vote(vote) => Some(vote.voter),
        CheckedRecord::Revocation(_) => None,
    }
}

/// The names that the batch asks for, and those that its users have, as far as anyone has them.
async fn load_names(lease: &mut Lease, batch: &[CheckedRecord]) -> Result<Names, Obstacle> {
    let users: Vec<&CheckedUser> = batch.iter().filter_map(|record| if let CheckedRecord::User(user) = record { Some(&**user) } else { None }).collect();
    if users.is_empty() {
        return Ok(Names::new());
    }
    let ids: Vec<i64> = users.iter().map(|user| user.account.id.get()).collect();
    let (usernames, ext_ids): (Vec<_>, Vec<_>) =
        users.iter().filter_map(|user| user.person.as_ref()).flat_map(unique_names).partition(|(kind, _)| *kind == UniqueName::Username);
    let values = |names: Vec<(UniqueName, String)>| names.into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    let asked_for = |kind: UniqueName, names| reservations::kind.eq(kind.name()).and(reservations::value.eq_any(values(names)));
    let relevant = reservations::user_id.eq_any(ids).or(asked_for(UniqueName::Username, usernames)).or(asked_for(UniqueName::ExtId, ext_ids));
    let rows: Vec<(String, String, i64)> = lease.rows(reservations::table.filter(relevant)).await?;
    rows.into_iter()
        .map(|(kind, value, owner)| {
            let kind = [UniqueName::Username, UniqueName::ExtId].into_iter().find(|known| known.name() == kind);
            Ok(((kind.ok_or_else(|| corrupt("reservations.kind"))?, value), UserId::new(owner)))
        })
        .collect()
}
