//! What holds for a store that is a file: it can be opened again, shared between processes, and looked at from outside.
#![expect(clippy::expect_used, reason = "tests")]

use futures_util::{StreamExt as _, TryStreamExt as _};
use lethe_domain::account::StatusSet;
use lethe_domain::archive::{CheckedRecord, Record};
use lethe_domain::{Limits, UserId};
use lethe_ports::outbound::{
    ArchiveStore as _, ImportTerms, InsertUserError, OwnerFence, PreferenceStore as _, PreferenceStoreError, Stamp, Store as _, StoreError,
};
use lethe_sqlite_adapter::{SqliteConfig, SqliteStore};
use lethe_testkit::FixedClock;
use lethe_testkit::fixture::{preference, user};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const MIGRATIONS: [&str; 3] = ["0001_initial", "0002_life_cycle", "0003_history"];

fn new_path() -> (PathBuf, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    (folder.path().join("lethe.db"), folder)
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(&SqliteConfig::new(path.to_owned())).expect("a file that can be opened")
}

async fn open_migrated(path: &Path) -> SqliteStore {
    let store = open(path);
    store.migrate().await.expect("the schema");
    store
}

async fn add_user(store: &SqliteStore, name: &'static str) -> UserId {
    let added: Result<UserId, InsertUserError> = store.transact(move |tx| Box::pin(async move { tx.insert_user(&user(name)).await })).await;
    added.expect("a free name")
}

fn fence(owner: UserId) -> OwnerFence {
    OwnerFence { owner, states: StatusSet::WRITABLE, issued_at: None }
}

async fn create(store: &SqliteStore, owner: UserId, key: &str) -> Result<(), PreferenceStoreError> {
    let stamp = Stamp { actor: owner, now: FixedClock::start() };
    store.create(&fence(owner), preference(key, "\"value\""), stamp, &Limits::default()).await.map(drop)
}

async fn keys(store: &SqliteStore, owner: UserId) -> Vec<String> {
    store.all(&fence(owner)).await.expect("readable").preferences.into_iter().map(|preference| preference.key.to_string()).collect()
}

fn users(ids: std::ops::Range<i64>) -> Vec<CheckedRecord> {
    let line = |id| format!(r#"{{"type":"user","id":{id},"username":"user{id}"}}"#);
    ids.map(|id| Record::parse(&line(id)).and_then(|record| record.check(&Limits::default(), FixedClock::start())).expect("well-formed")).collect()
}

async fn import(store: &SqliteStore, batch: Vec<CheckedRecord>) {
    let terms = ImportTerms { limits: &Limits::default(), subscriptions: &[], now: FixedClock::start() };
    let outcomes = store.import(batch, terms).await.expect("reachable");
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
}

#[tokio::test]
async fn what_was_closed_is_there_again() {
    let (path, _folder) = new_path();
    let store = open_migrated(&path).await;
    let ann = add_user(&store, "ann").await;
    create(&store, ann, "theme").await.expect("free");
    store.close().await;
    assert!(!path.with_extension("db-wal").exists(), "the log was emptied into the file");
    let again = open(&path);
    assert_eq!(keys(&again, ann).await, ["theme"]);
    assert!(add_user(&again, "bob").await > ann);
}

#[tokio::test]
async fn what_was_not_closed_is_there_again() {
    let (path, _folder) = new_path();
    let store = open_migrated(&path).await;
    let ann = add_user(&store, "ann").await;
    // A copy of the files at this moment is what a power cut leaves behind.
    let (copy, _copy_folder) = new_path();
    for suffix in ["", "-wal"] {
        let name = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(name(&path), name(&copy)).expect("both files are there");
    }
    create(&open(&copy), ann, "theme").await.expect("the user is there");
}

#[tokio::test]
async fn a_closed_store_is_unavailable_to_other_handles() {
    let (path, _folder) = new_path();
    let store = open_migrated(&path).await;
    let ann = add_user(&store, "ann").await;
    store.clone().close().await;
    assert!(matches!(create(&store, ann, "theme").await, Err(PreferenceStoreError::Store(StoreError::Unavailable(_)))));
    assert!(matches!(store.all(&fence(ann)).await, Err(PreferenceStoreError::Store(StoreError::Unavailable(_)))));
    assert!(matches!(store.ready().await, Err(StoreError::Unavailable(_))));
    store.close().await;
}

#[tokio::test]
async fn is_not_ready_before_its_migrations() {
    let (path, _folder) = new_path();
    let store = open(&path);
    assert!(matches!(store.ready().await, Err(StoreError::Unavailable(_))));
    assert_eq!(store.migrate().await.expect("a new file"), MIGRATIONS);
    assert_eq!(store.ready().await, Ok(()));
    assert_eq!(store.migrate().await.expect("migrated"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_start_at_once() {
    let (path, _folder) = new_path();
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::task::spawn_blocking(move || open(&path))
        })
        .collect();
    let mut applied = Vec::new();
    for start in starts {
        let store = start.await.expect("no thread panics");
        applied.extend(store.migrate().await.expect("the schema"));
        assert_eq!(store.ready().await, Ok(()));
    }
    assert_eq!(applied, MIGRATIONS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_runs_beside_a_service() {
    let (path, _folder) = new_path();
    let service = open_migrated(&path).await;
    let ann = add_user(&service, "ann").await;
    let importer = open(&path);
    let import = tokio::spawn(async move {
        for batch in 0..10 {
            import(&importer, users(1_000 + batch * 100..1_100 + batch * 100)).await;
        }
        importer.close().await;
    });
    for number in 0..100 {
        create(&service, ann, &format!("key {number:02}")).await.expect("free");
    }
    import.await.expect("no task panics");
    assert_eq!(keys(&service, ann).await.len(), 100);
    assert!(add_user(&service, "bob").await.get() >= 2_000, "ids are shared");
}

#[tokio::test]
async fn an_export_shows_one_moment() {
    let (path, _folder) = new_path();
    let store = open_migrated(&path).await;
    for batch in 0..10 {
        import(&store, users(1 + batch * 1_000..1 + (batch + 1) * 1_000)).await;
    }
    let mut export = store.export();
    let first = export.next().await.expect("a batch").expect("reachable");
    let late = add_user(&store, "late").await;
    create(&store, late, "late").await.expect("free");
    let rest: Vec<Record> = export.try_concat().await.expect("reachable");
    assert_eq!(first.len() + rest.len(), 10_000);
}

#[tokio::test]
async fn what_cannot_be_opened_says_so() {
    let (path, folder) = new_path();
    let nowhere = SqliteStore::open(&SqliteConfig::new(folder.path().join("missing/lethe.db")));
    assert!(matches!(nowhere, Err(StoreError::Unavailable(_))), "{nowhere:?}");
    std::fs::write(&path, "this is a text, and long enough that nobody takes it for the header of a new file").expect("writable");
    let garbage = SqliteStore::open(&SqliteConfig::new(path));
    assert!(matches!(garbage, Err(StoreError::Failed(_))), "{garbage:?}");
}

#[tokio::test]
async fn a_name_like_a_uri_is_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("file:a?mode=memory#b%20c.db");
    open_migrated(&path).await.close().await;
    assert!(path.exists());
}
