//! The native dialect over HTTP.

mod audit;
mod bodies;
mod deletion;
mod deliveries;
mod erasures;
mod holds;
mod pages;
mod plans;
mod preferences;
mod problems;
mod refusals;
mod restoration;
mod slices;
mod users;

use crate::tests::house::{Reply, now};
use actix_web::http::StatusCode;
use lethe_domain::profile::{Person, PostCounts};
use lethe_domain::{AccountState, Email, ExtId, JsonText, LiveState, PreferenceKey, Profile, Role, User, UserId, Username};

fn key(text: &str) -> PreferenceKey {
    PreferenceKey::from_store(text.into())
}

fn json(text: &str) -> JsonText {
    JsonText::from_store(text.into())
}

fn user(id: i64, state: AccountState) -> User {
    let profile =
        Profile { real_name: "Ann".into(), email: Some(Email::from_store("ann@example.org".into())), role: Some(Role::Editor), ..Profile::new(now()) };
    let names = (Username::from_store("ann".into()), Some(ExtId::from_store("x1".into())));
    let person = Person { username: names.0, ext_id: names.1, profile, counts: PostCounts::default() };
    User { id: UserId::new(id), state, person: Some(person) }
}

fn ann() -> User {
    user(1, AccountState::Live(LiveState::Active))
}

fn erased(id: i64) -> User {
    User { person: None, ..user(id, AccountState::Erased { at: now() }) }
}

fn assert_shows(reply: &Reply, body: &str) {
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, body));
    assert_eq!(reply.header("content-type"), "application/json");
}
