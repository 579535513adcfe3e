//! A copy of a user's preferences that is there without the service, and edits that wait for it.
//!
//! Reads never touch the network. Edits are kept in an outbox, and show in reads at once. [`OfflineCache::sync`] fetches what has changed,
//! sends the outbox and fetches again; when it returns, the copy is what the service had at the revision that it names.
//!
//! # Edits
//!
//! An edit is sent on condition that the preference is still the one that it was made upon, and under an `Idempotency-Key` that is kept
//! with it: neither a lost answer nor a crash makes it twice. Several edits of a key between two syncs become one. When somebody else
//! changed the preference meanwhile, a resolver decides which value it shall have; unless told otherwise, the local edit wins on its key.
//!
//! An edit that the service refuses as such (no such key can be, the quota is used up, …) is taken out of the outbox and handed back by the
//! sync. Any other failure leaves the outbox as it is, for the next sync.
//!
//! # What is not promised
//!
//! A service whose backup was played back is noticed while it is behind the copy. When it has overtaken the copy by the next sync, the
//! copy may keep what the service has lost, until those keys change again: [`OfflineCache::reread`] puts that right. Where the service was
//! told of the backup by `lethe renumber`, every copy notices.

mod remote;
mod state;
mod storage;
#[cfg(test)]
mod tests;

pub use state::Conflict;
pub use storage::{FileStorage, MemoryStorage, Storage};

use crate::chance::IdempotencyKey;
use crate::client::Client;
use crate::error::Error;
use crate::json::Json;
use crate::model::{LogEntry, Revision};
use crate::operation::encode;
use crate::watch::WatchEvent;
use futures_util::Stream;
use futures_util::stream::{self, BoxStream, StreamExt};
use remote::{Remote, Sent};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use state::{Edit, Pending, State};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The form in which copies are saved.
const FORMAT: u32 = 1;
/// Changes that are saved together when they come together.
const TOGETHER: usize = 64;

type Resolver = Box<dyn Fn(&Conflict) -> Option<Json> + Send + Sync>;

/// An offline copy of one user's preferences. Clones share the copy; a storage belongs to one copy.
#[derive(Clone)]
pub struct OfflineCache(Arc<Inner>);

struct Inner {
    remote: Box<dyn Remote>,
    storage: Box<dyn Storage>,
    resolver: Resolver,
    /// What is in the storage. Readers do not wait for it.
    state: RwLock<Arc<State>>,
    writing: tokio::sync::Mutex<()>,
    /// Held from the question to the service until the copy has the answer, so that no older answer comes after a newer one.
    syncing: tokio::sync::Mutex<()>,
    /// Edits that were refused, until a sync hands them back.
    refused: Mutex<Vec<RefusedEdit>>,
}

impl fmt::Debug for OfflineCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfflineCache").field("revision", &self.revision()).finish_non_exhaustive()
    }
}

/// The copy was made equal to what the service has.
#[derive(Debug)]
pub struct Synced {
    /// What it is as of.
    pub revision: Revision,
    /// Local edits that the service refused, and that are gone from the copy.
    pub refused: Vec<RefusedEdit>,
}

/// A local edit that the service refused.
#[derive(Debug)]
pub struct RefusedEdit {
    /// The key.
    pub key: String,
    /// The value that it should have had; `None` when it should have been removed.
    pub value: Option<Json>,
    /// Why it has not.
    pub error: Error,
}

/// Something that happened to a copy that follows the service.
#[derive(Debug)]
#[non_exhaustive]
pub enum CacheEvent {
    /// The copy was synced. This comes first, and once.
    Synced(Synced),
    /// These keys changed, each perhaps several times; by this client or by others.
    Changed(Vec<String>),
    /// The whole set was read again: any key may have changed.
    Replaced,
}

#[derive(Serialize, Deserialize)]
struct Saved<S> {
    format: u32,
    state: S,
}

impl OfflineCache {
    /// Opens the copy in that storage. Local edits win over what others did to the same key.
    ///
    /// # Errors
    /// [`Error::Storage`] when the storage cannot be read, or has something else in it.
    pub async fn open(client: Client, storage: impl Storage) -> Result<Self, Error> {
        Self::open_with(client, storage, |conflict| conflict.local.clone()).await
    }

    /// Opens the copy in that storage. `resolver` says which value a key shall have that was edited here and changed elsewhere; `None`
    /// removes it. It may be called again for the same edit when others are faster than its answer.
    ///
    /// # Errors
    /// [`Error::Storage`] when the storage cannot be read, or has something else in it.
    pub async fn open_with(client: Client, storage: impl Storage, resolver: impl Fn(&Conflict) -> Option<Json> + Send + Sync + 'static) -> Result<Self, Error> {
        Self::over(Box::new(client), Box::new(storage), Box::new(resolver)).await
    }

    async fn over(remote: Box<dyn Remote>, storage: Box<dyn Storage>, resolver: Resolver) -> Result<Self, Error> {
        let state = match storage.load().await? {
            Some(bytes) => read(&bytes)?,
            None => State::default(),
        };
        Ok(Self(Arc::new(Inner {
            remote,
            storage,
            resolver,
            state: RwLock::new(Arc::new(state)),
            writing: tokio::sync::Mutex::default(),
            syncing: tokio::sync::Mutex::default(),
            refused: Mutex::default(),
        })))
    }

    /// The value of a key as a `T`, local edits included; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Decode`] when the value is no `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let value = self.state().value(key).map(Json::decode).transpose();
        value.map_err(|source| Error::Decode { key: key.to_owned(), source })
    }

    /// The value of a key to the letter, local edits included; `None` when there is none.
    #[must_use]
    pub fn get_raw(&self, key: &str) -> Option<Json> {
        self.state().value(key).cloned()
    }

    /// All values, local edits included, by key.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, Json> {
        self.state().values()
    }

    /// The revision that the copy is as of, local edits aside; zero before the first sync.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.state().revision
    }

    /// The keys with local edits that the service may not know yet, in order.
    #[must_use]
    pub fn edited(&self) -> Vec<String> {
        self.state().edited()
    }

    /// Gives a key a value, here and with the next sync there.
    ///
    /// # Errors
    /// [`Error::Encode`], [`Error::Storage`].
    pub async fn put<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.edit(key, Edit::Put(encode(value)?)).await
    }

    /// Removes a key, here and with the next sync there. A key that is not there is no error.
    ///
    /// # Errors
    /// [`Error::Storage`].
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        self.edit(key, Edit::Delete).await
    }

    async fn edit(&self, key: &str, edit: Edit) -> Result<(), Error> {
        self.write(|state| state.edit(key, edit, IdempotencyKey::random())).await
    }

    /// Fetches what has changed, sends the local edits, and fetches what came of them.
    ///
    /// # Errors
    /// Those of [`Client`], such as [`Error::Transport`] without a network, and [`Error::Storage`]. Whatever was done up to then is kept, and
    /// the next sync goes on from there.
    pub async fn sync(&self) -> Result<Synced, Error> {
        let _turn = self.0.syncing.lock().await;
        self.pull().await?;
        if self.push().await? {
            self.pull().await?;
        }
        let refused = std::mem::take(&mut *self.0.refused.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Synced { revision: self.revision(), refused })
    }

    /// Reads the whole set again, whatever the copy believes. Local edits stay.
    ///
    /// # Errors
    /// Those of [`Client::snapshot`], and [`Error::Storage`].
    pub async fn reread(&self) -> Result<(), Error> {
        let _turn = self.0.syncing.lock().await;
        self.replace().await
    }

    async fn replace(&self) -> Result<(), Error> {
        let snapshot = self.0.remote.snapshot().await?;
        self.write(|state| {
            let has_lost = snapshot.revision < state.revision;
            state.replace(snapshot);
            if has_lost {
                state.collide_with_the_past(&self.0.resolver);
            }
        })
        .await
    }

    /// Syncs once, then keeps the copy at what the service has, until the stream is dropped; through broken connections and restarts.
    ///
    /// Local edits are sent by [`sync`](Self::sync), which may be called meanwhile. The stream ends after its first error, such as
    /// [`Error::WatchEnded`]; the copy is then what it was at the last event.
    pub fn follow(&self) -> impl Stream<Item = Result<CacheEvent, Error>> + Send + use<> {
        stream::unfold(Some(Follower { cache: self.clone(), watch: None }), |follower| async {
            let mut follower = follower?;
            match follower.next().await {
                Some(Ok(event)) => Some((Ok(event), Some(follower))),
                Some(Err(error)) => Some((Err(error), None)),
                None => None,
            }
        })
    }

    /// Makes the copy what the service has.
    async fn pull(&self) -> Result<(), Error> {
        loop {
            let since = self.revision();
            if since == Revision::ZERO {
                // All there is takes fewer pages than all that ever happened.
                return self.replace().await;
            }
            let page = match self.0.remote.changes(since).await {
                Err(Error::CursorExpired) => return self.replace().await,
                page => page?,
            };
            if page.revision < since {
                return self.replace().await;
            }
            let is_last = !page.more || page.changes.is_empty();
            self.apply(page.changes).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    async fn apply(&self, changes: Vec<LogEntry>) -> Result<(), Error> {
        self.write(|state| changes.into_iter().for_each(|entry| state.apply(entry))).await
    }

    /// Takes changes that a watch has heard of.
    async fn take(&self, changes: Vec<LogEntry>) -> Result<CacheEvent, Error> {
        let _turn = self.0.syncing.lock().await;
        let keys = changes.iter().map(|entry| entry.key.clone()).collect();
        let next = self.revision().get() + 1;
        if changes.first().is_some_and(|first| first.revision.get() > next) {
            // A sync meanwhile has found that the service is behind, and the watch has not heard of that yet.
            self.pull().await?;
        } else {
            self.apply(changes).await?;
        }
        Ok(CacheEvent::Changed(keys))
    }

    /// Sends the local edits that there are now; whether there were any.
    async fn push(&self) -> Result<bool, Error> {
        self.write(State::get_underway).await?;
        let mut any = false;
        while let Some(pending) = self.state().underway().cloned() {
            any = true;
            self.send(pending).await?;
        }
        Ok(any)
    }

    async fn send(&self, pending: Pending) -> Result<(), Error> {
        let name = &pending.name;
        let sent = match pending.operation() {
            Some(operation) => self.0.remote.send(operation, name).await?,
            None => Sent::Conflict(self.state().items.get(&pending.key).cloned()),
        };
        match sent {
            Sent::Made(revision) => self.write(|state| state.settle(name, pending.made_at(revision).as_ref())).await,
            Sent::Conflict(there) => self.write(|state| state.collide(name, there.as_ref(), &self.0.resolver)).await,
            Sent::Refused(error) => {
                self.write(|state| state.discard(name).map(drop)).await?;
                let refused = RefusedEdit { key: pending.key, value: pending.edit.value().cloned(), error };
                self.0.refused.lock().unwrap_or_else(PoisonError::into_inner).push(refused);
                Ok(())
            }
        }
    }

    fn state(&self) -> Arc<State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the state: first in the storage, then for readers.
    async fn write<R>(&self, change: impl FnOnce(&mut State) -> R) -> Result<(), Error> {
        let _turn = self.0.writing.lock().await;
        let before = self.state();
        let mut after = State::clone(&before);
        change(&mut after);
        if after != *before {
            let bytes = serde_json::to_vec(&Saved { format: FORMAT, state: &after }).map_err(Error::Encode)?;
            self.0.storage.save(bytes).await?;
            *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(after);
        }
        Ok(())
    }
}

fn read(bytes: &[u8]) -> Result<State, Error> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let not_ours = |reason: String| Error::Storage(io::Error::new(ErrorKind::InvalidData, reason));
    let Format { format } = serde_json::from_slice(bytes).map_err(|error| not_ours(error.to_string()))?;
    if format != FORMAT {
        return Err(not_ours(format!("a copy of format {format}")));
    }
    serde_json::from_slice(bytes).map(|Saved { state, .. }| state).map_err(|error| not_ours(error.to_string()))
}

/// A copy on its way with the service.
struct Follower {
    cache: OfflineCache,
    watch: Option<Watching>,
}

struct Watching {
    events: BoxStream<'static, Vec<Result<WatchEvent, Error>>>,
    heard: VecDeque<Result<WatchEvent, Error>>,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<CacheEvent, Error>> {
        let Some(watching) = &mut self.watch else { return Some(self.begin().await) };
        if watching.heard.is_empty() {
            watching.heard = watching.events.next().await?.into();
        }
        let changes = watching.changes();
        if !changes.is_empty() {
            return Some(self.cache.take(changes).await);
        }
        match watching.heard.pop_front()? {
            Ok(_) => Some(self.cache.reread().await.map(|()| CacheEvent::Replaced)),
            Err(error) => Some(Err(error)),
        }
    }

    async fn begin(&mut self) -> Result<CacheEvent, Error> {
        let synced = self.cache.sync().await?;
        let events = self.cache.0.remote.watch(synced.revision).ready_chunks(TOGETHER).boxed();
        self.watch = Some(Watching { events, heard: VecDeque::new() });
        Ok(CacheEvent::Synced(synced))
    }
}

impl Watching {
    /// The changes that were heard, up to what is something else.
    fn changes(&mut self) -> Vec<LogEntry> {
        let mut changes = Vec::new();
        while let Some(Ok(WatchEvent::Put(_) | WatchEvent::Delete(_))) = self.heard.front() {
            if let Some(Ok(WatchEvent::Put(entry) | WatchEvent::Delete(entry))) = self.heard.pop_front() {
                changes.push(entry);
            }
        }
        changes
    }
}
