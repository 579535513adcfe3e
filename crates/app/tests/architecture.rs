//! The arrows between the crates, held against what Cargo and the sources say.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every crate of the workspace and the crates of the workspace that it may build on: these, all of these, and no others.
const ARROWS: [(&str, &[&str]); 9] = [
    ("lethe-domain", &[]),
    ("lethe-ports", &["lethe-domain"]),
    ("lethe-usecases", &["lethe-domain", "lethe-ports"]),
    ("lethe-postgres-adapter", &["lethe-domain", "lethe-ports"]),
    ("lethe-sqlite-adapter", &["lethe-domain", "lethe-ports"]),
    ("lethe-http-adapter", &["lethe-domain", "lethe-ports"]),
    ("lethe-testkit", &["lethe-domain", "lethe-ports"]),
    // It knows the service by its wire alone.
    ("lethe-client", &[]),
    ("lethe-app", &["lethe-domain", "lethe-http-adapter", "lethe-ports", "lethe-postgres-adapter", "lethe-sqlite-adapter", "lethe-usecases"]),
];

/// Drivers, and the only crates that may name them.
const DRIVERS: [(&str, &[&str]); 11] = [
    ("diesel", &["lethe-postgres-adapter", "lethe-sqlite-adapter"]),
    ("diesel_migrations", &["lethe-postgres-adapter", "lethe-sqlite-adapter"]),
    ("diesel-async", &["lethe-postgres-adapter"]),
    // The test kit makes and drops databases.
    ("tokio-postgres", &["lethe-postgres-adapter", "lethe-testkit"]),
    ("libsqlite3-sys", &["lethe-sqlite-adapter"]),
    ("actix-web", &["lethe-http-adapter"]),
    ("biscuit-auth", &["lethe-http-adapter"]),
    ("utoipa", &["lethe-http-adapter"]),
    ("ureq", &["lethe-http-adapter"]),
    ("reqwest", &["lethe-client"]),
    ("standardwebhooks", &["lethe-http-adapter"]),
];

/// Everything that the domain is built from, to the last crate. None of these does input or output; a newcomer is looked at before it is added.
const DOMAIN_TREE: [&str; 30] = [
    "block-buffer",
    "cfg-if",
    "chrono",
    "cpufeatures",
    "crypto-common",
    "digest",
    "equivalent",
    "foldhash",
    "hashbrown",
    "hybrid-array",
    "indexmap",
    "itoa",
    "json-patch",
    "jsonptr",
    "lethe-domain",
    "memchr",
    "num-traits",
    "proc-macro2",
    "quote",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "sha2",
    "syn",
    "thiserror",
    "thiserror-impl",
    "typenum",
    "unicode-ident",
    "zmij",
];

/// Words that no crate inside the adapters may know.
const FOREIGN_WORDS: [&str; 10] =
    ["actix", "biscuit", "diesel", "HttpRequest", "HttpResponse", "rusqlite", "sqlx", "standardwebhooks", "tokio_postgres", "ureq"];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo).args(arguments).current_dir(workspace()).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// For each crate of the workspace the names of its dependencies outside tests and build scripts.
fn normal_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata: Value = serde_json::from_str(&cargo(&["metadata", "--offline", "--no-deps", "--format-version=1"])).unwrap();
    let name = |of: &Value| of["name"].as_str().unwrap().to_owned();
    let normal = |package: &Value| package["dependencies"].as_array().unwrap().iter().filter(|dependency| dependency["kind"].is_null()).map(name).collect();
    metadata["packages"].as_array().unwrap().iter().map(|package| (name(package), normal(package))).collect()
}

/// The Rust sources below a crate's `src`, by path.
fn sources(crate_folder: &str) -> BTreeMap<PathBuf, String> {
    let mut folders = vec![workspace().join("crates").join(crate_folder).join("src")];
    let mut sources = BTreeMap::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.insert(path.clone(), std::fs::read_to_string(path).unwrap());
            }
        }
    }
    assert!(!sources.is_empty(), "{crate_folder} has no sources");
    sources
}

#[test]
fn every_crate_builds_on_exactly_the_crates_that_its_arrows_lead_to() {
    let expected: BTreeMap<String, BTreeSet<String>> =
        ARROWS.iter().map(|(name, arrows)| ((*name).to_owned(), arrows.iter().map(|arrow| (*arrow).to_owned()).collect())).collect();
    let mut found = normal_dependencies();
    for dependencies in found.values_mut() {
        dependencies.retain(|dependency| dependency.starts_with("lethe-"));
    }
    assert_eq!(found, expected);
}

#[test]
fn drivers_are_known_to_their_adapters_alone() {
    for (driver, adapters) in DRIVERS {
        let users: Vec<_> = normal_dependencies().into_iter().filter(|(_, dependencies)| dependencies.contains(driver)).map(|(name, _)| name).collect();
        assert_eq!(users, adapters, "{driver}");
    }
}

#[test]
fn the_domain_is_built_from_nothing_that_does_input_or_output() {
    let direct = normal_dependencies().remove("lethe-domain").unwrap();
    assert_eq!(direct.iter().map(String::as_str).collect::<Vec<_>>(), ["chrono", "json-patch", "serde", "serde_json", "sha2", "thiserror"]);
    let tree = cargo(&["tree", "--offline", "--package=lethe-domain", "--edges=normal", "--prefix=none", "--format={p}"]);
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, BTreeSet::from(DOMAIN_TREE));
}

#[test]
fn the_core_speaks_of_no_technology() {
    for folder in ["domain", "ports", "usecases"] {
        for (path, source) in sources(folder) {
            for word in FOREIGN_WORDS {
                assert!(!source.contains(word), "{} speaks of {word}", path.display());
            }
        }
    }
}

#[test]
fn storage_is_chosen_in_the_wiring_and_nowhere_else() {
    let names_a_store = |source: &str| ["lethe_postgres_adapter", "lethe_sqlite_adapter", "PgStore", "SqliteStore"].iter().any(|name| source.contains(name));
    let rooms: Vec<_> = sources("app").into_iter().filter(|(_, source)| names_a_store(source)).map(|(path, _)| path).collect();
    assert_eq!(rooms, [workspace().join("crates/app/src/wiring.rs")]);
}
