//! Looking up users, posts and votes.

use super::MemoryStore;
use super::state::UserRow;
use async_trait::async_trait;
use lethe_domain::account::{Account, UserStatus};
use lethe_domain::content::{Post, PostKind, Vote};
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::profile::{NewUser, User};
use lethe_domain::{PostId, UserId};
use lethe_ports::outbound::{AccountStore, ContentStore, StoreError, UserFilter, UserOrder, UserQuery};

/// The page of a list that is already in order.
pub(super) fn page_of<T>(items: impl Iterator<Item = T>, page: PageRequest) -> Page<T> {
    let items: Vec<_> = items.collect();
    let count = items.len() as u64;
    let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX);
    Page { count, items: items.into_iter().skip(offset).take(page.limit() as usize).collect() }
}

fn contains(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}

fn shows(filter: &UserFilter, row: &UserRow) -> bool {
    let field = |wanted: &Option<String>, fields: fn(&NewUser) -> Vec<&str>| {
        wanted.as_ref().is_none_or(|part| row.person.as_ref().is_some_and(|person| fields(person).iter().any(|text| contains(text, part))))
    };
    filter.statuses.contains(&row.account.status())
        && field(&filter.search, |person| vec![person.username.as_str(), &person.profile.real_name])
        && field(&filter.username, |person| vec![person.username.as_str()])
        && field(&filter.real_name, |person| vec![&person.profile.real_name])
        && field(&filter.location, |person| vec![&person.profile.location])
        && field(&filter.description, |person| vec![&person.profile.description])
        && filter.gender.is_none_or(|gender| row.person.as_ref().is_some_and(|person| person.profile.gender == gender))
}

fn sort(users: &mut [User], order: UserOrder) {
    let username = |user: &User| user.person.as_ref().map(|person| person.username.to_string());
    let joined = |user: &User| user.person.as_ref().map(|person| person.profile.date_joined);
    match order {
        UserOrder::Id => {}
        UserOrder::Username => users.sort_by_key(username),
        UserOrder::UsernameDescending => users.sort_by_key(|user| std::cmp::Reverse(username(user))),
        UserOrder::DateJoined => users.sort_by_key(joined),
        UserOrder::DateJoinedDescending => users.sort_by_key(|user| std::cmp::Reverse(joined(user))),
    }
}

fn matches(query: &UserQuery, person: &NewUser) -> bool {
    match query {
        UserQuery::Username(username) => person.username.reserved_as() == username.reserved_as(),
        UserQuery::Email(email) => person.profile.email.as_ref() == Some(email),
        UserQuery::ExtId(ext_id) => person.ext_id.as_ref() == Some(ext_id),
    }
}

#[async_trait]
impl AccountStore for MemoryStore {
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.state.lock().await.users.get(&id).map(|row| row.account))
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let state = self.state.lock().await;
        Ok(state.users.get(&id).map(|row| state.user(row)))
    }

    async fn find_user(&self, query: &UserQuery) -> Result<Option<User>, StoreError> {
        let state = self.state.lock().await;
        let found = state.users.values().find(|row| row.person.as_ref().is_some_and(|person| matches(query, person)));
        Ok(found.map(|row| state.user(row)))
    }

    async fn users_after(&self, statuses: &[UserStatus], after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let state = self.state.lock().await;
        let shown = state.users.values().filter(|row| statuses.contains(&row.account.status()) && after.is_none_or(|after| row.account.id > after));
        Ok(shown.take(limit as usize).map(|row| state.user(row)).collect())
    }

    async fn users(&self, filter: &UserFilter, page: PageRequest) -> Result<Page<User>, StoreError> {
        let state = self.state.lock().await;
        let mut users: Vec<_> = state.users.values().filter(|row| shows(filter, row)).map(|row| state.user(row)).collect();
        sort(&mut users, filter.order);
        Ok(page_of(users.into_iter(), page))
    }
}

#[async_trait]
impl ContentStore for MemoryStore {
    async fn post(&self, kind: PostKind, id: PostId) -> Result<Option<Post>, StoreError> {
        Ok(self.state.lock().await.post(id).filter(|post| post.kind == kind))
    }

    async fn posts(&self, kind: PostKind, author: Option<UserId>, page: PageRequest) -> Result<Page<Post>, StoreError> {
        let state = self.state.lock().await;
        let posts = state.posts.keys().rev().filter_map(|id| state.post(*id));
        let shown = posts.filter(|post| post.kind == kind && author.is_none_or(|author| post.author.id == author));
        Ok(page_of(shown, page))
    }

    async fn votes(&self, kind: PostKind, id: PostId, page: PageRequest) -> Result<Option<Page<Vote>>, StoreError> {
        let state = self.state.lock().await;
        Ok(state.post(id).filter(|post| post.kind == kind).map(|post| page_of(state.votes_on(post.id).into_iter(), page)))
    }
}
