//! What only PostgreSQL can get wrong: several nodes, connections that break, locks, and the shape of the schema.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod common;

use common::{fresh, open};
use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt, TryFutureExt};
use lethe_domain::account::{Account, DeletionMode, StatusSet};
use lethe_domain::audit::{AuditAct, AuditAction, AuditEntry};
use lethe_domain::content::{NewPost, PostKind, PostText, Reaction};
use lethe_domain::erasure::{Chunk, ErasureCursor};
use lethe_domain::limits::Limits;
use lethe_domain::manifest::ContentKind;
use lethe_domain::preference::PreferenceUpdate;
use lethe_domain::profile::UniqueName;
use lethe_domain::{PostId, Timestamp, UserId};
use lethe_ports::outbound::{
    AccountStore, AuditStore, ChainLink, InsertUserError, OwnerFence, PreferenceStore, PreferenceStoreError, Stamp, Store, StoreError, Tx,
};
use lethe_postgres_adapter::PgStore;
use lethe_testkit::FixedClock;
use lethe_testkit::fixture::{json, post, preference, user, user_with_ext_id};
use lethe_testkit::postgres::{TestDatabase, fresh_database};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Barrier, oneshot};

fn now() -> Timestamp {
    FixedClock::start()
}

async fn add_user(store: &PgStore, name: &str) -> UserId {
    let user = user(name);
    let added: Result<UserId, InsertUserError> = store.transact(move |tx| Box::pin(async move { tx.insert_user(&user).await })).await;
    added.expect("the name is free")
}

fn writing(owner: UserId) -> OwnerFence {
    OwnerFence { owner, states: StatusSet::WRITABLE, issued_at: Some(now()) }
}

fn stamp(actor: UserId) -> Stamp {
    Stamp { actor, now: now() }
}

async fn create(store: &PgStore, owner: UserId, key: &str) -> Result<(), PreferenceStoreError> {
    store.create(&writing(owner), preference(key, "1"), stamp(owner), &Limits::default()).await.map(drop)
}

/// Rows of a chunk at the most.
const CHUNK: u32 = 1_000;

async fn hard_delete(store: &PgStore, id: UserId) -> Result<(), StoreError> {
    store
        .transact(move |tx| {
            Box::pin(async move {
                let account = tx.account_for_update(id).await?.unwrap_or(Account::new(id));
                let erased = account.delete(DeletionMode::Hard, now(), None, &[]).map_err(|error| StoreError::Failed(error.to_string()))?;
                tx.save_account(&erased).await?;
                for kind in ContentKind::ALL {
                    let mut cursor = ErasureCursor::START;
                    loop {
                        let chunk = tx.erase(id, kind, cursor, CHUNK).await?;
                        cursor = chunk.cursor;
                        if chunk.rows < CHUNK {
                            break;
                        }
                    }
                }
                Ok(())
            })
        })
        .await
}

async fn count(database: &TestDatabase, table: &str) -> i64 {
    let row = database.connect().await.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await;
    row.expect("the table is there").get(0)
}

/// Returns when some statement in the database waits for a lock.
async fn wait_for_a_waiter(database: &TestDatabase) {
    let client = database.connect().await;
    let waiters = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while client.query(waiters, &[]).await.expect("a readable catalogue").is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn four_nodes_migrate_at_once() {
    let database = fresh_database().await;
    let nodes: Vec<PgStore> = (0..4).map(|_| open(database.url())).collect();
    assert!(matches!(nodes[0].ready().await, Err(StoreError::Unavailable(_))), "not before the migrations");
    let applied = join_all(nodes.iter().map(PgStore::migrate)).await;
    let applied: Vec<String> = applied.into_iter().flat_map(|names| names.expect("each node waits its turn")).collect();
    assert_eq!(applied, ["0001_initial", "0002_life_cycle", "0003_history"], "one node did it");
    assert_eq!(open(database.url()).ready().await, Ok(()), "a node that comes later sees it");
    assert_eq!(nodes[0].ready().await, Ok(()));
}

/// Seen to fail (in the first rounds) without `u.status = ANY(:states)` in the UPDATE of `create_preference.sql`: each user is new, so the
/// revision, which an erasure sets back to nought, cannot tell the writer that it came too late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_that_races_a_hard_delete_leaves_no_row() {
    let (store, database) = fresh().await;
    for round in 0..300 {
        let id = add_user(&store, &format!("user{round}")).await;
        let start = Arc::new(Barrier::new(4));
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (store, start) = (store.clone(), start.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    create(&store, id, &format!("key{writer}")).await
                })
            })
            .collect();
        start.wait().await;
        hard_delete(&store, id).await.expect("nothing is in the way for long");
        for writer in writers {
            let outcome = writer.await.expect("no task panics");
            assert!(matches!(outcome, Ok(()) | Err(PreferenceStoreError::Refused)), "{outcome:?}");
        }
    }
    assert_eq!((count(&database, "preferences").await, count(&database, "changes").await), (0, 0));
}

/// Seen to fail, each write on its own, without `u.status = ANY(:states)` in the UPDATE of its statement: a soft delete takes no revision.
#[tokio::test]
async fn a_write_that_waits_for_a_soft_delete_is_refused() {
    let (store, database) = fresh().await;
    let owner = add_user(&store, "ann").await;
    let made = store.create(&writing(owner), preference("theme", "1"), stamp(owner), &Limits::default()).await.expect("the key is free");
    let (fence, limits) = (writing(owner), Limits::default());
    let writes: [BoxFuture<'_, Result<(), PreferenceStoreError>>; 3] = [
        create(&store, owner, "next").boxed(),
        store.update(&fence, made.id, None, PreferenceUpdate::Value(json("2")), stamp(owner), &limits).map_ok(drop).boxed(),
        Box::pin(async { store.delete(&fence, made.id, None, stamp(owner)).await.map(drop) }),
    ];
    for write in writes {
        let deleter = database.connect().await;
        let delete = "UPDATE users SET status = 'd', deleted_from = 'a', deleted_at = tokens_valid_from";
        deleter.batch_execute(&format!("BEGIN; {delete}")).await.expect("the row is free");
        let commit = async {
            wait_for_a_waiter(&database).await;
            deleter.batch_execute("COMMIT").await.expect("the delete stands");
        };
        let (outcome, ()) = tokio::join!(write, commit);
        assert_eq!(outcome, Err(PreferenceStoreError::Refused));
        let restore = "UPDATE users SET status = 'a', deleted_from = NULL, deleted_at = NULL";
        deleter.batch_execute(restore).await.expect("the row is free");
    }
    assert_eq!(count(&database, "changes").await, 1);
}

#[tokio::test]
async fn a_vote_that_waits_for_the_posts_removal_is_not_cast() {
    let (store, database) = fresh().await;
    let (author, voter) = (add_user(&store, "ann").await, add_user(&store, "bob").await);
    let published: Result<PostId, StoreError> = store.transact(move |tx| Box::pin(async move { tx.insert_post(&post(author, "one"), now()).await })).await;
    let id = published.expect("the author is there");
    let deleter = database.connect().await;
    deleter.batch_execute("BEGIN; DELETE FROM posts").await.expect("the row is free");
    let vote = store.transact(move |tx| {
        Box::pin(async move {
            let Some(author) = tx.post_author_for_update(PostKind::Post, id).await? else { return Ok(false) };
            tx.toggle_vote(voter, author, id, Reaction::Like, now()).await?;
            Ok::<_, StoreError>(true)
        })
    });
    let commit = async {
        wait_for_a_waiter(&database).await;
        deleter.batch_execute("COMMIT").await.expect("the removal stands");
    };
    let (cast, ()) = tokio::join!(vote, commit);
    assert_eq!((cast, count(&database, "votes").await), (Ok(false), 0));
}

/// A vote has two sides, so two erasures can meet in it. Whoever comes second makes up for what is gone: fewer rows than were asked for would
/// say that nothing is left.
#[tokio::test]
async fn a_chunk_makes_up_for_what_another_removes() {
    let (store, database) = fresh().await;
    let (author, voter) = (add_user(&store, "ann").await, add_user(&store, "bob").await);
    for (kind, user) in [(ContentKind::VotesCast, voter), (ContentKind::VotesReceived, author)] {
        let ids = store.transact(move |tx| Box::pin(async move { vote_on_three_posts(tx, author, voter).await })).await;
        let [first, _, third] = ids.expect("both are there");
        let other = database.connect().await;
        let remove = format!("BEGIN; SELECT FROM posts WHERE id = {first} FOR NO KEY UPDATE; DELETE FROM votes WHERE post_id = {first}");
        other.batch_execute(&remove).await.expect("the rows are free");
        let chunk = store.transact(move |tx| Box::pin(async move { tx.erase(user, kind, ErasureCursor::START, 2).await }));
        let commit = async {
            wait_for_a_waiter(&database).await;
            other.batch_execute("COMMIT").await.expect("the removal stands");
        };
        let (chunk, ()) = tokio::join!(chunk, commit);
        let cursor = if user == voter { ErasureCursor(author.get(), third.get()) } else { ErasureCursor(third.get(), voter.get()) };
        assert_eq!(chunk, Ok::<_, StoreError>(Chunk { rows: 2, cursor }), "{kind:?}");
        assert_eq!(count(&database, "votes").await, 0);
    }
}

async fn vote_on_three_posts(tx: &mut dyn Tx, author: UserId, voter: UserId) -> Result<[PostId; 3], StoreError> {
    let mut ids = [PostId::new(0); 3];
    for id in &mut ids {
        *id = tx.insert_post(&post(author, "text"), now()).await?;
        tx.toggle_vote(voter, author, *id, Reaction::Like, now()).await?;
    }
    Ok(ids)
}

/// Whoever can write to the database can write anything. What is no entry must not keep the others from being read.
#[tokio::test]
async fn what_no_entry_ever_was_has_its_place_in_the_chain() {
    let (store, database) = fresh().await;
    let appended: Result<Vec<AuditEntry>, StoreError> = store
        .transact(|tx| {
            Box::pin(async move {
                let act = AuditAct { action: AuditAction::TokenRevoked, subject: None, actor: None, reference: Some("ab".into()), at: now() };
                let entries = tx.audit_head_for_update().await?.seal_all([act.clone(), act]);
                tx.append_audit(&entries).await?;
                Ok(entries)
            })
        })
        .await;
    let [_, second] = <[AuditEntry; 2]>::try_from(appended.expect("the log is there")).expect("two of them");
    database.connect().await.batch_execute("UPDATE audit SET action = 'user.eaten' WHERE seq = 1").await.expect("nobody stops it");
    let chain = store.audit_chain(0, 10).await;
    assert_eq!(chain, Ok(vec![ChainLink { seq: 1, entry: None }, ChainLink { seq: 2, entry: Some(second) }]));
}

#[tokio::test]
async fn a_refused_user_reserves_nothing_in_its_own_transaction() {
    let (store, _database) = fresh().await;
    let outcome: Result<_, InsertUserError> = store
        .transact(|tx| {
            Box::pin(async move {
                tx.insert_user(&user_with_ext_id("ann", "x")).await?;
                let refused = tx.insert_user(&user_with_ext_id("bob", "x")).await;
                tx.insert_user(&user("bob")).await?;
                Ok(refused)
            })
        })
        .await;
    assert_eq!(outcome, Ok(Err(InsertUserError::Taken(UniqueName::ExtId))));
}

#[tokio::test]
async fn a_failed_statement_cannot_be_committed() {
    let (store, database) = fresh().await;
    let author = add_user(&store, "ann").await;
    let outcome: Result<(), StoreError> = store
        .transact(move |tx| {
            Box::pin(async move {
                tx.insert_post(&post(author, "one"), now()).await?;
                let unkeepable = NewPost { text: PostText::from_store("\0".into()), ..post(author, "") };
                assert!(matches!(tx.insert_post(&unkeepable, now()).await, Err(StoreError::Failed(_))));
                assert!(matches!(tx.insert_post(&post(author, "two"), now()).await, Err(StoreError::Failed(_))));
                Ok(())
            })
        })
        .await;
    assert!(matches!(outcome, Err(StoreError::Failed(_))), "{outcome:?}");
    assert_eq!(count(&database, "posts").await, 0);
    assert_eq!(create(&store, author, "k").await, Ok(()), "the store goes on");
}

#[tokio::test]
async fn a_dropped_transaction_gives_its_locks_back_at_once() {
    let (store, _database) = fresh().await;
    let id = add_user(&store, "ann").await;
    // Two connections in the pool, so that the next call does not happen to use the dropped one, and clean up behind it.
    let _ = tokio::join!(store.account(id), store.account(id));
    let (locked, reached) = oneshot::channel();
    let work = store.transact(move |tx| {
        Box::pin(async move {
            tx.account_for_update(id).await?;
            let _ = locked.send(());
            std::future::pending::<Result<(), StoreError>>().await
        })
    });
    tokio::select! {
        _ = work => panic!("it never ends"),
        reached = reached => reached.expect("the row was locked"),
    }
    assert_eq!(create(&store, id, "k").await, Ok(()));
}

#[tokio::test]
async fn waiting_for_a_lock_has_an_end() {
    let (store, database) = fresh().await;
    let id = add_user(&store, "ann").await;
    let other = database.connect().await;
    other.batch_execute(&format!("BEGIN; SELECT FROM users WHERE id = {id} FOR UPDATE")).await.expect("the row is free");
    let outcome = create(&store, id, "k").await;
    assert!(matches!(outcome, Err(PreferenceStoreError::Store(StoreError::Contention(_)))), "{outcome:?}");
    other.batch_execute("ROLLBACK").await.expect("the lock goes");
    assert_eq!(create(&store, id, "k").await, Ok(()));
}

#[tokio::test]
async fn a_deadlock_is_contention() {
    let (store, database) = fresh().await;
    let (ann, bob) = (add_user(&store, "ann").await, add_user(&store, "bob").await);
    let other = database.connect().await;
    // The server sacrifices whoever notices first: this session waits too long to be the one.
    let slow = "SET deadlock_timeout = '100s'; BEGIN";
    other.batch_execute(&format!("{slow}; SELECT FROM users WHERE id = {bob} FOR UPDATE")).await.expect("the row is free");
    let crossing = format!("SELECT FROM users WHERE id = {ann} FOR UPDATE");
    let (locked, reached) = oneshot::channel();
    let ours = store.transact(move |tx| {
        Box::pin(async move {
            tx.account_for_update(ann).await?;
            let _ = locked.send(());
            tx.account_for_update(bob).await
        })
    });
    let theirs = async {
        reached.await.expect("the first row was locked");
        other.batch_execute(&crossing).await.expect("the other one gives way");
    };
    let (outcome, ()) = tokio::join!(ours, theirs);
    assert!(matches!(outcome, Err(StoreError::Contention(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_broken_connection_is_not_used_again() {
    let (store, database) = fresh().await;
    let id = add_user(&store, "ann").await;
    let admin = database.connect().await;
    admin.batch_execute(&format!("BEGIN; SELECT FROM users WHERE id = {id} FOR UPDATE")).await.expect("the row is free");
    let waiting = create(&store, id, "k");
    let terminate = async {
        wait_for_a_waiter(&database).await;
        let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        admin.batch_execute(terminate).await.expect("the admin is let through");
        admin.batch_execute("ROLLBACK").await.expect("the lock goes");
    };
    let (outcome, ()) = tokio::join!(waiting, terminate);
    assert!(matches!(outcome, Err(PreferenceStoreError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
    assert_eq!(create(&store, id, "k").await, Ok(()));
}

#[tokio::test]
async fn a_server_that_may_not_write_is_unavailable() {
    let (_store, database) = fresh().await;
    let store = open(&format!("{}?options=-c%20default_transaction_read_only%3Don", database.url()));
    let outcome: Result<UserId, InsertUserError> = store.transact(|tx| Box::pin(async move { tx.insert_user(&user("ann")).await })).await;
    assert!(matches!(outcome, Err(InsertUserError::Store(StoreError::Unavailable(_)))), "{outcome:?}");
    let picky = open(&format!("{}?options=-c%20default_transaction_read_only%3Don&target_session_attrs=read-write", database.url()));
    assert!(matches!(picky.ready().await, Err(StoreError::Unavailable(_))), "a follower is not taken for the leader");
}

#[tokio::test]
async fn a_frozen_host_holds_up_no_one() {
    let (_store, database) = fresh().await;
    let frozen = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = frozen.local_addr().expect("it has an address").port();
    let several = database.url().replace("@127.0.0.1:", &format!("@127.0.0.1:{port},127.0.0.1:"));
    assert_eq!(open(&several).account(UserId::new(1)).await, Ok(None));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let frozen = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = frozen.local_addr().expect("it has an address").port();
    let silent = open(&format!("postgres://u:p@127.0.0.1:{port}/d"));
    assert!(matches!(silent.account(UserId::new(1)).await, Err(StoreError::Unavailable(_))));
    drop(frozen);
    let refusing = open(&format!("postgres://u:p@127.0.0.1:{port}/d"));
    assert!(matches!(refusing.ready().await, Err(StoreError::Unavailable(_))));
    assert!(matches!(refusing.migrate().await, Err(StoreError::Unavailable(_))));
}
