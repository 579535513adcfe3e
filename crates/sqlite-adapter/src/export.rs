//! Writing everything out, as of one moment: one read transaction on a connection and a thread of its own.
//!
//! As long as it lasts, the write-ahead log keeps growing with what others write meanwhile.

use crate::accounts::not_erased;
use crate::atomic::atomically;
use crate::connection::open_reader;
use crate::error::Failure;
use crate::holds::HoldRow;
use crate::revocations::RevocationRow;
use crate::row::{PostRow, PreferenceRow, VoteRow};
use crate::schema::{holds, posts, preferences, revoked_tokens, users, votes};
use crate::user_row::UserRow;
use diesel::dsl::{Filter, NotEq, Select};
use diesel::prelude::*;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use lethe_domain::archive::{HoldRecord, PreferenceRecord, Record, UserRecord};
use lethe_domain::hold::Hold;
use lethe_domain::preference::Preference;
use lethe_ports::outbound::StoreError;
use std::path::{Path, PathBuf};
use tokio::sync::mpsc::{self, Sender};

/// Records in a batch.
const BATCH: usize = 1_000;
/// Batches that are ready before somebody takes them.
const AHEAD: usize = 2;

type Batches = Sender<Result<Vec<Record>, StoreError>>;

/// Nobody takes the batches any more.
#[derive(Debug)]
struct Abandoned;

/// Begins to export the file of that path.
pub(crate) fn export(path: PathBuf) -> BoxStream<'static, Result<Vec<Record>, StoreError>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let thread = std::thread::Builder::new().name("sqlite-export".into()).spawn(move || run(&path, &sender));
    match thread {
        Ok(_) => stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|batch| (batch, receiver)) }).boxed(),
        Err(error) => stream::iter([Err(StoreError::Failed(format!("no thread for the export: {error}")))]).boxed(),
    }
}

fn run(path: &Path, batches: &Batches) {
    match write_out(path, batches) {
        Ok(()) | Err(Failure::Refused(Abandoned)) => {}
        // Whoever took the batches may have gone by now.
        Err(Failure::Store(error)) => drop(batches.blocking_send(Err(error))),
    }
}

fn write_out(path: &Path, batches: &Batches) -> Result<(), Failure<Abandoned>> {
    let mut connection = open_reader(path)?;
    atomically(&mut connection, |connection| {
        let all = users::table.order(users::id).select(UserRow::as_select());
        send(all.load_iter(connection)?, user_record, batches)?;
        let all = holds::table.filter(holds::user_id.eq_any(alive())).order((holds::user_id, holds::id)).select(HoldRow::as_select());
        send(all.load_iter(connection)?, |row: HoldRow| Ok(Record::Hold(HoldRecord::of(&Hold::from(row)))), batches)?;
        let all = preferences::table.filter(preferences::user_id.eq_any(alive())).order((preferences::user_id, preferences::key));
        send(all.select(PreferenceRow::as_select()).load_iter(connection)?, |row| Ok(preference_record(row)), batches)?;
        let all = posts::table.filter(posts::user_id.eq_any(alive())).order(posts::id).select(PostRow::as_select());
        send(all.load_iter(connection)?, |row: PostRow| row.into_record().map(Record::Post), batches)?;
        let all = votes::table.filter(votes::user_id.eq_any(alive())).filter(votes::post_owner_id.eq_any(alive()));
        let all = all.order((votes::user_id, votes::post_id)).select(VoteRow::as_select());
        send(all.load_iter(connection)?, |row: VoteRow| Ok(Record::Vote(row.into_record())), batches)?;
        let all = revoked_tokens::table.order(revoked_tokens::id).select(RevocationRow::as_select());
        send(all.load_iter(connection)?, |row: RevocationRow| Ok(Record::Revocation(row.into_record())), batches)
    })?
}

/// Users whose content exists.
fn alive() -> Select<Filter<users::table, NotEq<users::status, &'static str>>, users::id> {
    users::table.filter(not_erased()).select(users::id)
}

fn user_record(row: UserRow) -> QueryResult<Record> {
    let (account, person) = row.into_account_and_person()?;
    Ok(Record::User(UserRecord::of(&account, person.as_ref())))
}

fn preference_record(row: PreferenceRow) -> Record {
    Record::Preference(PreferenceRecord::of(&Preference::from(row)))
}

fn send<Row>(rows: impl Iterator<Item = QueryResult<Row>>, record: impl Fn(Row) -> QueryResult<Record>, batches: &Batches) -> Result<(), Failure<Abandoned>> {
    // Fused: SQLite begins again when it is asked for a row beyond the last.
    let mut records = rows.map(|row| record(row?)).fuse();
    loop {
        let batch = records.by_ref().take(BATCH).collect::<QueryResult<Vec<_>>>()?;
        if batch.is_empty() {
            return Ok(());
        }
        batches.blocking_send(Ok(batch)).map_err(|_| Failure::Refused(Abandoned))?;
    }
}
