//! The schema can be distributed by user, and an erasure reaches all of it.
#![expect(clippy::expect_used, reason = "a panic is how a test fails")]

mod common;

use common::fresh;
use lethe_domain::attempt::{Attempt, IdempotencyKey};
use lethe_domain::content::{NewPost, PostTitle};
use lethe_domain::erasure::Erasure;
use lethe_domain::event::{Event, EventId, EventKind};
use lethe_domain::hold::{HoldReason, NewHold};
use lethe_domain::limits::Limits;
use lethe_domain::manifest::{ContentKind, TraceKind};
use lethe_domain::preference::Edit;
use lethe_domain::profile::{Email, ExtId, NewUser, Profile};
use lethe_domain::webhook::{Delivery, EndpointId};
use lethe_ports::outbound::{PreferenceStoreError, Stamp, Store, StoreError, Tx};
use lethe_postgres_adapter::PgStore;
use lethe_testkit::FixedClock;
use lethe_testkit::fixture::{post, preference, user_with_ext_id};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_postgres::Client;

/// The tables that belong to a user, with the column that they would be distributed by.
const DISTRIBUTED: [(&str, &str); 9] = [
    ("users", "id"),
    ("preferences", "user_id"),
    ("changes", "user_id"),
    ("posts", "user_id"),
    ("votes", "user_id"),
    ("holds", "user_id"),
    ("erasures", "user_id"),
    ("deliveries", "user_id"),
    ("attempts", "user_id"),
];

/// The tables that every node would see whole.
const GLOBAL: [&str; 6] = ["reservations", "endpoints", "audit", "audit_head", "duties", "revoked_tokens"];

/// Which column of which table each kind of content is found by.
const fn places(kind: ContentKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        ContentKind::Reservations => &[("reservations", "user_id")],
        ContentKind::Profile => &[("users", "id")],
        ContentKind::VotesCast => &[("votes", "user_id")],
        ContentKind::VotesReceived => &[("votes", "post_owner_id")],
        ContentKind::Posts => &[("posts", "user_id")],
        ContentKind::Preferences => &[("preferences", "user_id")],
        ContentKind::Changes => &[("changes", "user_id")],
        ContentKind::Holds => &[("holds", "user_id")],
        ContentKind::Attempts => &[("attempts", "user_id")],
    }
}

/// Which columns name a user and stay for good.
const fn traces(kind: TraceKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        TraceKind::Tombstone => &[("users", "id")],
        TraceKind::Erasure => &[("erasures", "user_id")],
        TraceKind::Audit => &[("audit", "subject"), ("audit", "actor")],
        TraceKind::Deliveries => &[("deliveries", "user_id")],
        TraceKind::AuthoredChanges => &[("changes", "actor")],
        TraceKind::AuthoredHolds => &[("holds", "placed_by")],
        TraceKind::AuthoredAttempts => &[("attempts", "actor")],
    }
}

/// The numbers that are no user's id.
const NO_USER: [(&str, &str); 24] = [
    ("users", "deletion_epoch"),
    ("users", "revision"),
    ("users", "preference_keys"),
    ("users", "preference_bytes"),
    ("users", "log_begins_after"),
    ("preferences", "id"),
    ("preferences", "revision"),
    ("changes", "revision"),
    ("posts", "id"),
    ("posts", "vote_count"),
    ("votes", "post_id"),
    ("holds", "id"),
    ("erasures", "epoch"),
    ("erasures", "attempts"),
    ("erasures", "failed_sweeps"),
    ("erasures", "lease_holder"),
    ("deliveries", "epoch"),
    ("deliveries", "turn"),
    ("deliveries", "seq"),
    ("deliveries", "attempts"),
    ("audit", "seq"),
    ("audit_head", "id"),
    ("audit_head", "seq"),
    ("duties", "holder"),
];

/// The texts that somebody wrote, or that tell who somebody is.
const PERSONAL: [(&str, &str); 22] = [
    ("users", "username"),
    ("users", "ext_id"),
    ("users", "real_name"),
    ("users", "email"),
    ("users", "role"),
    ("users", "bio"),
    ("users", "location"),
    ("users", "description"),
    ("users", "gender"),
    ("users", "website"),
    ("reservations", "value"),
    ("preferences", "key"),
    ("preferences", "value"),
    ("changes", "key"),
    ("changes", "value"),
    ("posts", "title"),
    ("posts", "text"),
    ("holds", "reason"),
    ("erasures", "ext_id"),
    ("erasures", "last_error"),
    ("deliveries", "ext_id"),
    ("attempts", "outcome"),
];

/// The texts that say nothing of anybody: words of a closed list, names of machines, hashes and counts.
const IMPERSONAL: [(&str, &str); 21] = [
    ("users", "status"),
    ("users", "deleted_from"),
    ("reservations", "kind"),
    ("changes", "kind"),
    ("posts", "kind"),
    ("votes", "reaction"),
    ("erasures", "state"),
    ("erasures", "steps"),
    ("deliveries", "endpoint"),
    ("deliveries", "kind"),
    ("deliveries", "state"),
    ("deliveries", "last_answer"),
    ("endpoints", "endpoint"),
    ("audit", "action"),
    ("audit", "reference"),
    ("audit", "hash"),
    ("audit_head", "hash"),
    ("duties", "name"),
    ("revoked_tokens", "id"),
    ("attempts", "scope"),
    ("attempts", "fingerprint"),
];

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

type Columns = BTreeSet<(String, String)>;

fn columns<'a>(names: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> Columns {
    names.into_iter().map(|(table, column)| ((*table).to_owned(), (*column).to_owned())).collect()
}

/// The columns of all tables that pass a condition on the catalogue.
async fn columns_that(client: &Client, condition: &str) -> Columns {
    let columns = format!(
        "SELECT c.relname::text, a.attname::text
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT LIKE '\\_\\_diesel%' AND {condition}"
    );
    let rows = client.query(&columns, &[]).await.expect("a readable catalogue");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The columns of numbers that neither the manifest nor anything else accounts for.
async fn unknown_numbers(client: &Client) -> Columns {
    let numbers = columns_that(client, "a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)").await;
    let content = ContentKind::ALL.into_iter().flat_map(places);
    let known = columns(content.chain(TraceKind::ALL.into_iter().flat_map(traces)).chain(&NO_USER));
    assert!(known.is_subset(&numbers), "a column is accounted for that is not there: {:?}", known.difference(&numbers));
    &numbers - &known
}

#[tokio::test]
async fn the_erasure_manifest_names_every_column_that_can_name_a_user() {
    let (_store, database) = fresh().await;
    let client = database.connect().await;
    assert_eq!(unknown_numbers(&client).await, Columns::new());
    let planted = "CREATE TABLE planted (by_whom bigint); ALTER TABLE posts ADD COLUMN reviewer numeric";
    client.batch_execute(planted).await.expect("plain PostgreSQL takes it");
    assert_eq!(unknown_numbers(&client).await, columns(&[("planted", "by_whom"), ("posts", "reviewer")]));
}

/// The columns that are no numbers, times or flags, and that nobody accounts for.
async fn unknown_texts(client: &Client) -> Columns {
    let texts = columns_that(client, "a.atttypid NOT IN (SELECT oid FROM pg_type WHERE typcategory IN ('N', 'D', 'B'))").await;
    let known = columns(PERSONAL.iter().chain(&IMPERSONAL));
    assert!(known.is_subset(&texts), "a column is accounted for that is not there: {:?}", known.difference(&texts));
    &texts - &known
}

#[tokio::test]
async fn every_text_is_known_to_be_personal_or_not() {
    let (_store, database) = fresh().await;
    let client = database.connect().await;
    assert_eq!(unknown_texts(&client).await, Columns::new());
    client.batch_execute("CREATE TABLE planted (remark text, detail jsonb)").await.expect("plain PostgreSQL takes it");
    assert_eq!(unknown_texts(&client).await, columns(&[("planted", "remark"), ("planted", "detail")]));
}

const MARKER: &str = "marker";

/// Writes a marker into every text that is somebody's, by the ways that a service has.
async fn fill(store: &PgStore) {
    for number in 0..4 {
        let text = format!("{MARKER}{number}");
        let filled: Result<(), PreferenceStoreError> = store.transact(move |tx| Box::pin(async move { fill_one(tx, &text).await })).await;
        filled.expect("there is room for everything");
    }
}

async fn fill_one(tx: &mut dyn Tx, text: &str) -> Result<(), PreferenceStoreError> {
    let now = FixedClock::start();
    let plain = user_with_ext_id(text, text);
    let said = || text.to_owned();
    let email = Some(Email::from_store(format!("{text}@example.org")));
    let profile = Profile { real_name: said(), email, bio: said(), location: said(), description: said(), website: said(), ..plain.profile };
    let user = tx.insert_user(&NewUser { profile, ..plain }).await.map_err(|error| StoreError::Failed(error.to_string()))?;
    let stamp = Stamp { actor: user, now };
    tx.edit_preferences(user, &[Edit::Put(preference(text, &format!("\"{text}\"")))], stamp, &Limits::default()).await?;
    tx.insert_post(&NewPost { title: PostTitle::from_store(said()), ..post(user, text) }, now).await?;
    tx.insert_hold(user, &NewHold { reason: HoldReason::from_store(said()), expires_at: None }, stamp).await?;
    let attempt = Attempt::new(user, "POST", "/", &IdempotencyKey::parse("key").expect("a key"), &[]);
    tx.end_attempt(user, &attempt, &format!("\"{text}\""), now).await?;
    let ext_id = Some(ExtId::from_store(said()));
    tx.save_erasure(&Erasure::begin(user, 1, ext_id.clone(), now).interrupt(text, now, Duration::ZERO)).await?;
    let event = Event { id: EventId { user, epoch: 0, kind: EventKind::Created }, at: now, ext_id };
    tx.insert_deliveries(&[Delivery::new(event, EndpointId::of_url("https://example.org/"), now)]).await?;
    Ok(())
}

/// The columns of which the server's statistics hold a marker.
async fn remembered(client: &Client) -> Columns {
    client.batch_execute("ANALYZE").await.expect("a superuser may");
    remembered_by_now(client).await
}

async fn remembered_by_now(client: &Client) -> Columns {
    let columns = "SELECT tablename::text, attname::text FROM pg_stats
        WHERE concat(most_common_vals::text, histogram_bounds::text, most_common_elems::text) LIKE '%' || $1 || '%'";
    let rows = client.query(columns, &[&MARKER]).await.expect("a readable catalogue");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn the_servers_statistics_know_nobody() {
    let (store, database) = fresh().await;
    let client = database.connect().await;
    fill(&store).await;
    assert_eq!(remembered(&client).await, Columns::new());

    // With statistics it would be otherwise, for each of these columns but two, which hold words of a closed list.
    for (table, column) in PERSONAL {
        client.batch_execute(&format!("ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS -1")).await.expect("a column");
    }
    let personal = PERSONAL.iter().filter(|name| !matches!(name, ("users", "role" | "gender")));
    assert_eq!(remembered(&client).await, columns(personal));
}

#[tokio::test]
async fn statistics_from_before_the_migration_are_forgotten() {
    let (store, database) = fresh().await;
    let client = database.connect().await;
    fill(&store).await;
    client.batch_execute(include_str!("../../../migrations/postgres/0002_life_cycle/down.sql")).await.expect("there is a way back");
    assert!(remembered(&client).await.len() > 10, "as it was before");
    client.batch_execute(include_str!("../../../migrations/postgres/0002_life_cycle/up.sql")).await.expect("and a way forth");
    assert_eq!(remembered_by_now(&client).await, Columns::new());
}
