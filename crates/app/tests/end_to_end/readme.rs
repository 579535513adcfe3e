//! The README's walk through the service does what it shows.

use crate::common::{Lethe, Store, on_both_stores};
use std::process::Command;

on_both_stores!(the_walk_prints_what_the_readme_shows);

const README: &str = include_str!("../../../../README.md");

/// The block of commands that a comment in the README announces.
fn walk() -> &'static str {
    let (_, announced) = README.split_once("<!-- A test runs what follows").expect("the README announces its walk");
    let (_, block) = announced.split_once("```sh\n").expect("a block of commands follows");
    block.split_once("```").expect("the block ends").0
}

fn the_walk_prints_what_the_readme_shows(store: Store) {
    let lethe = Lethe::start(store);
    let commands = walk().replace("http://127.0.0.1:8080", &lethe.base()).replace("target/release/lethe", env!("CARGO_BIN_EXE_lethe"));
    let walked = Command::new("bash").args(["-euo", "pipefail", "-c", &commands]).env("LETHE__DATA_DIR", lethe.data_dir()).output().unwrap();
    assert!(walked.status.success(), "{walked:?}");
    let printed = String::from_utf8(walked.stdout).unwrap().replace('\n', "");
    let shown: String = walk().lines().filter_map(|line| line.strip_prefix("#> ")).collect();
    assert!(matches(&printed, &shown), "printed: {printed}\nshown:   {shown}");
}

/// Whether a text is what is shown, where `…` stands for anything.
fn matches(text: &str, shown: &str) -> bool {
    let mut parts = shown.split('…');
    let mut rest = parts.next().and_then(|first| text.strip_prefix(first));
    for part in parts {
        rest = rest.and_then(|rest| rest.find(part).map(|at| &rest[at + part.len()..]));
    }
    rest == Some("")
}
