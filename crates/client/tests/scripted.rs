//! The client against a service that answers by a script, and breaks connections where the script says so.
#![expect(clippy::unwrap_used, reason = "tests")]

use futures_util::StreamExt;
use lethe_client::{
    Cause, Change, Client, Condition, EndReason, Error, Guard, Item, Json, RetryPolicy, Revision, Since, TokenProvider, Update, UserRef, WatchEvent,
};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the service does with the next request.
enum Turn {
    /// Answers.
    Says(u16, &'static str, String),
    /// Closes the connection without a word.
    Vanishes,
}
use Turn::{Says, Vanishes};

/// A request as it came.
#[derive(Debug)]
struct Asked {
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Serves each request on a connection of its own until the script ends, and returns what was asked.
fn service(script: Vec<Turn>) -> (String, JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let serve = |turn| {
            let (stream, _) = listener.accept().unwrap();
            let asked = read(&stream);
            if let Says(status, headers, body) = turn {
                answer(&stream, status, headers, &body);
            }
            asked
        };
        script.into_iter().map(serve).collect()
    });
    (base, serving)
}

fn read(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut next_line = || {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let line = next_line();
    let headers: Vec<_> = std::iter::from_fn(|| next_line().split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Asked { line, headers, body: String::from_utf8(body).unwrap() }
}

fn answer(mut stream: &TcpStream, status: u16, headers: &str, body: &str) {
    // An event stream is as long as it lasts.
    let length = if headers.contains("event-stream") { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    write!(stream, "HTTP/1.1 {status} So\r\n{headers}{length}connection: close\r\n\r\n{body}").unwrap();
}

fn ok(body: &Value) -> Turn {
    Says(200, "", body.to_string())
}

fn problem(status: u16, slug: &str, more: &Value) -> Turn {
    let mut body = json!({ "type": format!("/problems/{slug}"), "title": "T", "status": status });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Says(status, "content-type: application/problem+json\r\nretry-after: 0\r\n", body.to_string())
}

fn events(text: &str) -> Turn {
    Says(200, "content-type: text/event-stream\r\n", text.to_owned())
}

fn item(key: &str, value: &Value, revision: u64) -> Value {
    json!({ "key": key, "value": value, "revision": revision, "created_at": "2026-01-02T03:04:05.000006Z", "updated_at": "2026-01-02T03:04:05.000006Z" })
}

fn written(status: u16, revision: u64) -> Turn {
    ok(&json!({ "revision": revision, "results": [{ "key": "k", "status": status, "revision": revision }] }))
}

fn put(revision: u64, value: &str) -> String {
    format!(
        "id: {revision}\nevent: put\ndata: {{\"revision\":{revision},\"key\":\"k\",\"op\":\"put\",\"value\":{value},\"at\":\"2026-01-02T03:04:05.000006Z\",\"actor\":42}}\n\n"
    )
}

const QUICK: RetryPolicy =
    RetryPolicy { attempts: 3, first_pause: Duration::from_millis(2), longest_pause: Duration::from_millis(5), longest_wait: Duration::from_secs(1) };

fn client(base: &str) -> Client {
    Client::builder(base).token("secret").retry(QUICK).build().unwrap()
}

#[tokio::test]
async fn a_key_is_one_segment_and_the_token_goes_along() {
    let (base, asked) = service(vec![ok(&item("a/b+%\u{1f600}", &json!("dark"), 7)), problem(404, "not-found", &json!({}))]);
    let user = Client::builder(format!("{base}/below/")).token("secret").user(UserRef::Id(42)).build().unwrap();
    let found: Item<String> = user.get("a/b+%\u{1f600}").await.unwrap().unwrap();
    assert_eq!((found.value.as_str(), found.revision), ("dark", Revision::new(7)));
    assert_eq!(user.get_raw("other").await.unwrap(), None);
    let asked = asked.join().unwrap();
    assert_eq!(asked[0].line, "GET /below/v1/users/42/preferences/a%2Fb%2B%25%F0%9F%98%80 HTTP/1.1");
    assert_eq!(asked[0].header("authorization"), Some("Bearer secret"));
    assert_eq!(asked[0].header("idempotency-key"), None);
}

#[tokio::test]
async fn digits_stay_as_they_are() {
    let (base, asked) = service(vec![Says(200, "", item("k", &Value::Null, 1).to_string().replace("null", "1.0")), written(201, 2)]);
    let client = client(&base);
    assert_eq!(client.get_raw("k").await.unwrap().unwrap().value.text(), "1.0");
    client.put("k", &Json::from_text("[1.0, 123456789012345678901234567890]").unwrap()).await.unwrap();
    assert!(asked.join().unwrap()[1].body.contains(r#""value":[1.0,123456789012345678901234567890]"#));
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_asked_for_again_under_its_name() {
    let script = vec![Vanishes, problem(409, "idempotency-key-in-use", &json!({})), written(201, 3)];
    let (base, asked) = service(script);
    assert_eq!(client(&base).put_if("k", &1, Condition::Absent).await.unwrap(), Revision::new(3));
    let asked = asked.join().unwrap();
    assert_eq!(asked[0].line, "POST /v1/users/me/batch HTTP/1.1");
    assert_eq!(asked[0].json(), json!({ "atomic": true, "operations": [{ "op": "put", "key": "k", "value": 1, "if_none_match": "*" }] }));
    let names: Vec<_> = asked.iter().map(|asked| asked.header("idempotency-key").unwrap()).collect();
    assert!(names[0].len() == 32 && names.iter().all(|name| *name == names[0]), "{names:?}");
}

#[tokio::test]
async fn an_outcome_is_unknown_only_when_it_is() {
    let busy = || problem(503, "unavailable", &json!({}));
    let (base, _) = service(vec![busy(), Vanishes, busy()]);
    assert!(matches!(client(&base).delete("k", Guard::Unconditional).await, Err(Error::OutcomeUnknown(_))));
    let (base, _) = service(vec![Vanishes, problem(401, "token-invalid", &json!({}))]);
    assert!(matches!(client(&base).delete("k", Guard::Unconditional).await, Err(Error::OutcomeUnknown(_))));
    let (base, _) = service(vec![Vanishes, problem(404, "not-found", &json!({}))]);
    assert!(matches!(client(&base).delete("k", Guard::Unconditional).await, Err(Error::NotFound(_))));
    let (base, _) = service(vec![Vanishes, Vanishes, Vanishes]);
    assert!(matches!(client(&base).get_raw("k").await, Err(Error::Transport(_))));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(matches!(client(&format!("http://{nobody}")).put("k", &1).await, Err(Error::Transport(_))));
}

#[tokio::test]
async fn guards_are_headers() {
    let (base, asked) = service(vec![Says(204, "", String::new()), problem(412, "precondition-failed", &json!({ "current": { "revision": 9 } }))]);
    let client = client(&base);
    client.delete("k", Guard::Revision(Revision::new(7))).await.unwrap();
    let moved = client.patch_all(&json!({ "k": null }), Guard::Revision(Revision::new(8))).await;
    assert!(matches!(moved, Err(Error::SetMoved { current }) if current == Revision::new(9)));
    let asked = asked.join().unwrap();
    assert_eq!((asked[0].header("if-match"), asked[1].header("if-match")), (Some("\"7\""), Some("\"8\"")));
    assert_eq!(asked[1].header("content-type"), Some("application/merge-patch+json"));
}

#[tokio::test]
async fn an_update_is_made_upon_what_is_there() {
    let refused = |current: Value| problem(412, "precondition-failed", &json!({ "current": current, "operation": 0 }));
    let script = vec![problem(404, "not-found", &json!({})), refused(item("k", &json!(10), 4)), refused(Value::Null), Vanishes, written(201, 6)];
    let (base, asked) = service(script);
    let mut seen = Vec::new();
    let count = |current: Option<u64>| {
        seen.push(current);
        Change::Put(current.unwrap_or(0) + 1)
    };
    assert_eq!(client(&base).update("k", count).await.unwrap(), Update::Written(Revision::new(6)));
    assert_eq!(seen, [None, Some(10), None]);
    let operations: Vec<_> = asked.join().unwrap()[1..].iter().map(|asked| asked.json()["operations"][0].clone()).collect();
    assert_eq!(operations[0], json!({ "op": "put", "key": "k", "value": 1, "if_none_match": "*" }));
    assert_eq!(operations[1], json!({ "op": "put", "key": "k", "value": 11, "if_match": "\"4\"" }));
    assert_eq!(operations[2], operations[3]);
}

#[tokio::test]
async fn a_list_goes_from_page_to_page() {
    let page = |key: &str, revision: u64, next: Value| ok(&json!({ "items": [item(key, &json!(1), 1)], "revision": revision, "next": next }));
    let (base, asked) = service(vec![page("a", 1, json!("x&y")), page("b", 1, Value::Null)]);
    let keys: Vec<_> = client(&base).list("p/ü").map(|item| item.unwrap().key).collect().await;
    assert_eq!(keys, ["a", "b"]);
    assert_eq!(asked.join().unwrap()[1].line, "GET /v1/users/me/preferences?limit=100&prefix=p%2F%C3%BC&cursor=x%26y HTTP/1.1");
}

#[tokio::test]
async fn a_snapshot_is_of_one_revision() {
    let page = |key: &str, revision: u64, next: Value| ok(&json!({ "items": [item(key, &json!(1), 1)], "revision": revision, "next": next }));
    let (base, _) = service(vec![page("a", 1, json!("x")), page("c", 2, Value::Null), page("a", 2, json!("x")), page("b", 2, Value::Null)]);
    let snapshot = client(&base).snapshot().await.unwrap();
    let keys: Vec<_> = snapshot.items.iter().map(|item| item.key.as_str()).collect();
    assert_eq!((snapshot.revision, keys), (Revision::new(2), vec!["a", "b"]));
}

#[tokio::test]
async fn a_watch_goes_on_after_the_last_event() {
    let half = put(3, "3");
    let script = vec![
        ok(&json!({ "items": [], "revision": 1, "next": null })),
        events(&format!(": watching\n\n{}{}", put(2, "2"), &half[..half.len() - 3])),
        Vanishes,
        problem(503, "unavailable", &json!({})),
        problem(429, "too-many-followers", &json!({})),
        events(&format!("{}{}event: news\ndata: x\n\nevent: end\ndata: {{\"reason\":\"shutdown\"}}\n\n", put(2, "2"), put(3, "null"))),
        events("id: 1\nevent: resync\ndata: {\"revision\":1}\n\n"),
        events(&format!("{}event: end\ndata: {{\"reason\":\"deleted\"}}\n\n", put(2, "20"))),
    ];
    let (base, asked) = service(script);
    let seen: Vec<_> = client(&base).watch(Since::Now).collect().await;
    let values: Vec<_> = seen
        .iter()
        .map(|event| match event {
            Ok(WatchEvent::Put(entry)) => format!("{} {:?}", entry.revision, entry.event),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(values, ["2 Put(2)", "3 Put(null)", "Ok(Resync(Revision(1)))", "2 Put(20)", "Err(WatchEnded(Deleted))"]);
    let asked = asked.join().unwrap();
    let after: Vec<_> = asked[1..].iter().map(|asked| asked.header("last-event-id").unwrap()).collect();
    assert_eq!(after, ["1", "2", "2", "2", "2", "3", "1"]);
    assert_eq!(asked[1].line, "GET /v1/users/me/changes/watch?since=1 HTTP/1.1");
}

struct Counted(AtomicU32);

#[async_trait::async_trait]
impl TokenProvider for Counted {
    async fn token(&self) -> Result<String, Cause> {
        // Asked once for the first watch, and once more when that has ended.
        Ok(if self.0.fetch_add(1, Ordering::SeqCst) == 0 { "old".into() } else { "new".into() })
    }
}

#[tokio::test]
async fn a_watch_goes_on_with_another_token_and_ends_without_one() {
    let end = || events("event: end\ndata: {\"reason\":\"token\"}\n\n");
    let (base, asked) = service(vec![end(), end()]);
    let client = Client::builder(base).token_provider(Counted(AtomicU32::new(0))).build().unwrap();
    let mut watch = pin!(client.watch(Since::Revision(Revision::ZERO)));
    assert!(matches!(watch.next().await, Some(Err(Error::WatchEnded(EndReason::Token)))));
    assert!(watch.next().await.is_none());
    let tokens: Vec<_> = asked.join().unwrap().iter().map(|asked| asked.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(tokens, ["Bearer old", "Bearer new"]);
}

#[tokio::test]
async fn a_watch_that_is_refused_says_so() {
    let (base, _) = service(vec![problem(403, "forbidden", &json!({}))]);
    let mut watch = pin!(client(&base).watch(Since::Revision(Revision::ZERO)));
    assert!(matches!(watch.next().await, Some(Err(Error::Forbidden(_)))));
    assert!(watch.next().await.is_none());
}
