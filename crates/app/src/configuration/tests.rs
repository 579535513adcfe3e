//! Layers, errors and the example file.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

/// A folder with configuration files.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Configuration, ConfigurationError> {
        let files = Files { usual: vec![self.0.path().join("system.toml"), self.0.path().join("local.toml")], chosen: None };
        load(&files, variables)
    }

    fn refusal(&self, variables: &[(&str, &str)]) -> String {
        self.load(variables).unwrap_err().to_string().replace(self.0.path().to_str().unwrap(), "PLACE")
    }
}

fn load(files: &Files, variables: &[(&str, &str)]) -> Result<Configuration, ConfigurationError> {
    Configuration::from_layers(files, variables.iter().map(|(name, value)| (name.into(), value.into())))
}

fn line<'a>(configuration: &'a Configuration, key: &str) -> (String, &'a str) {
    let line = configuration.listing().find(|line| line.key == key).unwrap();
    (line.value, line.origin)
}

#[test]
fn without_layers_the_defaults_hold() {
    let configuration = Place::new().load(&[("PATH", "/bin"), ("LETHE", "x")]).unwrap();
    assert_eq!(configuration.settings, Settings::default());
    assert!(configuration.listing().all(|line| line.origin == "default"));
}

#[test]
fn later_layers_win_and_are_named() {
    let place = Place::new();
    place.file("system.toml", "[http]\nlisten = 'a:1'\nworkers = 1\nmax_connections = 1\nmax_body_bytes = 1");
    place.file("local.toml", "[http]\nworkers = 2\nmax_connections = 2\nmax_body_bytes = 2");
    let chosen = place.file("chosen.toml", "http = { max_connections = 3, max_body_bytes = 3 }");
    let files = Files { usual: vec![place.0.path().join("system.toml"), place.0.path().join("local.toml")], chosen: Some(chosen.clone()) };

    let configuration = load(&files, &[("LETHE__HTTP__MAX_BODY_BYTES", "4")]).unwrap();

    let http = &configuration.settings.http;
    assert_eq!((http.listen.as_str(), http.workers, http.max_connections.get(), http.max_body_bytes.get()), ("a:1", 1 + 1, 3, 4));
    assert_eq!(line(&configuration, "http.listen"), ("\"a:1\"".to_owned(), files.usual[0].to_str().unwrap()));
    assert_eq!(line(&configuration, "http.workers"), ("2".to_owned(), files.usual[1].to_str().unwrap()));
    assert_eq!(line(&configuration, "http.max_connections"), ("3".to_owned(), chosen.to_str().unwrap()));
    assert_eq!(line(&configuration, "http.max_body_bytes"), ("4".to_owned(), "environment variable LETHE__HTTP__MAX_BODY_BYTES"));
    assert_eq!(line(&configuration, "http.keep_alive"), ("\"15s\"".to_owned(), "default"));
}

#[test]
fn variables_carry_every_kind_of_value() {
    let settings = Place::new()
        .load(&[
            ("LETHE__DATA_DIR", "42"),
            ("LETHE__HTTP__CORS_ALLOWED_ORIGINS", "https://a.example, https://b.example,"),
            ("LETHE__HTTP__PUBLIC_URL", "https://lethe.example/"),
            ("LETHE__LIMITS__DEPTH", "7"),
            ("LETHE__DELETION__GRACE", "30d"),
            ("LETHE__HTTP__KEEP_ALIVE", "90s"),
            ("LETHE__AUTH__PRIVATE_KEY_FILE", ""),
            ("LETHE__LOG__FORMAT", "json"),
        ])
        .unwrap()
        .settings;
    assert_eq!(settings.data_dir, PathBuf::from("42"));
    assert_eq!(settings.http.cors_allowed_origins, ["https://a.example", "https://b.example"]);
    assert_eq!(settings.http.public_url.unwrap().to_string(), "https://lethe.example");
    assert_eq!(settings.limits.depth, 7);
    assert_eq!(settings.deletion.grace.unwrap().0, Duration::from_hours(30 * 24));
    assert_eq!(settings.http.keep_alive.0, Duration::from_secs(90));
    assert_eq!(settings.auth.private_key_file, None);
    assert_eq!(settings.log.format, LogFormat::Json);
}

#[test]
fn an_empty_list_replaces_a_list() {
    let place = Place::new();
    place.file("system.toml", "http.cors_allowed_origins = ['https://a.example']");
    assert_eq!(place.load(&[]).unwrap().settings.http.cors_allowed_origins.len(), 1);
    assert!(place.load(&[("LETHE__HTTP__CORS_ALLOWED_ORIGINS", "")]).unwrap().settings.http.cors_allowed_origins.is_empty());
    place.file("local.toml", "http.cors_allowed_origins = []");
    assert!(place.load(&[]).unwrap().settings.http.cors_allowed_origins.is_empty());
}

#[test]
fn the_store_may_be_named_in_three_ways() {
    let url = |text| Place::new().load(&[("LETHE__STORAGE__URL", text)]).unwrap().settings.storage.url;
    assert_eq!(url(""), StorageUrl::Embedded);
    assert_eq!(url("sqlite:a/b.sqlite"), StorageUrl::Sqlite("a/b.sqlite".into()));
    assert_eq!(url("sqlite:///a/b.sqlite"), StorageUrl::Sqlite("/a/b.sqlite".into()));
    for text in ["postgres://me@a,b/db?target_session_attrs=read-write", "postgresql:///db"] {
        assert_eq!(url(text), StorageUrl::Postgres(text.to_owned()));
    }
}

#[test]
fn our_name_of_the_log_level_wins_over_the_usual_one() {
    let level = |variables: &[(&str, &str)]| line(&Place::new().load(variables).unwrap(), "log.level").0;
    assert_eq!(level(&[("RUST_LOG", "debug")]), "\"debug\"");
    assert_eq!(level(&[("RUST_LOG", "")]), "\"info,actix_server=warn\"");
    assert_eq!(level(&[("RUST_LOG", "debug"), ("LETHE__LOG__LEVEL", "warn")]), "\"warn\"");
    assert_eq!(level(&[("LETHE__LOG__LEVEL", "warn"), ("RUST_LOG", "debug")]), "\"warn\"");
}

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_names_that_exist() {
    let place = Place::new();
    assert_eq!(
        place.refusal(&[("LETHE__STORAGE__URI", "x")]),
        "unknown key `storage.uri` in environment variable LETHE__STORAGE__URI: the keys of `storage` are max_connections, url"
    );
    let sections = "there are auth, data_dir, deletion, delivery, history, http, limits, log, storage, webhooks";
    assert_eq!(place.refusal(&[("LETHE__HTPT__LISTEN", "x")]), format!("unknown key `htpt.listen` in environment variable LETHE__HTPT__LISTEN: {sections}"));
    place.file("local.toml", "[log]\n[deletion]\ngrace = ''\nperiod = '30d'");
    assert_eq!(place.refusal(&[]), "unknown key `deletion.period` in PLACE/local.toml: the keys of `deletion` are grace");
    place.file("local.toml", "log = 'info'");
    assert_eq!(place.refusal(&[]), "unknown key `log` in PLACE/local.toml: the keys of `log` are format, level");
    place.file("local.toml", "[metrics]");
    assert_eq!(place.refusal(&[]), format!("unknown key `metrics` in PLACE/local.toml: {sections}"));
}

#[test]
fn an_unknown_key_is_refused_even_where_a_later_layer_would_hide_it() {
    let place = Place::new();
    place.file("system.toml", "storage = 'x'");
    place.file("local.toml", "storage.url = ''");
    assert_eq!(place.refusal(&[]), "unknown key `storage` in PLACE/system.toml: the keys of `storage` are max_connections, url");
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_key_value_and_place() {
    let number = "expected a whole number, 0 or more";
    for (variable, text, refusal) in [
        ("LETHE__HTTP__WORKERS", "many", format!("http.workers = \"many\" in environment variable LETHE__HTTP__WORKERS: {number}")),
        ("LETHE__LIMITS__DEPTH", "-1", format!("limits.depth = -1 in environment variable LETHE__LIMITS__DEPTH: {number}")),
        ("LETHE__LIMITS__DEPTH", "101", "limits.depth = 101 in environment variable LETHE__LIMITS__DEPTH: expected at most 100".to_owned()),
        ("LETHE__LIMITS__DEPTH", "", format!("limits.depth = \"\" in environment variable LETHE__LIMITS__DEPTH: {number}")),
        ("LETHE__LOG__FORMAT", "xml", "log.format = \"xml\" in environment variable LETHE__LOG__FORMAT: expected auto, json or text".to_owned()),
        (
            "LETHE__HTTP__PUBLIC_URL",
            "lethe.example",
            "http.public_url = \"lethe.example\" in environment variable LETHE__HTTP__PUBLIC_URL: expected an address like https://lethe.example.org".to_owned(),
        ),
        (
            "LETHE__STORAGE__URL",
            "mysql://me:secret@host/db",
            "storage.url = \"mysql://me:***@host/db\" in environment variable LETHE__STORAGE__URL: expected nothing, sqlite:PATH, or postgres://USER@HOST/DATABASE"
                .to_owned(),
        ),
        (
            "LETHE__HTTP__KEEP_ALIVE",
            "0s",
            "http.keep_alive = \"0s\" in environment variable LETHE__HTTP__KEEP_ALIVE: a span of time must be longer than nothing".to_owned(),
        ),
    ] {
        assert_eq!(Place::new().refusal(&[(variable, text)]), refusal);
    }
    for (variable, text, refusal) in [
        (
            "LETHE__DELETION__GRACE",
            "soon",
            "deletion.grace = \"soon\" in environment variable LETHE__DELETION__GRACE: expected a span of time like 30d, 12h or 90s",
        ),
        ("LETHE__HTTP__MAX_CONNECTIONS", "0", "http.max_connections = 0 in environment variable LETHE__HTTP__MAX_CONNECTIONS: "),
        (
            "LETHE__AUTH__PUBLIC_KEYS",
            "1:rsa/00",
            "auth.public_keys = [\"1:rsa/00\"] in environment variable LETHE__AUTH__PUBLIC_KEYS: expected a public key, written",
        ),
        ("RUST_LOG", "lethe=loud", "log.level = \"lethe=loud\" in environment variable RUST_LOG: expected a level such as info"),
    ] {
        let message = Place::new().refusal(&[(variable, text)]);
        assert!(message.starts_with(refusal), "{message}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_in_a_file_is_refused() {
    let place = Place::new();
    for (text, refusal) in [
        ("http.workers = '4'", "http.workers = \"4\" in PLACE/local.toml: expected a whole number, 0 or more"),
        ("http.workers = 1.5", "http.workers = 1.5 in PLACE/local.toml: expected a whole number, 0 or more"),
        ("http.listen = 8080", "http.listen = 8080 in PLACE/local.toml: expected a text"),
        ("http.cors_allowed_origins = 'a'", "http.cors_allowed_origins = \"a\" in PLACE/local.toml: expected a list of texts"),
        ("http.cors_allowed_origins = [1]", "http.cors_allowed_origins = [1] in PLACE/local.toml: expected a list of texts"),
    ] {
        place.file("local.toml", text);
        assert_eq!(place.refusal(&[]), refusal);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_refused_in_one_line() {
    let place = Place::new();
    place.file("local.toml", "[http]\nlisten = \n");
    let message = place.refusal(&[]);
    assert!(message.starts_with("cannot read the configuration file PLACE/local.toml: TOML parse error at line 2"), "{message}");
    assert!(!message.contains('\n'), "{message}");

    let missing = Files { usual: Vec::new(), chosen: Some("/nowhere/lethe.toml".into()) };
    let message = load(&missing, &[]).unwrap_err().to_string();
    assert!(message.starts_with("cannot read the configuration file /nowhere/lethe.toml: "), "{message}");
}

#[test]
fn no_password_is_shown() {
    let configuration = Place::new().load(&[("LETHE__STORAGE__URL", "postgres://me:secret@host/db")]).unwrap();
    assert_eq!(line(&configuration, "storage.url").0, "\"postgres://me:***@host/db\"");
    assert!(!format!("{:?}", configuration.settings).contains("secret"));
}

#[test]
fn webhooks_are_tables_whose_secrets_are_not_shown() {
    let place = Place::new();
    place.file("local.toml", "[[webhooks]]\nurl = 'https://a.example'\nsecret = 'whsec_a'\nevents = ['user.erased']\n[[webhooks]]\nurl = 'b'\nsecret = 'c'");
    let configuration = place.load(&[]).unwrap();
    let [first, second] = configuration.settings.webhooks.as_slice() else { panic!("two") };
    assert_eq!((first.url.as_str(), first.secret.0.as_str(), first.events.len()), ("https://a.example", "whsec_a", 1));
    assert_eq!(second.events.len(), 5, "everything when it does not say");
    let shown = line(&configuration, "webhooks").0;
    assert!(shown.starts_with(r#"[{ events = ["user.erased"], secret = "***", url = "https://a.example" }, "#), "{shown}");
    assert!(!format!("{:?}", configuration.settings).contains("whsec_a"));

    let variable = r#"[{ url = "https://c.example", secret = "whsec_c" }]"#;
    assert_eq!(place.load(&[("LETHE__WEBHOOKS", variable)]).unwrap().settings.webhooks[0].url, "https://c.example", "as in a file, in a line");
    assert_eq!(place.load(&[("LETHE__WEBHOOKS", "[]")]).unwrap().settings.webhooks.len(), 0);
    for (text, reason) in [
        ("soon", "expected a list of tables"),
        (r#"[{ url = "a" }]"#, "secret"),
        (r#"[{ url = "a", secret = "whsec_x", event = [] }]"#, "event"),
        (r#"[{ url = "a", secret = "whsec_x", events = ["user.eaten"] }]"#, "there is no event user.eaten; there are user.created"),
    ] {
        let message = place.refusal(&[("LETHE__WEBHOOKS", text)]);
        assert!(message.starts_with("webhooks = ") && message.contains(reason), "{message}");
        assert!(!message.contains("whsec_x"), "{message}");
    }
}

#[test]
fn the_example_file_holds_every_key_with_its_default() {
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../lethe.example.toml")).unwrap();
    let uncommented: Vec<_> = example.lines().map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line)).collect();
    let place = Place::new();
    let example = Layer::file(&place.file("example.toml", &uncommented.join("\n"))).unwrap();
    let defaults = Layer::defaults().unwrap();
    let listed = |layer: &Layer| layer.entries().map(|(key, value)| (key.clone(), value.kind.clone())).collect::<Vec<_>>();
    assert_eq!(listed(&example), listed(&defaults));
}

#[test]
fn the_example_file_changes_nothing_as_it_is() {
    let example = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../lethe.example.toml"));
    let configuration = load(&Files { usual: Vec::new(), chosen: Some(example.to_path_buf()) }, &[]).unwrap();
    assert!(configuration.listing().all(|line| line.origin == "default"));
}
