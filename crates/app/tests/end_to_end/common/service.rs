//! The built binary on a store of its own: the service, when it runs, and the other commands beside it.

use super::store::Lock;
use super::{Client, Node, Store, until};
use serde_json::{Value, json};
use std::cell::OnceCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use tempfile::TempDir;

/// The admins of these tests are no users.
const ADMIN: i64 = 900_000_000;

/// One installation of Lethe. Whatever runs of it ends with this value.
#[derive(Debug)]
pub(crate) struct Lethe {
    home: TempDir,
    store: Store,
    settings: Vec<(String, String)>,
    running: Option<Node>,
    admin_token: OnceCell<String>,
}

/// A user, and a client that speaks for it.
#[derive(Debug)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) token: String,
    pub(crate) client: Client,
}

impl User {
    /// The path of its preferences.
    pub(crate) fn preferences(&self) -> String {
        format!("/api/v2/user/{}/preference/", self.id)
    }

    /// The path of itself.
    pub(crate) fn path(&self) -> String {
        format!("/api/v2/user/{}/", self.id)
    }

    /// A path below it in the native dialect.
    pub(crate) fn v1(&self, rest: &str) -> String {
        format!("/v1/users/{}{rest}", self.id)
    }

    /// The path of a preference in the native dialect.
    pub(crate) fn key(&self, key: &str) -> String {
        self.v1(&format!("/preferences/{}", encode(key)))
    }

    /// Gives a key a value; the preference.
    #[track_caller]
    pub(crate) fn keep(&self, key: &str, value: &str) -> Value {
        let answer = self.client.put_text(&self.key(key), value);
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        answer.json()
    }

    /// The revision of its preferences.
    #[track_caller]
    pub(crate) fn revision(&self) -> i64 {
        self.client.get(&self.v1("/preferences?limit=1")).body(200)["revision"].as_i64().unwrap()
    }

    /// Everything that happened to its preferences, as far as that is kept.
    #[track_caller]
    pub(crate) fn changes(&self) -> Vec<Value> {
        let mut changes = Vec::new();
        loop {
            let since = changes.last().map_or(json!(0), |last: &Value| last["revision"].clone());
            let page = self.client.get(&self.v1(&format!("/changes?since={since}"))).body(200);
            changes.extend(page["changes"].as_array().unwrap().iter().cloned());
            if page["more"] == false {
                return changes;
            }
        }
    }

    /// Creates a preference.
    #[track_caller]
    pub(crate) fn prefer(&self, key: &str, value: &Value) -> Value {
        self.client.post(&self.preferences(), &json!({ "key": key, "value": value })).body(201)
    }

    /// Publishes a post of that kind; its id.
    #[track_caller]
    pub(crate) fn publish(&self, kind: &str, text: &str) -> i64 {
        self.client.post(&format!("/api/v2/{kind}/"), &json!({ "text": text })).body(201)["id"].as_i64().unwrap()
    }

    /// Casts a vote, or takes it back.
    #[track_caller]
    pub(crate) fn vote(&self, kind: &str, post: i64) {
        self.client.send("POST", &format!("/api/v2/{kind}/{post}/vote/"), &[], b"").nothing();
    }
}

impl Lethe {
    /// An installation that nothing runs of yet.
    pub(crate) fn install(store: Store) -> Self {
        Self { home: tempfile::tempdir().unwrap(), store, settings: Vec::new(), running: None, admin_token: OnceCell::new() }
    }

    /// A service that answers, with the usual settings.
    pub(crate) fn start(store: Store) -> Self {
        let mut lethe = Self::install(store);
        lethe.serve();
        lethe
    }

    /// The same installation with another setting, such as `http.head_timeout`.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        let name = format!("LETHE__{}", key.to_uppercase().replace('.', "__"));
        self.settings.push((name, value.to_owned()));
        self
    }

    /// The folder of this installation.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Whether the tests can put queries to the store.
    pub(crate) fn speaks_sql(&self) -> bool {
        matches!(self.store, Store::Postgres(_))
    }

    /// The rows of a query that is put to the store behind the service's back, as texts. For PostgreSQL.
    #[track_caller]
    pub(crate) fn sql(&self, query: &str) -> Vec<Vec<Option<String>>> {
        self.store.sql(query)
    }

    /// Locks what a query locks, behind the service's back, until the value is dropped. For PostgreSQL.
    #[track_caller]
    pub(crate) fn lock(&self, query: &str) -> Lock {
        self.store.lock(query)
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// A command of this installation. It sees no configuration but this one's.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lethe"));
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env_clear()
            .env("LETHE__DATA_DIR", self.data_dir())
            .env("LETHE__HTTP__LISTEN", "127.0.0.1:0")
            .env("LETHE__STORAGE__URL", self.store.url())
            .env("LETHE__LOG__LEVEL", "warn")
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end; it must succeed. What it printed.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        succeed(&mut self.command(arguments))
    }

    /// Starts the service and waits until it listens.
    #[track_caller]
    pub(crate) fn serve(&mut self) {
        assert!(self.running.is_none(), "it runs already");
        self.running = Some(self.another_node());
    }

    /// Starts one more service on the same store.
    #[track_caller]
    pub(crate) fn another_node(&self) -> Node {
        Node::start(self.command(&["serve"]), &self.log_file())
    }

    fn log_file(&self) -> PathBuf {
        self.home.path().join("log")
    }

    /// What the services of this installation have logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn node(&self) -> &Node {
        self.running.as_ref().unwrap()
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.node().address()
    }

    pub(crate) fn base(&self) -> String {
        self.node().base()
    }

    /// Ends the service as a power cut would.
    pub(crate) fn kill(&mut self) {
        drop(self.running.take().unwrap());
    }

    /// Asks the service to end, and does not wait for it.
    pub(crate) fn ask_to_stop(&self) {
        self.node().ask_to_stop();
    }

    /// Waits until the service has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.running.take().unwrap().wait()
    }

    /// Ends the service in good order.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.ask_to_stop();
        assert!(self.wait().success());
    }

    /// A client without a token.
    pub(crate) fn anonymous(&self) -> Client {
        Client::new(&self.base(), None)
    }

    /// A client with this token.
    pub(crate) fn bearing(&self, token: &str) -> Client {
        Client::new(&self.base(), Some(token))
    }

    /// A client with the admin role.
    #[track_caller]
    pub(crate) fn admin(&self) -> Client {
        self.bearing(self.admin_token())
    }

    #[track_caller]
    pub(crate) fn admin_token(&self) -> &str {
        self.admin_token.get_or_init(|| self.run(&["token", "issue", "--role", "admin", "--user", &ADMIN.to_string()]).trim().to_owned())
    }

    /// A plain token of that user, whether it exists or not.
    #[track_caller]
    pub(crate) fn token(&self, user: i64) -> String {
        self.run(&["token", "issue", "--user", &user.to_string()]).trim().to_owned()
    }

    /// A new user, created over HTTP.
    #[track_caller]
    pub(crate) fn sign_up(&self, username: &str) -> User {
        let id = self.admin().post("/api/v2/sso/signup/", &json!({ "username": username })).body(201)["id"].as_i64().unwrap();
        self.user(id, username)
    }

    /// A user who is there already.
    #[track_caller]
    pub(crate) fn user(&self, id: i64, username: &str) -> User {
        let token = self.token(id);
        User { id, username: username.to_owned(), client: self.bearing(&token), token }
    }

    /// Imports these records, of which none may be refused.
    #[track_caller]
    pub(crate) fn import_records(&self, records: impl IntoIterator<Item = Value>) {
        let lines: Vec<_> = records.into_iter().map(|record| record.to_string()).collect();
        self.import_all(&lines.join("\n"));
    }

    /// Imports these lines; what the command said and how it ended.
    pub(crate) fn import(&self, lines: &str) -> Output {
        feed(self.command(&["import", "-"]), lines)
    }

    /// Imports these lines, of which none may be refused.
    #[track_caller]
    pub(crate) fn import_all(&self, lines: &str) {
        let output = self.import(lines);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// How far the erasure of a hard deleted user is.
    #[track_caller]
    pub(crate) fn erasure(&self, user: i64) -> Value {
        self.admin().get(&format!("/v1/erasures/{user}")).body(200)
    }

    /// Waits until everything of a user is gone; the account of its erasure.
    #[track_caller]
    pub(crate) fn erased(&self, user: i64) -> Value {
        let (admin, path) = (self.admin(), format!("/v1/erasures/{user}"));
        until("the erasure is done", || {
            // A purge that is to come by itself has no erasure yet.
            let erasure = Some(admin.get(&path)).filter(|answer| answer.status != 404)?.body(200);
            (erasure["state"] == "done").then_some(erasure)
        })
    }

    /// The letter of a user's state, as moderators see it.
    #[track_caller]
    pub(crate) fn state_of(&self, user: i64) -> Option<&'static str> {
        let admin = self.admin();
        ["a", "b", "d", "u"].into_iter().find(|letter| admin.get(&format!("/api/v2/moderation/user/?status={letter}&limit=100")).ids().contains(&user))
    }
}

impl Drop for Lethe {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the log:\n{}", self.log());
        }
    }
}

/// A text as one segment of a path: as the function `encodeURIComponent` of browsers would have it.
pub(crate) fn encode(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
    text.bytes().map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Runs a command to its end; it must succeed. What it printed.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command to its end with `input` on its standard input.
pub(crate) fn feed(mut command: Command, input: &str) -> Output {
    let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // Whether the command wanted all of it shows in what it answers.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}
