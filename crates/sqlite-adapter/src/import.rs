//! Reading an archive in: each record is an upsert, and one that is refused leaves no trace.

use crate::accounts::{account, not_erased};
use crate::atomic::atomically;
use crate::audit;
use crate::error::Failure;
use crate::holds::keep_hold;
use crate::ids::{IdKind, next_id, spend_id};
use crate::ledger::{Ledger, by_id, by_key};
use crate::names::{reserve, taken};
use crate::outbox::insert_deliveries;
use crate::revocations::keep_revocation;
use crate::row::{PostRow, VoteRow};
use crate::schema::{posts, users};
use crate::user_row::{AccountRow, NamesRow, ProfileRow, UserRow};
use crate::votes::{cast, take_back};
use diesel::prelude::*;
use lethe_domain::account::{Account, UserStatus};
use lethe_domain::archive::{CheckedPost, CheckedPreference, CheckedRecord, CheckedUser, CheckedVote, RecordError};
use lethe_domain::audit::{AuditAct, AuditEntry, AuditHead};
use lethe_domain::content::Reaction;
use lethe_domain::event::Event;
use lethe_domain::hold::Hold;
use lethe_domain::id::{PreferenceId, UserId};
use lethe_domain::preference::{Effect, Preference, PreferenceUpdate};
use lethe_domain::profile::NewUser;
use lethe_domain::webhook::Delivery;
use lethe_ports::outbound::{ImportTerms, RecordOutcome, Stamp, StoreError};

type Stored<T = ()> = Result<T, Failure<RecordError>>;

/// Stores a batch, and says in order what became of each record.
pub(crate) fn import(connection: &mut SqliteConnection, batch: Vec<CheckedRecord>, terms: ImportTerms<'_>) -> Result<Vec<RecordOutcome>, Failure<StoreError>> {
    // The end of the audit log moves once for all. A refused record has not moved it: it gives none back.
    let begin = audit::head(connection)?;
    let mut end = begin.clone();
    let mut outcomes = Vec::with_capacity(batch.len());
    for record in batch {
        outcomes.push(match atomically(connection, |connection| import_record(connection, record, terms, &end))? {
            Ok(moved) => {
                end = moved.unwrap_or(end);
                Ok(())
            }
            Err(Failure::Refused(reason)) => Err(reason),
            Err(Failure::Store(error)) => return Err(Failure::Store(error)),
        });
    }
    if end != begin {
        audit::save_head(connection, &end)?;
    }
    Ok(outcomes)
}

/// Stores a record, and returns the end of the audit log if the record has moved it.
fn import_record(connection: &mut SqliteConnection, record: CheckedRecord, terms: ImportTerms<'_>, end: &AuditHead) -> Stored<Option<AuditHead>> {
    match record {
        CheckedRecord::User(user) => {
            let events = import_user(connection, &user, terms)?;
            return Ok(tell(connection, &events, terms, end)?);
        }
        CheckedRecord::Hold(hold) => import_hold(connection, &hold)?,
        CheckedRecord::Preference(preference) => import_preference(connection, preference, terms)?,
        CheckedRecord::Post(post) => import_post(connection, &post)?,
        CheckedRecord::Vote(vote) => import_vote(connection, &vote)?,
        CheckedRecord::Revocation(revocation) => keep_revocation(connection, revocation)?,
    }
    Ok(None)
}

/// Puts events into the outbox and the audit log, and returns the end of that if it has moved.
fn tell(connection: &mut SqliteConnection, events: &[Event], terms: ImportTerms<'_>, end: &AuditHead) -> QueryResult<Option<AuditHead>> {
    insert_deliveries(connection, Delivery::of(events, terms.subscriptions, terms.now))?;
    let entries = end.seal_all(events.iter().map(|event| AuditAct::of_event(event, None)));
    audit::write(connection, &entries)?;
    Ok(entries.last().map(AuditEntry::head))
}

/// Stores a user, and returns what has become of it.
fn import_user(connection: &mut SqliteConnection, user: &CheckedUser, terms: ImportTerms<'_>) -> Stored<Vec<Event>> {
    let id = user.account.id;
    let known = account(connection, id)?;
    let account = user.over(known.as_ref(), terms.now).map_err(Failure::Refused)?;
    if let Some(person) = &user.person {
        claim_names(connection, id, person)?;
    }
    match (&user.person, known) {
        (Some(person), Some(_)) => update(connection, &account, person)?,
        (None, Some(_)) => {}
        (person, None) => insert(connection, &account, person.as_ref())?,
    }
    let ext_id = user.person.as_ref().and_then(|person| person.ext_id.as_ref());
    Ok(Event::of_change(known.as_ref(), &account, ext_id, terms.now))
}

fn claim_names(connection: &mut SqliteConnection, id: UserId, person: &NewUser) -> Stored {
    match taken(connection, Some(id), person)? {
        Some(name) => Err(Failure::Refused(RecordError::NameTaken(name.name()))),
        None => Ok(reserve(connection, id, person)?),
    }
}

fn insert(connection: &mut SqliteConnection, account: &Account, person: Option<&NewUser>) -> Stored {
    diesel::insert_into(users::table).values(UserRow::new(account, person)).execute(connection)?;
    Ok(spend_id(connection, IdKind::User, account.id.get())?)
}

fn update(connection: &mut SqliteConnection, account: &Account, person: &NewUser) -> Stored {
    let columns = (AccountRow::from(account), NamesRow::from(person), ProfileRow::from(&person.profile));
    diesel::update(users::table.find(account.id.get())).set(columns).execute(connection)?;
    Ok(())
}

fn import_hold(connection: &mut SqliteConnection, hold: &Hold) -> Stored {
    require_user(connection, hold.user)?;
    Ok(keep_hold(connection, hold)?)
}

fn import_preference(connection: &mut SqliteConnection, record: CheckedPreference, terms: ImportTerms<'_>) -> Stored {
    let no_such_user = Failure::Refused(RecordError::NoSuchUser(record.owner));
    let stamp = Stamp { actor: record.owner, now: terms.now };
    let mut ledger = match Ledger::open(connection, record.owner, stamp)? {
        Some(ledger) if ledger.account.status() != UserStatus::Erased => ledger,
        Some(_) | None => return Err(no_such_user),
    };
    match by_key(ledger.connection, record.owner, &record.key)? {
        Some(current) => overwrite(&mut ledger, &current, record)?,
        None => add(&mut ledger, record)?,
    }
    ledger.admit(terms.limits)?;
    Ok(ledger.save()?)
}

fn overwrite(ledger: &mut Ledger<'_>, current: &Preference, record: CheckedPreference) -> QueryResult<()> {
    let (created_at, last_updated_at) = (record.created_at, record.last_updated_at);
    match current.apply(&PreferenceUpdate::Value(record.value), ledger.revision, last_updated_at) {
        Effect::Nothing => ledger.retime(&Preference { created_at, last_updated_at, ..current.clone() }),
        Effect::Revalued(after) | Effect::Renamed(after) => ledger.revalue(current, &Preference { created_at, ..after }),
    }
}

fn add(ledger: &mut Ledger<'_>, record: CheckedPreference) -> QueryResult<()> {
    let id = free_id(ledger.connection, &record)?;
    ledger.insert(&Preference {
        id,
        owner: record.owner,
        key: record.key,
        value: record.value,
        revision: ledger.revision.next(),
        created_at: record.created_at,
        last_updated_at: record.last_updated_at,
    })
}

/// The id that the record asks for, unless another preference of the owner's has it; otherwise a new one.
fn free_id(connection: &mut SqliteConnection, record: &CheckedPreference) -> QueryResult<PreferenceId> {
    if let Some(id) = record.id
        && by_id(connection, record.owner, id)?.is_none()
    {
        spend_id(connection, IdKind::Preference, id.get())?;
        return Ok(id);
    }
    next_id(connection, IdKind::Preference).map(PreferenceId::new)
}

fn import_post(connection: &mut SqliteConnection, record: &CheckedPost) -> Stored {
    require_user(connection, record.post.author)?;
    let query = posts::table.filter(posts::id.eq(record.id.get())).select((posts::user_id, posts::kind));
    let known: Option<(i64, String)> = query.get_result(connection).optional()?;
    let row = PostRow::new(record.id, &record.post, record.added_at, record.last_activity_at);
    match known {
        None => {
            diesel::insert_into(posts::table).values(&row).execute(connection)?;
            spend_id(connection, IdKind::Post, row.id)?;
        }
        Some((author, kind)) if author == row.user_id && kind == row.kind => {
            let columns =
                (posts::title.eq(&row.title), posts::text.eq(&row.text), posts::added_at.eq(row.added_at), posts::last_activity_at.eq(row.last_activity_at));
            diesel::update(posts::table.find((row.user_id, row.id))).set(columns).execute(connection)?;
        }
        Some(_) => return Err(Failure::Refused(RecordError::PostTaken(record.id))),
    }
    Ok(())
}

fn import_vote(connection: &mut SqliteConnection, record: &CheckedVote) -> Stored {
    require_user(connection, record.voter)?;
    let query = posts::table.inner_join(users::table).filter(posts::id.eq(record.post.get())).filter(not_erased());
    let author: Option<i64> = query.select(users::id).get_result(connection).optional()?;
    let author = author.map(UserId::new).ok_or(Failure::Refused(RecordError::NoSuchPost(record.post)))?;
    let vote = VoteRow::new(record.voter, (author, record.post), Reaction::Like, record.voted_at);
    take_back(connection, vote.key())?;
    Ok(cast(connection, &vote)?)
}

fn require_user(connection: &mut SqliteConnection, id: UserId) -> Stored {
    match account(connection, id)? {
        Some(account) if account.status() != UserStatus::Erased => Ok(()),
        Some(_) | None => Err(Failure::Refused(RecordError::NoSuchUser(id))),
    }
}
