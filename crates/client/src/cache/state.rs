//! What an offline copy knows, and how that changes: pure arithmetic, without a network or a disk.

use crate::chance::IdempotencyKey;
use crate::json::Json;
use crate::model::{Event, Item, LogEntry, Revision, Snapshot};
use crate::operation::{Condition, Operation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The copy of what the service has, and the edits that it does not know yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// What `items` are as of.
    pub(super) revision: Revision,
    pub(super) items: BTreeMap<String, Item>,
    /// In the order in which they are sent. Those underway come first.
    outbox: Vec<Pending>,
}

/// An edit that the service may not know yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) key: String,
    pub(super) edit: Edit,
    /// What the edit was made upon, as far as the service is concerned.
    base: Option<Seen>,
    /// The name under which it is sent, each time.
    pub(super) name: IdempotencyKey,
    progress: Progress,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Edit {
    Put(Json),
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Progress {
    /// Never sent; a later edit of the key takes its place.
    Waiting,
    /// Perhaps sent; it stays as it is until its outcome is known.
    Underway,
}

/// A preference as the service had it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    revision: Revision,
    value: Json,
}

/// A key that was edited here while its preference was changed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The key.
    pub key: String,
    /// The value that the local edit was made upon; `None` when there was none.
    pub base: Option<Json>,
    /// The value after the local edit; `None` when it removed the key.
    pub local: Option<Json>,
    /// The value that the service has; `None` when it has none.
    pub remote: Option<Json>,
}

impl Edit {
    pub(super) fn of(value: Option<Json>) -> Self {
        value.map_or(Self::Delete, Self::Put)
    }

    pub(super) fn value(&self) -> Option<&Json> {
        match self {
            Self::Put(value) => Some(value),
            Self::Delete => None,
        }
    }
}

impl Seen {
    pub(super) fn of(item: &Item) -> Self {
        Self { revision: item.revision, value: item.value.clone() }
    }
}

impl Pending {
    /// The operation that makes the edit, on condition that the service still has what it was made upon. None removes what never was there.
    pub(super) fn operation(&self) -> Option<Operation> {
        let condition = self.base.as_ref().map_or(Condition::Absent, |seen| Condition::Revision(seen.revision));
        match (&self.edit, &self.base) {
            (Edit::Put(value), _) => Some(Operation::put_json(&self.key, value.clone()).when(condition)),
            (Edit::Delete, Some(_)) => Some(Operation::delete(&self.key).when(condition)),
            (Edit::Delete, None) => None,
        }
    }

    /// What the preference is once the edit was made at that revision.
    pub(super) fn made_at(&self, revision: Option<Revision>) -> Option<Seen> {
        Some(Seen { revision: revision?, value: self.edit.value()?.clone() })
    }
}

impl State {
    /// The value of a key as the user sees it: after all local edits.
    pub(super) fn value(&self, key: &str) -> Option<&Json> {
        match self.outbox.iter().rfind(|pending| pending.key == key) {
            Some(pending) => pending.edit.value(),
            None => self.items.get(key).map(|item| &item.value),
        }
    }

    /// All values as the user sees them.
    pub(super) fn values(&self) -> BTreeMap<String, Json> {
        let mut values: BTreeMap<_, _> = self.items.iter().map(|(key, item)| (key.clone(), item.value.clone())).collect();
        for pending in &self.outbox {
            match &pending.edit {
                Edit::Put(value) => values.insert(pending.key.clone(), value.clone()),
                Edit::Delete => values.remove(&pending.key),
            };
        }
        values
    }

    /// The keys with local edits that the service may not know yet.
    pub(super) fn edited(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.outbox.iter().map(|pending| pending.key.clone()).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// Takes a change from the log, unless it is in the copy already.
    pub(super) fn apply(&mut self, LogEntry { revision, key, event, at, .. }: LogEntry) {
        if revision <= self.revision {
            return;
        }
        self.revision = revision;
        match event {
            Event::Put(value) => {
                let created_at = self.items.get(&key).map_or(at, |item| item.created_at);
                self.items.insert(key.clone(), Item { key, value, revision, created_at, updated_at: at });
            }
            Event::Delete => {
                self.items.remove(&key);
            }
        }
    }

    /// Takes the whole set in place of what was known.
    pub(super) fn replace(&mut self, Snapshot { revision, items }: Snapshot) {
        self.revision = revision;
        self.items = items.into_iter().map(|item| (item.key.clone(), item)).collect();
    }

    /// Keeps a local edit, under that name. What is not there need not be removed.
    pub(super) fn edit(&mut self, key: &str, edit: Edit, name: IdempotencyKey) {
        if edit == Edit::Delete && self.value(key).is_none() {
            return;
        }
        let before: Vec<_> = self.outbox.extract_if(.., |pending| pending.key == key && pending.progress == Progress::Waiting).collect();
        let is_first = self.outbox.iter().all(|pending| pending.key != key);
        let base = before.into_iter().next().map_or_else(|| self.items.get(key).map(Seen::of), |pending| pending.base);
        if is_first && base.is_none() && edit == Edit::Delete {
            // It came and went, and the service never heard of it.
            return;
        }
        self.outbox.push(Pending { key: key.to_owned(), edit, base, name, progress: Progress::Waiting });
    }

    /// Gets all edits ready to be sent: from now on they stay as they are.
    pub(super) fn get_underway(&mut self) {
        for pending in &mut self.outbox {
            pending.progress = Progress::Underway;
        }
    }

    /// The edit to send next.
    pub(super) fn underway(&self) -> Option<&Pending> {
        self.outbox.first().filter(|pending| pending.progress == Progress::Underway)
    }

    /// An edit was made; later ones of its key were made upon what came of it.
    pub(super) fn settle(&mut self, name: &IdempotencyKey, seen: Option<&Seen>) {
        let Some(settled) = self.discard(name) else { return };
        for pending in self.outbox.iter_mut().filter(|pending| pending.key == settled.key) {
            pending.base = seen.cloned();
        }
    }

    /// An edit will not be made; later ones of its key stand as they are.
    pub(super) fn discard(&mut self, name: &IdempotencyKey) -> Option<Pending> {
        let at = self.outbox.iter().position(|pending| pending.name == *name)?;
        Some(self.outbox.remove(at))
    }

    /// An edit met another value than it was made upon: makes it what `resolve` says, and upon that value.
    pub(super) fn collide(&mut self, name: &IdempotencyKey, there: Option<&Item>, resolve: &dyn Fn(&Conflict) -> Option<Json>) {
        let Some(pending) = self.outbox.iter_mut().find(|pending| pending.name == *name) else { return };
        let remote = there.map(|item| item.value.clone());
        let seen = there.map(Seen::of);
        let local = pending.edit.value().cloned();
        if local == remote {
            return self.settle(name, seen.as_ref());
        }
        let base = pending.base.as_ref().map(|seen| seen.value.clone());
        if base == remote {
            // Nobody has another opinion: the same value stands there under another revision.
            pending.base = seen;
            pending.name = IdempotencyKey::random();
            return;
        }
        let resolved = resolve(&Conflict { key: pending.key.clone(), base, local, remote: remote.clone() });
        if resolved == remote {
            // A later edit of the key has not been looked at yet: it meets the same value, and is resolved by itself.
            self.discard(name);
            return;
        }
        pending.edit = Edit::of(resolved);
        pending.base = seen;
        pending.name = IdempotencyKey::random();
    }

    /// The service has lost what the copy has seen, and counts revisions anew: the same number may be another change. So every edit whose
    /// base is not there to the letter is resolved here, where values are compared and not numbers.
    pub(super) fn collide_with_the_past(&mut self, resolve: &dyn Fn(&Conflict) -> Option<Json>) {
        for Pending { key, base, name, .. } in self.outbox.clone() {
            let there = self.items.get(&key).cloned();
            if base != there.as_ref().map(Seen::of) {
                self.collide(&name, there.as_ref(), resolve);
            }
        }
    }
}
