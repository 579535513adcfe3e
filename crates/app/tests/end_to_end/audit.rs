//! The log of what was done to accounts: whole or visibly not, and without a word of anybody who was erased.

use crate::common::{Lethe, Receiver, Store, User, on_both_stores, until};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

on_both_stores!(the_log_is_verified, the_log_can_be_searched, nothing_of_the_erased_is_left_anywhere);

/// What is planted in every field, and looked for afterwards.
const MARKER: &str = "qzmarkqz";
/// So many entries of each kind that the store has to move them around.
const MANY: i64 = 300;

/// Some acts: a life that ended, one that goes on, holds and a revocation.
fn live_and_let_die(lethe: &Lethe) -> [User; 2] {
    let (ann, bob, admin) = (lethe.sign_up("ann"), lethe.sign_up("bob"), lethe.admin());
    let hold = admin.post(&format!("/v1/users/{}/holds", ann.id), &json!({ "reason": "court order" })).body(201);
    ann.client.delete(&ann.path()).nothing();
    admin.send("POST", &format!("/v1/users/{}/restore", ann.id), &[], b"").body(200);
    admin.delete(&format!("/v1/users/{}/holds/{}", ann.id, hold["id"])).nothing();
    lethe.run(&["token", "revoke", "--user", &bob.id.to_string()]);
    admin.delete(&format!("{}?hard=1", ann.path())).nothing();
    [ann, bob]
}

/// How `lethe audit verify` ends, and what it says.
fn verify(lethe: &Lethe) -> (i32, String) {
    let output = lethe.command(&["audit", "verify"]).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap().trim().to_owned())
}

/// Changes a text in the embedded store's file behind its back into another one of the same length.
fn forge(file: &Path, from: &str, to: &str) {
    let mut bytes = fs::read(file).unwrap();
    let at: Vec<_> = (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
    assert!(!at.is_empty() && from.len() == to.len());
    for at in at {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    fs::write(file, bytes).unwrap();
}

fn the_log_is_verified(store: Store) {
    let mut lethe = Lethe::start(store);
    assert_eq!(verify(&lethe), (0, format!("0 entries, the last hash is {}", "0".repeat(64))));
    live_and_let_die(&lethe);
    let entries = lethe.admin().get("/v1/audit?limit=100").items();
    let hash = |seq: usize| entries[entries.len() - seq]["hash"].as_str().unwrap().to_owned();
    assert_eq!(entries.len(), 9);
    let intact = (0, format!("9 entries, the last hash is {}", hash(9)));
    assert_eq!(verify(&lethe), intact);
    lethe.stop();
    assert_eq!(verify(&lethe), intact, "it needs no service");

    let broken = |seq: u32| (1, format!("error: the audit log is broken at entry {seq}: it does not follow the one before it"));
    let other_hash: String = hash(4).chars().rev().collect();
    if !lethe.speaks_sql() {
        let file = lethe.data_dir().join("lethe.sqlite");
        forge(&file, &hash(4), &other_hash);
        assert_eq!(verify(&lethe), broken(4));
        forge(&file, &other_hash, &hash(4));
        assert_eq!(verify(&lethe), intact);
        return;
    }
    for (change, undo, seq) in [
        (format!("hash = '{other_hash}' WHERE seq = 4"), format!("hash = '{}' WHERE seq = 4", hash(4)), 4),
        ("subject = 4711 WHERE seq = 1".to_owned(), format!("subject = {} WHERE seq = 1", entries[8]["subject"]), 1),
        ("actor = NULL WHERE seq = 3".to_owned(), format!("actor = {} WHERE seq = 3", entries[6]["actor"]), 3),
        ("at = at + interval '1 microsecond' WHERE seq = 9".to_owned(), "at = at - interval '1 microsecond' WHERE seq = 9".to_owned(), 9),
        ("action = 'hold.lifted' WHERE action = 'hold.placed'".to_owned(), "action = 'hold.placed' WHERE seq = 3".to_owned(), 3),
        ("seq = 99 WHERE seq = 5".to_owned(), "seq = 5 WHERE seq = 99".to_owned(), 6),
    ] {
        lethe.sql(&format!("UPDATE audit SET {change}"));
        assert_eq!(verify(&lethe), broken(seq), "{change}");
        lethe.sql(&format!("UPDATE audit SET {undo}"));
        assert_eq!(verify(&lethe), intact, "{undo}");
    }
    lethe.sql("DELETE FROM audit WHERE seq > 7");
    assert_eq!(verify(&lethe), (1, "error: the audit log is cut off: its last entry is 7, and there were 9 of them".to_owned()));
}

fn the_log_can_be_searched(store: Store) {
    let lethe = Lethe::start(store);
    let [ann, bob] = live_and_let_die(&lethe);
    let admin = lethe.admin();
    let (all, operator) = (admin.get("/v1/audit").items(), json!(900_000_000));
    let acts = |entries: &[Value]| -> Vec<(i64, String, Value, Value)> {
        let act =
            |entry: &Value| (entry["seq"].as_i64().unwrap(), entry["action"].as_str().unwrap().to_owned(), entry["subject"].clone(), entry["actor"].clone());
        entries.iter().map(act).collect()
    };
    let (ann_id, bob_id) = (json!(ann.id), json!(bob.id));
    let expected = [
        (9, "user.erased", &ann_id, &operator),
        (8, "user.erasure_started", &ann_id, &operator),
        (7, "tokens.revoked", &bob_id, &Value::Null),
        (6, "hold.lifted", &ann_id, &operator),
        (5, "user.restored", &ann_id, &operator),
        (4, "user.soft_deleted", &ann_id, &ann_id),
        (3, "hold.placed", &ann_id, &operator),
        (2, "user.created", &bob_id, &operator),
        (1, "user.created", &ann_id, &operator),
    ];
    assert_eq!(acts(&all), expected.map(|(seq, action, subject, actor)| (seq, action.to_owned(), subject.clone(), actor.clone())));
    assert_eq!(all[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["seq", "at", "action", "subject", "actor", "reference", "hash"]);
    assert_eq!((&all[3]["reference"], &all[6]["reference"], &all[8]["reference"]), (&all[6]["reference"], &json!("1"), &Value::Null));
    assert!(all.windows(2).all(|pair| pair[0]["at"].as_str() >= pair[1]["at"].as_str()), "{all:?}");

    let numbers = |query: &str| -> Vec<i64> { admin.get(&format!("/v1/audit?{query}")).items().iter().map(|entry| entry["seq"].as_i64().unwrap()).collect() };
    assert_eq!(numbers(&format!("subject={bob_id}")), [7, 2]);
    assert_eq!(numbers("action=user.created"), [2, 1]);
    assert_eq!(numbers(&format!("action=user.created&subject={ann_id}")), [1]);
    assert_eq!(numbers("action=token.revoked"), Vec::<i64>::new());
    assert_eq!(numbers("subject=987654321"), Vec::<i64>::new());
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let part = admin.get(&format!("/v1/audit?subject={ann_id}&limit=3{cursor}")).body(200);
        pages.push(part["items"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()).collect::<Vec<_>>());
        let Some(next) = part["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(pages, [vec![9, 8, 6], vec![5, 4, 3], vec![1]]);
    for query in ["action=user.sneezed", "subject=x", "limit=0", "limit=101", "cursor=x"] {
        let problem = admin.get(&format!("/v1/audit?{query}")).problem(400, "malformed-query");
        assert_eq!(problem["errors"][0]["parameter"], query.split('=').next().unwrap(), "{problem}");
    }
}

/// A user who left its mark wherever it could.
fn leave_marks(lethe: &Lethe) -> User {
    let admin = lethe.admin();
    let (name, ext_id, email) = (format!("{MARKER}.name"), format!("{MARKER}-ext"), format!("{MARKER}@example.org"));
    let signup = json!({ "username": name, "ext_id": ext_id, "email": email, "real_name": format!("Real {MARKER}") });
    let id = admin.post("/v1/users", &signup).body(201)["id"].as_i64().unwrap();
    let user = lethe.user(id, &name);
    for version in ["an older", "a newer"] {
        let text = format!("{version} {MARKER}");
        let profile = json!({ "real_name": text, "bio": text, "location": text, "description": text, "website": format!("https://{MARKER}.example.org/") });
        user.client.patch(&user.path(), &profile).body(200);
    }
    let records = (1..=MANY).flat_map(|at| {
        let text = format!("{MARKER} {at} {}", "and so on ".repeat(10));
        [
            json!({ "type": "preference", "user_id": id, "key": format!("{MARKER}.{at}"), "value": { MARKER: text } }),
            json!({ "type": "post", "user_id": id, "id": 10_000 + at, "kind": "post", "title": MARKER, "text": text }),
        ]
    });
    lethe.import_records(records);
    let preference = user.prefer(&format!("{MARKER} changed"), &json!(MARKER));
    let one = format!("{}{}/", user.preferences(), preference["id"]);
    user.client.patch(&one, &json!({ "key": format!("{MARKER} renamed"), "value": [MARKER] })).body(200);
    user.client.delete(&one).nothing();
    user.client.put("/settings/user", &json!({ format!("{MARKER} setting"): { MARKER: MARKER } })).body(200);
    let post = user.client.post("/api/v2/discussion/", &json!({ "title": MARKER, "text": MARKER })).body(201);
    user.client.delete(&format!("/api/v2/discussion/{}/", post["id"])).nothing();
    for terms in [json!({ "reason": MARKER, "expires_at": "2020-01-01T00:00:00Z" }), json!({ "reason": MARKER })] {
        let hold = admin.post(&format!("/v1/users/{id}/holds"), &terms).body(201);
        if hold["expires_at"].is_null() {
            admin.delete(&format!("{}?hard=1", user.path())).expect(409);
            admin.delete(&format!("/v1/users/{id}/holds/{}", hold["id"])).nothing();
        }
    }
    // What is asked and what is refused could be written down somewhere, too.
    for wanted in [format!("username={name}"), format!("ext_id={ext_id}"), format!("email={email}")] {
        admin.get(&format!("/api/v2/account/search/?{wanted}")).body(200);
    }
    admin.get(&format!("/api/v2/user/?search={MARKER}")).body(200);
    admin.post("/v1/users", &signup).problem(409, "identifier-taken");
    admin.post("/api/v2/sso/signup/", &signup).expect(400);
    user.client.post(&user.preferences(), &json!({ "key": format!("{MARKER}.1"), "value": 1 })).expect(400);
    user
}

/// Where in the store the marker is found.
fn marked_places(lethe: &Lethe) -> Vec<String> {
    if lethe.speaks_sql() {
        let tables = lethe.sql("SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'");
        let tables = tables.into_iter().map(|row| row[0].clone().unwrap());
        let has_it = |relation: &String| !lethe.sql(&format!("SELECT r::text FROM {relation} r WHERE r::text ILIKE '%{MARKER}%' LIMIT 1")).is_empty();
        return tables.chain(["pg_stats".to_owned(), "pg_stats_ext".to_owned()]).filter(has_it).collect();
    }
    let files = fs::read_dir(lethe.data_dir()).unwrap().map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let has_it = |path: &std::path::PathBuf| fs::read(path).unwrap().to_ascii_lowercase().windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
    files.filter(has_it).map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

fn nothing_of_the_erased_is_left_anywhere(store: Store) {
    let receiver = Receiver::open();
    let webhooks = format!(r#"[{{ url = "{}", secret = "{}" }}]"#, receiver.url(), Receiver::SECRET);
    let mut lethe = Lethe::install(store).with("webhooks", &webhooks).with("delivery.allowed_networks", "127.0.0.0/8").with("log.level", "debug");
    lethe.serve();
    let other = lethe.sign_up("other");
    let others_post = other.publish("post", "hello");
    let user = leave_marks(&lethe);
    user.vote("post", others_post);
    let marked = marked_places(&lethe);
    if lethe.speaks_sql() {
        for table in ["users", "reservations", "preferences", "changes", "posts", "holds"] {
            assert!(marked.iter().any(|place| place == table), "the marker should be in {table}, and is in {marked:?}");
        }
        // Whoever asks the server to look at everything now would have it keep what it saw.
        lethe.sql("ANALYZE");
        assert!(marked_places(&lethe).iter().all(|place| !place.starts_with("pg_")), "texts of persons are sampled");
    } else {
        assert!(marked.iter().any(|place| place.starts_with("lethe.sqlite")), "{marked:?}");
    }
    assert!(lethe.run(&["export"]).contains(MARKER));

    other.client.delete(&other.path()).nothing();
    user.client.delete(&user.path()).nothing();
    lethe.admin().delete(&format!("{}?hard=1", user.path())).nothing();
    lethe.erased(user.id);
    assert_eq!(receiver.story(user.id, "2_erased"), ["0_created", "1_soft_deleted", "2_erasure_started", "2_erased"]);
    until("nothing of it is in the store", || marked_places(&lethe).is_empty().then_some(()));
    assert!(!lethe.run(&["export"]).contains(MARKER));
    let admin = lethe.admin();
    for path in ["/v1/audit?limit=100", "/v1/webhooks/deliveries?limit=100", "/v1/erasures", "/v1/users?status=erased", "/metrics"] {
        assert!(!admin.get(path).expect(200).text.contains(MARKER), "{path}");
    }
    let told = admin.get("/v1/webhooks/deliveries?limit=100").items();
    assert!(told.iter().all(|delivery| delivery["state"] == "delivered"), "{told:?}");
    assert_eq!(verify(&lethe).0, 0, "{}", verify(&lethe).1);
    lethe.stop();
    assert_eq!(marked_places(&lethe), Vec::<String>::new());
    let log = lethe.log();
    let telling: Vec<_> = log.lines().filter(|line| line.to_lowercase().contains(MARKER)).collect();
    assert!(telling.is_empty(), "{} lines of the log, such as {}", telling.len(), telling[0]);
}
