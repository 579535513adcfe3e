//! Writing everything out: one snapshot, walked by key, a batch at a time. What nobody asks for yet is not read yet.

use crate::connection::Patience;
use crate::error::Failure;
use crate::holds::HoldRow;
use crate::revocations::RevocationRow;
use crate::row::{PostRow, PreferenceRow, UserRow};
use crate::schema::{holds, posts, preferences, revoked_tokens, users, votes};
use crate::{Lease, PgStore};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use lethe_domain::account::{Account, UserStatus};
use lethe_domain::archive::{HoldRecord, PostRecord, PreferenceRecord, Record, UserRecord, VoteRecord};
use lethe_domain::{PostId, Timestamp, UserId};
use lethe_ports::outbound::StoreError;
use std::collections::{BTreeSet, HashSet};

/// Records of a batch at the most.
const BATCH: i64 = 1_000;

/// An export under way.
pub(super) struct Export {
    lease: Lease,
    position: Position,
}

/// The last record that was written, or the beginning of a kind.
enum Position {
    Users(i64),
    Holds(i64, i64),
    Preferences(i64, String),
    Posts(i64),
    Votes(i64, i64),
    Revocations(String),
}

impl Export {
    pub(super) async fn begin(store: &PgStore) -> Result<Self, StoreError> {
        let mut lease = store.lease(Patience::Long).await?;
        lease.begin_snapshot().await?;
        Ok(Self { lease, position: Position::Users(i64::MIN) })
    }

    /// The next batch, and the export after it; `None` at the end.
    pub(super) async fn next(mut self) -> Result<Option<(Vec<Record>, Self)>, StoreError> {
        loop {
            match self.batch().await? {
                Some(batch) if batch.is_empty() => {}
                Some(batch) => return Ok(Some((batch, self))),
                None => {
                    self.position = match self.position {
                        Position::Users(_) => Position::Holds(i64::MIN, i64::MIN),
                        Position::Holds(..) => Position::Preferences(i64::MIN, String::new()),
                        Position::Preferences(..) => Position::Posts(i64::MIN),
                        Position::Posts(_) => Position::Votes(i64::MIN, i64::MIN),
                        Position::Votes(..) => Position::Revocations(String::new()),
                        Position::Revocations(_) => {
                            self.lease.commit().await?;
                            return Ok(None);
                        }
                    };
                }
            }
        }
    }

    /// The following records of the same kind, which may all be of erased users; `None` when there are no more.
    async fn batch(&mut self) -> Result<Option<Vec<Record>>, StoreError> {
        match self.position {
            Position::Users(last) => self.users(last).await,
            Position::Holds(user, last) => self.holds(user, last).await,
            Position::Preferences(owner, ref key) => {
                let key = key.clone();
                self.preferences(owner, &key).await
            }
            Position::Posts(last) => self.posts(last).await,
            Position::Votes(voter, post) => self.votes(voter, post).await,
            Position::Revocations(ref last) => {
                let last = last.clone();
                self.revocations(&last).await
            }
        }
    }

    async fn users(&mut self, last: i64) -> Result<Option<Vec<Record>>, StoreError> {
        let rows: Vec<UserRow> = self.lease.rows(users::table.filter(users::id.gt(last)).order(users::id).limit(BATCH).select(UserRow::as_select())).await?;
        let Some(row) = rows.last() else { return Ok(None) };
        self.position = Position::Users(row.account.id);
        let record = |row: UserRow| {
            let person = row.person.person()?;
            Ok(Record::User(UserRecord::of(&Account::try_from(row.account)?, person.as_ref())))
        };
        rows.into_iter().map(record).collect::<Result<_, _>>().map(Some)
    }

    async fn holds(&mut self, user: i64, last: i64) -> Result<Option<Vec<Record>>, StoreError> {
        let after = holds::user_id.gt(user).or(holds::id.gt(last));
        let following = holds::table.filter(holds::user_id.ge(user)).filter(after).order((holds::user_id, holds::id)).limit(BATCH);
        let rows: Vec<HoldRow> = self.lease.rows(following.select(HoldRow::as_select())).await?;
        let Some(row) = rows.last() else { return Ok(None) };
        self.position = Position::Holds(row.user_id, row.id);
        let erased = self.erased(rows.iter().map(|row| row.user_id)).await?;
        let shown = rows.into_iter().filter(|row| !erased.contains(&row.user_id));
        Ok(Some(shown.map(|row| Record::Hold(HoldRecord::of(&row.into()))).collect()))
    }

    async fn preferences(&mut self, owner: i64, key: &str) -> Result<Option<Vec<Record>>, StoreError> {
        let after = preferences::user_id.gt(owner).or(preferences::key.gt(key));
        let following = preferences::table.filter(preferences::user_id.ge(owner)).filter(after).order((preferences::user_id, preferences::key));
        let rows: Vec<(i64, PreferenceRow)> = self.lease.rows(following.limit(BATCH).select((preferences::user_id, PreferenceRow::as_select()))).await?;
        let Some((owner, row)) = rows.last() else { return Ok(None) };
        self.position = Position::Preferences(*owner, row.key.clone());
        let erased = self.erased(rows.iter().map(|(owner, _)| *owner)).await?;
        let shown = rows.into_iter().filter(|(owner, _)| !erased.contains(owner));
        Ok(Some(shown.map(|(owner, row)| Record::Preference(PreferenceRecord::of(&row.preference(UserId::new(owner))))).collect()))
    }

    async fn posts(&mut self, last: i64) -> Result<Option<Vec<Record>>, StoreError> {
        let following = posts::table.filter(posts::id.gt(last)).order(posts::id).limit(BATCH);
        let rows: Vec<PostRow> = self.lease.rows(following.select(PostRow::as_select())).await?;
        let Some(row) = rows.last() else { return Ok(None) };
        self.position = Position::Posts(row.id);
        let erased = self.erased(rows.iter().map(|row| row.user_id)).await?;
        let record = |row: PostRow| {
            let (id, added_at, last_activity_at) = (PostId::new(row.id), Timestamp::new(row.added_at), Timestamp::new(row.last_activity_at));
            Ok(Record::Post(PostRecord::of(id, &row.written()?, added_at, last_activity_at)))
        };
        rows.into_iter().filter(|row| !erased.contains(&row.user_id)).map(record).collect::<Result<_, _>>().map(Some)
    }

    async fn votes(&mut self, voter: i64, post: i64) -> Result<Option<Vec<Record>>, StoreError> {
        let after = votes::user_id.gt(voter).or(votes::post_id.gt(post));
        let following = votes::table.filter(votes::user_id.ge(voter)).filter(after).order((votes::user_id, votes::post_id)).limit(BATCH);
        let columns = (votes::user_id, votes::post_owner_id, votes::post_id, votes::voted_at);
        let rows: Vec<(i64, i64, i64, DateTime<Utc>)> = self.lease.rows(following.select(columns)).await?;
        let Some((voter, _, post, _)) = rows.last() else { return Ok(None) };
        self.position = Position::Votes(*voter, *post);
        let erased = self.erased(rows.iter().flat_map(|(voter, author, ..)| [*voter, *author])).await?;
        let shown = rows.into_iter().filter(|(voter, author, ..)| !erased.contains(voter) && !erased.contains(author));
        let record =
            |(voter, _, post, voted_at)| VoteRecord { user_id: UserId::new(voter), post_id: PostId::new(post), created_at: Some(Timestamp::new(voted_at)) };
        Ok(Some(shown.map(record).map(Record::Vote).collect()))
    }

    async fn revocations(&mut self, last: &str) -> Result<Option<Vec<Record>>, StoreError> {
        let following = revoked_tokens::table.filter(revoked_tokens::id.gt(last)).order(revoked_tokens::id).limit(BATCH);
        let rows: Vec<RevocationRow> = self.lease.rows(following.select(RevocationRow::as_select())).await?;
        let Some(row) = rows.last() else { return Ok(None) };
        self.position = Position::Revocations(row.id.clone());
        Ok(Some(rows.into_iter().map(|row| Record::Revocation(row.into_record())).collect()))
    }

    /// Those of these users who are erased: what is still being removed does not exist any more. Looked up batch by batch, as a join could make
    /// the server walk the table of users from its beginning each time.
    async fn erased(&mut self, ids: impl Iterator<Item = i64>) -> Result<HashSet<i64>, Failure> {
        let ids: BTreeSet<i64> = ids.collect();
        let erased = users::table.filter(users::id.eq_any(ids)).filter(users::status.eq(UserStatus::Erased.letter()));
        let ids: Vec<i64> = self.lease.rows(erased.select(users::id)).await?;
        Ok(ids.into_iter().collect())
    }
}
