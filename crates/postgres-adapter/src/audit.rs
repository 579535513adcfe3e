//! The audit log. Rows are handed out as they are: whether they follow each other is for the domain to say.

use crate::connection::Patience;
use crate::error::Failure;
use crate::ledger::column;
use crate::row::corrupt;
use crate::schema::{audit, audit_head};
use crate::statement::statement;
use crate::{Lease, PgStore};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz};
use lethe_domain::audit::{AuditAct, AuditAction, AuditEntry, AuditHead};
use lethe_domain::{Timestamp, UserId};
use lethe_ports::outbound::{AuditFilter, AuditStore, ChainLink, StoreError};

statement! {
    AppendAudit<'a> = "sql/append_audit.sql" {
        numbers: Array<BigInt> = &'a [i64],
        moments: Array<Timestamptz> = &'a [DateTime<Utc>],
        actions: Array<Text> = &'a [&'static str],
        subjects: Array<Nullable<BigInt>> = &'a [Option<i64>],
        actors: Array<Nullable<BigInt>> = &'a [Option<i64>],
        references: Array<Nullable<Text>> = &'a [Option<&'a str>],
        hashes: Array<Text> = &'a [&'a str],
        last: BigInt = i64,
        last_hash: Text = &'a str,
    }
}

statement! {
    ListAuditOfAction<'a> = "sql/list_audit_of_action.sql" => (BigInt, Timestamptz, Text, Nullable<BigInt>, Nullable<BigInt>, Nullable<Text>, Text) as EntryRow {
        action: Text = &'a str,
        before: BigInt = i64,
        limit: BigInt = i64,
    }
}

/// The only row of `audit_head`.
const HEAD: i64 = 1;

#[async_trait]
impl AuditStore for PgStore {
    async fn audit_entries(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let (before, limit) = (filter.before.unwrap_or(i64::MAX), i64::from(limit));
        let rows = match (filter.subject, filter.action) {
            (None, Some(action)) => self.read(ListAuditOfAction { action: action.name(), before, limit }).await?,
            (None, None) => self.entries(earlier(before, limit)).await?,
            (Some(subject), None) => self.entries(earlier(before, limit).filter(audit::subject.eq(subject.get()))).await?,
            (Some(subject), Some(action)) => {
                let about = earlier(before, limit).filter(audit::subject.eq(subject.get()));
                self.entries(about.filter(audit::action.eq(action.name()))).await?
            }
        };
        rows.into_iter().map(AuditEntry::try_from).collect()
    }

    async fn audit_chain(&self, after: i64, limit: u32) -> Result<Vec<ChainLink>, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let following = audit::table.filter(audit::seq.gt(after)).order(audit::seq).limit(i64::from(limit));
        let rows: Vec<EntryRow> = lease.rows(following.select(EntryRow::as_select())).await?;
        Ok(rows.into_iter().map(|row| ChainLink { seq: row.seq, entry: AuditEntry::try_from(row).ok() }).collect())
    }

    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        head(lease.first(audit_head::table.find(HEAD).select((audit_head::seq, audit_head::hash))).await?)
    }
}

type Entries = audit::BoxedQuery<'static, Pg>;

/// The newest entries before a number.
fn earlier(before: i64, limit: i64) -> Entries {
    audit::table.filter(audit::seq.lt(before)).order(audit::seq.desc()).limit(limit).into_boxed()
}

impl PgStore {
    async fn entries(&self, entries: Entries) -> Result<Vec<EntryRow>, Failure> {
        self.lease(Patience::Short).await?.rows(entries.select(EntryRow::as_select())).await
    }
}

fn head(row: Option<(i64, String)>) -> Result<AuditHead, StoreError> {
    let (seq, hash) = row.ok_or_else(|| corrupt("audit_head"))?;
    Ok(AuditHead { seq, hash })
}

/// The end of the log, locked.
pub(crate) async fn lock_head(lease: &mut Lease) -> Result<AuditHead, StoreError> {
    head(lease.first(audit_head::table.find(HEAD).select((audit_head::seq, audit_head::hash)).for_update()).await?)
}

/// Adds entries behind the end, which is locked, and moves it behind them.
pub(crate) async fn append(lease: &mut Lease, entries: &[AuditEntry]) -> Result<(), Failure> {
    let Some(last) = entries.last() else { return Ok(()) };
    let entries: Vec<&AuditEntry> = entries.iter().collect();
    let statement = AppendAudit {
        numbers: &column(&entries, |entry| entry.seq),
        moments: &column(&entries, |entry| entry.act.at.to_utc()),
        actions: &column(&entries, |entry| entry.act.action.name()),
        subjects: &column(&entries, |entry| entry.act.subject.map(UserId::get)),
        actors: &column(&entries, |entry| entry.act.actor.map(UserId::get)),
        references: &column(&entries, |entry| entry.act.reference.as_deref()),
        hashes: &column(&entries, |entry| entry.hash.as_str()),
        last: last.seq,
        last_hash: &last.hash,
    };
    lease.execute(statement).await.map(drop)
}

/// The columns of an entry.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = audit, check_for_backend(Pg))]
pub(crate) struct EntryRow {
    seq: i64,
    at: DateTime<Utc>,
    action: String,
    subject: Option<i64>,
    actor: Option<i64>,
    reference: Option<String>,
    hash: String,
}

impl TryFrom<EntryRow> for AuditEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let act = AuditAct {
            action: AuditAction::from_name(&row.action).ok_or_else(|| corrupt("audit.action"))?,
            subject: row.subject.map(UserId::new),
            actor: row.actor.map(UserId::new),
            reference: row.reference,
            at: Timestamp::new(row.at),
        };
        Ok(Self { seq: row.seq, act, hash: row.hash })
    }
}
