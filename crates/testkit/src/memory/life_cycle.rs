//! Erasures, holds, the audit log, the outbox and what several nodes share: reading them, and where content lies.

use super::MemoryStore;
use super::state::State;
use async_trait::async_trait;
use lethe_domain::account::{AccountState, UserStatus};
use lethe_domain::audit::{AuditEntry, AuditHead};
use lethe_domain::change::LogExtent;
use lethe_domain::erasure::{Erasure, ErasureCursor, ErasureState};
use lethe_domain::hold::{Hold, any_in_force};
use lethe_domain::manifest::{ContentKind, Tally};
use lethe_domain::webhook::{DeliveryId, DeliveryState, EndpointId};
use lethe_domain::{HoldId, NodeId, PostId, PreferenceId, Revision, Timestamp, UserId};
use lethe_ports::outbound::{
    AuditFilter, AuditStore, Backlog, ChainLink, Clock as _, DuePurge, Duty, ErasureStore, Forgettable, HoldStore, ListedDelivery, LogScan, OutboxStore,
    Renumbered, RevocationStore, Revocations, StoreError, UpkeepStore,
};

impl State {
    pub(super) fn is_erased(&self, user: UserId) -> bool {
        self.users.get(&user).is_some_and(|row| row.account.status() == UserStatus::Erased)
    }

    pub(super) fn holds_on(&self, user: UserId) -> Vec<Hold> {
        self.holds.values().filter(|hold| hold.user == user).cloned().collect()
    }

    fn author_of(&self, post: PostId) -> Option<UserId> {
        self.posts.get(&post).map(|row| row.post.author)
    }

    /// Where the content of one kind lies that names a user, in order.
    pub(super) fn content(&self, user: UserId, kind: ContentKind) -> Vec<ErasureCursor> {
        let single = |id: i64| ErasureCursor(id, 0);
        let mut places: Vec<_> = match kind {
            ContentKind::Reservations => (0_i64..).zip(self.reservations.values().filter(|owner| **owner == user)).map(|(place, _)| single(place)).collect(),
            ContentKind::Profile => self.users.get(&user).filter(|row| row.person.is_some()).map(|_| single(0)).into_iter().collect(),
            ContentKind::VotesCast => {
                let cast = self.votes.keys().filter(|(voter, _)| *voter == user);
                cast.map(|(_, post)| ErasureCursor(self.author_of(*post).map_or(0, UserId::get), post.get())).collect()
            }
            ContentKind::VotesReceived => {
                let received = self.votes.keys().filter(|(voter, post)| *voter != user && self.author_of(*post) == Some(user));
                received.map(|(voter, post)| ErasureCursor(post.get(), voter.get())).collect()
            }
            ContentKind::Posts => self.posts.iter().filter(|(_, row)| row.post.author == user).map(|(id, _)| single(id.get())).collect(),
            ContentKind::Preferences => self.preferences_of(user).map(|preference| single(preference.id.get())).collect(),
            ContentKind::Changes => self.changes.keys().filter(|(owner, _)| *owner == user).map(|(_, revision)| single(revision.get())).collect(),
            ContentKind::Holds => self.holds_on(user).iter().map(|hold| single(hold.id.get())).collect(),
            ContentKind::Attempts => (0_i64..).zip(self.attempts.keys().filter(|(about, ..)| *about == user)).map(|(place, _)| single(place)).collect(),
        };
        places.sort_unstable();
        places
    }

    pub(super) fn tally(&self, user: UserId) -> Tally {
        Tally::of(|kind| self.content(user, kind).len() as u64)
    }

    pub(super) fn remove_content(&mut self, user: UserId, kind: ContentKind, place: ErasureCursor) {
        match kind {
            ContentKind::Reservations => {
                let name = self.reservations.iter().find(|(_, owner)| **owner == user).map(|(name, _)| name.clone());
                name.and_then(|name| self.reservations.remove(&name));
            }
            ContentKind::Profile => {
                if let Some(row) = self.users.get_mut(&user) {
                    row.revision = Revision::ZERO;
                    row.log_begins_after = Revision::ZERO;
                    row.person = None;
                }
            }
            ContentKind::VotesCast => {
                self.remove_vote(user, PostId::new(place.1));
            }
            ContentKind::VotesReceived => {
                self.remove_vote(UserId::new(place.1), PostId::new(place.0));
            }
            ContentKind::Posts => {
                self.posts.remove(&PostId::new(place.0));
            }
            ContentKind::Preferences => {
                self.preferences.remove(&(user, PreferenceId::new(place.0)));
            }
            ContentKind::Changes => {
                self.changes.remove(&(user, Revision::new(place.0)));
            }
            ContentKind::Attempts => {
                let first = self.attempts.keys().find(|(about, ..)| *about == user).cloned();
                first.and_then(|key| self.attempts.remove(&key));
            }
            ContentKind::Holds => {
                self.holds.remove(&(user, HoldId::new(place.0)));
            }
        }
    }

    /// Accounts that are due at `now` and free of holds, with their dates.
    fn due_purges(&self, now: Timestamp) -> Vec<(Timestamp, DuePurge)> {
        let due = self.users.values().filter_map(|row| match row.account.state {
            AccountState::SoftDeleted { purge_at: Some(due), .. } if due <= now => {
                Some((due, DuePurge { user: row.account.id, epoch: row.account.deletion_epoch }))
            }
            AccountState::SoftDeleted { .. } | AccountState::Live(_) | AccountState::Erased { .. } => None,
        });
        let mut due: Vec<_> = due.filter(|(_, purge)| !any_in_force(&self.holds_on(purge.user), now)).collect();
        due.sort_unstable();
        due
    }

    /// Whether an earlier delivery of the same user to the same endpoint is still pending.
    fn is_held_up(&self, id: &DeliveryId) -> bool {
        self.deliveries.iter().any(|(other, (_, delivery))| {
            other.endpoint == id.endpoint && other.event.user == id.event.user && other.event < id.event && delivery.state == DeliveryState::Pending
        })
    }

    fn erasures_in(&self, states: &[ErasureState]) -> u64 {
        self.erasures.values().filter(|erasure| states.contains(&erasure.state)).count() as u64
    }

    fn deliveries_in(&self, state: DeliveryState) -> u64 {
        self.deliveries.values().filter(|(_, delivery)| delivery.state == state).count() as u64
    }
}

#[async_trait]
impl ErasureStore for MemoryStore {
    async fn tally(&self, user: UserId) -> Result<Tally, StoreError> {
        Ok(self.state.lock().await.tally(user))
    }

    async fn erasure(&self, user: UserId) -> Result<Option<Erasure>, StoreError> {
        Ok(self.state.lock().await.erasures.get(&user).cloned())
    }

    async fn erasures(&self, states: &[ErasureState], after: Option<UserId>, limit: u32) -> Result<Vec<Erasure>, StoreError> {
        let state = self.state.lock().await;
        let shown = state.erasures.values().filter(|erasure| states.contains(&erasure.state) && after.is_none_or(|after| erasure.user > after));
        Ok(shown.take(limit as usize).cloned().collect())
    }

    async fn due_erasures(&self, node: NodeId, now: Timestamp, limit: u32) -> Result<Vec<UserId>, StoreError> {
        let state = self.state.lock().await;
        let may = |erasure: &&Erasure| erasure.state != ErasureState::Done && (erasure.lease.until <= now || erasure.lease.holder == Some(node));
        let mut due: Vec<_> = state.erasures.values().filter(may).map(|erasure| (erasure.lease.until, erasure.user)).collect();
        due.sort_unstable();
        Ok(due.into_iter().take(limit as usize).map(|(_, user)| user).collect())
    }

    async fn due_purges(&self, now: Timestamp, limit: u32) -> Result<Vec<DuePurge>, StoreError> {
        Ok(self.state.lock().await.due_purges(now).into_iter().take(limit as usize).map(|(_, purge)| purge).collect())
    }
}

#[async_trait]
impl HoldStore for MemoryStore {
    async fn holds(&self, user: UserId) -> Result<Vec<Hold>, StoreError> {
        Ok(self.state.lock().await.holds_on(user))
    }
}

#[async_trait]
impl AuditStore for MemoryStore {
    async fn audit_entries(&self, filter: &AuditFilter, limit: u32) -> Result<Vec<AuditEntry>, StoreError> {
        let state = self.state.lock().await;
        let passes = |entry: &&AuditEntry| {
            filter.subject.is_none_or(|subject| entry.act.subject == Some(subject))
                && filter.action.is_none_or(|action| entry.act.action == action)
                && filter.before.is_none_or(|before| entry.seq < before)
        };
        Ok(state.audit.iter().rev().filter(passes).take(limit as usize).cloned().collect())
    }

    async fn audit_chain(&self, after: i64, limit: u32) -> Result<Vec<ChainLink>, StoreError> {
        let state = self.state.lock().await;
        let following = state.audit.iter().filter(|entry| entry.seq > after).take(limit as usize);
        Ok(following.map(|entry| ChainLink { seq: entry.seq, entry: Some(entry.clone()) }).collect())
    }

    async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        Ok(self.state.lock().await.audit_head.clone())
    }
}

#[async_trait]
impl OutboxStore for MemoryStore {
    async fn deliveries(&self, states: &[DeliveryState], before: Option<i64>, limit: u32) -> Result<Vec<ListedDelivery>, StoreError> {
        let state = self.state.lock().await;
        let shown = state.deliveries.values().filter(|(seq, delivery)| states.contains(&delivery.state) && before.is_none_or(|before| *seq < before));
        let mut shown: Vec<_> = shown.map(|(seq, delivery)| ListedDelivery { seq: *seq, delivery: delivery.clone() }).collect();
        shown.sort_by_key(|listed| std::cmp::Reverse(listed.seq));
        shown.truncate(limit as usize);
        Ok(shown)
    }

    async fn due_deliveries(&self, endpoint: &EndpointId, now: Timestamp, limit: u32) -> Result<Vec<DeliveryId>, StoreError> {
        let state = self.state.lock().await;
        let due = state.deliveries.iter().filter(|(id, (_, delivery))| {
            delivery.state == DeliveryState::Pending && delivery.due_at <= now && id.endpoint == *endpoint && !state.is_held_up(id)
        });
        let mut due: Vec<_> = due.map(|(id, (_, delivery))| (delivery.due_at, id.clone())).collect();
        due.sort();
        Ok(due.into_iter().take(limit as usize).map(|(_, id)| id).collect())
    }
}

#[async_trait]
impl RevocationStore for MemoryStore {
    async fn revocations(&self, since: Option<Timestamp>) -> Result<Revocations, StoreError> {
        let state = self.state.lock().await;
        let ids = state.revoked.iter().filter(|(_, (at, _))| since.is_none_or(|since| *at >= since)).map(|(id, _)| id.clone()).collect();
        Ok(Revocations { ids, as_of: self.clock.now() })
    }
}

#[async_trait]
impl UpkeepStore for MemoryStore {
    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(self.clock.now())
    }

    async fn take_duty(&self, duty: Duty, node: NodeId, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
        let mut state = self.state.lock().await;
        let is_free = state.duties.get(&duty).is_none_or(|(holder, end)| *holder == node || *end <= now);
        if is_free {
            state.duties.insert(duty, (node, until));
        }
        Ok(is_free)
    }

    async fn backlog(&self, overdue_since: Timestamp, now: Timestamp) -> Result<Backlog, StoreError> {
        let state = self.state.lock().await;
        Ok(Backlog {
            open_erasures: state.erasures_in(&ErasureState::OPEN),
            blocked_erasures: state.erasures_in(&[ErasureState::Blocked]),
            failed_erasures: state.erasures_in(&[ErasureState::Failed]),
            overdue_purges: state.due_purges(now).iter().filter(|(due, _)| *due < overdue_since).count() as u64,
            pending_deliveries: state.deliveries_in(DeliveryState::Pending),
            failed_deliveries: state.deliveries_in(DeliveryState::Failed),
        })
    }

    async fn prune(&self, what: Forgettable) -> Result<u64, StoreError> {
        let mut state = self.state.lock().await;
        let rows = |state: &State| state.deliveries.len() + state.revoked.len() + state.attempts.len();
        let before = rows(&state);
        state.deliveries.retain(|_, (_, delivery)| delivery.attempted_at.unwrap_or(delivery.event.at) >= what.untold_since);
        state.revoked.retain(|_, (_, revocation)| revocation.expires_at.is_none_or(|end| end > what.now));
        state.attempts.retain(|_, row| row.at >= what.attempted_before);
        Ok((before - rows(&state)) as u64)
    }

    async fn renumber(&self, after: Option<UserId>, limit: u32, beginning: Revision) -> Result<Renumbered, StoreError> {
        let mut state = self.state.lock().await;
        let next: Vec<_> = state.users.keys().copied().filter(|user| after.is_none_or(|after| *user > after)).take(limit as usize).collect();
        let moved: Vec<_> = next.iter().copied().filter(|user| !state.is_erased(*user)).collect();
        for user in &moved {
            state.renumber(*user, beginning);
        }
        Ok(Renumbered { users: moved.len() as u64, last: next.last().copied() })
    }

    async fn overgrown_logs(&self, after: Option<UserId>, limit: u32, max_changes: u64, young_since: Timestamp) -> Result<LogScan, StoreError> {
        let state = self.state.lock().await;
        let users: Vec<_> = state.users.keys().copied().filter(|user| after.is_none_or(|after| *user > after)).take(limit as usize).collect();
        let overgrown = |owner: &UserId| {
            let standing = state.standing(*owner);
            let mut kept = state.log_of(*owner).filter(|change| change.revision > standing.log_begins_after).peekable();
            let too_long = u64::try_from(standing.revision.get() - standing.log_begins_after.get()).is_ok_and(|length| length > max_changes);
            if !too_long && kept.peek().is_none_or(|oldest| oldest.at >= young_since) {
                return None;
            }
            let first_young = kept.find(|change| change.at >= young_since).map(|change| change.revision);
            Some(LogExtent { owner: *owner, begins_after: standing.log_begins_after, latest: standing.revision, first_young })
        };
        Ok(LogScan { overgrown: users.iter().filter_map(overgrown).collect(), last: users.last().copied() })
    }
}
