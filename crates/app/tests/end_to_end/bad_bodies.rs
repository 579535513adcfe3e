//! Bodies that are no good: each gets a clear refusal in the dialect's form, nothing of it is kept, and the next request works.

use crate::common::{Answer, Lethe, Store, User, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(bodies_that_are_no_object, fields_that_are_no_good, values_that_are_too_much, bodies_in_disguise, patches_of_nothing);

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A user with one preference, which must outlive everything that is sent.
struct Witness {
    lethe: Lethe,
    user: User,
    kept: Value,
}

impl Witness {
    fn on(store: Store) -> Self {
        let lethe = Lethe::start(store);
        let user = lethe.sign_up("ann");
        let kept = user.prefer("kept", &json!({ "since": "ever" }));
        Self { lethe, user, kept }
    }

    fn one(&self) -> String {
        format!("{}{}/", self.user.preferences(), self.kept["id"])
    }

    /// Sends a body to everything that reads one; each answer, whose form is looked at already.
    fn send(&self, headers: &[(&str, &str)], body: &[u8]) -> Vec<Answer> {
        let client = &self.user.client;
        let answers = vec![
            client.send("POST", &self.user.preferences(), headers, body),
            client.send("PUT", &self.one(), headers, body),
            client.send("PATCH", &self.one(), headers, body),
        ];
        for answer in &answers {
            let body = answer.json();
            let errors = body["errors"].as_array().unwrap_or_else(|| panic!("{answer:?}"));
            assert!(!errors.is_empty() && errors.iter().all(Value::is_object), "{answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
        }
        assert_eq!(client.get(&self.user.preferences()).body(200)["results"], json!([self.kept]), "after {:?}", String::from_utf8_lossy(body));
        answers
    }

    fn refuses(&self, headers: &[(&str, &str)], body: &[u8], status: u16) {
        for answer in self.send(headers, body) {
            answer.expect(status);
        }
    }
}

fn bodies_that_are_no_object(store: Store) {
    let witness = Witness::on(store);
    let whole = br#"{"key":"k","value":1}"#;
    let bodies: [&[u8]; 18] = [
        b"{",
        b"{\"key\":\"k\",\"value\":",
        b"{\"key\":\"k\",\"value\":1}x",
        b"{\"key\":\"k\",\"value\":1}{\"key\":\"l\",\"value\":1}",
        b"[]",
        b"[{\"key\":\"k\",\"value\":1}]",
        b"null",
        b"1",
        b"\"key\"",
        b"nul",
        b"{'key':'k','value':1}",
        b"{\"key\":\"k\",\"value\":NaN}",
        b"{\"key\":\"k\",\"value\":01}",
        b"{\"key\":\"k\",\"value\":\"\xff\"}",
        b"{\"key\":\"k\",\"value\":\"\xed\xa0\x80\"}",
        b"\xef\xbb\xbf{\"key\":\"k\",\"value\":1}",
        b"{\"key\":\"k\",\"value\":\"a\nb\"}",
        b"\0",
    ];
    for body in bodies {
        witness.refuses(&JSON, body, 400);
    }
    for utf16 in [u16::to_be_bytes, u16::to_le_bytes] {
        let body: Vec<u8> = std::str::from_utf8(whole).unwrap().encode_utf16().flat_map(utf16).collect();
        witness.refuses(&JSON, &body, 400);
    }
    witness.refuses(&[("content-type", "application/x-www-form-urlencoded")], b"key=%FF&value=1", 400);
    for length in 1..whole.len() {
        witness.refuses(&JSON, &whole[..length], 400);
    }
}

fn fields_that_are_no_good(store: Store) {
    let witness = Witness::on(store);
    let long_key = "k".repeat(256);
    let table = [
        (json!({ "key": null, "value": 1 }), "invalid"),
        (json!({ "key": 5, "value": 1 }), "invalid"),
        (json!({ "key": true, "value": 1 }), "invalid"),
        (json!({ "key": ["k"], "value": 1 }), "invalid"),
        (json!({ "key": "", "value": 1 }), "blank"),
        (json!({ "key": " \u{2003}\t", "value": 1 }), "blank"),
        (json!({ "key": long_key, "value": 1 }), "max_length"),
        (json!({ "key": "a\u{0}b", "value": 1 }), "invalid"),
        (json!({ "key": "a\nb", "value": 1 }), "invalid"),
        (json!({ "key": "..", "value": 1 }), "invalid"),
    ];
    for (body, code) in table {
        for answer in witness.send(&JSON, body.to_string().as_bytes()) {
            let body = answer.expect(400).json();
            assert_eq!((&body["errors"][0]["field"], &body["errors"][0]["messages"][0]["code"]), (&json!("key"), &json!(code)), "{body}");
        }
    }
    for body in [r#"{"key":"\ud800","value":1}"#, r#"{"key":"k","value":"\ud800"}"#, r#"{"key":"k","value":["\udc00\ud800"]}"#] {
        witness.refuses(&JSON, body.as_bytes(), 400);
    }
    let create = |body: &[u8]| witness.user.client.send("POST", &witness.user.preferences(), &JSON, body);
    for nothing in [&b""[..], b" \r\n", b"{}"] {
        create(nothing).refused_fields(&[("key", "required"), ("value", "required")]);
    }
    create(br#"{"key":"k"}"#).refused_fields(&[("value", "required")]);
    create(br#"{"value":null}"#).refused_fields(&[("key", "required")]);
    create(br#"{"Key":"k","VALUE":1}"#).refused_fields(&[("key", "required"), ("value", "required")]);
}

fn values_that_are_too_much(store: Store) {
    let witness = Witness::on(store);
    let with_value = |value: &str| format!("{{\"key\":\"k\",\"value\":{value}}}").into_bytes();
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    for levels in [33, 200, 30_000] {
        for answer in witness.send(&JSON, &with_value(&nested(levels))) {
            answer.expect(400);
        }
    }
    let string = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
    for answer in witness.send(&JSON, &with_value(&string(65_537))) {
        assert_eq!(answer.expect(400).json()["errors"][0]["field"], "value");
    }
    witness.refuses(&JSON, &with_value(&string(10 * 1024 * 1024)), 413);
    // What is just within the limits is taken.
    for value in [nested(32), string(65_536)] {
        let created = witness.user.client.send("POST", &witness.user.preferences(), &JSON, &with_value(&value)).expect(201);
        assert!(created.text.contains(&value));
        witness.user.client.delete(&format!("{}{}/", witness.user.preferences(), created.json()["id"])).nothing();
    }
}

fn bodies_in_disguise(store: Store) {
    let witness = Witness::on(store);
    let whole = br#"{"key":"k","value":1}"#;
    for encoding in ["gzip", "br", "deflate", "zstd", "x-unknown", "gzip, identity"] {
        witness.refuses(&[JSON[0], ("content-encoding", encoding)], whole, 415);
    }
    // A kilobyte that would become a megabyte.
    let bomb = [&b"\x1f\x8b\x08\0\0\0\0\0\0\x03"[..], &[0x78; 1_000]].concat();
    witness.refuses(&[JSON[0], ("content-encoding", "gzip")], &bomb, 415);
    witness.refuses(&[("content-type", "multipart/form-data; boundary=x")], b"--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--x--\r\n", 415);
    for (name, value) in [("x-http-method-override", "DELETE"), ("x-method-override", "DELETE"), ("x-http-method", "DELETE")] {
        let answer = witness.user.client.send("POST", &witness.user.preferences(), &[JSON[0], (name, value)], b"{}");
        answer.refused_fields(&[("key", "required"), ("value", "required")]);
        witness.user.client.send("POST", &witness.one(), &[JSON[0], (name, value)], whole).expect(405);
        witness.user.client.send("GET", &witness.one(), &[(name, value)], b"").expect(200);
    }
    assert_eq!(witness.lethe.admin().get(&witness.one()).body(200), witness.kept);
}

fn patches_of_nothing(store: Store) {
    let witness = Witness::on(store);
    let other = witness.user.prefer("other", &json!(1));
    for body in ["{}", "", " ", r#"{"id":5,"x":1}"#] {
        witness.user.client.send("PATCH", &witness.one(), &JSON, body.as_bytes()).refused_fields(&[("non_field_errors", "required")]);
    }
    witness.user.client.patch(&witness.one(), &json!({ "key": "other" })).refused_fields(&[("key", "unique")]);
    witness.user.client.patch(&witness.one(), &json!({ "key": "other", "value": 2 })).refused_fields(&[("key", "unique")]);
    assert_eq!(witness.user.client.get(&witness.user.preferences()).body(200)["results"], json!([witness.kept, other]));
}
