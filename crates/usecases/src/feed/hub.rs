//! Who is followed on this node, and what those who follow are told.

use lethe_domain::account::Account;
use lethe_domain::change::Change;
use lethe_domain::id::{Revision, UserId};
use lethe_domain::json_text::JsonText;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// Changes that are kept for those who follow, and their bytes. Who is further behind reads the log.
const WINDOW: usize = 64;
pub(super) const WINDOW_BYTES: usize = 256 * 1024;

/// Followers of one user on one node. Each holds memory of its own for what it is still to be told.
const FOLLOWERS: usize = 128;

/// What is known of somebody who is followed.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// The account, as it was when it was last looked at.
    pub(super) account: Account,
    /// The latest revision that is known.
    pub(super) latest: Revision,
    /// How often the store has fallen behind what was known of it, as after a backup was played back.
    pub(super) setbacks: u64,
    /// The latest changes, oldest first and without a gap.
    changes: VecDeque<Arc<Change>>,
    bytes: usize,
}

/// Bytes that a change takes, about.
pub(super) fn size(change: &Change) -> usize {
    change.key.as_str().len() + change.kind.value().map_or(0, JsonText::bytes)
}

impl Window {
    pub(super) const fn new(account: Account, latest: Revision) -> Self {
        Self { account, latest, setbacks: 0, changes: VecDeque::new(), bytes: 0 }
    }

    /// The changes after a revision, if the window reaches back so far.
    pub(super) fn after(&self, revision: Revision) -> Option<Vec<Arc<Change>>> {
        let reaches = self.changes.front().is_some_and(|first| first.revision <= revision.next());
        reaches.then(|| self.changes.iter().filter(|change| change.revision > revision).cloned().collect())
    }

    /// Takes in changes that follow the latest.
    pub(super) fn extend(&mut self, changes: Vec<Change>) {
        let known = self.latest;
        for change in changes.into_iter().filter(|change| change.revision > known) {
            if change.revision != self.latest.next() {
                self.forget();
            }
            self.latest = change.revision;
            self.bytes += size(&change);
            self.changes.push_back(Arc::new(change));
        }
        while self.changes.len() > WINDOW || (self.bytes > WINDOW_BYTES && self.changes.len() > 1) {
            self.bytes -= self.changes.pop_front().map_or(0, |change| size(&change));
        }
    }

    /// Goes on from a revision, without what happened in between.
    pub(super) fn skip_to(&mut self, latest: Revision) {
        self.forget();
        self.latest = latest;
    }

    /// Goes back to a revision: the store has fallen behind.
    pub(super) fn fall_back_to(&mut self, latest: Revision) {
        self.setbacks += 1;
        self.skip_to(latest);
    }

    fn forget(&mut self) {
        self.changes.clear();
        self.bytes = 0;
    }
}

pub(super) type Known = watch::Sender<Option<Window>>;

/// Somebody who is followed.
#[derive(Debug)]
struct Followed {
    known: Arc<Known>,
    followers: usize,
}

/// The hub.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    followed: Mutex<HashMap<UserId, Followed>>,
    /// Owners that somebody here wrote to: for those who follow here.
    touched: Mutex<BTreeSet<UserId>>,
    /// And for other nodes.
    untold: Mutex<BTreeSet<UserId>>,
    wake_reader: Notify,
    wake_teller: Notify,
    /// There is one reader at a time.
    pub(super) reader: tokio::sync::Mutex<()>,
}

/// What somebody who follows holds. When the last one goes, the user is not followed any more.
pub(super) struct Subscription {
    hub: Arc<Hub>,
    owner: UserId,
    pub(super) window: watch::Receiver<Option<Window>>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut followed = locked(&self.hub.followed);
        let Some(owner) = followed.get_mut(&self.owner) else { return };
        owner.followers -= 1;
        if owner.followers == 0 {
            followed.remove(&self.owner);
        }
    }
}

impl Hub {
    /// Notes that somebody here wrote to an owner.
    pub(crate) fn touch(&self, owner: UserId) {
        if locked(&self.followed).contains_key(&owner) {
            locked(&self.touched).insert(owner);
            self.wake_reader.notify_one();
        }
        locked(&self.untold).insert(owner);
        self.wake_teller.notify_one();
    }

    /// Follows an owner; `None`: there are too many who do.
    pub(super) fn subscribe(self: &Arc<Self>, owner: UserId) -> Option<Subscription> {
        let mut followed = locked(&self.followed);
        let entry = followed.entry(owner).or_insert_with(|| Followed { known: Arc::new(watch::channel(None).0), followers: 0 });
        if entry.followers >= FOLLOWERS {
            return None;
        }
        entry.followers += 1;
        Some(Subscription { hub: self.clone(), owner, window: entry.known.subscribe() })
    }

    /// Everyone who is followed.
    pub(super) fn followed(&self) -> Vec<UserId> {
        locked(&self.followed).keys().copied().collect()
    }

    /// Those of some who are followed.
    pub(super) fn followed_among(&self, owners: impl IntoIterator<Item = UserId>) -> Vec<UserId> {
        let followed = locked(&self.followed);
        owners.into_iter().filter(|owner| followed.contains_key(owner)).collect()
    }

    /// What is known of somebody who is followed.
    pub(super) fn known(&self, owner: UserId) -> Option<Arc<Known>> {
        locked(&self.followed).get(&owner).map(|followed| followed.known.clone())
    }

    /// Waits until somebody here writes to an owner who is followed.
    pub(super) async fn touched(&self) -> BTreeSet<UserId> {
        taken(&self.touched, &self.wake_reader).await
    }

    /// Waits until somebody here writes to an owner.
    pub(super) async fn untold(&self) -> BTreeSet<UserId> {
        taken(&self.untold, &self.wake_teller).await
    }
}

async fn taken(owners: &Mutex<BTreeSet<UserId>>, wake: &Notify) -> BTreeSet<UserId> {
    loop {
        let taken = std::mem::take(&mut *locked(owners));
        if !taken.is_empty() {
            return taken;
        }
        wake.notified().await;
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here panics half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lethe_testkit::fixture::{json, key};

    fn big_change(revision: i64) -> Change {
        let kind = lethe_domain::change::ChangeKind::Put { value: json(&"1".repeat(60_000)), created_at: lethe_domain::Timestamp::EPOCH };
        Change { kind, ..change(revision) }
    }

    fn change(revision: i64) -> Change {
        let kind = lethe_domain::change::ChangeKind::Put { value: json("1"), created_at: lethe_domain::Timestamp::EPOCH };
        Change { revision: Revision::new(revision), key: key("a"), kind, at: lethe_domain::Timestamp::EPOCH, actor: UserId::new(1) }
    }

    fn after(window: &Window, revision: i64) -> Option<Vec<i64>> {
        window.after(Revision::new(revision)).map(|changes| changes.iter().map(|change| change.revision.get()).collect())
    }

    #[test]
    fn a_window_tells_what_it_covers_and_nothing_else() {
        let mut window = Window::new(Account::new(UserId::new(1)), Revision::new(3));
        assert_eq!(after(&window, 2), None);
        window.extend((2..=6).map(change).collect());
        assert_eq!((window.latest.get(), after(&window, 2), after(&window, 3), after(&window, 5)), (6, None, Some(vec![4, 5, 6]), Some(vec![6])));
        window.extend((7..=80).map(change).collect());
        assert_eq!((after(&window, 15), after(&window, 16).map(|changes| changes.len())), (None, Some(64)));
        window.extend(vec![change(90)]);
        assert_eq!((after(&window, 80), after(&window, 89)), (None, Some(vec![90])), "no gap in a window");
        window.extend((91..=100).map(big_change).collect());
        assert_eq!((after(&window, 95), after(&window, 96).map(|changes| changes.len())), (None, Some(4)), "so many bytes");
        window.fall_back_to(Revision::new(50));
        assert_eq!((window.latest.get(), window.setbacks, after(&window, 49)), (50, 1, None));
    }

    #[test]
    fn whom_nobody_follows_any_more_is_forgotten() {
        let hub = Arc::new(Hub::default());
        let many: Vec<_> = (0..FOLLOWERS).map(|_| hub.subscribe(UserId::new(2))).collect();
        assert!(many.iter().all(Option::is_some) && hub.subscribe(UserId::new(2)).is_none());
        drop(many);
        let (first, second) = (hub.subscribe(UserId::new(1)), hub.subscribe(UserId::new(1)));
        drop(first);
        assert_eq!(hub.followed(), [UserId::new(1)]);
        drop(second);
        assert_eq!(hub.followed(), []);
    }

    #[tokio::test]
    async fn what_was_touched_is_told_once() {
        let hub = Arc::new(Hub::default());
        let _subscription = hub.subscribe(UserId::new(1));
        for owner in [1, 2, 1] {
            hub.touch(UserId::new(owner));
        }
        assert_eq!(hub.touched().await, BTreeSet::from([UserId::new(1)]), "nobody follows the other");
        assert_eq!(hub.untold().await, BTreeSet::from([UserId::new(1), UserId::new(2)]));
        assert!(futures_util::FutureExt::now_or_never(hub.touched()).is_none());
    }
}
