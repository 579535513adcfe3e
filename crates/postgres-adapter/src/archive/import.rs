//! Reading records in. A batch is worked on in memory: what it refers to is locked and loaded, each record is decided on in turn, and
//! what has changed is written by few statements.

use super::people::People;
use super::publications::Publications;
use crate::connection::Patience;
use crate::error::Failure;
use crate::ledger::{self, Ledger};
use crate::row::PreferenceRow;
use crate::schema::posts;
use crate::statement::{Statement, statement};
use crate::{Lease, PgStore, audit, holds, outbox, revocations};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use lethe_domain::archive::{CheckedPreference, CheckedRecord, CheckedRevocation};
use lethe_domain::audit::AuditAct;
use lethe_domain::event::Event;
use lethe_domain::hold::Hold;
use lethe_domain::limits::Limits;
use lethe_domain::webhook::Delivery;
use lethe_domain::{HoldId, PostId, PreferenceId, Timestamp, UserId};
use lethe_ports::outbound::{ImportTerms, RecordOutcome, StoreError};
use std::collections::{BTreeMap, BTreeSet};

/// How often a batch is tried that others were in the way of.
const TRIES: usize = 5;

statement! {
    FindTouched<'a> = "../sql/find_touched.sql" => (BigInt, (BigInt, Text, Text, BigInt, Timestamptz, Timestamptz)) as (i64, PreferenceRow) {
        owners: Array<BigInt> = &'a [i64],
        keys: Array<Text> = &'a [&'a str],
        ids: Array<BigInt> = &'a [i64],
    }
}

statement! {
    AdvanceSequence<'a> = "../sql/advance_sequence.sql" {
        sequence: Text = &'a str,
        last: BigInt = i64,
    }
}

/// Imports a batch, all of it or nothing.
pub(super) async fn import(store: &PgStore, batch: &[CheckedRecord], terms: ImportTerms<'_>) -> Result<Vec<RecordOutcome>, StoreError> {
    let mut tries = 1;
    loop {
        match try_import(store, batch, terms).await {
            Err(Obstacle::Failure(Failure::Overtaken(_) | Failure::Duplicate(_))) if tries < TRIES => tries += 1,
            Err(Obstacle::Failure(Failure::Duplicate(text))) => return Err(StoreError::Contention(text)),
            Err(Obstacle::Failure(failure)) => return Err(failure.into()),
            Err(Obstacle::Store(error)) => return Err(error),
            Ok(outcomes) => return Ok(outcomes),
        }
    }
}

/// What ends a try.
pub(super) enum Obstacle {
    Failure(Failure),
    Store(StoreError),
}

impl From<Failure> for Obstacle {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<StoreError> for Obstacle {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

async fn try_import(store: &PgStore, batch: &[CheckedRecord], terms: ImportTerms<'_>) -> Result<Vec<RecordOutcome>, Obstacle> {
    let mut lease = store.lease(Patience::Long).await?;
    lease.begin().await?;
    advance_sequences(&mut lease, batch).await?;
    let mut desk = Desk::load(&mut lease, batch).await?;
    let outcomes = batch.iter().map(|record| desk.decide(record, terms)).collect();
    desk.write(&mut lease, terms).await?;
    lease.commit().await?;
    Ok(outcomes)
}

/// Ids that the archive brings are never handed out again. Done first, as a sequence is never rolled back.
async fn advance_sequences(lease: &mut Lease, batch: &[CheckedRecord]) -> Result<(), Failure> {
    let mut highest: BTreeMap<&str, i64> = BTreeMap::new();
    for record in batch {
        let (sequence, id) = match record {
            CheckedRecord::User(user) => ("users_id_seq", Some(user.account.id.get())),
            CheckedRecord::Hold(hold) => ("holds_id_seq", Some(hold.id.get())),
            CheckedRecord::Preference(preference) => ("preferences_id_seq", preference.id.map(PreferenceId::get)),
            CheckedRecord::Post(post) => ("posts_id_seq", Some(post.id.get())),
            CheckedRecord::Vote(_) | CheckedRecord::Revocation(_) => continue,
        };
        let last = highest.entry(sequence).or_default();
        *last = (*last).max(id.unwrap_or(0));
    }
    for (sequence, last) in highest {
        lease.execute(AdvanceSequence { sequence, last }).await?;
    }
    Ok(())
}

/// What a batch refers to.
struct Desk {
    people: People,
    holds: BTreeMap<(UserId, HoldId), Hold>,
    ledgers: BTreeMap<UserId, Ledger>,
    publications: Publications,
    revocations: BTreeMap<String, CheckedRevocation>,
}

impl Desk {
    async fn load(lease: &mut Lease, batch: &[CheckedRecord]) -> Result<Self, Obstacle> {
        let authors = authors_of_voted_posts(lease, batch).await?;
        let people = People::load(lease, batch, authors).await?;
        let ledgers = load_ledgers(lease, batch, &people).await?;
        let publications = Publications::load(lease, batch).await?;
        Ok(Self { people, holds: BTreeMap::new(), ledgers, publications, revocations: BTreeMap::new() })
    }

    fn decide(&mut self, record: &CheckedRecord, terms: ImportTerms<'_>) -> RecordOutcome {
        match record {
            CheckedRecord::User(user) => self.people.import(user, terms.now),
            CheckedRecord::Hold(hold) => {
                self.people.check_alive(hold.user)?;
                self.holds.insert((hold.user, hold.id), hold.clone());
                Ok(())
            }
            CheckedRecord::Preference(preference) => self.decide_on_preference(preference, terms.limits, terms.now),
            CheckedRecord::Post(post) => {
                self.people.check_alive(post.post.author)?;
                self.publications.import_post(post)
            }
            CheckedRecord::Vote(vote) => {
                self.people.check_alive(vote.voter)?;
                self.publications.import_vote(vote, &self.people)
            }
            CheckedRecord::Revocation(revocation) => {
                let kept = revocation.clone().over(self.revocations.get(&revocation.id));
                self.revocations.insert(kept.id.clone(), kept);
                Ok(())
            }
        }
    }

    fn decide_on_preference(&mut self, record: &CheckedPreference, limits: &Limits, now: Timestamp) -> RecordOutcome {
        self.people.check_alive(record.owner)?;
        // An owner who came with this very batch has no ledger yet.
        let ledger = self.ledgers.entry(record.owner).or_insert_with(|| Ledger::new(record.owner, (0, 0, 0)));
        Ok(ledger.import(record.clone(), limits, now)?)
    }

    async fn write(self, lease: &mut Lease, terms: ImportTerms<'_>) -> Result<(), Obstacle> {
        self.people.write(lease).await?;
        holds::keep(lease, &self.holds.into_values().collect::<Vec<_>>()).await?;
        ledger::write(lease, &self.ledgers.into_values().collect::<Vec<_>>()).await?;
        self.publications.write(lease).await?;
        revocations::keep(lease, &self.revocations.into_values().collect::<Vec<_>>()).await?;
        announce(lease, self.people.events(), terms).await
    }
}

/// Puts what happened to users into the outbox and the audit log. This comes last: everyone else who logs something waits from here on.
async fn announce(lease: &mut Lease, events: &[Event], terms: ImportTerms<'_>) -> Result<(), Obstacle> {
    if events.is_empty() {
        return Ok(());
    }
    outbox::insert(lease, &Delivery::of(events, terms.subscriptions, terms.now).collect::<Vec<_>>()).await?;
    let head = audit::lock_head(lease).await?;
    let entries = head.seal_all(events.iter().map(|event| AuditAct::of_event(event, None)));
    Ok(audit::append(lease, &entries).await?)
}

/// Who has to be locked before the posts that are voted on. A post that appears later counts as absent.
async fn authors_of_voted_posts(lease: &mut Lease, batch: &[CheckedRecord]) -> Result<Vec<i64>, Failure> {
    let voted_on: BTreeSet<PostId> = batch.iter().filter_map(|record| if let CheckedRecord::Vote(vote) = record { Some(vote.post) } else { None }).collect();
    if voted_on.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<i64> = voted_on.into_iter().map(PostId::get).collect();
    lease.rows(posts::table.filter(posts::id.eq_any(ids)).select(posts::user_id).distinct()).await
}

/// One ledger for each owner, with what is there under the keys and ids of the batch.
async fn load_ledgers(lease: &mut Lease, batch: &[CheckedRecord], people: &People) -> Result<BTreeMap<UserId, Ledger>, Failure> {
    let records: Vec<&CheckedPreference> =
        batch.iter().filter_map(|record| if let CheckedRecord::Preference(preference) = record { Some(preference) } else { None }).collect();
    let mut ledgers = BTreeMap::new();
    if records.is_empty() {
        return Ok(ledgers);
    }
    for record in &records {
        if let Some(counters) = people.counters(record.owner) {
            ledgers.entry(record.owner).or_insert_with(|| Ledger::new(record.owner, counters));
        }
    }
    let touched = FindTouched {
        owners: &ledger::column(&records, |record| record.owner.get()),
        keys: &ledger::column(&records, |record| record.key.as_str()),
        ids: &ledger::column(&records, |record| record.id.map_or(0, PreferenceId::get)),
    };
    for (owner, row) in touched.run(lease).await? {
        if let Some(ledger) = ledgers.get_mut(&UserId::new(owner)) {
            ledger.take_in(row);
        }
    }
    Ok(ledgers)
}
