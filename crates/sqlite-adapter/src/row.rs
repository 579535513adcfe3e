//! What hangs on a user: rows, and how they become the domain's things and back.

use crate::error::corrupt;
use crate::schema::{changes, posts, preferences, votes};
use crate::user_row::AuthorRow;
use crate::votes::VoteKey;
use diesel::prelude::*;
use lethe_domain::archive::{PostRecord, VoteRecord};
use lethe_domain::change::{Change, ChangeKind};
use lethe_domain::content::{NewPost, Post, PostKind, PostText, PostTitle, Reaction, Vote};
use lethe_domain::id::{PostId, PreferenceId, Revision, UserId};
use lethe_domain::preference::Preference;
use lethe_domain::{JsonText, PreferenceKey, Timestamp};

/// A preference.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = preferences)]
pub(crate) struct PreferenceRow {
    user_id: i64,
    id: i64,
    key: String,
    value: String,
    revision: i64,
    created_at: i64,
    last_updated_at: i64,
}

impl From<&Preference> for PreferenceRow {
    fn from(preference: &Preference) -> Self {
        Self {
            user_id: preference.owner.get(),
            id: preference.id.get(),
            key: preference.key.to_string(),
            value: preference.value.to_string(),
            revision: preference.revision.get(),
            created_at: preference.created_at.micros(),
            last_updated_at: preference.last_updated_at.micros(),
        }
    }
}

impl From<PreferenceRow> for Preference {
    fn from(row: PreferenceRow) -> Self {
        Self {
            id: PreferenceId::new(row.id),
            owner: UserId::new(row.user_id),
            key: PreferenceKey::from_store(row.key),
            value: JsonText::from_store(row.value),
            revision: Revision::new(row.revision),
            created_at: Timestamp::from_micros(row.created_at),
            last_updated_at: Timestamp::from_micros(row.last_updated_at),
        }
    }
}

/// An entry of the change log.
#[derive(Debug, Queryable, Selectable, Insertable)]
// Null is written out: a statement that leaves columns out is prepared anew each time.
#[diesel(table_name = changes, treat_none_as_default_value = false)]
pub(crate) struct ChangeRow {
    user_id: i64,
    revision: i64,
    key: String,
    kind: String,
    value: Option<String>,
    at: i64,
    actor: i64,
    created_at: Option<i64>,
}

impl ChangeRow {
    pub(crate) fn new(owner: UserId, change: &Change) -> Self {
        Self {
            user_id: owner.get(),
            revision: change.revision.get(),
            key: change.key.to_string(),
            kind: change.kind.name().to_owned(),
            value: change.kind.value().map(ToString::to_string),
            at: change.at.micros(),
            actor: change.actor.get(),
            created_at: change.item().map(|item| item.created_at.micros()),
        }
    }

    pub(crate) fn into_change(self) -> QueryResult<Change> {
        let kind = match (self.value, self.created_at) {
            (Some(value), Some(created_at)) => ChangeKind::Put { value: JsonText::from_store(value), created_at: Timestamp::from_micros(created_at) },
            (Some(_), None) => return Err(corrupt("changes.created_at")),
            (None, _) => ChangeKind::Delete,
        };
        if kind.name() != self.kind {
            return Err(corrupt("changes.kind does not go with changes.value"));
        }
        Ok(Change {
            revision: Revision::new(self.revision),
            key: PreferenceKey::from_store(self.key),
            kind,
            at: Timestamp::from_micros(self.at),
            actor: UserId::new(self.actor),
        })
    }
}

/// A post.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = posts)]
pub(crate) struct PostRow {
    pub(crate) user_id: i64,
    pub(crate) id: i64,
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) vote_count: i64,
    pub(crate) added_at: i64,
    pub(crate) last_activity_at: i64,
}

impl PostRow {
    pub(crate) fn new(id: PostId, post: &NewPost, added_at: Timestamp, last_activity_at: Timestamp) -> Self {
        Self {
            user_id: post.author.get(),
            id: id.get(),
            kind: post.kind.name().to_owned(),
            title: post.title.to_string(),
            text: post.text.to_string(),
            vote_count: 0,
            added_at: added_at.micros(),
            last_activity_at: last_activity_at.micros(),
        }
    }

    pub(crate) fn into_record(self) -> QueryResult<PostRecord> {
        let post = NewPost {
            author: UserId::new(self.user_id),
            kind: post_kind(&self.kind)?,
            title: PostTitle::from_store(self.title),
            text: PostText::from_store(self.text),
        };
        let (added_at, last_activity_at) = (Timestamp::from_micros(self.added_at), Timestamp::from_micros(self.last_activity_at));
        Ok(PostRecord::of(PostId::new(self.id), &post, added_at, last_activity_at))
    }

    pub(crate) fn into_post(self, author: AuthorRow) -> QueryResult<Post> {
        Ok(Post {
            id: PostId::new(self.id),
            kind: post_kind(&self.kind)?,
            author: author.into_author()?,
            title: PostTitle::from_store(self.title),
            text: PostText::from_store(self.text),
            vote_count: count(self.vote_count)?,
            added_at: Timestamp::from_micros(self.added_at),
            last_activity_at: Timestamp::from_micros(self.last_activity_at),
        })
    }
}

/// Reads a kind of post.
pub(crate) fn post_kind(name: &str) -> QueryResult<PostKind> {
    PostKind::from_name(name).ok_or_else(|| corrupt("posts.kind is no kind of post"))
}

/// Reads a number that counts something.
pub(crate) fn count(number: i64) -> QueryResult<u64> {
    number.try_into().map_err(|_| corrupt("a counter is negative"))
}

/// A vote.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = votes)]
pub(crate) struct VoteRow {
    pub(crate) user_id: i64,
    pub(crate) post_owner_id: i64,
    pub(crate) post_id: i64,
    pub(crate) reaction: String,
    pub(crate) voted_at: i64,
}

impl VoteRow {
    pub(crate) fn new(voter: UserId, (author, post): (UserId, PostId), reaction: Reaction, now: Timestamp) -> Self {
        Self { user_id: voter.get(), post_owner_id: author.get(), post_id: post.get(), reaction: reaction.name().to_owned(), voted_at: now.micros() }
    }

    pub(crate) fn key(&self) -> VoteKey {
        VoteKey { voter: self.user_id, author: self.post_owner_id, post: self.post_id }
    }

    pub(crate) fn into_record(self) -> VoteRecord {
        VoteRecord { user_id: UserId::new(self.user_id), post_id: PostId::new(self.post_id), created_at: Some(Timestamp::from_micros(self.voted_at)) }
    }

    pub(crate) fn into_vote(self, voter: AuthorRow) -> QueryResult<Vote> {
        if self.reaction != Reaction::Like.name() {
            return Err(corrupt("votes.reaction is no reaction"));
        }
        Ok(Vote { voter: voter.into_author()?, reaction: Reaction::Like, voted_at: Timestamp::from_micros(self.voted_at) })
    }
}
