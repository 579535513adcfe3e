//! The command line beside the service: what it prints, how it ends, and how it is configured.

use crate::common::{Lethe, Store, feed, on_both_stores, succeed};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

on_both_stores!(migrations_are_applied_once, a_first_start_has_nothing_to_complain_of);

/// The one line on stderr of a command that failed.
#[track_caller]
fn failure(output: Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

fn migrations_are_applied_once(store: Store) {
    let lethe = Lethe::install(store);
    assert!(lethe.run(&["migrate"]).contains("initial"));
    assert!(!lethe.run(&["migrate"]).contains("initial"));
    assert_eq!(lethe.run(&["export"]), "");
}

fn a_first_start_has_nothing_to_complain_of(store: Store) {
    let mut lethe = Lethe::start(store);
    lethe.sign_up("ann");
    lethe.stop();
    assert_eq!(lethe.log(), "");
}

#[test]
fn help_and_version() {
    let lethe = Lethe::install(Store::sqlite());
    assert_eq!(lethe.run(&["--version"]).trim(), concat!("lethe ", env!("CARGO_PKG_VERSION")));
    for command in [
        &["--help"][..],
        &["serve", "--help"],
        &["token", "issue", "--help"],
        &["token", "revoke", "--help"],
        &["audit", "verify", "--help"],
        &["keys", "--help"],
        &["import", "--help"],
        &["config", "--help"],
    ] {
        assert!(lethe.run(command).contains("Usage: lethe"));
    }
    for misuse in [&["dance"][..], &["serve", "now"], &["import"], &["--config"], &["audit"], &["token", "revoke", "--id", "x"]] {
        assert_eq!(lethe.command(misuse).output().unwrap().status.code(), Some(2), "{misuse:?}");
    }
    assert_eq!(fs::read_dir(lethe.home()).unwrap().count(), 0, "asking leaves no trace");
}

#[test]
fn an_unknown_key_is_named_with_its_place() {
    let lethe = Lethe::install(Store::sqlite()).with("http.lissten", "127.0.0.1:0");
    let text = failure(lethe.command(&["serve"]).output().unwrap(), 1);
    assert!(text.contains("http.lissten") && text.contains("LETHE__HTTP__LISSTEN"), "{text}");

    let lethe = Lethe::install(Store::sqlite());
    let file = lethe.home().join("my.toml");
    fs::write(&file, "[storage]\nur = \"\"\n").unwrap();
    let text = failure(lethe.command(&["--config", "my.toml", "config"]).output().unwrap(), 1);
    assert!(text.contains("storage.ur") && text.contains("my.toml"), "{text}");
    fs::write(&file, "data_dir = 5 5\n").unwrap();
    assert!(failure(lethe.command(&["--config", "my.toml", "config"]).output().unwrap(), 1).contains("my.toml"));
    assert!(failure(lethe.command(&["--config", "none.toml", "config"]).output().unwrap(), 1).contains("none.toml"));
}

#[test]
fn bad_values_are_named() {
    for (key, value) in [
        ("storage.url", "mysql://x"),
        ("http.head_timeout", "soon"),
        ("http.workers", "many"),
        ("http.max_body_bytes", "-1"),
        ("limits.depth", "deep"),
        ("auth.public_keys", "nonsense"),
        ("deletion.grace", "yes"),
        ("delivery.timeout", "soon"),
        ("delivery.timeout", "31s"),
        ("delivery.retry_after", "soon"),
        ("delivery.allowed_networks", "10.0.0.0/33"),
        ("webhooks", "https://example.org"),
    ] {
        let lethe = Lethe::install(Store::sqlite()).with(key, value);
        let text = failure(lethe.command(&["serve"]).output().unwrap(), 1);
        assert!(text.contains(key) && text.contains(value), "{text}");
    }
}

#[test]
fn a_bad_webhook_is_named_and_its_secret_is_not() {
    let (url, good, short) = ("https://example.org/hook", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=");
    for (webhooks, named) in [
        (format!(r#"[{{ url = "{url}", secret = "{short}" }}]"#), url),
        (format!(r#"[{{ url = "ftp://example.org/", secret = "{good}" }}]"#), "ftp://example.org/"),
        (format!(r#"[{{ url = "{url}", secret = "{good}", events = ["user.sneezed"] }}]"#), "user.sneezed"),
        (format!(r#"[{{ url = "{url}", secret = "{good}", event = ["user.erased"] }}]"#), "webhooks"),
        (format!(r#"[{{ url = "{url}", secret = "{good}" }}, {{ url = "{url}", secret = "{good}" }}]"#), url),
        (format!(r#"[{{ url = "{url}" }}]"#), "webhooks"),
    ] {
        let lethe = Lethe::install(Store::sqlite()).with("webhooks", &webhooks);
        let text = failure(lethe.command(&["serve"]).output().unwrap(), 1);
        assert!(text.contains(named), "{webhooks}: {text}");
        assert!(!text.contains(&good[6..]) && !text.contains(&short[6..]), "{webhooks}: {text}");
    }
}

#[test]
fn the_configuration_is_listed_with_its_origins() {
    let lethe = Lethe::install(Store::sqlite()).with("storage.url", "postgres://ann:Pa55word@db.example/lethe");
    fs::write(lethe.home().join("lethe.toml"), "http.workers = 3\nhttp.listen = \"127.0.0.1:1\"\n").unwrap();
    fs::write(lethe.home().join("more.toml"), "[http]\nworkers = 5\nkeep_alive = \"7s\"\n").unwrap();
    let listing = lethe.run(&["config", "--config", "more.toml"]);
    let line = |key: &str| listing.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap_or_else(|| panic!("{key} is missing in {listing}"));
    for (key, value, origin) in [
        ("http.workers", "5", "more.toml"),
        ("http.keep_alive", "7s", "more.toml"),
        ("http.listen", "127.0.0.1:0", "LETHE__HTTP__LISTEN"),
        ("http.body_timeout", "10s", "default"),
        ("limits.keys_per_user", "1000", "default"),
    ] {
        assert!(line(key).contains(value) && line(key).contains(origin), "{}", line(key));
    }
    assert!(line("storage.url").contains("db.example") && !listing.contains("Pa55word"), "{listing}");
}

#[test]
fn a_taken_port_is_said_to_be_taken() {
    let first = Lethe::start(Store::sqlite());
    let second = Lethe::install(Store::sqlite()).with("http.listen", first.address());
    let text = failure(second.command(&["serve"]).output().unwrap(), 1);
    assert!(text.contains(first.address()) && text.contains("in use"), "{text}");
    first.anonymous().get("/healthz").expect(200);
}

#[test]
fn a_store_that_cannot_be_opened() {
    let lethe = Lethe::install(Store::sqlite()).with("storage.url", "sqlite:/dev/null/lethe.sqlite");
    assert!(failure(lethe.command(&["migrate"]).output().unwrap(), 1).contains("/dev/null/lethe.sqlite"));
    let lethe = Lethe::install(Store::sqlite());
    fs::create_dir(lethe.data_dir()).unwrap();
    fs::write(lethe.data_dir().join("lethe.sqlite"), "this is no database".repeat(100)).unwrap();
    assert!(failure(lethe.command(&["migrate"]).output().unwrap(), 1).contains("lethe.sqlite"));
}

#[test]
fn what_is_secret_is_kept_from_others() {
    let lethe = Lethe::start(Store::sqlite());
    let mode = |path: &str| fs::metadata(lethe.data_dir().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("."), mode("keys/1.private")), (0o700, 0o600));
}

/// `lethe` alone serves, and a token for it can be issued before, meanwhile and afterwards.
#[test]
fn a_newcomer_gets_on() {
    let lethe = Lethe::install(Store::sqlite());
    let admin = lethe.admin_token().to_owned();
    let mut alone = lethe.command(&[]);
    let mut process = alone.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(process.stdout.take().unwrap())).map(Result::unwrap);
    let first = lines.next().unwrap();
    let base = first.strip_prefix("lethe listening on ").unwrap();
    let client = crate::common::Client::new(base, Some(&admin));
    let ann = client.post("/api/v2/sso/signup/", &json!({ "username": "ann" })).body(201);
    let token = lethe.token(ann["id"].as_i64().unwrap());
    crate::common::Client::new(base, Some(&token)).get("/api/v2/user/me/").body(200);
    succeed(Command::new("kill").args(["-INT", &process.id().to_string()]));
    let welcome: String = lines.collect();
    for part in ["lethe.sqlite", "token issue", "/docs"] {
        assert!(welcome.contains(part), "{welcome}");
    }
    assert!(process.wait().unwrap().success());
}

#[test]
fn a_reader_who_leaves_is_no_failure() {
    let lethe = Lethe::install(Store::sqlite());
    lethe.import_records((1..=3_000).map(|id| json!({ "type": "user", "id": id, "username": format!("u{id}") })));
    let mut export = lethe.command(&["export"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut reader = std::io::BufReader::new(export.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut reader, &mut String::new()).unwrap();
    drop(reader);
    assert!(export.wait().unwrap().success());
    assert_eq!(feed(lethe.command(&["import", "-"]), "").status.code(), Some(0), "nothing is nothing refused");
}
