//! A user as the community dialect shows one. What Lethe does not keep is shown as what it is here: absent, empty or zero.

use lethe_domain::content::Author;
use lethe_domain::profile::{Person, PostCounts};
use lethe_domain::{Profile, Role, Timestamp, User};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A user, as everybody sees it. Of a hard deleted one only the id is left.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserJson {
    id: i64,
    username: Option<String>,
    real_name: Option<String>,
    avatar: Option<String>,
    ext_id: Option<String>,
    followings_counter: u64,
    followers_counter: u64,
    posts_counter: u64,
    discussions_counter: u64,
    statuses_counter: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    date_joined: Option<Timestamp>,
    bio: Option<String>,
    location: Option<String>,
    description: Option<String>,
    /// `Male`, `Female` or `Unspecified`.
    gender: Option<&'static str>,
    website: Option<String>,
    cover: Option<String>,
    tags: Vec<String>,
    reputation: u64,
    deleted: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    deleted_at: Option<Timestamp>,
}

impl From<User> for UserJson {
    fn from(user: User) -> Self {
        let deleted_at = user.deleted_at();
        let blank = Self::nobody(user.id.get(), deleted_at);
        match user.person {
            Some(person) => blank.with(person),
            None => blank,
        }
    }
}

impl UserJson {
    fn nobody(id: i64, deleted_at: Option<Timestamp>) -> Self {
        Self {
            id,
            username: None,
            real_name: None,
            avatar: None,
            ext_id: None,
            followings_counter: 0,
            followers_counter: 0,
            posts_counter: 0,
            discussions_counter: 0,
            statuses_counter: 0,
            date_joined: None,
            bio: None,
            location: None,
            description: None,
            gender: None,
            website: None,
            cover: None,
            tags: Vec::new(),
            reputation: 0,
            deleted: deleted_at.is_some(),
            deleted_at,
        }
    }

    fn with(self, person: Person) -> Self {
        let Person { username, ext_id, profile, counts } = person;
        let Profile { real_name, email: _, role: _, date_joined, bio, location, description, gender, website } = profile;
        let PostCounts { posts, discussions, statuses } = counts;
        Self {
            username: Some(username.to_string()),
            real_name: Some(real_name),
            ext_id: ext_id.map(|id| id.to_string()),
            posts_counter: posts,
            discussions_counter: discussions,
            statuses_counter: statuses,
            date_joined: Some(date_joined),
            bio: Some(bio),
            location: Some(location),
            description: Some(description),
            gender: Some(gender.word()),
            website: Some(website),
            ..self
        }
    }
}

/// A user with the state of its account, for admins.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserWithStatus)]
pub(super) struct UserWithStatusJson {
    #[serde(flatten)]
    user: UserJson,
    /// `a` active, `b` blocked, `d` soft deleted, `u` hard deleted.
    status: &'static str,
}

impl From<User> for UserWithStatusJson {
    fn from(user: User) -> Self {
        Self { status: user.status().letter(), user: user.into() }
    }
}

/// A user as it sees itself.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub(super) struct MeJson {
    #[serde(flatten)]
    user: UserJson,
    email: Option<String>,
    /// Always `false`: Lethe sends no mail, so it never learns.
    email_isvalid: bool,
    /// Always empty: what a request may do is decided by its token.
    permission: BTreeMap<String, bool>,
    /// `admin`, `moderator`, `editor`, `publisher` or none.
    role: Option<&'static str>,
    status: &'static str,
    unseen_interactions_counter: u64,
    unseen_notification_banners_counter: u64,
}

impl From<User> for MeJson {
    fn from(user: User) -> Self {
        let profile = user.person.as_ref().map(|person| &person.profile);
        Self {
            email: profile.and_then(|profile| profile.email.as_ref()).map(ToString::to_string),
            email_isvalid: false,
            permission: BTreeMap::new(),
            role: profile.and_then(|profile| profile.role).map(Role::word),
            status: user.status().letter(),
            unseen_interactions_counter: 0,
            unseen_notification_banners_counter: 0,
            user: user.into(),
        }
    }
}

/// The author of something, or a voter.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Author)]
pub(super) struct AuthorJson {
    id: i64,
    username: String,
    /// Whether the account is deleted.
    deleted: bool,
}

impl From<Author> for AuthorJson {
    fn from(author: Author) -> Self {
        Self { id: author.id.get(), deleted: author.deleted(), username: author.username.to_string() }
    }
}
