//! What can be done inside a transaction: on a copy of the state.

use super::state::{AttemptRow, PostRow, State, UserRow, VoteRow, next_id, unique_names};
use async_trait::async_trait;
use lethe_domain::account::Account;
use lethe_domain::archive::CheckedRevocation;
use lethe_domain::attempt::Attempt;
use lethe_domain::audit::{AuditEntry, AuditHead};
use lethe_domain::change::LogPage;
use lethe_domain::content::{NewPost, PostKind, Reaction};
use lethe_domain::draft::{Item, Standing};
use lethe_domain::erasure::{Chunk, Erasure, ErasureCursor};
use lethe_domain::hold::{Hold, NewHold};
use lethe_domain::limits::Limits;
use lethe_domain::manifest::{ContentKind, Tally};
use lethe_domain::preference::{Edit, NewPreference, Preference, PreferenceUpdate};
use lethe_domain::profile::{ExtId, NewUser, Profile};
use lethe_domain::webhook::{Delivery, DeliveryId, EndpointId};
use lethe_domain::{HoldId, PostId, PreferenceId, PreferenceKey, Revision, Timestamp, UserId};
use lethe_ports::outbound::{AttemptState, InsertUserError, PreferenceStoreError, RevokedToken, Stamp, StoreError, Tx};

pub(super) struct MemoryTx {
    pub(super) state: State,
    pub(super) now: Timestamp,
}

impl MemoryTx {
    /// Edits one by one; limits are looked at afterwards, for the whole.
    fn edit(&mut self, owner: UserId, edit: &Edit, stamp: Stamp) -> Result<(), PreferenceStoreError> {
        let unlimited = Limits { keys_per_user: usize::MAX, bytes_per_user: usize::MAX, ..Limits::default() };
        match edit {
            Edit::Put(new) => match self.state.by_key(owner, &new.key).cloned() {
                Some(present) => self.state.update_preference(&present, &PreferenceUpdate::Value(new.value.clone()), stamp, &unlimited).map(drop),
                None => self.state.create_preference(owner, new.clone(), stamp, &unlimited).map(drop),
            },
            Edit::Remove(key) => {
                if let Some(present) = self.state.by_key(owner, key).cloned() {
                    self.state.remove_preference(&present, stamp);
                }
                Ok(())
            }
        }
    }
}

#[async_trait]
impl Tx for MemoryTx {
    async fn now(&mut self) -> Result<Timestamp, StoreError> {
        Ok(self.now)
    }

    async fn account_for_update(&mut self, id: UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.state.users.get(&id).map(|row| row.account))
    }

    async fn account_for_share(&mut self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.account_for_update(id).await
    }

    async fn save_account(&mut self, account: &Account) -> Result<(), StoreError> {
        if let Some(row) = self.state.users.get_mut(&account.id) {
            row.account = *account;
        }
        Ok(())
    }

    async fn insert_user(&mut self, user: &NewUser) -> Result<UserId, InsertUserError> {
        let names = unique_names(user);
        if let Some((kind, _)) = names.iter().find(|name| self.state.reservations.contains_key(*name)) {
            return Err(InsertUserError::Taken(*kind));
        }
        let id = UserId::new(next_id(&mut self.state.last_user));
        self.state.reservations.extend(names.into_iter().map(|name| (name, id)));
        self.state
            .users
            .insert(id, UserRow { account: Account::new(id), person: Some(user.clone()), revision: Revision::ZERO, log_begins_after: Revision::ZERO });
        Ok(id)
    }

    async fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StoreError> {
        Ok(self.state.users.get(&id).and_then(|row| row.person.as_ref()).map(|person| person.profile.clone()))
    }

    async fn save_profile(&mut self, id: UserId, profile: &Profile) -> Result<(), StoreError> {
        if let Some(person) = self.state.users.get_mut(&id).and_then(|row| row.person.as_mut()) {
            person.profile = profile.clone();
        }
        Ok(())
    }

    async fn preferences(&mut self, owner: UserId) -> Result<Vec<Preference>, StoreError> {
        Ok(self.state.by_keys(owner))
    }

    async fn standing(&mut self, owner: UserId) -> Result<Standing, StoreError> {
        Ok(self.state.standing(owner))
    }

    async fn preferences_of_keys(&mut self, owner: UserId, keys: &[PreferenceKey]) -> Result<Vec<Preference>, StoreError> {
        Ok(keys.iter().filter_map(|key| self.state.by_key(owner, key).cloned()).collect())
    }

    async fn preference(&mut self, owner: UserId, id: PreferenceId) -> Result<Option<Preference>, StoreError> {
        Ok(self.state.preferences.get(&(owner, id)).cloned())
    }

    async fn as_of(&mut self, owner: UserId, at: Revision, key: Option<&PreferenceKey>) -> Result<Vec<Item>, StoreError> {
        Ok(self.state.as_of(owner, at).filter(|item| key.is_none_or(|key| item.key == *key)).collect())
    }

    async fn changes(&mut self, owner: UserId, since: Revision, limit: u32) -> Result<LogPage, StoreError> {
        Ok(self.state.changes_since(owner, since, limit))
    }

    async fn create_preference(&mut self, owner: UserId, new: NewPreference, stamp: Stamp, limits: &Limits) -> Result<Preference, PreferenceStoreError> {
        self.state.create_preference(owner, new, stamp, limits)
    }

    async fn update_preference(
        &mut self,
        owner: UserId,
        id: PreferenceId,
        update: PreferenceUpdate,
        stamp: Stamp,
        limits: &Limits,
    ) -> Result<Preference, PreferenceStoreError> {
        let before = self.state.preferences.get(&(owner, id)).cloned().ok_or(PreferenceStoreError::NotFound)?;
        self.state.update_preference(&before, &update, stamp, limits)
    }

    async fn delete_preference(&mut self, owner: UserId, id: PreferenceId, stamp: Stamp) -> Result<Revision, PreferenceStoreError> {
        let preference = self.state.preferences.get(&(owner, id)).cloned().ok_or(PreferenceStoreError::NotFound)?;
        Ok(self.state.remove_preference(&preference, stamp))
    }

    async fn shorten_log(&mut self, owner: UserId, beginning: Revision) -> Result<(), StoreError> {
        let kept: Vec<_> = self.state.as_of(owner, beginning).map(|item| item.revision).collect();
        self.state.changes.retain(|(of, revision), _| *of != owner || *revision > beginning || kept.contains(revision));
        if let Some(row) = self.state.users.get_mut(&owner) {
            row.log_begins_after = beginning;
        }
        Ok(())
    }

    async fn begin_attempt(&mut self, about: UserId, attempt: &Attempt, since: Timestamp) -> Result<AttemptState, StoreError> {
        let known = self.state.attempts.get(&(about, attempt.actor, attempt.scope.clone())).filter(|row| row.at >= since && !self.state.is_erased(about));
        Ok(known.map_or(AttemptState::First, |row| AttemptState::Done { fingerprint: row.fingerprint.clone(), outcome: row.outcome.clone() }))
    }

    async fn end_attempt(&mut self, about: UserId, attempt: &Attempt, outcome: &str, now: Timestamp) -> Result<(), StoreError> {
        if self.state.is_erased(about) {
            return Ok(());
        }
        let row = AttemptRow { fingerprint: attempt.fingerprint.clone(), outcome: outcome.to_owned(), at: now };
        self.state.attempts.insert((about, attempt.actor, attempt.scope.clone()), row);
        Ok(())
    }

    async fn edit_preferences(&mut self, owner: UserId, edits: &[Edit], stamp: Stamp, limits: &Limits) -> Result<(), PreferenceStoreError> {
        let before = self.state.usage(owner);
        for edit in edits {
            self.edit(owner, edit, stamp)?;
        }
        Ok(limits.admit(before, self.state.usage(owner))?)
    }

    async fn ext_id(&mut self, id: UserId) -> Result<Option<ExtId>, StoreError> {
        Ok(self.state.users.get(&id).and_then(|row| row.person.as_ref()).and_then(|person| person.ext_id.clone()))
    }

    async fn holds(&mut self, user: UserId) -> Result<Vec<Hold>, StoreError> {
        Ok(self.state.holds_on(user))
    }

    async fn insert_hold(&mut self, user: UserId, hold: &NewHold, stamp: Stamp) -> Result<HoldId, StoreError> {
        let id = HoldId::new(next_id(&mut self.state.last_hold));
        self.state.holds.insert((user, id), Hold { id, user, terms: hold.clone(), placed_at: stamp.now, placed_by: stamp.actor });
        Ok(id)
    }

    async fn delete_hold(&mut self, user: UserId, hold: HoldId) -> Result<bool, StoreError> {
        Ok(self.state.holds.remove(&(user, hold)).is_some())
    }

    async fn tally(&mut self, user: UserId) -> Result<Tally, StoreError> {
        Ok(self.state.tally(user))
    }

    async fn erase(&mut self, user: UserId, kind: ContentKind, after: ErasureCursor, limit: u32) -> Result<Chunk, StoreError> {
        let places = self.state.content(user, kind);
        let chosen: Vec<_> = places.into_iter().filter(|place| *place > after).take(limit as usize).collect();
        for place in &chosen {
            self.state.remove_content(user, kind, *place);
        }
        let walked = matches!(kind, ContentKind::Reservations | ContentKind::Profile | ContentKind::Attempts);
        let cursor = chosen.last().copied().filter(|_| !walked).unwrap_or(after);
        Ok(Chunk { rows: u32::try_from(chosen.len()).unwrap_or(u32::MAX), cursor })
    }

    async fn erasure_for_update(&mut self, user: UserId) -> Result<Option<Erasure>, StoreError> {
        Ok(self.state.erasures.get(&user).cloned())
    }

    async fn save_erasure(&mut self, erasure: &Erasure) -> Result<(), StoreError> {
        self.state.erasures.insert(erasure.user, erasure.clone());
        Ok(())
    }

    async fn audit_head_for_update(&mut self) -> Result<AuditHead, StoreError> {
        Ok(self.state.audit_head.clone())
    }

    async fn append_audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        self.state.append_audit(entries);
        Ok(())
    }

    async fn insert_deliveries(&mut self, deliveries: &[Delivery]) -> Result<(), StoreError> {
        for delivery in deliveries {
            self.state.insert_delivery(delivery.clone());
        }
        Ok(())
    }

    async fn delivery_for_update(&mut self, id: &DeliveryId) -> Result<Option<Delivery>, StoreError> {
        Ok(self.state.deliveries.get(id).map(|(_, delivery)| delivery.clone()))
    }

    async fn save_delivery(&mut self, delivery: &Delivery) -> Result<(), StoreError> {
        if let Some((_, known)) = self.state.deliveries.get_mut(&delivery.id()) {
            *known = delivery.clone();
        }
        Ok(())
    }

    async fn endpoint_gone_since(&mut self, endpoint: &EndpointId) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.state.gone_endpoints.get(endpoint).copied())
    }

    async fn save_endpoint(&mut self, endpoint: &EndpointId, gone_since: Option<Timestamp>) -> Result<(), StoreError> {
        match gone_since {
            Some(moment) => self.state.gone_endpoints.insert(endpoint.clone(), moment),
            None => self.state.gone_endpoints.remove(endpoint),
        };
        Ok(())
    }

    async fn insert_revocation(&mut self, token: &RevokedToken) -> Result<(), StoreError> {
        let revocation = CheckedRevocation { id: token.id.clone(), revoked_at: self.now, expires_at: token.expires_at };
        self.state.revoked.entry(token.id.clone()).or_insert((self.now, revocation));
        Ok(())
    }

    async fn insert_post(&mut self, post: &NewPost, now: Timestamp) -> Result<PostId, StoreError> {
        let id = PostId::new(next_id(&mut self.state.last_post));
        self.state.posts.insert(id, PostRow { post: post.clone(), vote_count: 0, added_at: now, last_activity_at: now });
        Ok(id)
    }

    async fn post_author_for_update(&mut self, kind: PostKind, id: PostId) -> Result<Option<UserId>, StoreError> {
        Ok(self.state.posts.get(&id).filter(|row| row.post.kind == kind).map(|row| row.post.author))
    }

    async fn post_author(&mut self, kind: PostKind, id: PostId) -> Result<Option<UserId>, StoreError> {
        self.post_author_for_update(kind, id).await
    }

    async fn delete_post(&mut self, author: UserId, id: PostId) -> Result<(), StoreError> {
        self.state.posts.retain(|post, row| !(*post == id && row.post.author == author));
        self.state.votes.retain(|(_, post), _| *post != id);
        Ok(())
    }

    async fn toggle_vote(&mut self, voter: UserId, _author: UserId, post: PostId, reaction: Reaction, now: Timestamp) -> Result<(), StoreError> {
        if !self.state.remove_vote(voter, post) {
            self.state.cast_vote(voter, post, VoteRow { reaction, voted_at: now });
        }
        Ok(())
    }
}
