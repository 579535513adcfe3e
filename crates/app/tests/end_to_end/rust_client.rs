//! The Rust client against the built service: what its README promises, through lost answers, power cuts and restarts.

use crate::common::{Lethe, Store, User, on_both_stores};
use futures_util::{Stream, StreamExt, TryStreamExt};
use lethe_client::cache::{CacheEvent, FileStorage, MemoryStorage, OfflineCache};
use lethe_client::{
    Change, Client, Condition, EndReason, Error, Event, Guard, Json, Operation, Outcome, RetryPolicy, RevertScope, Revision, Since, Update, WatchEvent,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

on_both_stores!(
    values_are_read_written_patched_and_deleted,
    every_key_and_every_value_comes_back_to_the_letter,
    a_condition_that_does_not_hold_brings_what_is_there,
    a_batch_is_made_as_a_whole_or_each_for_itself,
    the_past_can_be_read_and_put_back,
    a_snapshot_has_more_than_a_page,
    updates_by_many_lose_nothing_in_a_power_cut,
    a_change_whose_answer_is_lost_is_made_once,
    a_watch_goes_on_through_power_cuts_and_restarts,
    a_watch_ends_with_the_account,
    a_copy_is_synced_after_edits_without_a_service,
    a_copy_follows_the_service,
);

/// Enough attempts for a service to be started meanwhile.
const PATIENT: RetryPolicy =
    RetryPolicy { attempts: 500, first_pause: Duration::from_millis(5), longest_pause: Duration::from_millis(100), longest_wait: Duration::from_secs(10) };

/// An address that stays the same while services come and go behind it, and where answers can get lost.
struct Relay {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    is_open: AtomicBool,
    target: Mutex<String>,
    /// How many answers are still to be lost.
    to_lose: AtomicUsize,
}

impl Relay {
    fn to(lethe: &Lethe) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let target = Mutex::new(lethe.address().to_owned());
        let shared = Arc::new(Shared { is_open: AtomicBool::new(true), target, to_lose: AtomicUsize::new(0) });
        let accepting = {
            let shared = shared.clone();
            thread::spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if !shared.is_open.load(Ordering::SeqCst) {
                        return;
                    }
                    shared.connect(stream);
                }
            })
        };
        Self { address, shared, accepting: Some(accepting) }
    }

    /// Leads to where the service is now.
    fn follow(&self, lethe: &Lethe) {
        lethe.address().clone_into(&mut self.shared.target.lock().unwrap());
    }

    /// Lets that many answers get lost, after the service has given them.
    fn lose(&self, answers: usize) {
        self.shared.to_lose.store(answers, Ordering::SeqCst);
    }

    fn client(&self, user: &User) -> Client {
        self.client_with(user, PATIENT)
    }

    fn client_with(&self, user: &User, retry: RetryPolicy) -> Client {
        Client::builder(format!("http://{}", self.address)).token(&user.token).retry(retry).build().unwrap()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.is_open.store(false, Ordering::SeqCst);
        // So that it looks up.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            assert!(accepting.join().is_ok() || thread::panicking());
        }
    }
}

impl Shared {
    /// Joins a caller to the service; without a service the caller is turned away.
    fn connect(self: &Arc<Self>, caller: TcpStream) {
        let Ok(service) = TcpStream::connect(self.target.lock().unwrap().as_str()) else { return };
        let (from_caller, to_service) = (caller.try_clone().unwrap(), service.try_clone().unwrap());
        thread::spawn(move || pass(from_caller, to_service, || true));
        let shared = self.clone();
        thread::spawn(move || pass(service, caller, || !shared.loses()));
    }

    fn loses(&self) -> bool {
        self.to_lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }
}

/// Hands on what comes for as long as that is wanted; then both connections end.
fn pass(mut from: TcpStream, mut to: TcpStream, is_wanted: impl Fn() -> bool) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if !is_wanted() || to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    // Either may have ended already.
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Runs a test that may not take for ever.
fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_mins(2), test).await.expect("the test ends in time") })
}

/// A service with one user, and a way to it.
fn begin(store: Store) -> (Lethe, User, Relay) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let relay = Relay::to(&lethe);
    (lethe, ann, relay)
}

/// What the service has, by key.
async fn everything(client: &Client) -> BTreeMap<String, Json> {
    client.snapshot().await.unwrap().items.into_iter().map(|item| (item.key, item.value)).collect()
}

fn text(json: &str) -> Json {
    Json::from_text(json).unwrap()
}

fn values_are_read_written_patched_and_deleted(store: Store) {
    let (_lethe, ann, relay) = begin(store);
    run(async {
        let client = relay.client(&ann);
        assert_eq!(client.get::<String>("theme").await.unwrap(), None);
        let revision = client.put("theme", "dark").await.unwrap();
        let item = client.get::<String>("theme").await.unwrap().unwrap();
        assert_eq!((item.value.as_str(), item.revision, item.created_at), ("dark", revision, item.updated_at));
        assert_eq!(client.put("theme", "dark").await.unwrap(), revision, "nothing has changed");
        assert!(matches!(client.get::<u8>("theme").await, Err(Error::Decode { key, .. }) if key == "theme"));

        client.put("mail", &json!({ "digest": "daily", "news": true })).await.unwrap();
        let merged = client.merge_patch("mail", &json!({ "news": null, "digest": "weekly" })).await.unwrap();
        assert_eq!(merged.value, text(r#"{"digest":"weekly"}"#));
        let patched = client.json_patch("mail", &json!([{ "op": "add", "path": "/hour", "value": 7 }])).await.unwrap();
        assert_eq!(patched.value, text(r#"{"digest":"weekly","hour":7}"#));
        let failed = client.json_patch("mail", &json!([{ "op": "test", "path": "/hour", "value": 8 }])).await;
        assert!(matches!(failed, Err(Error::Problem(problem)) if problem.slug == "patch-test-failed"));
        assert!(matches!(client.merge_patch("none", &json!({})).await, Err(Error::NotFound(_))));

        let changed = client.patch_all(&json!({ "theme": null, "mail": { "hour": 8 }, "size": 3 }), Guard::Unconditional).await.unwrap();
        assert_eq!((changed.removed, changed.changed.len()), (vec!["theme".to_owned()], 2));
        client.delete("size", Guard::Unconditional).await.unwrap();
        assert!(matches!(client.delete("size", Guard::Unconditional).await, Err(Error::NotFound(_))));
        assert_eq!(everything(&client).await, BTreeMap::from([("mail".to_owned(), text(r#"{"digest":"weekly","hour":8}"#))]));
        assert_eq!(client.usage().await.unwrap().keys, 1);
        assert!(client.limits().await.unwrap().keys > 1);

        let stranger = Client::builder(format!("http://{}", relay.address)).token("no token").build().unwrap();
        assert!(matches!(stranger.get_raw("mail").await, Err(Error::Unauthorized(_))));
        for key in ["", ".", ".."] {
            assert!(matches!(client.delete(key, Guard::Unconditional).await, Err(Error::UnusableKey(_))));
        }
        assert!(matches!(client.put(" blank", &1).await, Err(Error::Problem(problem)) if problem.status == 422));
    });
}

fn every_key_and_every_value_comes_back_to_the_letter(store: Store) {
    const KEYS: [&str; 12] = ["notifications.push", "a.json", "a/b", "a%2Fb", "a+b", "a b", "changes", "...", "?#;&=", "\u{1f600}", "e\u{301}", "\u{e9}"];
    const VALUES: [&str; 8] = ["null", "1.0", "-0", "12345678901234567890.123", r#"{"b":1,"a":2}"#, r#""\u00e9\/""#, "[]", r#"[{"a b":[1e400]}]"#];
    let (_lethe, ann, relay) = begin(store);
    run(async {
        let client = relay.client(&ann);
        for (at, key) in KEYS.into_iter().enumerate() {
            let value = text(VALUES[at % VALUES.len()]);
            client.put(key, &value).await.unwrap();
            assert_eq!(client.get_raw(key).await.unwrap().unwrap().value, value, "{key}");
        }
        let listed: Vec<_> = client.list("").map_ok(|item| item.key).try_collect().await.unwrap();
        assert_eq!(listed.len(), KEYS.len());
        let of_a: Vec<_> = client.list("a").map_ok(|item| item.key).try_collect().await.unwrap();
        assert_eq!(of_a.len(), 5, "{of_a:?}");
        for key in KEYS {
            client.delete(key, Guard::Unconditional).await.unwrap();
        }
        assert!(everything(&client).await.is_empty());
    });
}

fn a_condition_that_does_not_hold_brings_what_is_there(store: Store) {
    let (_lethe, ann, relay) = begin(store);
    run(async {
        let client = relay.client(&ann);
        assert!(matches!(client.put_if("k", &1, Condition::Present).await, Err(Error::PreconditionFailed { current: None, .. })));
        let first = client.put_if("k", &1, Condition::Absent).await.unwrap();
        let second = client.put_if("k", &2, Condition::Revision(first)).await.unwrap();
        for condition in [Condition::Absent, Condition::Revision(first)] {
            let Err(Error::PreconditionFailed { current: Some(current), .. }) = client.put_if("k", &3, condition).await else { panic!("{condition:?}") };
            assert_eq!((current.revision, current.value), (second, text("2")));
        }
        client.put_if("k", &3, Condition::Present).await.unwrap();
        let stale = client.delete("k", Guard::Revision(second)).await;
        assert!(matches!(stale, Err(Error::PreconditionFailed { current: Some(current), .. }) if current.value == text("3")));
        let moved = client.patch_all(&json!({ "k": 4 }), Guard::Revision(first)).await;
        let present = client.snapshot().await.unwrap().revision;
        assert!(matches!(moved, Err(Error::SetMoved { current }) if current == present));
        client.patch_all(&json!({ "k": 4 }), Guard::Revision(present)).await.unwrap();

        let deleted = client.update("k", |seen: Option<u8>| if seen == Some(4) { Change::Delete } else { Change::Keep }).await.unwrap();
        assert_eq!(deleted, Update::Deleted);
        assert_eq!(client.update("k", |_: Option<u8>| Change::Delete).await.unwrap(), Update::Kept);
    });
}

fn a_batch_is_made_as_a_whole_or_each_for_itself(store: Store) {
    let (_lethe, ann, relay) = begin(store);
    run(async {
        let client = relay.client(&ann);
        let operations = [
            Operation::put("a", &1).unwrap(),
            Operation::merge("b", &json!({ "c": 2 })).unwrap(),
            Operation::delete("none"),
            Operation::put("a", &2).unwrap().when(Condition::Absent),
        ];
        let refused = client.batch(&operations).await;
        assert!(matches!(refused, Err(Error::NotFound(problem)) if problem.operation == Some(2)));
        assert!(everything(&client).await.is_empty());
        let outcomes: Vec<_> = client.batch_each(&operations).await.unwrap().results.into_iter().map(|result| result.outcome).collect();
        assert!(matches!(outcomes[..2], [Outcome::Created(_), Outcome::Created(_)]), "{outcomes:?}");
        assert!(matches!(outcomes[2..], [Outcome::Refused { status: 404, .. }, Outcome::Refused { status: 412, .. }]), "{outcomes:?}");
        let done = client.batch(&[Operation::put("a", &3).unwrap(), Operation::delete("b")]).await.unwrap();
        assert!(matches!(done.results[0].outcome, Outcome::Written(_)) && done.results[1].outcome == Outcome::Deleted, "{done:?}");
        assert_eq!(done.revision, Revision::new(4));
    });
}

fn the_past_can_be_read_and_put_back(store: Store) {
    let (_lethe, ann, relay) = begin(store);
    run(async {
        let client = relay.client(&ann);
        let first = client.put("k", &1).await.unwrap();
        client.put("k", &Value::Null).await.unwrap();
        client.delete("k", Guard::Unconditional).await.unwrap();
        client.put("other", &2).await.unwrap();
        let events = |entries: Vec<lethe_client::LogEntry>| entries.into_iter().map(|entry| entry.event).collect::<Vec<_>>();
        let history = events(client.history("k").try_collect().await.unwrap());
        assert_eq!(history, [Event::Delete, Event::Put(text("null")), Event::Put(text("1"))]);
        let changes = client.changes(first).await.unwrap();
        assert_eq!((changes.changes.len(), changes.revision, changes.more), (3, Revision::new(4), false));
        assert!(changes.changes.iter().all(|entry| entry.actor == ann.id));

        let back = client.revert(first, RevertScope::Key("k".into()), Guard::Unconditional).await.unwrap();
        assert_eq!((back.changed, back.removed), (vec!["k".to_owned()], vec![]));
        client.revert(first, RevertScope::All, Guard::Revision(back.revision)).await.unwrap();
        assert_eq!(everything(&client).await, BTreeMap::from([("k".to_owned(), text("1"))]));
        let future = client.revert(Revision::new(1000), RevertScope::All, Guard::Unconditional).await;
        assert!(matches!(future, Err(Error::Problem(problem)) if problem.status == 422));
    });
}

fn a_snapshot_has_more_than_a_page(store: Store) {
    let (_lethe, ann, relay) = begin(store);
    run(async {
        let client = relay.client(&ann);
        for hundred in 0..3 {
            let operations: Vec<_> = (0..100).map(|at| Operation::put(format!("k{hundred}.{at}"), &at).unwrap()).collect();
            client.batch(&operations).await.unwrap();
        }
        let snapshot = client.snapshot().await.unwrap();
        assert_eq!((snapshot.items.len(), snapshot.revision), (300, Revision::new(300)));
        assert!(snapshot.items.is_sorted_by(|one, next| one.key < next.key));
    });
}

const WRITERS: u64 = 8;
const UPDATES: u64 = 15;

fn updates_by_many_lose_nothing_in_a_power_cut(store: Store) {
    let (mut lethe, ann, relay) = begin(store);
    run(async {
        let one_more = |count: Option<u64>| Change::Put(count.unwrap_or(0) + 1);
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| {
                let client = relay.client(&ann);
                tokio::spawn(async move {
                    for _ in 0..UPDATES {
                        client.update("count", one_more).await.unwrap();
                    }
                })
            })
            .collect();
        let reader = relay.client(&ann);
        while reader.get::<u64>("count").await.unwrap().is_none_or(|item| item.value < WRITERS * UPDATES / 3) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        lethe.kill();
        lethe.serve();
        relay.follow(&lethe);
        for writer in writers {
            writer.await.unwrap();
        }
        let count = reader.get::<u64>("count").await.unwrap().unwrap();
        assert_eq!((count.value, count.revision), (WRITERS * UPDATES, Revision::new(WRITERS * UPDATES)));
    });
}

fn a_change_whose_answer_is_lost_is_made_once(store: Store) {
    let (_lethe, ann, relay) = begin(store);
    run(async {
        let client = relay.client(&ann);
        for number in 0..5_u64 {
            let one_more = |seen: Option<Vec<u64>>| {
                // The value has been read, and is about to be written.
                relay.lose(2);
                Change::Put([seen.unwrap_or_default(), vec![number]].concat())
            };
            client.update("numbers", one_more).await.unwrap();
        }
        assert_eq!(client.get::<Vec<u64>>("numbers").await.unwrap().unwrap().value, [0, 1, 2, 3, 4]);
        relay.lose(2);
        client.delete("numbers", Guard::Unconditional).await.unwrap();
        relay.lose(2);
        let created = client.put_if("numbers", &0, Condition::Absent).await.unwrap();
        assert_eq!(created, Revision::new(7));

        let hasty = relay.client_with(&ann, RetryPolicy::never());
        relay.lose(1);
        assert!(matches!(hasty.put("numbers", &1).await, Err(Error::OutcomeUnknown(_))));
        assert_eq!(client.get::<u64>("numbers").await.unwrap().unwrap().value, 1);
    });
}

/// The revisions of the next changes.
async fn hear(watch: &mut (impl Stream<Item = Result<WatchEvent, Error>> + Unpin), changes: usize) -> Vec<u64> {
    let mut heard = Vec::new();
    while heard.len() < changes {
        match watch.next().await.unwrap().unwrap() {
            WatchEvent::Put(entry) | WatchEvent::Delete(entry) => heard.push(entry.revision.get()),
            other => panic!("{other:?}"),
        }
    }
    heard
}

fn a_watch_goes_on_through_power_cuts_and_restarts(store: Store) {
    let (mut lethe, ann, relay) = begin(store);
    run(async {
        let client = relay.client(&ann);
        client.put("before", &1).await.unwrap();
        let mut watch = pin!(client.watch(Since::Revision(Revision::ZERO)));
        let mut heard = hear(&mut watch, 1).await;
        for round in 0..4_u64 {
            client.put("while it listens", &round).await.unwrap();
            heard.extend(hear(&mut watch, 1).await);
            if round % 2 == 0 {
                lethe.kill();
            } else {
                lethe.stop();
            }
            lethe.serve();
            relay.follow(&lethe);
            // The watch has not connected again yet.
            let changes = [Operation::put("a", &round).unwrap(), Operation::put("b", &round).unwrap(), Operation::delete("a")];
            client.batch(&changes).await.unwrap();
            heard.extend(hear(&mut watch, 3).await);
        }
        assert_eq!(heard, (1..=17).collect::<Vec<_>>());
    });
}

fn a_watch_ends_with_the_account(store: Store) {
    let (lethe, ann, relay) = begin(store);
    run(async {
        let client = relay.client(&ann);
        client.put("k", &1).await.unwrap();
        let mut watch = pin!(client.watch(Since::Revision(Revision::ZERO)));
        assert_eq!(hear(&mut watch, 1).await, [1]);
        lethe.admin().delete(&format!("/v1/users/{}?mode=soft", ann.id)).nothing();
        let end = watch.next().await;
        // A node that was not told in time may refuse the next watch instead.
        assert!(matches!(end, Some(Err(Error::WatchEnded(EndReason::Deleted | EndReason::Token) | Error::Unauthorized(_) | Error::NoSuchUser(_)))), "{end:?}");
        assert!(watch.next().await.is_none());
    });
}

fn a_copy_is_synced_after_edits_without_a_service(store: Store) {
    let (mut lethe, ann, relay) = begin(store);
    let path = lethe.home().join("copy");
    run(async {
        let client = relay.client(&ann);
        client.patch_all(&json!({ "theme": "light", "size": 1, "old": true, "untouched": 1.0 }), Guard::Unconditional).await.unwrap();
        let hasty = relay.client_with(&ann, RetryPolicy::never());
        let cache = OfflineCache::open(hasty.clone(), FileStorage::new(&path)).await.unwrap();
        cache.sync().await.unwrap();
        assert_eq!(cache.all(), everything(&client).await);

        lethe.kill();
        cache.put("theme", "dark").await.unwrap();
        cache.put("size", &2).await.unwrap();
        cache.put("size", &3).await.unwrap();
        cache.delete("old").await.unwrap();
        cache.put("new", &text("1.00")).await.unwrap();
        assert!(cache.sync().await.is_err());
        drop(cache);

        let cache = OfflineCache::open(hasty, FileStorage::new(&path)).await.unwrap();
        assert_eq!((cache.get("size").unwrap(), cache.get::<bool>("old").unwrap()), (Some(3), None));
        lethe.serve();
        relay.follow(&lethe);
        client.patch_all(&json!({ "theme": "blue", "untouched": 2, "elsewhere": 1 }), Guard::Unconditional).await.unwrap();
        let synced = cache.sync().await.unwrap();
        assert!(synced.refused.is_empty() && cache.edited().is_empty());
        let expected = [("elsewhere", "1"), ("new", "1.00"), ("size", "3"), ("theme", "\"dark\""), ("untouched", "2")];
        assert_eq!(cache.all(), expected.into_iter().map(|(key, value)| (key.to_owned(), text(value))).collect());
        assert_eq!(cache.all(), everything(&client).await);
        assert_eq!(cache.revision(), client.snapshot().await.unwrap().revision);

        // The answer to an edit gets lost, and somebody else has the last word before the next sync.
        cache.put("size", &4).await.unwrap();
        relay.lose(2);
        while cache.sync().await.is_err() {
            client.put("size", &5).await.unwrap();
        }
        assert_eq!(cache.all(), everything(&client).await);
        assert!(matches!(cache.get::<u8>("size").unwrap(), Some(4 | 5)));
    });
}

fn a_copy_follows_the_service(store: Store) {
    let (mut lethe, ann, relay) = begin(store);
    run(async {
        let client = relay.client(&ann);
        client.put("first", &1).await.unwrap();
        let cache = OfflineCache::open(relay.client(&ann), MemoryStorage::default()).await.unwrap();
        let mut events = pin!(cache.follow());
        assert!(matches!(events.next().await, Some(Ok(CacheEvent::Synced(_)))));
        for round in 0..2 {
            client.put("k", &round).await.unwrap();
            client.delete("k", Guard::Unconditional).await.unwrap();
            client.put("last", &round).await.unwrap();
            while cache.get::<i32>("last").unwrap() != Some(round) {
                let event = events.next().await.unwrap().unwrap();
                assert!(matches!(event, CacheEvent::Changed(_)), "{event:?}");
            }
            assert_eq!(cache.all(), everything(&client).await);
            lethe.kill();
            lethe.serve();
            relay.follow(&lethe);
        }
    });
}
