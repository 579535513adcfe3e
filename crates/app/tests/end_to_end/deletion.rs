//! The table of the page "Delete a specific user": every state of the account under either deletion, by the user itself, an admin, and others.

use crate::common::{Answer, Client, Lethe, NOBODY, Store, on_both_stores};
use serde_json::{Value, json};
use std::thread;

on_both_stores!(
    every_state_answers_either_deletion,
    only_the_exact_text_1_is_hard,
    me_can_leave,
    of_several_deletions_one_wins,
    who_may_not_is_told_nothing_else
);

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Active,
    Blocked,
    SoftDeleted,
    SoftDeletedWhileBlocked,
    Erased,
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// Done, and the account is in the state of this letter.
    Becomes(&'static str),
    AlreadySoftDeleted,
    NotFound,
}

const SOFT: &str = "";
const HARD: &str = "?hard=1";

const TABLE: [(State, &str, Outcome); 10] = [
    (State::Active, SOFT, Outcome::Becomes("d")),
    (State::Active, HARD, Outcome::Becomes("u")),
    (State::Blocked, SOFT, Outcome::Becomes("d")),
    (State::Blocked, HARD, Outcome::Becomes("u")),
    (State::SoftDeleted, SOFT, Outcome::AlreadySoftDeleted),
    (State::SoftDeleted, HARD, Outcome::Becomes("u")),
    (State::SoftDeletedWhileBlocked, SOFT, Outcome::AlreadySoftDeleted),
    (State::SoftDeletedWhileBlocked, HARD, Outcome::Becomes("u")),
    (State::Erased, SOFT, Outcome::NotFound),
    (State::Erased, HARD, Outcome::NotFound),
];

impl State {
    /// The record of a user in the state that this one is deleted from, or is.
    fn record(self, id: i64) -> Value {
        let status = match self {
            Self::Active | Self::SoftDeleted | Self::Erased => "a",
            Self::Blocked | Self::SoftDeletedWhileBlocked => "b",
        };
        json!({ "type": "user", "id": id, "username": format!("u{id}"), "status": status })
    }

    /// The deletion that leads from there to this state.
    fn deletion(self) -> Option<&'static str> {
        match self {
            Self::Active | Self::Blocked => None,
            Self::SoftDeleted | Self::SoftDeletedWhileBlocked => Some(SOFT),
            Self::Erased => Some(HARD),
        }
    }
}

fn delete(by: &Client, user: i64, mode: &str) -> Answer {
    by.delete(&format!("/api/v2/user/{user}/{mode}"))
}

fn assert_outcome(lethe: &Lethe, user: i64, answer: Answer, outcome: Outcome) {
    match outcome {
        Outcome::Becomes(letter) => {
            answer.nothing();
            assert_eq!(lethe.state_of(user), Some(letter));
        }
        Outcome::AlreadySoftDeleted => {
            answer.refused(400, "invalid", "The user has already been soft deleted");
            assert_eq!(lethe.state_of(user), Some("d"));
        }
        Outcome::NotFound => {
            answer.user_not_found();
            assert_eq!(lethe.state_of(user), Some("u"));
        }
    }
}

fn every_state_answers_either_deletion(store: Store) {
    let lethe = Lethe::start(store);
    let admin = lethe.admin();
    let by_itself = |row: usize| 100 + i64::try_from(row).unwrap();
    let by_admin = |row: usize| 200 + i64::try_from(row).unwrap();
    lethe.import_records(TABLE.iter().enumerate().flat_map(|(row, (state, ..))| [state.record(by_itself(row)), state.record(by_admin(row))]));
    for (row, (state, mode, outcome)) in TABLE.into_iter().enumerate() {
        for user in [by_itself(row), by_admin(row)] {
            if let Some(deletion) = state.deletion() {
                delete(&admin, user, deletion).nothing();
            }
        }
        let itself = lethe.bearing(&lethe.token(by_itself(row)));
        eprintln!("{mode:?} from {state:?}: {outcome:?}");
        assert_outcome(&lethe, by_itself(row), delete(&itself, by_itself(row), mode), outcome);
        assert_outcome(&lethe, by_admin(row), delete(&admin, by_admin(row), mode), outcome);
    }
    for mode in [SOFT, HARD] {
        delete(&admin, NOBODY, mode).user_not_found();
        delete(&lethe.bearing(&lethe.token(NOBODY)), NOBODY, mode).unauthorized();
    }
}

fn only_the_exact_text_1_is_hard(store: Store) {
    let lethe = Lethe::start(store);
    let soft = ["", "?", "?hard", "?hard=", "?hard=0", "?hard=01", "?hard=true", "?hard=yes", "?hard=1%20", "?HARD=1", "?hard=1&hard=0"];
    let hard = ["?hard=1", "?hard=%31", "?x=y&hard=1", "?hard=0&hard=1"];
    for (letter, modes) in [("d", &soft[..]), ("u", &hard[..])] {
        for (at, mode) in modes.iter().enumerate() {
            let user = lethe.sign_up(&format!("{letter}{at}"));
            delete(&user.client, user.id, mode).nothing();
            assert_eq!(lethe.state_of(user.id), Some(letter), "{mode}");
        }
    }
    let user = lethe.sign_up("slashless");
    user.client.delete(&format!("/api/v2/user/{}", user.id)).nothing();
    user.client.delete(&format!("/api/v2/user/{}?hard=1", user.id)).nothing();
    assert_eq!(lethe.state_of(user.id), Some("u"));
}

/// The pages' examples label their empty body as a form; and a body is nobody's business here.
fn me_can_leave(store: Store) {
    let lethe = Lethe::start(store);
    let user = lethe.sign_up("ann");
    user.client.send("DELETE", "/api/v2/user/me/", &[("content-type", "application/x-www-form-urlencoded")], b"").nothing();
    assert_eq!(lethe.state_of(user.id), Some("d"));
    user.client.delete("/api/v2/user/me/").refused(400, "invalid", "The user has already been soft deleted");
    user.client.delete("/api/v2/user/me/?hard=1").nothing();
    assert_eq!(lethe.state_of(user.id), Some("u"));
    user.client.delete("/api/v2/user/me/?hard=1").user_not_found();
    lethe.admin().delete("/api/v2/user/me/").user_not_found();
}

fn of_several_deletions_one_wins(store: Store) {
    let lethe = Lethe::start(store);
    let user = lethe.sign_up("ann");
    let admin = lethe.admin();
    for (mode, others) in [(SOFT, 400), (HARD, 404)] {
        let mut statuses: Vec<u16> = thread::scope(|scope| {
            let all: Vec<_> = [&admin, &user.client].into_iter().cycle().take(8).map(|by| scope.spawn(move || delete(by, user.id, mode).status)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [&[204][..], &[others; 7]].concat());
    }
}

fn who_may_not_is_told_nothing_else(store: Store) {
    let lethe = Lethe::start(store);
    let (soft, erased, living, other) = (lethe.sign_up("soft"), lethe.sign_up("erased"), lethe.sign_up("living"), lethe.sign_up("other"));
    delete(&soft.client, soft.id, SOFT).nothing();
    delete(&erased.client, erased.id, HARD).nothing();
    for id in [living.id, soft.id, erased.id, NOBODY] {
        for mode in [SOFT, HARD] {
            delete(&other.client, id, mode).forbidden();
            delete(&lethe.anonymous(), id, mode).unauthorized();
            // A deleted user keeps no power over others.
            if id != soft.id {
                delete(&soft.client, id, mode).unauthorized();
            }
            if id != erased.id {
                delete(&erased.client, id, mode).unauthorized();
            }
        }
    }
    assert_eq!(lethe.state_of(living.id), Some("a"));
    assert_eq!(lethe.state_of(soft.id), Some("d"));
}
