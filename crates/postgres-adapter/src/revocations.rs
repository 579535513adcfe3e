//! Tokens that are dead before their time.

use crate::error::Failure;
use crate::ledger::column;
use crate::row::corrupt;
use crate::schema::revoked_tokens;
use crate::statement::statement;
use crate::{Lease, PgStore};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use lethe_domain::Timestamp;
use lethe_domain::archive::{CheckedRevocation, RevocationRecord};
use lethe_ports::outbound::{RevocationStore, Revocations, RevokedToken, StoreError};

statement! {
    FindRevocations = "sql/find_revocations.sql" => (Timestamptz, Array<Text>) as (DateTime<Utc>, Vec<String>) {
        since: Nullable<Timestamptz> = Option<DateTime<Utc>>,
    }
}

statement! {
    WriteRevocations<'a> = "sql/write_revocations.sql" {
        ids: Array<Text> = &'a [&'a str],
        revoked: Array<Timestamptz> = &'a [DateTime<Utc>],
        ends: Array<Nullable<Timestamptz>> = &'a [Option<DateTime<Utc>>],
    }
}

/// The columns of a revocation that say something to others.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = revoked_tokens, check_for_backend(Pg))]
pub(crate) struct RevocationRow {
    pub(crate) id: String,
    revoked_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
}

impl RevocationRow {
    pub(crate) fn into_record(self) -> RevocationRecord {
        RevocationRecord::of(self.id, Timestamp::new(self.revoked_at), self.expires_at.map(Timestamp::new))
    }
}

#[async_trait]
impl RevocationStore for PgStore {
    async fn revocations(&self, since: Option<Timestamp>) -> Result<Revocations, StoreError> {
        let found = self.read(FindRevocations { since: since.map(Timestamp::to_utc) }).await?.pop();
        let (as_of, ids) = found.ok_or_else(|| corrupt("now"))?;
        Ok(Revocations { ids, as_of: Timestamp::new(as_of) })
    }
}

/// Keeps a revocation, unless it is there.
pub(crate) async fn insert(lease: &mut Lease, token: &RevokedToken) -> Result<(), Failure> {
    let row = (
        revoked_tokens::id.eq(token.id.as_str()),
        revoked_tokens::revoked_at.eq(diesel::dsl::now),
        revoked_tokens::expires_at.eq(token.expires_at.map(Timestamp::to_utc)),
        revoked_tokens::noted_at.eq(diesel::dsl::now),
    );
    lease.execute(diesel::insert_into(revoked_tokens::table).values(row).on_conflict_do_nothing()).await.map(drop)
}

/// Keeps revocations from elsewhere, no two of one token, beside what is known of them.
pub(crate) async fn keep(lease: &mut Lease, revocations: &[CheckedRevocation]) -> Result<(), Failure> {
    if revocations.is_empty() {
        return Ok(());
    }
    let statement = WriteRevocations {
        ids: &revocations.iter().map(|revocation| revocation.id.as_str()).collect::<Vec<_>>(),
        revoked: &column(revocations, |revocation| revocation.revoked_at.to_utc()),
        ends: &column(revocations, |revocation| revocation.expires_at.map(Timestamp::to_utc)),
    };
    lease.execute(statement).await.map(drop)
}
