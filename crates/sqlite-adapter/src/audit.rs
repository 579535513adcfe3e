//! The audit log, and its end, which is kept beside it.

use crate::SqliteStore;
use crate::error::corrupt;
use crate::schema::{audit, audit_head};
use async_trait::async_trait;
use diesel::prelude::*;
use lethe_domain::Timestamp;
use lethe_domain::audit::{AuditAct, AuditAction, AuditEntry, AuditHead};
use lethe_domain::id::UserId;
use lethe_ports::outbound::{AuditFilter, AuditStore, ChainLink, StoreError};

#[async_trait]
impl AuditStore for SqliteStore {
    async fn audit_entries(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let filter = *filter;
        self.readers().scan(move |connection| Ok(entries(connection, filter, limit)?)).await
    }

    async fn audit_chain(&self, after: i64, limit: u32) -> Result<Vec<ChainLink>, StoreError> {
        self.readers().scan(move |connection| Ok(chain(connection, after, limit)?)).await
    }

    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        self.readers().look_up(|connection| Ok(head(connection)?)).await
    }
}

/// An entry.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit, treat_none_as_default_value = false)]
struct EntryRow {
    seq: i64,
    at: i64,
    action: String,
    subject: Option<i64>,
    actor: Option<i64>,
    reference: Option<String>,
    hash: String,
}

impl From<&AuditEntry> for EntryRow {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.act.at.micros(),
            action: entry.act.action.name().to_owned(),
            subject: entry.act.subject.map(UserId::get),
            actor: entry.act.actor.map(UserId::get),
            reference: entry.act.reference.clone(),
            hash: entry.hash.clone(),
        }
    }
}

impl EntryRow {
    fn into_entry(self) -> QueryResult<AuditEntry> {
        let act = AuditAct {
            action: AuditAction::from_name(&self.action).ok_or_else(|| corrupt("audit.action is no action"))?,
            subject: self.subject.map(UserId::new),
            actor: self.actor.map(UserId::new),
            reference: self.reference,
            at: Timestamp::from_micros(self.at),
        };
        Ok(AuditEntry { seq: self.seq, act, hash: self.hash })
    }
}

/// The end of the log, which is one row.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_head)]
struct HeadRow {
    id: i64,
    seq: i64,
    hash: String,
}

const HEAD: i64 = 1;

/// The end of the log.
pub(crate) fn head(connection: &mut SqliteConnection) -> QueryResult<AuditHead> {
    let row: HeadRow = audit_head::table.find(HEAD).select(HeadRow::as_select()).get_result(connection)?;
    Ok(AuditHead { seq: row.seq, hash: row.hash })
}

/// Adds entries that follow the end of the log, and moves the end.
pub(crate) fn append(connection: &mut SqliteConnection, entries: &[AuditEntry]) -> QueryResult<()> {
    write(connection, entries)?;
    entries.last().map_or(Ok(()), |last| save_head(connection, &last.head()))
}

/// Adds entries without moving the end of the log, which MUST be moved before the transaction ends.
pub(crate) fn write(connection: &mut SqliteConnection, entries: &[AuditEntry]) -> QueryResult<()> {
    // One by one: a statement for many rows is prepared anew each time.
    entries.iter().try_for_each(|entry| diesel::insert_into(audit::table).values(EntryRow::from(entry)).execute(connection).map(drop))
}

/// Moves the end of the log.
pub(crate) fn save_head(connection: &mut SqliteConnection, head: &AuditHead) -> QueryResult<()> {
    let row = HeadRow { id: HEAD, seq: head.seq, hash: head.hash.clone() };
    diesel::replace_into(audit_head::table).values(row).execute(connection)?;
    Ok(())
}

fn entries(connection: &mut SqliteConnection, filter: AuditFilter, limit: u32) -> QueryResult<Vec<AuditEntry>> {
    let mut query = audit::table.order(audit::seq.desc()).limit(limit.into()).select(EntryRow::as_select()).into_boxed();
    if let Some(subject) = filter.subject {
        query = query.filter(audit::subject.eq(subject.get()));
    }
    if let Some(action) = filter.action {
        query = query.filter(audit::action.eq(action.name()));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit::seq.lt(before));
    }
    query.load(connection)?.into_iter().map(EntryRow::into_entry).collect()
}

fn chain(connection: &mut SqliteConnection, after: i64, limit: u32) -> QueryResult<Vec<ChainLink>> {
    let query = audit::table.filter(audit::seq.gt(after)).order(audit::seq).limit(limit.into()).select(EntryRow::as_select());
    Ok(query.load(connection)?.into_iter().map(|row| ChainLink { seq: row.seq, entry: row.into_entry().ok() }).collect())
}
