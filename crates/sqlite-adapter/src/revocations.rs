//! Tokens that are dead before their time.

use crate::SqliteStore;
use crate::clock::{now, present};
use crate::error::Failure;
use crate::schema::revoked_tokens;
use async_trait::async_trait;
use diesel::prelude::*;
use lethe_domain::Timestamp;
use lethe_domain::archive::{CheckedRevocation, RevocationRecord};
use lethe_ports::outbound::{RevocationStore, Revocations, RevokedToken, StoreError};

#[async_trait]
impl RevocationStore for SqliteStore {
    async fn revocations(&self, since: Option<Timestamp>) -> Result<Revocations, StoreError> {
        let read = move |connection: &mut SqliteConnection| Ok::<_, Failure<StoreError>>(revocations(connection, since)?);
        match since {
            // Asked again and again, and hardly ever anything.
            Some(_) => self.readers().look_up(read).await,
            None => self.readers().scan(read).await,
        }
    }
}

/// A revocation, beside when it was noted.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = revoked_tokens)]
pub(crate) struct RevocationRow {
    id: String,
    revoked_at: i64,
    expires_at: Option<i64>,
}

impl RevocationRow {
    pub(crate) fn into_record(self) -> RevocationRecord {
        let CheckedRevocation { id, revoked_at, expires_at } = self.into();
        RevocationRecord::of(id, revoked_at, expires_at)
    }
}

impl From<RevocationRow> for CheckedRevocation {
    fn from(row: RevocationRow) -> Self {
        Self { id: row.id, revoked_at: Timestamp::from_micros(row.revoked_at), expires_at: row.expires_at.map(Timestamp::from_micros) }
    }
}

/// Keeps a revocation, unless it is there.
pub(crate) fn insert_revocation(connection: &mut SqliteConnection, token: &RevokedToken) -> QueryResult<()> {
    let row = (
        revoked_tokens::id.eq(&token.id),
        revoked_tokens::revoked_at.eq(present()),
        revoked_tokens::expires_at.eq(token.expires_at.map(Timestamp::micros)),
        revoked_tokens::noted_at.eq(present()),
    );
    diesel::insert_or_ignore_into(revoked_tokens::table).values(row).execute(connection)?;
    Ok(())
}

/// Keeps a revocation from elsewhere, beside what is known of it.
pub(crate) fn keep_revocation(connection: &mut SqliteConnection, revocation: CheckedRevocation) -> QueryResult<()> {
    let known = revoked_tokens::table.find(&revocation.id).select(RevocationRow::as_select()).first(connection).optional()?;
    let kept = revocation.over(known.map(CheckedRevocation::from).as_ref());
    let expires_at = revoked_tokens::expires_at.eq(kept.expires_at.map(Timestamp::micros));
    let row = (revoked_tokens::id.eq(&kept.id), revoked_tokens::revoked_at.eq(kept.revoked_at.micros()), expires_at, revoked_tokens::noted_at.eq(present()));
    diesel::insert_into(revoked_tokens::table).values(row).on_conflict(revoked_tokens::id).do_update().set(expires_at).execute(connection)?;
    Ok(())
}

/// Forgets tokens that had ended by `now`, and says how many.
pub(crate) fn forget_ended(connection: &mut SqliteConnection, now: Timestamp) -> QueryResult<usize> {
    diesel::delete(revoked_tokens::table.filter(revoked_tokens::expires_at.le(now.micros()))).execute(connection)
}

fn revocations(connection: &mut SqliteConnection, since: Option<Timestamp>) -> QueryResult<Revocations> {
    // The time before the look: what is written in between is found the next time as well.
    let as_of = now(connection)?;
    let ids = match since {
        Some(since) => revoked_tokens::table.filter(revoked_tokens::noted_at.ge(since.micros())).select(revoked_tokens::id).load(connection)?,
        None => revoked_tokens::table.select(revoked_tokens::id).load(connection)?,
    };
    Ok(Revocations { ids, as_of })
}
