//! Posts and votes, in an import.

use super::people::People;
use crate::Lease;
use crate::archive::import::Obstacle;
use crate::error::Failure;
use crate::ledger::column;
use crate::row::post_kind;
use crate::schema::posts;
use crate::statement::{Statement, statement};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use lethe_domain::archive::{CheckedPost, CheckedRecord, CheckedVote, RecordError};
use lethe_domain::content::{PostKind, Reaction};
use lethe_domain::{PostId, Timestamp, UserId};
use lethe_ports::outbound::RecordOutcome;
use std::collections::{BTreeMap, BTreeSet, HashSet};

statement! {
    FindVotes<'a> = "../sql/find_votes.sql" => (BigInt, BigInt) as (i64, i64) {
        voters: Array<BigInt> = &'a [i64],
        owners: Array<BigInt> = &'a [i64],
        posts: Array<BigInt> = &'a [i64],
    }
}

statement! {
    WritePosts<'a> = "../sql/write_posts.sql" {
        authors: Array<BigInt> = &'a [i64],
        ids: Array<BigInt> = &'a [i64],
        kinds: Array<Text> = &'a [&'a str],
        titles: Array<Text> = &'a [&'a str],
        texts: Array<Text> = &'a [&'a str],
        added: Array<Timestamptz> = &'a [DateTime<Utc>],
        active: Array<Timestamptz> = &'a [DateTime<Utc>],
    }
}

statement! {
    WriteVotes<'a> = "../sql/write_votes.sql" {
        voters: Array<BigInt> = &'a [i64],
        owners: Array<BigInt> = &'a [i64],
        posts: Array<BigInt> = &'a [i64],
        reaction: Text = &'a str,
        moments: Array<Timestamptz> = &'a [DateTime<Utc>],
    }
}

statement! {
    CountVotes<'a> = "../sql/count_votes.sql" {
        owners: Array<BigInt> = &'a [i64],
        posts: Array<BigInt> = &'a [i64],
        counts: Array<BigInt> = &'a [i64],
    }
}

/// The posts that a batch refers to, and who voted on them.
pub(super) struct Publications {
    posts: BTreeMap<PostId, Known>,
    votes: HashSet<(UserId, PostId)>,
    cast: BTreeMap<(UserId, PostId), Timestamp>,
}

/// A post that is stored, or going to be.
struct Known {
    author: UserId,
    kind: PostKind,
    written: Option<CheckedPost>,
    new_votes: i64,
}

impl Publications {
    /// Locks and loads the posts, behind their authors.
    pub(super) async fn load(lease: &mut Lease, batch: &[CheckedRecord]) -> Result<Self, Obstacle> {
        let ids: BTreeSet<i64> = batch.iter().filter_map(post_in).map(PostId::get).collect();
        let mut publications = Self { posts: BTreeMap::new(), votes: HashSet::new(), cast: BTreeMap::new() };
        if ids.is_empty() {
            return Ok(publications);
        }
        let wanted = posts::table.filter(posts::id.eq_any(ids)).order((posts::user_id, posts::id)).for_update();
        let rows: Vec<(i64, i64, String)> = lease.rows(wanted.select((posts::id, posts::user_id, posts::kind))).await?;
        for (id, author, kind) in rows {
            let known = Known { author: UserId::new(author), kind: post_kind(&kind)?, written: None, new_votes: 0 };
            publications.posts.insert(PostId::new(id), known);
        }
        publications.load_votes(lease, batch).await?;
        Ok(publications)
    }

    /// Loads the votes that were cast before on the posts that are stored.
    async fn load_votes(&mut self, lease: &mut Lease, batch: &[CheckedRecord]) -> Result<(), Failure> {
        let place = |record: &CheckedRecord| match record {
            CheckedRecord::Vote(vote) => self.posts.get(&vote.post).map(|known| (vote.voter, known.author, vote.post)),
            CheckedRecord::User(_) | CheckedRecord::Hold(_) | CheckedRecord::Preference(_) | CheckedRecord::Post(_) | CheckedRecord::Revocation(_) => None,
        };
        let places: Vec<(UserId, UserId, PostId)> = batch.iter().filter_map(place).collect();
        if places.is_empty() {
            return Ok(());
        }
        let find = FindVotes {
            voters: &column(&places, |(voter, ..)| voter.get()),
            owners: &column(&places, |(_, owner, _)| owner.get()),
            posts: &column(&places, |(.., post)| post.get()),
        };
        self.votes = find.run(lease).await?.into_iter().map(|(voter, post)| (UserId::new(voter), PostId::new(post))).collect();
        Ok(())
    }

    pub(super) fn import_post(&mut self, record: &CheckedPost) -> RecordOutcome {
        let new = Known { author: record.post.author, kind: record.post.kind, written: None, new_votes: 0 };
        let known = self.posts.entry(record.id).or_insert(new);
        if (known.author, known.kind) != (record.post.author, record.post.kind) {
            return Err(RecordError::PostTaken(record.id));
        }
        known.written = Some(record.clone());
        Ok(())
    }

    pub(super) fn import_vote(&mut self, record: &CheckedVote, people: &People) -> RecordOutcome {
        let known = self.posts.get_mut(&record.post).filter(|known| people.check_alive(known.author).is_ok());
        let known = known.ok_or(RecordError::NoSuchPost(record.post))?;
        if self.votes.insert((record.voter, record.post)) {
            known.new_votes += 1;
        }
        self.cast.insert((record.voter, record.post), record.voted_at);
        Ok(())
    }

    pub(super) async fn write(&self, lease: &mut Lease) -> Result<(), Failure> {
        self.write_posts(lease).await?;
        self.write_votes(lease).await?;
        self.count_votes(lease).await
    }

    async fn write_posts(&self, lease: &mut Lease) -> Result<(), Failure> {
        let rows: Vec<&CheckedPost> = self.posts.values().filter_map(|known| known.written.as_ref()).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let statement = WritePosts {
            authors: &column(&rows, |row| row.post.author.get()),
            ids: &column(&rows, |row| row.id.get()),
            kinds: &column(&rows, |row| row.post.kind.name()),
            titles: &column(&rows, |row| row.post.title.as_str()),
            texts: &column(&rows, |row| row.post.text.as_str()),
            added: &column(&rows, |row| row.added_at.to_utc()),
            active: &column(&rows, |row| row.last_activity_at.to_utc()),
        };
        lease.execute(statement).await.map(drop)
    }

    async fn write_votes(&self, lease: &mut Lease) -> Result<(), Failure> {
        let row = |(&(voter, post), &voted_at): (&(UserId, PostId), &Timestamp)| self.posts.get(&post).map(|known| (voter, known.author, post, voted_at));
        let rows: Vec<(UserId, UserId, PostId, Timestamp)> = self.cast.iter().filter_map(row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let statement = WriteVotes {
            voters: &column(&rows, |(voter, ..)| voter.get()),
            owners: &column(&rows, |(_, owner, ..)| owner.get()),
            posts: &column(&rows, |(_, _, post, _)| post.get()),
            reaction: Reaction::Like.name(),
            moments: &column(&rows, |(.., voted_at)| voted_at.to_utc()),
        };
        lease.execute(statement).await.map(drop)
    }

    async fn count_votes(&self, lease: &mut Lease) -> Result<(), Failure> {
        let rows: Vec<(&PostId, &Known)> = self.posts.iter().filter(|(_, known)| known.new_votes > 0).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let statement = CountVotes {
            owners: &column(&rows, |(_, known)| known.author.get()),
            posts: &column(&rows, |(id, _)| id.get()),
            counts: &column(&rows, |(_, known)| known.new_votes),
        };
        lease.execute(statement).await.map(drop)
    }
}

/// The post that a record is, or is about.
fn post_in(record: &CheckedRecord) -> Option<PostId> {
    match record {
        CheckedRecord::Post(post) => Some(post.id),
        CheckedRecord::Vote(vote) => Some(vote.post),
        CheckedRecord::User(_) | CheckedRecord::Hold(_) | CheckedRecord::Preference(_) | CheckedRecord::Revocation(_) => None,
    }
}
