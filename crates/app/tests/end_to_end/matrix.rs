//! Who may do what: every operation of the API's description under every kind of caller. An operation that is not in the table fails.

use crate::common::forge::{append, expired_token};
use crate::common::{Answer, Client, Lethe, NOBODY, Store, User, on_both_stores};
use serde_json::{Value, json};
use std::collections::BTreeSet;

on_both_stores!(every_operation_under_every_caller);

/// For whom an operation is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Audience {
    Anybody,
    /// Every user.
    Members,
    /// Every user, who must be one to do it.
    MembersInPerson,
    /// The user that it is about, and admins.
    Owner,
    /// Admins alone.
    Admins,
}

use Audience::{Admins, Anybody, Members, MembersInPerson, Owner};

/// Each operation with a body that it takes.
const OPERATIONS: [(&str, &str, Audience, &str); 30] = [
    ("GET", "/healthz", Anybody, ""),
    ("GET", "/readyz", Anybody, ""),
    ("GET", "/metrics", Anybody, ""),
    ("GET", "/openapi.json", Anybody, ""),
    ("GET", "/api/v2/user/{user_id}/preference/", Owner, ""),
    ("POST", "/api/v2/user/{user_id}/preference/", Owner, r#"{"key":"new","value":1}"#),
    ("GET", "/api/v2/user/{user_id}/preference/{id}/", Owner, ""),
    ("PUT", "/api/v2/user/{user_id}/preference/{id}/", Owner, r#"{"key":"put","value":1}"#),
    ("PATCH", "/api/v2/user/{user_id}/preference/{id}/", Owner, r#"{"value":2}"#),
    ("DELETE", "/api/v2/user/{user_id}/preference/{id}/", Owner, ""),
    ("GET", "/api/v2/user/", Members, ""),
    ("GET", "/api/v2/user/search/", Members, ""),
    ("GET", "/api/v2/user/me/", MembersInPerson, ""),
    ("GET", "/api/v2/user/{user_id}/", Anybody, ""),
    ("PUT", "/api/v2/user/{user_id}/", Owner, r#"{"bio":"put"}"#),
    ("PATCH", "/api/v2/user/{user_id}/", Owner, r#"{"bio":"patched"}"#),
    ("DELETE", "/api/v2/user/{user_id}/", Owner, ""),
    ("POST", "/api/v2/sso/signup/", Admins, r#"{"username":"newcomer"}"#),
    ("GET", "/api/v2/account/search/", Admins, ""),
    ("GET", "/api/v2/moderation/user/", Admins, ""),
    ("GET", "/api/v2/{kind}/", Members, ""),
    ("POST", "/api/v2/{kind}/", MembersInPerson, r#"{"text":"new"}"#),
    ("GET", "/api/v2/{kind}/{id}/", Members, ""),
    ("DELETE", "/api/v2/{kind}/{id}/", Owner, ""),
    ("GET", "/api/v2/{kind}/{id}/vote/", Members, ""),
    ("POST", "/api/v2/{kind}/{id}/vote/", MembersInPerson, ""),
    ("GET", "/settings/user", MembersInPerson, ""),
    ("POST", "/settings/user", MembersInPerson, r#"{"settings":{}}"#),
    ("PUT", "/settings/user", MembersInPerson, "{}"),
    ("DELETE", "/settings/user", MembersInPerson, r#"{"keys":["theme"]}"#),
];

/// Somebody who is known and alive.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Caller {
    Itself,
    /// With a token that was narrowed to reading.
    ItselfReading,
    Other,
    Admin,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Success,
    Forbidden,
    /// An admin's token need not belong to a user, and this one does not.
    NoSuchUser,
}

fn expected(audience: Audience, caller: Caller, method: &str) -> Outcome {
    match (audience, caller) {
        (Members | MembersInPerson | Owner | Admins, Caller::ItselfReading) if method != "GET" => Outcome::Forbidden,
        (Owner, Caller::Other) | (Admins, Caller::Itself | Caller::ItselfReading | Caller::Other) => Outcome::Forbidden,
        (MembersInPerson, Caller::Admin) => Outcome::NoSuchUser,
        (Anybody | Members, _)
        | (MembersInPerson, Caller::Itself | Caller::ItselfReading | Caller::Other)
        | (Owner, Caller::Itself | Caller::ItselfReading | Caller::Admin)
        | (Admins, Caller::Admin) => Outcome::Success,
    }
}

/// Someone, and something of each kind that belongs to it.
struct Subject {
    user: User,
    preference: Value,
    post: i64,
}

impl Subject {
    fn new(lethe: &Lethe, username: &str) -> Self {
        let user = lethe.sign_up(username);
        let preference = user.prefer("theme", &json!("dark"))["id"].clone();
        let post = user.publish("post", "hello");
        Self { user, preference, post }
    }

    /// The path with the subject's ids in it.
    fn fill_in(&self, path: &str) -> String {
        let id = if path.contains("/preference/") { self.preference.to_string() } else { self.post.to_string() };
        let path = path.replace("{user_id}", &self.user.id.to_string()).replace("{kind}", "post").replace("{id}", &id);
        match path.as_str() {
            "/api/v2/account/search/" => format!("{path}?username={}", self.user.username),
            _ => path,
        }
    }

    /// Everything that others can see of it.
    fn state(&self, admin: &Client) -> [Value; 4] {
        let paths = [self.user.path(), self.user.preferences(), format!("/api/v2/post/{}/", self.post), format!("/api/v2/post/{}/vote/", self.post)];
        paths.map(|path| admin.get(&path).body(200))
    }
}

fn send(client: &Client, method: &str, path: &str, body: &str) -> Answer {
    client.send(method, path, &[("content-type", "application/json")], body.as_bytes())
}

fn refused(answer: Answer, status: u16) {
    if answer.json().get("success").is_some() {
        assert_eq!(answer.body(status)["success"], false);
        return;
    }
    match status {
        401 => answer.unauthorized(),
        403 => answer.forbidden(),
        _ => answer.user_not_found(),
    }
}

fn described(lethe: &Lethe) -> BTreeSet<(String, String)> {
    let document = lethe.anonymous().get("/openapi.json").body(200);
    let operations = |(path, item): (&String, &Value)| -> Vec<(String, String)> {
        item.as_object().unwrap().keys().filter(|key| *key != "parameters").map(|method| (method.to_uppercase(), path.clone())).collect()
    };
    document["paths"].as_object().unwrap().iter().flat_map(operations).collect()
}

/// Those whom no operation but the public ones knows.
fn nobodies(lethe: &Lethe, subject: &Subject, other: &User) -> Vec<(&'static str, Client)> {
    let (soft, erased) = (lethe.sign_up("soft"), lethe.sign_up("erased"));
    soft.client.delete(&soft.path()).nothing();
    erased.client.delete(&format!("{}?hard=1", erased.path())).nothing();
    let stranger = Lethe::install(Store::sqlite());
    vec![
        ("nobody", lethe.anonymous()),
        ("garbage", lethe.bearing("garbage")),
        ("the user by a stranger's key", lethe.bearing(&stranger.token(subject.user.id))),
        ("an admin by a stranger's key", lethe.bearing(stranger.admin_token())),
        ("the user, expired", lethe.bearing(&expired_token(lethe, subject.user.id))),
        ("a forged role", lethe.bearing(&append(&other.token, "role(\"admin\")"))),
        ("an unknown user", lethe.bearing(&lethe.token(NOBODY))),
        ("a soft deleted user", soft.client),
        ("an erased user", erased.client),
    ]
}

fn every_operation_under_every_caller(store: Store) {
    let lethe = Lethe::start(store);
    let table: BTreeSet<_> = OPERATIONS.into_iter().map(|(method, path, ..)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(described(&lethe), table, "the table and the description name different operations");

    let admin = lethe.admin();
    let (subject, other) = (Subject::new(&lethe, "subject"), lethe.sign_up("other"));
    let before = subject.state(&admin);
    let nobodies = nobodies(&lethe, &subject, &other);
    for (method, path, audience, body) in OPERATIONS {
        let path = subject.fill_in(path);
        for (name, client) in &nobodies {
            eprintln!("{method} {path} by {name}");
            if audience == Anybody {
                send(client, method, &path, body).expect(200);
                continue;
            }
            refused(send(client, method, &path, body), 401);
            refused(send(client, method, &path, "{"), 401);
        }
    }
    let reading = |user: &User| lethe.bearing(&append(&user.token, "check if operation(\"read\")"));
    for (method, path, audience, body) in OPERATIONS {
        for (caller, client) in [(Caller::Other, &other.client), (Caller::ItselfReading, &reading(&subject.user))] {
            if expected(audience, caller, method) == Outcome::Forbidden {
                eprintln!("{method} {path} by {caller:?}");
                refused(send(client, method, &subject.fill_in(path), body), 403);
                refused(send(client, method, &subject.fill_in(path), "{"), 403);
            }
        }
    }
    assert_eq!(subject.state(&admin), before, "refusals leave no trace");

    for (at, (method, path, audience, body)) in OPERATIONS.into_iter().enumerate() {
        for caller in [Caller::Itself, Caller::ItselfReading, Caller::Other, Caller::Admin] {
            let subject = Subject::new(&lethe, &format!("subject{at}.{caller:?}"));
            let client = match caller {
                Caller::Itself => &subject.user.client,
                Caller::ItselfReading => &reading(&subject.user),
                Caller::Other => &other.client,
                Caller::Admin => &admin,
            };
            eprintln!("{method} {path} by {caller:?}");
            let answer = send(client, method, &subject.fill_in(path), body);
            match expected(audience, caller, method) {
                Outcome::Success => assert!((200..300).contains(&answer.status), "{answer:?}"),
                Outcome::Forbidden => refused(answer, 403),
                Outcome::NoSuchUser => refused(answer, 404),
            }
        }
    }
}
