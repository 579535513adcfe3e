#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::model::{Changes, Event, Item, Snapshot};
use crate::operation::Operation;
use async_trait::async_trait;
use chrono::DateTime;
use proptest::prelude::*;
use serde_json::Value;

/// A service as the specification has it, with a network that breaks when told to.
#[derive(Debug, Clone, Default)]
struct Service(Arc<Mutex<Server>>);

#[derive(Debug, Clone, Default)]
struct Server {
    items: BTreeMap<String, Item>,
    log: Vec<LogEntry>,
    /// The log begins after this revision.
    pruned: u64,
    /// First answers, by idempotency key.
    answers: Vec<(String, Option<Revision>)>,
    /// What becomes of the next changes.
    faults: VecDeque<Fault>,
    backup: Option<Box<Server>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    LostRequest,
    LostAnswer,
}

impl Server {
    fn revision(&self) -> Revision {
        self.log.last().map_or(Revision::ZERO, |entry| entry.revision)
    }

    /// Makes a change, unless nothing would change; the revision of the key.
    fn change(&mut self, key: &str, value: Option<Json>) -> Option<Revision> {
        let present = self.items.get(key);
        if present.map(|item| &item.value) == value.as_ref() {
            return present.map(|item| item.revision);
        }
        let revision = Revision::new(self.revision().get() + 1);
        let event = value.clone().map_or(Event::Delete, Event::Put);
        self.log.push(LogEntry { revision, key: key.into(), event, at: DateTime::UNIX_EPOCH, actor: 1 });
        let Some(value) = value else {
            self.items.remove(key);
            return None;
        };
        let item = Item { key: key.into(), value, revision, created_at: DateTime::UNIX_EPOCH, updated_at: DateTime::UNIX_EPOCH };
        self.items.insert(key.into(), item);
        Some(revision)
    }

    fn execute(&mut self, operation: &Value) -> Result<Option<Revision>, Option<Item>> {
        let key = operation["key"].as_str().unwrap();
        let there = self.items.get(key).cloned();
        let tag = there.as_ref().map(|item| item.revision.entity_tag());
        let if_match = operation.get("if_match").and_then(Value::as_str);
        let is_refused = if_match.is_some_and(|wanted| tag.as_deref() != Some(wanted)) || (operation.get("if_none_match").is_some() && there.is_some());
        if operation["op"] == "delete" && there.is_none() {
            return Ok(None);
        }
        if is_refused {
            return Err(there);
        }
        Ok(self.change(key, operation.get("value").map(|value| Json::from_value(value).unwrap())))
    }
}

impl Service {
    fn server(&self) -> std::sync::MutexGuard<'_, Server> {
        self.0.lock().unwrap()
    }
}

fn unreachable() -> Error {
    Error::Transport("the network is down".into())
}

#[async_trait]
impl Remote for Service {
    async fn changes(&self, since: Revision) -> Result<Changes, Error> {
        let server = self.server();
        let revision = server.revision();
        if since.get() < server.pruned {
            return Err(Error::CursorExpired);
        }
        let mut changes: Vec<_> = server.log.iter().filter(|entry| entry.revision > since).cloned().collect();
        let more = changes.len() > 3;
        changes.truncate(3);
        Ok(Changes { changes, revision, more })
    }

    async fn snapshot(&self) -> Result<Snapshot, Error> {
        let server = self.server();
        Ok(Snapshot { revision: server.revision(), items: server.items.values().cloned().collect() })
    }

    async fn send(&self, operation: Operation, name: &IdempotencyKey) -> Result<Sent, Error> {
        let mut server = self.server();
        let operation = serde_json::to_value(operation).unwrap();
        if operation["key"] == "refused" {
            return Ok(Sent::Refused(unreachable()));
        }
        let fault = server.faults.pop_front().unwrap_or(Fault::None);
        if fault == Fault::LostRequest {
            return Err(unreachable());
        }
        let known = server.answers.iter().find(|(known, _)| known == name.as_str()).map(|(_, answer)| *answer);
        let answer = if let Some(known) = known { Ok(known) } else { server.execute(&operation) };
        if let (Ok(answer), None) = (&answer, known) {
            server.answers.push((name.as_str().to_owned(), *answer));
        }
        if fault == Fault::LostAnswer {
            return Err(Error::OutcomeUnknown(Box::new(unreachable())));
        }
        Ok(answer.map_or_else(Sent::Conflict, Sent::Made))
    }

    fn watch(&self, since: Revision) -> BoxStream<'static, Result<WatchEvent, Error>> {
        let log = self.server().log.clone();
        let event = |entry: LogEntry| if matches!(entry.event, Event::Put(_)) { WatchEvent::Put(entry) } else { WatchEvent::Delete(entry) };
        stream::iter(log).filter(move |entry| std::future::ready(entry.revision > since)).map(move |entry| Ok(event(entry))).boxed()
    }
}

fn json(number: u8) -> Json {
    Json::from_value(&number).unwrap()
}

async fn open(service: &Service, storage: &MemoryStorage) -> OfflineCache {
    OfflineCache::over(Box::new(service.clone()), Box::new(storage.clone()), Box::new(|conflict| conflict.local.clone())).await.unwrap()
}

fn assert_equal(cache: &OfflineCache, service: &Service) {
    let server = service.server();
    assert_eq!(cache.state().items, server.items);
    assert_eq!((cache.revision(), cache.edited()), (server.revision(), Vec::new()));
}

#[derive(Debug, Clone)]
enum Step {
    Elsewhere(u8, Option<u8>),
    Here(u8, Option<u8>),
    Sync(Vec<Fault>),
    Restart,
    Prune,
    BackUp,
    PlayBack,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let fault = prop_oneof![Just(Fault::None), Just(Fault::LostRequest), Just(Fault::LostAnswer)];
    let value = || prop::option::weighted(0.7, 0..4_u8);
    let step = prop_oneof![
        6 => (0..3_u8, value()).prop_map(|(key, value)| Step::Elsewhere(key, value)),
        6 => (0..3_u8, value()).prop_map(|(key, value)| Step::Here(key, value)),
        4 => prop::collection::vec(fault, 0..4).prop_map(Step::Sync),
        1 => Just(Step::Restart),
        1 => Just(Step::Prune),
    ];
    prop::collection::vec(step, 0..40)
}

/// The same, with a backup that is played back at some time.
fn steps_with_a_backup() -> impl Strategy<Value = Vec<Step>> {
    (steps(), steps(), steps()).prop_map(|(before, between, after)| {
        let played_back = [Step::PlayBack, Step::Sync(Vec::new())];
        [before, vec![Step::BackUp], between, played_back.to_vec(), after].concat()
    })
}

/// Takes the steps, and returns the copy with the edits that must win over everything that was done elsewhere.
async fn take(steps: Vec<Step>, service: &Service) -> (OfflineCache, BTreeMap<String, Option<Json>>) {
    let storage = MemoryStorage::default();
    let mut cache = open(service, &storage).await;
    let mut unsettled = BTreeMap::new();
    let mut sent = Vec::new();
    for step in steps {
        match step {
            Step::Elsewhere(key, value) => {
                let key = key.to_string();
                service.server().change(&key, value.map(json));
                // What was made before this, though its answer was lost, does not come back.
                sent.retain(|sent| *sent != key || unsettled.remove(sent).is_none());
            }
            Step::Here(key, value) => {
                let (key, before) = (key.to_string(), cache.state());
                match value {
                    Some(value) => cache.put(&key, &value).await.unwrap(),
                    None => cache.delete(&key).await.unwrap(),
                }
                assert_eq!(cache.get::<u8>(&key).unwrap(), value);
                if cache.edited().contains(&key) && cache.state() != before {
                    sent.retain(|sent| *sent != key);
                    unsettled.insert(key, value.map(json));
                } else if !cache.edited().contains(&key) {
                    unsettled.remove(&key);
                }
            }
            Step::Sync(faults) => {
                service.server().faults = faults.into();
                if cache.sync().await.is_ok() {
                    assert_equal(&cache, service);
                }
                let edited = cache.edited();
                unsettled.retain(|key, _| edited.contains(key));
                sent = edited;
            }
            Step::Restart => cache = open(service, &storage).await,
            Step::Prune => {
                let mut server = service.server();
                server.pruned = server.revision().get();
            }
            Step::BackUp => {
                let backup = Box::new(service.server().clone());
                service.server().backup = Some(backup);
            }
            Step::PlayBack => {
                let backup = service.server().backup.take().unwrap();
                *service.server() = *backup;
            }
        }
    }
    service.server().faults.clear();
    (cache, unsettled)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn after_a_sync_the_copy_is_what_the_service_has_and_local_edits_have_won(steps in steps()) {
        block_on(async {
            let service = Service::default();
            let (cache, unsettled) = take(steps, &service).await;
            cache.sync().await.unwrap();
            assert_equal(&cache, &service);
            for (key, value) in unsettled {
                assert_eq!(cache.get_raw(&key), value, "{key}");
            }
        });
    }

    #[test]
    fn a_backup_that_was_played_back_confuses_nobody(steps in steps_with_a_backup()) {
        block_on(async {
            let service = Service::default();
            let (cache, _) = take(steps, &service).await;
            cache.sync().await.unwrap();
            assert_equal(&cache, &service);
        });
    }

    #[test]
    fn a_copy_that_follows_misses_nothing(before in steps(), changes in prop::collection::vec((0..3_u8, prop::option::of(0..4_u8)), 0..20)) {
        block_on(async {
            let service = Service::default();
            let (cache, _) = take(before, &service).await;
            let mut events = std::pin::pin!(cache.follow());
            assert!(matches!(events.next().await, Some(Ok(CacheEvent::Synced(_)))));
            for (key, value) in changes {
                service.server().change(&key.to_string(), value.map(json));
            }
            // The watch that has begun sees the log as it was then; another one goes on from there.
            while let Some(event) = events.next().await {
                event.unwrap();
            }
            let mut again = std::pin::pin!(cache.follow());
            while let Some(event) = again.next().await {
                event.unwrap();
            }
            assert_equal(&cache, &service);
        });
    }
}

#[tokio::test]
async fn a_lost_answer_makes_no_edit_twice() {
    let service = Service::default();
    let cache = open(&service, &MemoryStorage::default()).await;
    cache.put("k", &1).await.unwrap();
    service.server().faults.push_back(Fault::LostAnswer);
    assert!(matches!(cache.sync().await, Err(Error::OutcomeUnknown(_))));
    // Somebody overwrites it before the next sync: the edit was made before that, and is not made again.
    service.server().change("k", Some(json(2)));
    cache.sync().await.unwrap();
    assert_eq!(cache.get::<u8>("k").unwrap(), Some(2));
    assert_equal(&cache, &service);
}

#[tokio::test]
async fn an_edit_after_a_lost_answer_is_made_upon_the_one_before() {
    let service = Service::default();
    let storage = MemoryStorage::default();
    let cache = OfflineCache::over(Box::new(service.clone()), Box::new(storage.clone()), Box::new(|_| panic!("no conflict"))).await.unwrap();
    cache.put("k", &1).await.unwrap();
    service.server().faults.push_back(Fault::LostAnswer);
    assert!(cache.sync().await.is_err());
    cache.put("k", &2).await.unwrap();
    cache.put("k", &3).await.unwrap();
    cache.sync().await.unwrap();
    assert_equal(&cache, &service);
    assert_eq!(service.server().log.len(), 2);
}

#[tokio::test]
async fn a_resolver_sees_all_three_values_and_has_the_last_word() {
    let service = Service::default();
    service.server().change("k", Some(json(1)));
    let storage = MemoryStorage::default();
    let resolver = |conflict: &Conflict| {
        assert_eq!((&conflict.base, &conflict.local, &conflict.remote), (&Some(json(1)), &Some(json(2)), &Some(json(3))));
        Some(json(4))
    };
    let cache = OfflineCache::over(Box::new(service.clone()), Box::new(storage), Box::new(resolver)).await.unwrap();
    cache.sync().await.unwrap();
    cache.put("k", &2).await.unwrap();
    service.server().change("k", Some(json(3)));
    cache.sync().await.unwrap();
    assert_eq!(cache.get::<u8>("k").unwrap(), Some(4));
    assert_equal(&cache, &service);
}

/// As `lethe renumber` does: the same values, under numbers that nobody remembers.
fn renumber(server: &mut Server) {
    let moved = |revision: Revision| Revision::new(revision.get() + 1_000);
    server.pruned = 1_000;
    server.items.values_mut().for_each(|item| item.revision = moved(item.revision));
    server.log.iter_mut().for_each(|entry| entry.revision = moved(entry.revision));
}

#[tokio::test]
async fn other_numbers_are_no_conflict() {
    let service = Service::default();
    service.server().change("k", Some(json(1)));
    let resolver = |conflict: &Conflict| panic!("nobody else has edited: {conflict:?}");
    let cache = OfflineCache::over(Box::new(service.clone()), Box::new(MemoryStorage::default()), Box::new(resolver)).await.unwrap();
    cache.sync().await.unwrap();
    cache.put("k", &2).await.unwrap();
    renumber(&mut service.server());
    cache.sync().await.unwrap();
    assert_eq!((cache.get::<u8>("k").unwrap(), cache.revision()), (Some(2), Revision::new(1_002)));
    assert_equal(&cache, &service);
}

#[tokio::test]
async fn a_later_edit_meets_the_conflict_by_itself() {
    let service = Service::default();
    let met = Arc::new(Mutex::new(Vec::new()));
    let resolver = {
        let met = met.clone();
        move |conflict: &Conflict| {
            met.lock().unwrap().push(conflict.local.clone());
            conflict.remote.clone()
        }
    };
    let cache = OfflineCache::over(Box::new(service.clone()), Box::new(MemoryStorage::default()), Box::new(resolver)).await.unwrap();
    cache.put("k", &1).await.unwrap();
    service.server().faults.push_back(Fault::LostRequest);
    assert!(cache.sync().await.is_err());
    cache.put("k", &2).await.unwrap();
    service.server().change("k", Some(json(9)));
    cache.sync().await.unwrap();
    assert_eq!(*met.lock().unwrap(), [Some(json(1)), Some(json(2))]);
    assert_eq!(cache.get::<u8>("k").unwrap(), Some(9));
    assert_equal(&cache, &service);
}

#[tokio::test]
async fn what_came_and_went_offline_never_was() {
    let service = Service::default();
    let cache = open(&service, &MemoryStorage::default()).await;
    cache.put("k", &1).await.unwrap();
    cache.delete("k").await.unwrap();
    cache.delete("never").await.unwrap();
    assert_eq!(cache.edited(), [""; 0]);
}

#[tokio::test]
async fn a_refused_edit_is_handed_back_and_holds_up_no_other() {
    let service = Service::default();
    let cache = open(&service, &MemoryStorage::default()).await;
    cache.put("refused", &1).await.unwrap();
    cache.put("k", &2).await.unwrap();
    service.server().faults.push_back(Fault::LostRequest);
    assert!(cache.sync().await.is_err());
    let synced = cache.sync().await.unwrap();
    assert_eq!(synced.refused.iter().map(|refused| refused.key.as_str()).collect::<Vec<_>>(), ["refused"]);
    assert_eq!(cache.get::<u8>("refused").unwrap(), None);
    assert_equal(&cache, &service);
}

#[tokio::test]
async fn what_is_no_copy_is_not_overwritten() {
    for text in ["", "{}", r#"{"format":2,"state":{}}"#, r#"{"format":1}"#] {
        let storage = MemoryStorage::default();
        storage.save(text.into()).await.unwrap();
        let service = Box::new(Service::default());
        let opened = OfflineCache::over(service, Box::new(storage), Box::new(|conflict| conflict.local.clone())).await;
        assert!(matches!(opened, Err(Error::Storage(_))), "{text:?}");
    }
}
