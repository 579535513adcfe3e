//! Tokens that are killed before their time, on every running node.

use crate::common::{Client, Lethe, Store, feed, on_both_stores, until};
use serde_json::{Value, json};
use std::process::Output;

on_both_stores!(a_revoked_token_is_dead_everywhere, all_tokens_of_a_user_can_be_revoked);

fn revoke(lethe: &Lethe, options: &[&str], token: &str) -> Output {
    feed(lethe.command(&[&["token", "revoke"], options].concat()), token)
}

#[track_caller]
fn revoked(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

fn narrow(lethe: &Lethe, token: &str) -> String {
    let output = feed(lethe.command(&["token", "attenuate", "--read-only"]), token);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The ids by which a token can be revoked: of itself first, then of what it was narrowed from.
fn revocation_ids(lethe: &Lethe, token: &str) -> Vec<String> {
    let explanation = String::from_utf8(feed(lethe.command(&["token", "inspect"]), token).stdout).unwrap();
    explanation.split_whitespace().filter(|word| word.len() == 128 && word.bytes().all(|byte| byte.is_ascii_hexdigit())).map(str::to_owned).collect()
}

fn lives(client: &Client) -> bool {
    let answer = client.get("/api/v2/user/me/");
    if answer.status == 200 {
        return true;
    }
    answer.unauthorized();
    client.get("/settings/user").unauthorized();
    client.get("/v1/users/me").problem(401, "token-invalid");
    false
}

#[track_caller]
fn dies(client: &Client) {
    until("the token is dead", || (!lives(client)).then_some(()));
}

#[track_caller]
fn newest_act(lethe: &Lethe) -> (String, Value, Value, Value) {
    let entry = lethe.admin().get("/v1/audit?limit=1").items().remove(0);
    (entry["action"].as_str().unwrap().to_owned(), entry["subject"].clone(), entry["actor"].clone(), entry["reference"].clone())
}

fn a_revoked_token_is_dead_everywhere(store: Store) {
    let lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    // The embedded store is one process's.
    let node = lethe.speaks_sql().then(|| lethe.another_node());
    let on_all_nodes = |token: &str| -> Vec<Client> { node.iter().map(|node| node.bearing(token)).chain([lethe.bearing(token)]).collect() };

    // Whoever revokes a narrowed token leaves the one alone that it was narrowed from.
    let child = narrow(&lethe, &ann.token);
    let grandchild = narrow(&lethe, &child);
    let clients = on_all_nodes(&child);
    assert!(clients.iter().all(lives));
    let id = revoked(&revoke(&lethe, &[], &child)).strip_prefix("revoked ").unwrap().to_owned();
    assert!(revocation_ids(&lethe, &child).contains(&id) && !revocation_ids(&lethe, &ann.token).contains(&id));
    assert_eq!(newest_act(&lethe), ("token.revoked".to_owned(), json!(ann.id), Value::Null, json!(id)));
    clients.iter().for_each(dies);
    on_all_nodes(&grandchild).iter().for_each(dies);
    assert!(on_all_nodes(&ann.token).iter().all(lives));

    // Whoever revokes a token revokes everything that was narrowed from it.
    let (other_child, second) = (narrow(&lethe, &ann.token), lethe.token(ann.id));
    assert!(on_all_nodes(&other_child).iter().all(lives));
    revoked(&revoke(&lethe, &[], &ann.token));
    on_all_nodes(&ann.token).iter().for_each(dies);
    on_all_nodes(&other_child).iter().for_each(dies);
    assert!(on_all_nodes(&second).iter().all(lives), "another token of the same user");

    // By its id, without the token, and with an id that nobody has seen.
    let [id] = revocation_ids(&lethe, &second).try_into().unwrap();
    assert_eq!(revoked(&revoke(&lethe, &["--id", &id.to_uppercase()], "")), format!("revoked {id}"));
    assert_eq!(newest_act(&lethe), ("token.revoked".to_owned(), Value::Null, Value::Null, json!(id)));
    on_all_nodes(&second).iter().for_each(dies);
    revoked(&revoke(&lethe, &["--id", &"a".repeat(128)], ""));
    revoked(&revoke(&lethe, &["--id", &id], ""));

    let output = revoke(&lethe, &[], "garbage");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    assert!(lethe.run(&["audit", "verify"]).starts_with(&format!("{} entries", 6)));

    // Nobody forgets it: a service that has just started knows.
    drop(node);
    let mut lethe = lethe;
    lethe.stop();
    lethe.serve();
    for token in [&second, &child] {
        let client = lethe.bearing(token);
        if lethe.speaks_sql() {
            dies(&client);
        } else {
            assert!(!lives(&client));
        }
    }
}

fn all_tokens_of_a_user_can_be_revoked(store: Store) {
    let lethe = Lethe::start(store);
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    let tokens = [ann.token.clone(), narrow(&lethe, &ann.token), lethe.token(ann.id)];
    revoked(&revoke(&lethe, &["--user", &ann.id.to_string()], ""));
    assert_eq!(newest_act(&lethe), ("tokens.revoked".to_owned(), json!(ann.id), Value::Null, Value::Null));
    for token in &tokens {
        assert!(!lives(&lethe.bearing(token)), "it needs no node to learn of this");
        lethe.bearing(token).delete(&ann.path()).unauthorized();
    }
    let later = lethe.bearing(&lethe.token(ann.id));
    assert!(lives(&later), "a token from afterwards");
    assert!(lives(&bob.client));
    later.delete(&ann.path()).nothing();
    for token in &tokens {
        lethe.bearing(token).delete(&format!("{}?hard=1", ann.path())).unauthorized();
    }
    later.delete(&format!("{}?hard=1", ann.path())).nothing();
    let output = revoke(&lethe, &["--user", "987654321"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("987654321"));
}
