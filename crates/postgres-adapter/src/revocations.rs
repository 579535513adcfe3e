//! Tokens that are dead before their time.

use crate::error::Failure;
use crate::row::corrupt;
use crate::schema::revoked_tokens;
use crate::statement::statement;
use crate::{Lease, PgStore};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use lethe_domain::Timestamp;
use lethe_ports::outbound::{RevocationStore, Revocations, RevokedToken, StoreError};

statement! {
    FindRevocations = "sql/find_revocations.sql" => (Timestamptz, Array<Text>) as (DateTime<Utc>, Vec<String>) {
        since: Nullable<Timestamptz> = Option<DateTime<Utc>>,
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
    );
    lease.execute(diesel::insert_into(revoked_tokens::table).values(row).on_conflict_do_nothing()).await.map(drop)
}
