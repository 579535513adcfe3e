//! What the database says of itself: the rules that every table of a user's keeps.
#![expect(clippy::expect_used, reason = "tests")]

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use lethe_domain::account::StatusSet;
use lethe_domain::attempt::{Attempt, IdempotencyKey};
use lethe_domain::audit::AuditAct;
use lethe_domain::content::Reaction;
use lethe_domain::erasure::{Erasure, ErasureCursor};
use lethe_domain::hold::{HoldReason, NewHold};
use lethe_domain::manifest::TraceKind;
use lethe_domain::preference::NewPreference;
use lethe_domain::webhook::{Delivery, EndpointId};
use lethe_domain::{Account, ContentKind, Event, Limits, UserId};
use lethe_ports::outbound::{InsertUserError, OwnerFence, PreferenceStore as _, Stamp, Store as _, StoreError};
use lethe_sqlite_adapter::{SqliteConfig, SqliteStore};
use lethe_testkit::FixedClock;
use lethe_testkit::fixture::{post, preference, user_with_ext_id};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Tables that belong to no user: names that are global, where ids come from, diesel's own, what nodes share, and the audit log, which is
/// one chain for all.
const OF_NOBODY: [&str; 8] = ["reservations", "ids", "__diesel_schema_migrations", "endpoints", "audit", "audit_head", "duties", "revoked_tokens"];

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    owner: String,
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

async fn migrated() -> (SqliteStore, PathBuf, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("lethe.db");
    let store = SqliteStore::open(&SqliteConfig::new(path.clone())).expect("a new file");
    store.migrate().await.expect("the schema");
    (store, path, folder)
}

fn connect(path: &Path) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(path.to_str().expect("Unicode")).expect("the store's file");
    connection.batch_execute("PRAGMA busy_timeout = 5000").expect("a setting");
    connection
}

fn columns(connection: &mut SqliteConnection, query: &str) -> Vec<(String, String)> {
    let rows: Vec<Column> = diesel::sql_query(query).load(connection).expect("a catalogue");
    rows.into_iter().map(|column| (column.owner, column.name)).collect()
}

#[tokio::test]
async fn every_key_of_a_users_table_begins_with_the_user() {
    let (_store, path, _folder) = migrated().await;
    let connection = &mut connect(&path);
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table'";
    let keys = columns(
        connection,
        &format!(
            "SELECT t.name AS owner, c.name AS name FROM ({tables}) t, pragma_table_info(t.name) c WHERE c.pk = 1
             UNION ALL
             SELECT t.name, c.name FROM ({tables}) t, pragma_index_list(t.name) i, pragma_index_info(i.name) c WHERE i.\"unique\" AND c.seqno = 0"
        ),
    );
    let of_users: Vec<_> = keys.into_iter().filter(|(table, _)| !OF_NOBODY.contains(&table.as_str())).collect();
    assert!(of_users.len() >= 5, "the catalogue was read: {of_users:?}");
    for (table, column) in of_users {
        assert_eq!(column, if table == "users" { "id" } else { "user_id" }, "the key of {table}");
    }
}

#[tokio::test]
async fn no_table_refers_to_another() {
    let (_store, path, _folder) = migrated().await;
    let references = columns(
        &mut connect(&path),
        "SELECT t.name AS owner, f.\"table\" AS name FROM sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'",
    );
    assert_eq!(references, [], "a cascade is one giant transaction, and hides tables from the erasure manifest");
}

/// What is known of a column that can hold a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It names a user, and goes with content of this kind.
    Removed(ContentKind),
    /// It names a user, and stays.
    Kept(TraceKind),
}

/// Every column that names a user. The user's own row goes as far as it says anything of the person, and stays as a spent id.
const PLACES: [(&str, Place); 17] = [
    ("users.id", Place::Removed(ContentKind::Profile)),
    ("users.id", Place::Kept(TraceKind::Tombstone)),
    ("reservations.user_id", Place::Removed(ContentKind::Reservations)),
    ("preferences.user_id", Place::Removed(ContentKind::Preferences)),
    ("changes.user_id", Place::Removed(ContentKind::Changes)),
    ("posts.user_id", Place::Removed(ContentKind::Posts)),
    ("votes.user_id", Place::Removed(ContentKind::VotesCast)),
    ("votes.post_owner_id", Place::Removed(ContentKind::VotesReceived)),
    ("holds.user_id", Place::Removed(ContentKind::Holds)),
    ("attempts.user_id", Place::Removed(ContentKind::Attempts)),
    ("attempts.actor", Place::Kept(TraceKind::AuthoredAttempts)),
    ("changes.actor", Place::Kept(TraceKind::AuthoredChanges)),
    ("holds.placed_by", Place::Kept(TraceKind::AuthoredHolds)),
    ("erasures.user_id", Place::Kept(TraceKind::Erasure)),
    ("deliveries.user_id", Place::Kept(TraceKind::Deliveries)),
    ("audit.subject", Place::Kept(TraceKind::Audit)),
    ("audit.actor", Place::Kept(TraceKind::Audit)),
];

/// Columns that can hold a number, which is no user's: ids of other things, counters, times, and the nodes that hold a lease or a duty.
const NO_USERS: [(&str, &[&str]); 16] = [
    ("__diesel_schema_migrations", &["run_on"]),
    ("ids", &["last"]),
    (
        "users",
        &[
            "deleted_at",
            "purge_at",
            "erased_at",
            "deletion_epoch",
            "tokens_valid_from",
            "revision",
            "preference_keys",
            "preference_bytes",
            "date_joined",
            "log_begins_after",
        ],
    ),
    ("preferences", &["id", "revision", "created_at", "last_updated_at"]),
    ("changes", &["revision", "at", "created_at"]),
    ("posts", &["id", "vote_count", "added_at", "last_activity_at"]),
    ("votes", &["post_id", "voted_at"]),
    ("holds", &["id", "expires_at", "placed_at"]),
    ("erasures", &["epoch", "requested_at", "progressed_at", "finished_at", "attempts", "failed_sweeps", "lease_holder", "lease_until"]),
    ("deliveries", &["epoch", "turn", "seq", "at", "attempts", "due_at", "attempted_at"]),
    ("attempts", &["at"]),
    ("endpoints", &["gone_since"]),
    ("audit", &["seq", "at"]),
    ("audit_head", &["id", "seq"]),
    ("duties", &["holder", "until"]),
    ("revoked_tokens", &["revoked_at", "expires_at", "noted_at"]),
];

/// All columns that can hold a number: all but those that are declared as texts.
fn columns_of_numbers(connection: &mut SqliteConnection) -> Vec<String> {
    let found = columns(
        connection,
        "SELECT t.name AS owner, c.name AS name FROM sqlite_schema t, pragma_table_xinfo(t.name) c
         WHERE t.type = 'table' AND upper(c.type) NOT LIKE '%TEXT%' AND upper(c.type) NOT LIKE '%CHAR%' ORDER BY 1, 2",
    );
    found.into_iter().map(|(table, column)| format!("{table}.{column}")).collect()
}

/// The columns of which nobody has said what becomes of them when the user goes that they may name.
fn unaccounted_for(connection: &mut SqliteConnection) -> Vec<String> {
    let is_no_user = |column: &str| NO_USERS.iter().any(|(table, names)| names.iter().any(|name| format!("{table}.{name}") == column));
    let is_place = |column: &str| PLACES.iter().any(|(place, _)| *place == column);
    columns_of_numbers(connection).into_iter().filter(|column| !is_place(column) && !is_no_user(column)).collect()
}

#[tokio::test]
async fn every_column_that_can_name_a_user_is_accounted_for() {
    let (_store, path, _folder) = migrated().await;
    let connection = &mut connect(&path);
    assert_eq!(unaccounted_for(connection), [""; 0], "what becomes of it when its user is erased?");
    let there = columns_of_numbers(connection);
    for (place, _) in PLACES {
        assert!(there.iter().any(|column| column == place), "{place} is no column");
    }
    for kind in ContentKind::ALL {
        assert!(PLACES.iter().any(|(_, place)| *place == Place::Removed(kind)), "{kind:?} lies nowhere");
    }
    for kind in TraceKind::ALL {
        assert!(PLACES.iter().any(|(_, place)| *place == Place::Kept(kind)), "{kind:?} lies nowhere");
    }
}

#[tokio::test]
async fn a_new_table_or_column_is_not_overlooked() {
    let (_store, path, _folder) = migrated().await;
    let connection = &mut connect(&path);
    for planted in ["CREATE TABLE notes (writer BIGINT NOT NULL, text TEXT NOT NULL)", "ALTER TABLE posts ADD COLUMN edited_by INTEGER"] {
        diesel::sql_query(planted).execute(connection).expect("a table or a column more");
    }
    assert_eq!(unaccounted_for(connection), ["notes.writer", "posts.edited_by"]);
}

fn a_hold(reason: &str) -> NewHold {
    NewHold { reason: HoldReason::from_store(reason.into()), expires_at: Some(FixedClock::start()) }
}

fn an_attempt(actor: UserId) -> Attempt {
    Attempt::new(actor, "POST", "/", &IdempotencyKey::parse("key").expect("a key"), &[])
}

/// A user with something in every place, and somebody else with something as well, whom it has to do with.
async fn fill(store: &SqliteStore) -> UserId {
    let added: Result<(UserId, UserId), InsertUserError> = store
        .transact(|tx| {
            Box::pin(async move {
                let leaver = tx.insert_user(&user_with_ext_id("marker_name", "marker_ext_id")).await?;
                let other = tx.insert_user(&user_with_ext_id("other", "other")).await?;
                for author in [leaver, other] {
                    let published = tx.insert_post(&post(author, "marker_text"), FixedClock::start()).await?;
                    for voter in [leaver, other] {
                        tx.toggle_vote(voter, author, published, Reaction::Like, FixedClock::start()).await?;
                    }
                }
                tx.insert_hold(leaver, &a_hold("marker_reason"), Stamp { actor: other, now: FixedClock::start() }).await?;
                tx.end_attempt(leaver, &an_attempt(leaver), "\"marker_outcome\"", FixedClock::start()).await?;
                tx.end_attempt(other, &an_attempt(leaver), "1", FixedClock::start()).await?;
                tx.insert_hold(other, &a_hold("a reason"), Stamp { actor: leaver, now: FixedClock::start() }).await?;
                Ok((leaver, other))
            })
        })
        .await;
    let (leaver, other) = added.expect("free names");
    for number in 0..200 {
        create(store, leaver, preference(&format!("marker_key_{number}"), "\"marker_value\""), leaver).await;
    }
    create(store, other, preference("key", "1"), leaver).await;
    leaver
}

async fn create(store: &SqliteStore, owner: UserId, new: NewPreference, actor: UserId) {
    let fence = OwnerFence { owner, states: StatusSet::WRITABLE, issued_at: None };
    store.create(&fence, new, Stamp { actor, now: FixedClock::start() }, &Limits::default()).await.expect("free");
}

/// Deletes as a use case does: what happened is told and logged, and the content goes in chunks.
async fn hard_delete(store: &SqliteStore, leaver: UserId) {
    let now = FixedClock::start();
    let erased: Result<(), StoreError> = store
        .transact(move |tx| {
            Box::pin(async move {
                let account = tx.account_for_update(leaver).await?.unwrap_or(Account::new(leaver));
                let deleted = account.hard_delete(now, &[]).expect("alive");
                tx.save_account(&deleted).await?;
                for kind in ContentKind::ALL {
                    let mut chunk = tx.erase(leaver, kind, ErasureCursor::START, 50).await?;
                    while chunk.rows == 50 {
                        chunk = tx.erase(leaver, kind, chunk.cursor, 50).await?;
                    }
                }
                let left = tx.tally(leaver).await?;
                tx.save_erasure(&Erasure::begin(leaver, deleted.deletion_epoch, None, now).conclude(&left, now)).await?;
                let events = Event::of_change(Some(&account), &deleted, None, now);
                let endpoint = EndpointId::of_url("https://example.org/");
                tx.insert_deliveries(&events.iter().map(|event| Delivery::new(event.clone(), endpoint.clone(), now)).collect::<Vec<_>>()).await?;
                let acts = events.iter().map(|event| AuditAct::of_event(event, Some(leaver)));
                let entries = tx.audit_head_for_update().await?.seal_all(acts);
                tx.append_audit(&entries).await
            })
        })
        .await;
    erased.expect("reachable");
}

/// How many rows of a column name the user.
fn mentions(connection: &mut SqliteConnection, column: &str, user: UserId) -> i64 {
    let table = column.split('.').next().expect("a table");
    let found: Number = diesel::sql_query(format!("SELECT count(*) AS number FROM {table} WHERE {column} = {user}")).get_result(connection).expect("a number");
    found.number
}

#[tokio::test]
async fn the_erasure_manifest_covers_every_table_that_names_a_user() {
    let (store, path, _folder) = migrated().await;
    let leaver = fill(&store).await;
    let connection = &mut connect(&path);
    let removed = || PLACES.into_iter().filter(|(column, place)| matches!(place, Place::Removed(_)) && *column != "users.id");
    for (column, _) in removed() {
        assert!(mentions(connection, column, leaver) > 0, "the test knows every place: {column}");
    }
    hard_delete(&store, leaver).await;
    for (column, _) in removed() {
        assert_eq!(mentions(connection, column, leaver), 0, "{column}");
    }
    for (column, place) in PLACES {
        if let Place::Kept(kind) = place {
            // Among the changes that it made were its own, and they are gone.
            assert_eq!(mentions(connection, column, leaver), 1, "{column} keeps {kind:?}");
        }
    }
    let row: Vec<Number> = diesel::sql_query(format!(
        "SELECT count(*) AS number FROM users WHERE id = {leaver} AND status = 'u' AND revision + preference_keys + preference_bytes = 0
         AND coalesce(username, ext_id, real_name, email, role, bio, location, description, gender, website, date_joined) IS NULL"
    ))
    .load(connection)
    .expect("a number");
    assert_eq!(row[0].number, 1, "only the tombstone is left of the row");
}

fn markers(path: &Path) -> usize {
    let bytes = std::fs::read(path).expect("a file of the store's");
    bytes.windows(7).filter(|window| window == b"marker_").count()
}

fn log_of(path: &Path) -> PathBuf {
    path.with_extension("db-wal")
}

/// Waits until the log is empty, and says whether it became so.
async fn log_empties(path: &Path) -> bool {
    for _ in 0..200 {
        if std::fs::metadata(log_of(path)).expect("the store is open").len() == 0 {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

#[tokio::test]
async fn erased_content_does_not_stay_in_the_file() {
    let (store, path, _folder) = migrated().await;
    let leaver = fill(&store).await;
    hard_delete(&store, leaver).await;
    // The other user's post is the one thing that is still to be found.
    store.close().await;
    assert_eq!(markers(&path), 1);
}

#[tokio::test]
async fn erased_content_does_not_stay_in_the_log_of_an_open_store() {
    let (store, path, _folder) = migrated().await;
    let leaver = fill(&store).await;
    assert!(markers(&log_of(&path)) > 0, "the test looks in the right place");
    hard_delete(&store, leaver).await;
    assert!(log_empties(&path).await);
    assert_eq!(markers(&path), 1, "the other user's post");
    assert_eq!(store.ready().await, Ok(()));
}

#[tokio::test]
async fn who_reads_delays_the_emptying_of_the_log_and_nobody_else() {
    let (store, path, _folder) = migrated().await;
    let leaver = fill(&store).await;
    let reader = &mut connect(&path);
    reader.batch_execute("BEGIN; SELECT count(*) FROM users").expect("somebody reads");
    hard_delete(&store, leaver).await;
    let begun = Instant::now();
    let added: Result<UserId, InsertUserError> = store.transact(|tx| Box::pin(async move { tx.insert_user(&user_with_ext_id("new", "new")).await })).await;
    added.expect("a free name");
    assert!(begun.elapsed() < Duration::from_secs(4), "writers wait for no reader");
    assert!(markers(&log_of(&path)) > 0, "the reader needs the older pages");
    reader.batch_execute("COMMIT").expect("it has read");
    assert!(log_empties(&path).await);
    assert_eq!(markers(&path), 1, "the other user's post");
}
