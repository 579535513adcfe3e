//! The state: what the tables of a real store hold, and the few rules that keep them consistent.

use lethe_domain::account::Account;
use lethe_domain::archive::CheckedRevocation;
use lethe_domain::audit::{AuditEntry, AuditHead};
use lethe_domain::change::{Change, ChangeKind, LogPage, renumbering_distance};
use lethe_domain::content::{Author, NewPost, Post, PostKind, Reaction, Vote};
use lethe_domain::draft::{Item, Standing};
use lethe_domain::erasure::Erasure;
use lethe_domain::hold::Hold;
use lethe_domain::limits::{Limits, QuotaError, Usage};
use lethe_domain::preference::{Effect, NewPreference, Preference, PreferenceUpdate, usage, usage_after, weight};
use lethe_domain::profile::{NewUser, Person, PostCounts, UniqueName, User};
use lethe_domain::webhook::{Delivery, DeliveryId, EndpointId};
use lethe_domain::{HoldId, NodeId, PostId, PreferenceId, PreferenceKey, Revision, Timestamp, UserId};
use lethe_ports::outbound::{Duty, OwnerFence, PreferenceStoreError, Stamp};
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub(super) users: BTreeMap<UserId, UserRow>,
    pub(super) preferences: BTreeMap<(UserId, PreferenceId), Preference>,
    pub(super) changes: BTreeMap<(UserId, Revision), Change>,
    pub(super) posts: BTreeMap<PostId, PostRow>,
    pub(super) votes: BTreeMap<(UserId, PostId), VoteRow>,
    pub(super) reservations: HashMap<(UniqueName, String), UserId>,
    pub(super) holds: BTreeMap<(UserId, HoldId), Hold>,
    pub(super) erasures: BTreeMap<UserId, Erasure>,
    /// With their place in the order of all.
    pub(super) deliveries: BTreeMap<DeliveryId, (i64, Delivery)>,
    pub(super) gone_endpoints: BTreeMap<EndpointId, Timestamp>,
    pub(super) audit: Vec<AuditEntry>,
    pub(super) audit_head: AuditHead,
    pub(super) duties: HashMap<Duty, (NodeId, Timestamp)>,
    /// By id, with the time at which this store noted them.
    pub(super) revoked: BTreeMap<String, (Timestamp, CheckedRevocation)>,
    /// By whom they are about, and their actor and scope.
    pub(super) attempts: BTreeMap<(UserId, UserId, String), AttemptRow>,
    pub(super) last_hold: i64,
    pub(super) last_delivery: i64,
    pub(super) last_user: i64,
    pub(super) last_preference: i64,
    pub(super) last_post: i64,
}

#[derive(Debug, Clone)]
pub(super) struct UserRow {
    pub(super) account: Account,
    pub(super) person: Option<NewUser>,
    pub(super) revision: Revision,
    pub(super) log_begins_after: Revision,
}

#[derive(Debug, Clone)]
pub(super) struct PostRow {
    pub(super) post: NewPost,
    pub(super) vote_count: u64,
    pub(super) added_at: Timestamp,
    pub(super) last_activity_at: Timestamp,
}

#[derive(Debug, Clone)]
pub(super) struct AttemptRow {
    pub(super) fingerprint: String,
    pub(super) outcome: String,
    pub(super) at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct VoteRow {
    pub(super) reaction: Reaction,
    pub(super) voted_at: Timestamp,
}

/// The names of a person that only one user can have, in the form in which they are unique.
pub(super) fn unique_names(person: &NewUser) -> Vec<(UniqueName, String)> {
    let username = (UniqueName::Username, person.username.reserved_as());
    let ext_id = person.ext_id.as_ref().map(|ext_id| (UniqueName::ExtId, ext_id.to_string()));
    std::iter::once(username).chain(ext_id).collect()
}

pub(super) fn next_id(last: &mut i64) -> i64 {
    *last += 1;
    *last
}

impl State {
    /// The owner that the fence admits.
    pub(super) fn pass(&self, fence: &OwnerFence) -> Result<&UserRow, PreferenceStoreError> {
        self.users.get(&fence.owner).filter(|row| fence.admits(&row.account)).ok_or(PreferenceStoreError::Refused)
    }

    pub(super) fn preferences_of(&self, owner: UserId) -> impl Iterator<Item = &Preference> {
        self.preferences.range((owner, PreferenceId::new(i64::MIN))..=(owner, PreferenceId::new(i64::MAX))).map(|(_, preference)| preference)
    }

    pub(super) fn by_key(&self, owner: UserId, key: &PreferenceKey) -> Option<&Preference> {
        self.preferences_of(owner).find(|preference| preference.key == *key)
    }

    pub(super) fn usage(&self, owner: UserId) -> Usage {
        usage(self.preferences_of(owner).map(|preference| (&preference.key, &preference.value)))
    }

    pub(super) fn revision(&self, owner: UserId) -> Revision {
        self.users.get(&owner).map_or(Revision::ZERO, |row| row.revision)
    }

    pub(super) fn standing(&self, owner: UserId) -> Standing {
        let row = self.users.get(&owner);
        Standing { revision: self.revision(owner), log_begins_after: row.map_or(Revision::ZERO, |row| row.log_begins_after), usage: self.usage(owner) }
    }

    pub(super) fn by_keys(&self, owner: UserId) -> Vec<Preference> {
        let mut all: Vec<_> = self.preferences_of(owner).cloned().collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    }

    pub(super) fn log_of(&self, owner: UserId) -> impl DoubleEndedIterator<Item = &Change> {
        self.changes.range((owner, Revision::ZERO)..=(owner, Revision::new(i64::MAX))).map(|(_, change)| change)
    }

    pub(super) fn changes_since(&self, owner: UserId, since: Revision, limit: u32) -> LogPage {
        let Standing { revision, log_begins_after, .. } = self.standing(owner);
        let later = self.log_of(owner).filter(|change| change.revision > since.max(log_begins_after));
        LogPage { begins_after: log_begins_after, latest: revision, changes: later.take(limit as usize).cloned().collect() }
    }

    pub(super) fn renumber(&mut self, owner: UserId, beginning: Revision) {
        let first = self.log_of(owner).next().map(|change| change.revision);
        let Some(row) = self.users.get_mut(&owner) else { return };
        let distance = renumbering_distance(row.log_begins_after, first, row.revision, beginning);
        let moved = |revision: Revision| Revision::new(revision.get() + distance);
        (row.revision, row.log_begins_after) = (moved(row.revision), moved(row.log_begins_after));
        self.preferences.values_mut().filter(|preference| preference.owner == owner).for_each(|preference| preference.revision = moved(preference.revision));
        let changes: Vec<_> = self.log_of(owner).map(|change| Change { revision: moved(change.revision), ..change.clone() }).collect();
        self.changes.retain(|(of, _), _| *of != owner);
        self.changes.extend(changes.into_iter().map(|change| ((owner, change.revision), change)));
    }

    /// The last change of each key up to a revision.
    pub(super) fn last_changes(&self, owner: UserId, at: Revision) -> BTreeMap<&PreferenceKey, &Change> {
        self.log_of(owner).filter(|change| change.revision <= at).map(|change| (&change.key, change)).collect()
    }

    /// The set as it stood at a revision.
    pub(super) fn as_of(&self, owner: UserId, at: Revision) -> impl Iterator<Item = Item> {
        self.last_changes(owner, at).into_values().filter_map(Change::item).collect::<Vec<_>>().into_iter()
    }

    fn admit(&self, owner: UserId, before: Option<usize>, after: Option<usize>, limits: &Limits) -> Result<(), QuotaError> {
        let usage = self.usage(owner);
        limits.admit(usage, usage_after(usage, before, after))
    }

    /// Takes the owner's next revision for a change of one key, and logs it.
    fn log(&mut self, owner: UserId, key: PreferenceKey, kind: ChangeKind, stamp: Stamp) -> Revision {
        let revision = self.revision(owner).next();
        if let Some(row) = self.users.get_mut(&owner) {
            row.revision = revision;
        }
        self.changes.insert((owner, revision), Change { revision, key, kind, at: stamp.now, actor: stamp.actor });
        revision
    }

    pub(super) fn create_preference(&mut self, owner: UserId, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError> {
        if self.by_key(owner, &new.key).is_some() {
            return Err(PreferenceStoreError::KeyTaken);
        }
        self.admit(owner, None, Some(weight(&new.key, &new.value)), limits)?;
        let id = PreferenceId::new(next_id(&mut self.last_preference));
        let revision = self.log(owner, new.key.clone(), ChangeKind::Put { value: new.value.clone(), created_at: stamp.now }, stamp);
        let preference = Preference { id, owner, key: new.key, value: new.value, revision, created_at: stamp.now, last_updated_at: stamp.now };
        self.preferences.insert((owner, id), preference.clone());
        Ok(preference)
    }

    pub(super) fn update_preference(
        &mut self,
        before: &Preference,
        update: &PreferenceUpdate,
        stamp: Stamp,
        limits: &Limits,
    ) -> Result<Preference, PreferenceStoreError> {
        let owner = before.owner;
        let after = match before.apply(update, self.revision(owner), stamp.now) {
            Effect::Nothing => return Ok(before.clone()),
            Effect::Renamed(after) if self.by_key(owner, &after.key).is_some() => return Err(PreferenceStoreError::KeyTaken),
            Effect::Revalued(after) | Effect::Renamed(after) => after,
        };
        self.admit(owner, Some(weight(&before.key, &before.value)), Some(weight(&after.key, &after.value)), limits)?;
        if before.key != after.key {
            self.log(owner, before.key.clone(), ChangeKind::Delete, stamp);
        }
        self.log(owner, after.key.clone(), ChangeKind::Put { value: after.value.clone(), created_at: after.created_at }, stamp);
        self.preferences.insert((owner, after.id), after.clone());
        Ok(after)
    }

    pub(super) fn remove_preference(&mut self, preference: &Preference, stamp: Stamp) -> Revision {
        self.preferences.remove(&(preference.owner, preference.id));
        self.log(preference.owner, preference.key.clone(), ChangeKind::Delete, stamp)
    }

    pub(super) fn user(&self, row: &UserRow) -> User {
        let person = row.person.as_ref().map(|person| Person {
            username: person.username.clone(),
            ext_id: person.ext_id.clone(),
            profile: person.profile.clone(),
            counts: self.counts(row.account.id),
        });
        User { id: row.account.id, state: row.account.state, person }
    }

    fn counts(&self, author: UserId) -> PostCounts {
        let count = |kind| self.posts.values().filter(|row| row.post.author == author && row.post.kind == kind).count() as u64;
        PostCounts { posts: count(PostKind::Post), discussions: count(PostKind::Discussion), statuses: count(PostKind::Status) }
    }

    /// Whoever published something; content of an erased user does not exist.
    fn author(&self, id: UserId) -> Option<Author> {
        let row = self.users.get(&id)?;
        Some(Author { id, username: row.person.as_ref()?.username.clone(), status: row.account.status() })
    }

    pub(super) fn post(&self, id: PostId) -> Option<Post> {
        let row = self.posts.get(&id)?;
        Some(Post {
            id,
            kind: row.post.kind,
            author: self.author(row.post.author)?,
            title: row.post.title.clone(),
            text: row.post.text.clone(),
            vote_count: row.vote_count,
            added_at: row.added_at,
            last_activity_at: row.last_activity_at,
        })
    }

    pub(super) fn votes_on(&self, post: PostId) -> Vec<Vote> {
        let on_post = self.votes.iter().filter(|((_, voted_on), _)| *voted_on == post);
        on_post.filter_map(|((voter, _), row)| Some(Vote { voter: self.author(*voter)?, reaction: row.reaction, voted_at: row.voted_at })).collect()
    }

    pub(super) fn remove_vote(&mut self, voter: UserId, post: PostId) -> bool {
        let removed = self.votes.remove(&(voter, post)).is_some();
        if let Some(row) = self.posts.get_mut(&post).filter(|_| removed) {
            row.vote_count -= 1;
        }
        removed
    }

    pub(super) fn insert_delivery(&mut self, delivery: Delivery) {
        let seq = next_id(&mut self.last_delivery);
        self.deliveries.insert(delivery.id(), (seq, delivery));
    }

    pub(super) fn append_audit(&mut self, entries: &[AuditEntry]) {
        self.audit.extend_from_slice(entries);
        if let Some(last) = entries.last() {
            self.audit_head = last.head();
        }
    }

    pub(super) fn cast_vote(&mut self, voter: UserId, post: PostId, vote: VoteRow) {
        self.votes.insert((voter, post), vote);
        if let Some(row) = self.posts.get_mut(&post) {
            row.vote_count += 1;
        }
    }
}
