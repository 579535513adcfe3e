//! A power cut under load loses nothing that was acknowledged.

use crate::common::{Client, Lethe, Store, on_both_stores};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::thread;

on_both_stores!(what_was_acknowledged_is_there);

const WRITERS: usize = 4;
const ANSWERS_BEFORE_THE_CUT: usize = 60;
const CUTS: usize = 3;

/// A key, and the values that it may have by now; `None` stands for "not there". There are two when the answer to a change was cut off.
type Known = (String, Vec<Option<Value>>);

/// Writes one preference after the other, each created, changed and sometimes deleted, until the service is gone.
fn write(client: &Client, list: &str, name: &str, learn: &Sender<Known>) {
    let (created, changed) = (Some(json!("created")), Some(json!("changed")));
    for at in 0.. {
        let key = format!("{name}.{at}");
        let know = |values: &[&Option<Value>]| learn.send((key.clone(), values.iter().map(|value| (*value).clone()).collect())).unwrap();
        let Some(preference) = send(client, "POST", list, &json!({ "key": key, "value": "created" })) else { return };
        know(&[&created]);
        let one = format!("{list}{}/", preference["id"]);
        if send(client, "PATCH", &one, &json!({ "value": "changed" })).is_none() {
            return know(&[&created, &changed]);
        }
        know(&[&changed]);
        if at % 3 == 0 {
            match client.try_send("DELETE", &one, &[], b"") {
                Ok(answer) => answer.nothing(),
                Err(_) => return know(&[&changed, &None]),
            }
            know(&[&None]);
        }
    }
}

/// The body of a success; `None` when the service is gone.
fn send(client: &Client, method: &str, path: &str, body: &Value) -> Option<Value> {
    let answer = client.try_send(method, path, &[("content-type", "application/json")], body.to_string().as_bytes()).ok()?;
    assert!((200..300).contains(&answer.status), "{answer:?}");
    Some(answer.json())
}

fn all_preferences(client: &Client, list: &str) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    loop {
        let page = client.get(&format!("{list}?limit=100&offset={}", all.len())).body(200);
        for entry in page["results"].as_array().unwrap() {
            all.insert(entry["key"].as_str().unwrap().to_owned(), entry["value"].clone());
        }
        if page["next"].is_null() {
            return all;
        }
    }
}

fn what_was_acknowledged_is_there(store: Store) {
    let mut lethe = Lethe::start(store);
    let ann = lethe.sign_up("ann");
    let mut expected: BTreeMap<String, Vec<Option<Value>>> = BTreeMap::new();
    for cut in 0..CUTS {
        let (learn, learned) = channel();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (client, list, learn) = (lethe.bearing(&ann.token), ann.preferences(), learn.clone());
                thread::spawn(move || write(&client, &list, &format!("cut{cut}.writer{writer}"), &learn))
            })
            .collect();
        drop(learn);
        expected.extend(learned.iter().take(ANSWERS_BEFORE_THE_CUT));
        lethe.kill();
        expected.extend(learned.iter());
        for writer in writers {
            writer.join().unwrap();
        }

        lethe.serve();
        let found = all_preferences(&lethe.bearing(&ann.token), &ann.preferences());
        for (key, values) in &mut expected {
            let value = found.get(key).cloned();
            assert!(values.contains(&value), "{key} is {value:?}, and was acknowledged to be one of {values:?}");
            *values = vec![value];
        }
    }
    assert_eq!(lethe.bearing(&ann.token).post(&ann.preferences(), &json!({ "key": "after", "value": 1 })).status, 201);
}
