//! What the database says of itself: the rules that every table of a user's keeps.
#![expect(clippy::expect_used, reason = "tests")]

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use lethe_domain::account::StatusSet;
use lethe_domain::content::Reaction;
use lethe_domain::{Account, ContentKind, Limits, UserId};
use lethe_ports::outbound::{InsertUserError, OwnerFence, PreferenceStore as _, Stamp, Store as _, StoreError};
use lethe_sqlite_adapter::{SqliteConfig, SqliteStore};
use lethe_testkit::FixedClock;
use lethe_testkit::fixture::{post, preference, user_with_ext_id};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Tables that belong to no user: names that are global, where ids come from, and diesel's own.
const OF_NOBODY: [&str; 3] = ["reservations", "ids", "__diesel_schema_migrations"];

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
    SqliteConnection::establish(path.to_str().expect("Unicode")).expect("the store's file")
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

/// A user with something in every table, and somebody else who voted for it.
async fn fill(store: &SqliteStore) -> UserId {
    let added: Result<UserId, InsertUserError> = store
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
                Ok(leaver)
            })
        })
        .await;
    let leaver = added.expect("free names");
    let fence = OwnerFence { owner: leaver, states: StatusSet::WRITABLE, issued_at: None };
    let stamp = Stamp { actor: leaver, now: FixedClock::start() };
    for number in 0..200 {
        let new = preference(&format!("marker_key_{number}"), "\"marker_value\"");
        store.create(&fence, new, stamp, &Limits::default()).await.expect("free");
    }
    leaver
}

async fn hard_delete(store: &SqliteStore, leaver: UserId) {
    let erased: Result<(), StoreError> = store
        .transact(move |tx| {
            Box::pin(async move {
                let account = tx.account_for_update(leaver).await?.unwrap_or(Account::new(leaver));
                tx.save_account(&account.hard_delete(FixedClock::start()).expect("alive")).await?;
                for kind in ContentKind::ALL {
                    while tx.erase(leaver, kind, 50).await? == 50 {}
                }
                Ok(())
            })
        })
        .await;
    erased.expect("reachable");
}

/// How many rows of each column that holds a user's id name this one.
fn mentions(connection: &mut SqliteConnection, user: UserId) -> Vec<(String, i64)> {
    let naming = columns(
        connection,
        "SELECT t.name AS owner, c.name AS name FROM sqlite_schema t, pragma_table_info(t.name) c
         WHERE t.type = 'table' AND (c.name = 'user_id' OR c.name LIKE '%owner_id' OR c.name LIKE '%user')",
    );
    naming
        .into_iter()
        .map(|(table, column)| {
            let query = format!("SELECT count(*) AS number FROM {table} WHERE {column} = {user}");
            let found: Number = diesel::sql_query(query).get_result(connection).expect("a number");
            (format!("{table}.{column}"), found.number)
        })
        .collect()
}

#[tokio::test]
async fn the_erasure_manifest_covers_every_table_that_names_a_user() {
    let (store, path, _folder) = migrated().await;
    let leaver = fill(&store).await;
    let connection = &mut connect(&path);
    let before = mentions(connection, leaver);
    assert_eq!(before.len(), 6, "{before:?}");
    assert!(before.iter().all(|(_, number)| *number > 0), "the test knows every table: {before:?}");
    hard_delete(&store, leaver).await;
    let after = mentions(connection, leaver);
    assert!(after.iter().all(|(_, number)| *number == 0), "{after:?}");
    let row: Vec<Number> = diesel::sql_query(format!(
        "SELECT count(*) AS number FROM users WHERE id = {leaver} AND status = 'u' AND revision + preference_keys + preference_bytes = 0
         AND coalesce(username, ext_id, real_name, email, role, bio, location, description, gender, website, date_joined) IS NULL"
    ))
    .load(connection)
    .expect("a number");
    assert_eq!(row[0].number, 1, "only the tombstone is left of the row");
}

#[tokio::test]
async fn erased_content_does_not_stay_in_the_file() {
    let (store, path, _folder) = migrated().await;
    let leaver = fill(&store).await;
    let contains_marker = |bytes: &[u8]| bytes.windows(7).filter(|window| window == b"marker_").count();
    hard_delete(&store, leaver).await;
    // The other user's post is the one thing that is still to be found.
    store.close().await;
    assert_eq!(contains_marker(&std::fs::read(&path).expect("the file")), 1);
}
