//! Import and export.

use super::MemoryStore;
use super::state::{PostRow, State, UserRow, VoteRow, unique_names};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use lethe_domain::account::UserStatus;
use lethe_domain::archive::{
    CheckedPost, CheckedPreference, CheckedRecord, CheckedRevocation, CheckedUser, CheckedVote, HoldRecord, PostRecord, PreferenceRecord, Record, RecordError,
    RevocationRecord, UserRecord, VoteRecord,
};
use lethe_domain::audit::AuditAct;
use lethe_domain::content::Reaction;
use lethe_domain::event::Event;
use lethe_domain::hold::Hold;
use lethe_domain::limits::Limits;
use lethe_domain::preference::{NewPreference, Preference, PreferenceUpdate};
use lethe_domain::webhook::Delivery;
use lethe_domain::{PreferenceId, Revision, Timestamp, UserId};
use lethe_ports::outbound::{ArchiveStore, Clock as _, ImportTerms, PreferenceStoreError, RecordOutcome, Stamp, StoreError};

impl State {
    fn import(&mut self, record: CheckedRecord, terms: ImportTerms<'_>, noted_at: Timestamp) -> RecordOutcome {
        match record {
            CheckedRecord::User(user) => self.import_user(*user, terms),
            CheckedRecord::Hold(hold) => self.import_hold(hold),
            CheckedRecord::Preference(preference) => self.import_preference(preference, terms.limits, terms.now),
            CheckedRecord::Post(post) => self.import_post(post),
            CheckedRecord::Vote(vote) => self.import_vote(&vote),
            CheckedRecord::Revocation(revocation) => {
                self.import_revocation(revocation, noted_at);
                Ok(())
            }
        }
    }

    fn import_user(&mut self, user: CheckedUser, terms: ImportTerms<'_>) -> RecordOutcome {
        let id = user.account.id;
        let known = self.users.get(&id).map(|row| (row.account, row.revision, row.log_begins_after));
        let account = user.over(known.as_ref().map(|(account, ..)| account), terms.now)?;
        let names = user.person.as_ref().map(unique_names).unwrap_or_default();
        if let Some((kind, _)) = names.iter().find(|name| self.reservations.get(*name).is_some_and(|owner| *owner != id)) {
            return Err(RecordError::NameTaken(kind.name()));
        }
        self.reservations.retain(|_, owner| *owner != id);
        self.reservations.extend(names.into_iter().map(|name| (name, id)));
        let ext_id = user.person.as_ref().and_then(|person| person.ext_id.as_ref());
        let events = Event::of_change(known.as_ref().map(|(account, ..)| account), &account, ext_id, terms.now);
        Delivery::of(&events, terms.subscriptions, terms.now).for_each(|delivery| self.insert_delivery(delivery));
        let entries = self.audit_head.seal_all(events.iter().map(|event| AuditAct::of_event(event, None)));
        self.append_audit(&entries);
        let (revision, log_begins_after) = known.map_or((Revision::ZERO, Revision::ZERO), |(_, revision, beginning)| (revision, beginning));
        self.users.insert(id, UserRow { account, person: user.person, revision, log_begins_after });
        self.last_user = self.last_user.max(id.get());
        Ok(())
    }

    fn owner(&self, id: UserId) -> Result<(), RecordError> {
        self.users.get(&id).filter(|row| row.account.status() != UserStatus::Erased).map(drop).ok_or(RecordError::NoSuchUser(id))
    }

    fn import_hold(&mut self, hold: Hold) -> RecordOutcome {
        self.owner(hold.user)?;
        self.last_hold = self.last_hold.max(hold.id.get());
        self.holds.insert((hold.user, hold.id), hold);
        Ok(())
    }

    fn import_preference(&mut self, record: CheckedPreference, limits: &Limits, now: Timestamp) -> RecordOutcome {
        self.owner(record.owner)?;
        let stamp = Stamp { actor: record.owner, now };
        let new = NewPreference { key: record.key, value: record.value };
        let present = self.by_key(record.owner, &new.key).cloned();
        let known = present.as_ref().map(|present| present.id);
        let stored = match present {
            Some(present) => self.update_preference(&present, &PreferenceUpdate::Value(new.value), stamp, limits),
            None => self.create_preference(record.owner, new, stamp, limits),
        };
        let stored = stored.map_err(|error| match error {
            PreferenceStoreError::Quota(error) => RecordError::Quota(error),
            other => RecordError::Malformed(other.to_string()),
        })?;
        let free = |id: &PreferenceId| !self.preferences.contains_key(&(record.owner, *id));
        let id = known.or_else(|| record.id.filter(free)).unwrap_or(stored.id);
        self.preferences.remove(&(record.owner, stored.id));
        self.preferences.insert((record.owner, id), Preference { id, created_at: record.created_at, last_updated_at: record.last_updated_at, ..stored });
        self.last_preference = self.last_preference.max(id.get());
        Ok(())
    }

    fn import_post(&mut self, record: CheckedPost) -> RecordOutcome {
        self.owner(record.post.author)?;
        let present = self.posts.get(&record.id);
        if present.is_some_and(|row| row.post.author != record.post.author || row.post.kind != record.post.kind) {
            return Err(RecordError::PostTaken(record.id));
        }
        let vote_count = present.map_or(0, |row| row.vote_count);
        self.posts.insert(record.id, PostRow { post: record.post, vote_count, added_at: record.added_at, last_activity_at: record.last_activity_at });
        self.last_post = self.last_post.max(record.id.get());
        Ok(())
    }

    fn import_vote(&mut self, record: &CheckedVote) -> RecordOutcome {
        self.owner(record.voter)?;
        if self.posts.get(&record.post).is_none_or(|row| self.owner(row.post.author).is_err()) {
            return Err(RecordError::NoSuchPost(record.post));
        }
        self.remove_vote(record.voter, record.post);
        self.cast_vote(record.voter, record.post, VoteRow { reaction: Reaction::Like, voted_at: record.voted_at });
        Ok(())
    }

    fn import_revocation(&mut self, revocation: CheckedRevocation, noted_at: Timestamp) {
        let known = self.revoked.get(&revocation.id);
        let noted_at = known.map_or(noted_at, |(known, _)| *known);
        let kept = revocation.over(known.map(|(_, known)| known));
        self.revoked.insert(kept.id.clone(), (noted_at, kept));
    }

    fn export(&self) -> Vec<Record> {
        let users = self.users.values().map(|row| Record::User(UserRecord::of(&row.account, row.person.as_ref())));
        let holds = self.holds.values().filter(|hold| self.owner(hold.user).is_ok()).map(|hold| Record::Hold(HoldRecord::of(hold)));
        let mut preferences: Vec<_> = self.preferences.values().collect();
        preferences.sort_by(|a, b| (a.owner, &a.key).cmp(&(b.owner, &b.key)));
        let preferences = preferences
            .into_iter()
            .filter(|preference| self.owner(preference.owner).is_ok())
            .map(|preference| Record::Preference(PreferenceRecord::of(preference)));
        let posts = self
            .posts
            .iter()
            .filter(|(_, row)| self.owner(row.post.author).is_ok())
            .map(|(id, row)| Record::Post(PostRecord::of(*id, &row.post, row.added_at, row.last_activity_at)));
        let has_author = |post| self.posts.get(post).is_some_and(|row: &PostRow| self.owner(row.post.author).is_ok());
        let votes = self
            .votes
            .iter()
            .filter(|((voter, post), _)| self.owner(*voter).is_ok() && has_author(post))
            .map(|((voter, post), row)| Record::Vote(VoteRecord { user_id: *voter, post_id: *post, created_at: Some(row.voted_at) }));
        let revocations = self
            .revoked
            .values()
            .map(|(_, revocation)| Record::Revocation(RevocationRecord::of(revocation.id.clone(), revocation.revoked_at, revocation.expires_at)));
        users.chain(holds).chain(preferences).chain(posts).chain(votes).chain(revocations).collect()
    }
}

#[async_trait]
impl ArchiveStore for MemoryStore {
    async fn import(&self, batch: Vec<CheckedRecord>, terms: ImportTerms<'_>) -> Result<Vec<RecordOutcome>, StoreError> {
        let mut state = self.state.lock().await;
        let noted_at = self.clock.now();
        Ok(batch.into_iter().map(|record| state.import(record, terms, noted_at)).collect())
    }

    fn export(&self) -> BoxStream<'static, Result<Vec<Record>, StoreError>> {
        let state = self.state.clone();
        stream::once(async move { Ok(state.lock().await.export()) }).boxed()
    }
}
