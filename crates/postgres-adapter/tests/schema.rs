//! The schema can be distributed by user, and an erasure reaches all of it.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod common;

use common::fresh;
use lethe_domain::manifest::ContentKind;
use std::collections::BTreeSet;

/// The tables that belong to a user, with the column that they would be distributed by.
const DISTRIBUTED: [(&str, &str); 5] = [("users", "id"), ("preferences", "user_id"), ("changes", "user_id"), ("posts", "user_id"), ("votes", "user_id")];

/// The tables that every node would see whole.
const GLOBAL: [&str; 1] = ["reservations"];

/// Which column of which table each kind of content is found by.
const fn places(kind: ContentKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        ContentKind::VotesCast => &[("votes", "user_id")],
        ContentKind::VotesReceived => &[("votes", "post_owner_id")],
        ContentKind::Posts => &[("posts", "user_id")],
        ContentKind::Preferences => &[("preferences", "user_id")],
        ContentKind::Changes => &[("changes", "user_id")],
        ContentKind::Reservations => &[("reservations", "user_id")],
        ContentKind::Profile => &[("users", "id")],
    }
}

/// What a cluster that distributes rows by user refuses, each rule seen on a real one.
const REFUSED: &str = "
    WITH tables AS (
        SELECT c.oid, c.relname AS name, d.key
        FROM pg_class c LEFT JOIN unnest($1::text[], $2::text[]) AS d (name, key) ON d.name = c.relname
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE '\\_\\_diesel%'
    )
    SELECT 'a unique index without the key', t.name || '.' || i.indexrelid::regclass
    FROM tables t JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique
    WHERE t.key IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = t.key AND a.attnum = i.indkey[0])
    UNION ALL
    SELECT 'a foreign key to the row of another user', t.name || '.' || k.conname
    FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f' LEFT JOIN tables r ON r.oid = k.confrelid
    WHERE NOT EXISTS (
        SELECT FROM generate_subscripts(k.conkey, 1) s
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.conkey[s] AND a.attname = t.key
        JOIN pg_attribute b ON b.attrelid = r.oid AND b.attnum = k.confkey[s] AND b.attname = r.key)
    UNION ALL
    SELECT 'a trigger', t.name || '.' || g.tgname FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT 'an exclusion constraint', t.name || '.' || k.conname FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'x'
    UNION ALL
    SELECT 'a table that is neither distributed nor global', t.name FROM tables t WHERE t.key IS NULL AND NOT t.name = ANY($3::text[])";

#[tokio::test]
async fn every_table_can_be_distributed_by_user() {
    let (_store, database) = fresh().await;
    let (tables, keys): (Vec<_>, Vec<_>) = DISTRIBUTED.into_iter().unzip();
    let refused = database.connect().await.query(REFUSED, &[&tables, &keys, &GLOBAL.as_slice()]).await.expect("a readable catalogue");
    let refused: Vec<(String, String)> = refused.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(refused, []);
}

#[tokio::test]
async fn the_rules_catch_what_breaks_them() {
    let (_store, database) = fresh().await;
    let client = database.connect().await;
    let broken = "
        CREATE UNIQUE INDEX only_key ON preferences (key);
        ALTER TABLE votes ADD CONSTRAINT to_post FOREIGN KEY (post_owner_id, post_id) REFERENCES posts (user_id, id);
        CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER watch AFTER INSERT ON users EXECUTE FUNCTION nothing();
        CREATE TABLE loose (id bigint PRIMARY KEY)";
    client.batch_execute(broken).await.expect("plain PostgreSQL takes it");
    let (tables, keys): (Vec<_>, Vec<_>) = DISTRIBUTED.into_iter().unzip();
    let refused = client.query(REFUSED, &[&tables, &keys, &GLOBAL.as_slice()]).await.expect("a readable catalogue");
    let mut refused: Vec<String> = refused.iter().map(|row| row.get(1)).collect();
    refused.sort();
    assert_eq!(refused, ["loose", "preferences.only_key", "users.watch", "votes.to_post"]);
}

#[tokio::test]
async fn the_erasure_manifest_names_every_table() {
    let (_store, database) = fresh().await;
    let columns = "SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'
        AND ((table_name, column_name) = ('users', 'id') OR column_name = 'user_id' OR column_name LIKE '%owner_id')";
    let columns = database.connect().await.query(columns, &[]).await.expect("a readable catalogue");
    let columns: BTreeSet<(String, String)> = columns.iter().map(|row| (row.get(0), row.get(1))).collect();
    let reached = ContentKind::ALL.into_iter().flat_map(places).map(|(table, column)| ((*table).to_owned(), (*column).to_owned()));
    assert_eq!(columns, reached.collect());
}
