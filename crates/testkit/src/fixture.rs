//! Things to put into a store, and callers to do it.

use lethe_domain::access::{Act, Actor};
use lethe_domain::content::{NewPost, PostKind, PostText, PostTitle};
use lethe_domain::preference::NewPreference;
use lethe_domain::profile::{ExtId, NewUser, Profile, Username};
use lethe_domain::{JsonText, PreferenceKey, Timestamp, UserId};
use lethe_ports::{Caller, Grant, GrantError};
use std::sync::Arc;

use crate::FixedClock;

/// A user of that name, joined at [`FixedClock::start`].
#[must_use]
pub fn user(username: &str) -> NewUser {
    NewUser {
        username: Username::from_store(username.into()),
        ext_id: None,
        profile: Profile { real_name: format!("{username} the Tester"), ..Profile::new(FixedClock::start()) },
    }
}

/// The same user with an id in another system.
#[must_use]
pub fn user_with_ext_id(username: &str, ext_id: &str) -> NewUser {
    NewUser { ext_id: Some(ExtId::from_store(ext_id.into())), ..user(username) }
}

/// A key.
#[must_use]
pub fn key(text: &str) -> PreferenceKey {
    PreferenceKey::from_store(text.into())
}

/// A value, given as JSON without white space.
#[must_use]
pub fn json(text: &str) -> JsonText {
    JsonText::from_store(text.into())
}

/// A preference with this key and this value, given as JSON.
#[must_use]
pub fn preference(name: &str, value: &str) -> NewPreference {
    NewPreference { key: key(name), value: json(value) }
}

/// A post by `author`.
#[must_use]
pub fn post(author: UserId, text: &str) -> NewPost {
    NewPost { author, kind: PostKind::Post, title: PostTitle::from_store(String::new()), text: PostText::from_store(text.into()) }
}

/// A grant that narrows nothing.
#[derive(Debug)]
pub struct FullGrant;

impl Grant for FullGrant {
    fn allows(&self, _: &Act<'_>, _: Timestamp) -> Result<(), GrantError> {
        Ok(())
    }

    fn depends_on_key(&self) -> bool {
        false
    }
}

/// A grant for preferences whose key begins with this prefix, and for nothing else.
#[derive(Debug)]
pub struct PrefixGrant(pub &'static str);

impl Grant for PrefixGrant {
    fn allows(&self, act: &Act<'_>, _: Timestamp) -> Result<(), GrantError> {
        match act.key {
            Some(key) if key.as_str().starts_with(self.0) => Ok(()),
            Some(_) | None => Err(GrantError::Narrowed),
        }
    }

    fn depends_on_key(&self) -> bool {
        true
    }
}

/// A grant for everything but the preference of this key, in the way of a token that says `reject if preference_key(…)`.
#[derive(Debug)]
pub struct AllButGrant(pub &'static str);

impl Grant for AllButGrant {
    fn allows(&self, act: &Act<'_>, _: Timestamp) -> Result<(), GrantError> {
        if act.key.is_some_and(|key| key.as_str() == self.0) { Err(GrantError::Narrowed) } else { Ok(()) }
    }

    fn depends_on_key(&self) -> bool {
        true
    }
}

/// A grant whose time is over.
#[derive(Debug)]
pub struct ExpiredGrant;

impl Grant for ExpiredGrant {
    fn allows(&self, _: &Act<'_>, _: Timestamp) -> Result<(), GrantError> {
        Err(GrantError::Expired)
    }

    fn depends_on_key(&self) -> bool {
        false
    }
}

/// A user with a plain token, issued at [`FixedClock::start`].
#[must_use]
pub fn caller(user: UserId) -> Caller {
    Caller { actor: Actor { user, admin: false, issued_at: FixedClock::start() }, grant: Arc::new(FullGrant), retry: None }
}

/// An admin with that id, issued at [`FixedClock::start`].
#[must_use]
pub fn admin(user: UserId) -> Caller {
    Caller { actor: Actor { user, admin: true, issued_at: FixedClock::start() }, grant: Arc::new(FullGrant), retry: None }
}
