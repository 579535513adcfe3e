//! Who may do what: every operation of the API's description under every kind of caller. An operation that is not in the table fails.

use crate::common::forge::{append, expired_token};
use crate::common::raw::free_address;
use crate::common::{Answer, Client, Lethe, NOBODY, Receiver, Store, User, on_both_stores};
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

/// What answers with a stream that has no end.
const WATCH: &str = "/v1/users/{user}/changes/watch";

/// Each operation with a body that it takes.
const OPERATIONS: [(&str, &str, Audience, &str); 57] = [
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
    ("GET", "/v1/users", Admins, ""),
    ("POST", "/v1/users", Admins, r#"{"username":"native"}"#),
    ("GET", "/v1/users/{user}", Owner, ""),
    ("DELETE", "/v1/users/{user}", Owner, ""),
    ("POST", "/v1/users/{user}/restore", Admins, ""),
    ("GET", "/v1/users/{user}/deletion-plan", Owner, ""),
    ("GET", "/v1/users/{user}/preferences", Owner, ""),
    ("PATCH", "/v1/users/{user}/preferences", Owner, r#"{"theme":"patched"}"#),
    ("GET", "/v1/users/{user}/preferences/{key}", Owner, ""),
    ("PUT", "/v1/users/{user}/preferences/{key}", Owner, "\"put\""),
    ("PATCH", "/v1/users/{user}/preferences/{key}", Owner, "\"merged\""),
    ("DELETE", "/v1/users/{user}/preferences/{key}", Owner, ""),
    ("POST", "/v1/users/{user}/batch", Owner, r#"{"operations":[{"op":"put","key":"theme","value":1},{"op":"delete","key":"theme"}]}"#),
    ("GET", "/v1/users/{user}/changes", Owner, ""),
    ("GET", WATCH, Owner, ""),
    ("GET", "/v1/users/{user}/history/{key}", Owner, ""),
    ("POST", "/v1/users/{user}/revert", Owner, r#"{"to":0}"#),
    ("GET", "/v1/users/{user}/usage", Owner, ""),
    ("GET", "/v1/limits", Members, ""),
    ("GET", "/v1/users/{user}/holds", Admins, ""),
    ("POST", "/v1/users/{user}/holds", Admins, r#"{"reason":"court order"}"#),
    ("DELETE", "/v1/users/{user}/holds/{id}", Admins, ""),
    ("GET", "/v1/erasures", Admins, ""),
    ("GET", "/v1/erasures/{id}", Admins, ""),
    ("GET", "/v1/audit", Admins, ""),
    ("GET", "/v1/webhooks/deliveries", Admins, ""),
    ("POST", "/v1/webhooks/deliveries/{id}/retry", Admins, ""),
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

/// Someone, and something of each kind that belongs to it or is about it.
struct Subject {
    user: User,
    preference: i64,
    post: i64,
    hold: i64,
    /// The news that it signed up, on their way.
    delivery: String,
    /// Somebody else, who was erased.
    erased: i64,
}

impl Subject {
    fn new(lethe: &Lethe, username: &str, erased: i64) -> Self {
        let (user, admin) = (lethe.sign_up(username), lethe.admin());
        let preference = user.prefer("theme", &json!("dark"))["id"].as_i64().unwrap();
        let post = user.publish("post", "hello");
        let hold = admin.post(&format!("/v1/users/{}/holds", user.id), &json!({ "reason": "court order" })).body(201)["id"].as_i64().unwrap();
        let delivery = admin.get("/v1/webhooks/deliveries?limit=1").items().remove(0);
        assert_eq!(delivery["user_id"], user.id);
        Self { user, preference, post, hold, delivery: delivery["id"].as_str().unwrap().to_owned(), erased }
    }

    /// The path with the subject's ids in it, and what must be in its query.
    fn fill_in(&self, path: &str) -> String {
        let (_, holder) = path.split_once("/{id}").map_or(("", ""), |(before, _)| before.rsplit_once('/').unwrap());
        let id = match holder {
            "preference" => self.preference.to_string(),
            "holds" => self.hold.to_string(),
            "erasures" => self.erased.to_string(),
            "deliveries" => self.delivery.clone(),
            _ => self.post.to_string(),
        };
        let user = self.user.id.to_string();
        let filled = path.replace("{user_id}", &user).replace("{user}", &user).replace("{kind}", "post").replace("{id}", &id).replace("{key}", "theme");
        match path {
            "/api/v2/account/search/" => format!("{filled}?username={}", self.user.username),
            "/v1/users/{user}" | "/v1/users/{user}/deletion-plan" => format!("{filled}?mode=soft"),
            _ => filled,
        }
    }

    /// Everything that others can see of it.
    fn state(&self, admin: &Client) -> [Value; 9] {
        let (user, post, erased) = (self.user.id, self.post, self.erased);
        let paths = [
            self.user.path(),
            self.user.preferences(),
            format!("/api/v2/post/{post}/"),
            format!("/api/v2/post/{post}/vote/"),
            format!("/v1/users/{user}"),
            format!("/v1/users/{user}/changes"),
            format!("/v1/users/{user}/holds"),
            format!("/v1/erasures/{erased}"),
            "/v1/audit?limit=100".to_owned(),
        ];
        paths.map(|path| admin.get(&path).body(200))
    }
}

fn send(client: &Client, method: &str, path: &str, body: &str) -> Answer {
    let is_merge_patch = method == "PATCH" && path.starts_with("/v1/");
    let kind = if is_merge_patch { "application/merge-patch+json" } else { "application/json" };
    if path.ends_with("/watch") {
        return client.begin(method, path, &[("content-type", kind)], body.as_bytes());
    }
    client.send(method, path, &[("content-type", kind)], body.as_bytes())
}

/// A refusal in the words of the dialect that the path is of.
fn refused(path: &str, answer: Answer, status: u16) {
    let (is_native, is_settings) = (path.starts_with("/v1/"), path.starts_with("/settings/"));
    match status {
        401 => answer.unauthorized(),
        403 if is_native => drop(answer.problem(403, "forbidden")),
        _ if is_settings => assert_eq!(answer.body(status)["success"], false),
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
    // Whoever is told of events is not there, so that there always is a delivery to be made.
    let webhook = format!(r#"[{{ url = "http://{}/", secret = "{}", events = ["user.created"] }}]"#, free_address(), Receiver::SECRET);
    let mut lethe = Lethe::install(store).with("webhooks", &webhook);
    lethe.serve();
    let table: BTreeSet<_> = OPERATIONS.into_iter().map(|(method, path, ..)| (method.to_owned(), path.to_owned())).collect();
    assert_eq!(described(&lethe), table, "the table and the description name different operations");

    let admin = lethe.admin();
    let (gone, other) = (lethe.sign_up("gone"), lethe.sign_up("other"));
    gone.client.delete(&format!("{}?hard=1", gone.path())).nothing();
    let subject = Subject::new(&lethe, "subject", gone.id);
    let nobodies = nobodies(&lethe, &subject, &other);
    let before = subject.state(&admin);
    for (method, path, audience, body) in OPERATIONS {
        let path = subject.fill_in(path);
        for (name, client) in &nobodies {
            eprintln!("{method} {path} by {name}");
            if audience == Anybody {
                send(client, method, &path, body).expect(200);
                continue;
            }
            refused(&path, send(client, method, &path, body), 401);
            refused(&path, send(client, method, &path, "{"), 401);
        }
    }
    let reading = |user: &User| lethe.bearing(&append(&user.token, "check if operation(\"read\")"));
    for (method, path, audience, body) in OPERATIONS {
        for (caller, client) in [(Caller::Other, &other.client), (Caller::ItselfReading, &reading(&subject.user))] {
            if expected(audience, caller, method) == Outcome::Forbidden {
                let path = subject.fill_in(path);
                eprintln!("{method} {path} by {caller:?}");
                refused(&path, send(client, method, &path, body), 403);
                refused(&path, send(client, method, &path, "{"), 403);
            }
        }
    }
    assert_eq!(subject.state(&admin), before, "refusals leave no trace");

    for (at, (method, path, audience, body)) in OPERATIONS.into_iter().enumerate() {
        for caller in [Caller::Itself, Caller::ItselfReading, Caller::Other, Caller::Admin] {
            let expected = expected(audience, caller, method);
            // Only what succeeds and changes something needs a subject that nothing was done to.
            let fresh = (expected == Outcome::Success && method != "GET").then(|| Subject::new(&lethe, &format!("subject{at}.{caller:?}"), gone.id));
            let subject = fresh.as_ref().unwrap_or(&subject);
            let client = match caller {
                Caller::Itself => &subject.user.client,
                Caller::ItselfReading => &reading(&subject.user),
                Caller::Other => &other.client,
                Caller::Admin => &admin,
            };
            let path = subject.fill_in(path);
            eprintln!("{method} {path} by {caller:?}");
            let answer = send(client, method, &path, body);
            match expected {
                Outcome::Success => assert!((200..300).contains(&answer.status), "{answer:?}"),
                Outcome::Forbidden => refused(&path, answer, 403),
                Outcome::NoSuchUser => refused(&path, answer, 404),
            }
        }
    }
}
