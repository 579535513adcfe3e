//! What can be done inside a transaction: on a copy of the state.

use super::state::{PostRow, State, UserRow, VoteRow, next_id, unique_names};
use async_trait::async_trait;
use lethe_domain::account::Account;
use lethe_domain::content::{NewPost, PostKind, Reaction};
use lethe_domain::manifest::ContentKind;
use lethe_domain::limits::Limits;
use lethe_domain::preference::{Edit, Preference, PreferenceUpdate};
use lethe_domain::profile::{NewUser, Profile};
use lethe_domain::{PostId, Revision, Timestamp, UserId};
use lethe_ports::outbound::{InsertUserError, PreferenceStoreError, Stamp, StoreError, Tx};

pub(super) struct MemoryTx(pub(super) State);

impl MemoryTx {
    /// Edits one by one; limits are looked at afterwards, for the whole.
    fn edit(&mut self, owner: UserId, edit: &Edit, stamp: Stamp) -> Result<(), PreferenceStoreError> {
        let unlimited = Limits { keys_per_user: usize::MAX, bytes_per_user: usize::MAX, ..Limits::default() };
        match edit {
            Edit::Put(new) => match self.0.by_key(owner, &new.key).cloned() {
                Some(present) => self.0.update_preference(&present, &PreferenceUpdate::Value(new.value.clone()), stamp, &unlimited).map(drop),
                None => self.0.create_preference(owner, new.clone(), stamp, &unlimited).map(drop),
            },
            Edit::Remove(key) => {
                if let Some(present) = self.0.by_key(owner, key).cloned() {
                    self.0.remove_preference(&present, stamp);
                }
                Ok(())
            }
        }
    }
}

/// Removes the first `limit` keys that satisfy a condition, and returns them.
fn take<K: Ord + Copy, V>(map: &mut std::collections::BTreeMap<K, V>, limit: u32, condition: impl Fn(&K, &V) -> bool) -> Vec<K> {
    let keys: Vec<K> = map.iter().filter(|(key, value)| condition(key, value)).map(|(key, _)| *key).take(limit as usize).collect();
    for key in &keys {
        map.remove(key);
    }
    keys
}

#[async_trait]
impl Tx for MemoryTx {
    async fn account_for_update(&mut self, id: UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.0.users.get(&id).map(|row| row.account))
    }

    async fn account_for_share(&mut self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.account_for_update(id).await
    }

    async fn save_account(&mut self, account: &Account) -> Result<(), StoreError> {
        if let Some(row) = self.0.users.get_mut(&account.id) {
            row.account = *account;
        }
        Ok(())
    }

    async fn insert_user(&mut self, user: &NewUser) -> Result<UserId, InsertUserError> {
        let names = unique_names(user);
        if let Some((kind, _)) = names.iter().find(|name| self.0.reservations.contains_key(*name)) {
            return Err(InsertUserError::Taken(*kind));
        }
        let id = UserId::new(next_id(&mut self.0.last_user));
        self.0.reservations.extend(names.into_iter().map(|name| (name, id)));
        self.0.users.insert(id, UserRow { account: Account::new(id), person: Some(user.clone()), revision: Revision::ZERO });
        Ok(id)
    }

    async fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StoreError> {
        Ok(self.0.users.get(&id).and_then(|row| row.person.as_ref()).map(|person| person.profile.clone()))
    }

    async fn save_profile(&mut self, id: UserId, profile: &Profile) -> Result<(), StoreError> {
        if let Some(person) = self.0.users.get_mut(&id).and_then(|row| row.person.as_mut()) {
            person.profile = profile.clone();
        }
        Ok(())
    }

    async fn preferences(&mut self, owner: UserId) -> Result<Vec<Preference>, StoreError> {
        let mut all: Vec<_> = self.0.preferences_of(owner).cloned().collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(all)
    }

    async fn edit_preferences(&mut self, owner: UserId, edits: &[Edit], stamp: Stamp, limits: &Limits) -> Result<(), PreferenceStoreError> {
        let before = self.0.usage(owner);
        for edit in edits {
            self.edit(owner, edit, stamp)?;
        }
        Ok(limits.admit(before, self.0.usage(owner))?)
    }

    async fn erase(&mut self, user: UserId, kind: ContentKind, limit: u32) -> Result<u32, StoreError> {
        let state = &mut self.0;
        let gone = match kind {
            ContentKind::VotesCast => {
                let cast: Vec<_> = state.votes.keys().filter(|(voter, _)| *voter == user).take(limit as usize).copied().collect();
                cast.iter().filter(|(voter, post)| state.remove_vote(*voter, *post)).count()
            }
            ContentKind::VotesReceived => {
                let posts = &state.posts;
                take(&mut state.votes, limit, |(_, post), _| posts.get(post).is_some_and(|row| row.post.author == user)).len()
            }
            ContentKind::Posts => take(&mut state.posts, limit, |_, row| row.post.author == user).len(),
            ContentKind::Preferences => take(&mut state.preferences, limit, |(owner, _), _| *owner == user).len(),
            ContentKind::Changes => take(&mut state.changes, limit, |(owner, _), _| *owner == user).len(),
            ContentKind::Reservations => {
                let names: Vec<_> = state.reservations.iter().filter(|(_, owner)| **owner == user).map(|(name, _)| name.clone()).take(limit as usize).collect();
                names.iter().filter(|name| state.reservations.remove(*name).is_some()).count()
            }
            ContentKind::Profile => match state.users.get_mut(&user) {
                Some(row) => {
                    row.revision = Revision::ZERO;
                    usize::from(row.person.take().is_some())
                }
                None => 0,
            },
        };
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }

    async fn insert_post(&mut self, post: &NewPost, now: Timestamp) -> Result<PostId, StoreError> {
        let id = PostId::new(next_id(&mut self.0.last_post));
        self.0.posts.insert(id, PostRow { post: post.clone(), vote_count: 0, added_at: now, last_activity_at: now });
        Ok(id)
    }

    async fn post_author_for_update(&mut self, kind: PostKind, id: PostId) -> Result<Option<UserId>, StoreError> {
        Ok(self.0.posts.get(&id).filter(|row| row.post.kind == kind).map(|row| row.post.author))
    }

    async fn post_author(&mut self, kind: PostKind, id: PostId) -> Result<Option<UserId>, StoreError> {
        self.post_author_for_update(kind, id).await
    }

    async fn delete_post(&mut self, author: UserId, id: PostId) -> Result<(), StoreError> {
        self.0.posts.retain(|post, row| !(*post == id && row.post.author == author));
        self.0.votes.retain(|(_, post), _| *post != id);
        Ok(())
    }

    async fn toggle_vote(&mut self, voter: UserId, _author: UserId, post: PostId, reaction: Reaction, now: Timestamp) -> Result<(), StoreError> {
        if !self.0.remove_vote(voter, post) {
            self.0.cast_vote(voter, post, VoteRow { reaction, voted_at: now });
        }
        Ok(())
    }
}
