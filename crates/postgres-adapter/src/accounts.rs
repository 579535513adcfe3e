//! Looking up users.

use crate::connection::Patience;
use crate::error::Failure;
use crate::row::{AccountRow, UserRow, count, post_kind};
use crate::schema::{posts, reservations, users};
use crate::{Lease, PgStore};
use async_trait::async_trait;
use diesel::dsl::count_star;
use diesel::pg::Pg;
use diesel::prelude::*;
use lethe_domain::UserId;
use lethe_domain::account::{Account, UserStatus};
use lethe_domain::content::PostKind;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::profile::{PostCounts, UniqueName, User};
use lethe_ports::outbound::{AccountStore, StoreError, UserFilter, UserOrder, UserQuery};
use std::collections::HashMap;

#[async_trait]
impl AccountStore for PgStore {
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let row: Option<AccountRow> = lease.first(users::table.find(id.get()).select(AccountRow::as_select())).await?;
        row.map(Account::try_from).transpose()
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let row = lease.rows(users::table.find(id.get()).select(UserRow::as_select())).await?;
        Ok(with_counts(&mut lease, row).await?.pop())
    }

    async fn find_user(&self, query: &UserQuery) -> Result<Option<User>, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let row = match query {
            UserQuery::Username(username) => by_name(&mut lease, UniqueName::Username, &username.reserved_as()).await?,
            UserQuery::ExtId(ext_id) => by_name(&mut lease, UniqueName::ExtId, ext_id.as_str()).await?,
            UserQuery::Email(email) => {
                let found = users::table.filter(users::email.eq(email.as_str())).order(users::id).limit(1);
                lease.rows(found.select(UserRow::as_select())).await?
            }
        };
        Ok(with_counts(&mut lease, row).await?.pop())
    }

    async fn users_after(&self, statuses: &[UserStatus], after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let mut lease = self.lease(Patience::Short).await?;
        let following = users::table.filter(users::id.gt(after.map_or(i64::MIN, UserId::get))).filter(users::status.eq_any(letters(statuses)));
        let rows = lease.rows(following.order(users::id).limit(i64::from(limit)).select(UserRow::as_select())).await?;
        with_counts(&mut lease, rows).await
    }

    async fn users(&self, filter: &UserFilter, page: PageRequest) -> Result<Page<User>, StoreError> {
        if texts(filter).any(|text| text.contains('\0')) {
            // No field has this character, and the server takes no text with it.
            return Ok(Page { count: 0, items: Vec::new() });
        }
        let mut lease = self.lease(Patience::Short).await?;
        let whole: Option<i64> = lease.first(shown(filter).select(count_star())).await?;
        let part = ordered(shown(filter), filter.order).limit(i64::from(page.limit())).offset(i64::try_from(page.offset()).unwrap_or(i64::MAX));
        let rows = lease.rows(part.select(UserRow::as_select())).await?;
        Ok(Page { count: count(whole.unwrap_or(0)), items: with_counts(&mut lease, rows).await? })
    }
}

/// The user that a name is reserved for. The name is looked up by itself first: of a column without statistics the server has to guess how
/// often a value is there, and a join would be planned for thousands.
async fn by_name(lease: &mut Lease, kind: UniqueName, name: &str) -> Result<Vec<UserRow>, Failure> {
    let reserved = reservations::table.find((kind.name(), name)).select(reservations::user_id);
    lease.rows(users::table.filter(users::id.nullable().eq(reserved.single_value())).select(UserRow::as_select())).await
}

/// The users of these rows, each with how much it has published.
async fn with_counts(lease: &mut Lease, rows: Vec<UserRow>) -> Result<Vec<User>, StoreError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.account.id).collect();
    let published = posts::table.filter(posts::user_id.eq_any(&ids)).group_by((posts::user_id, posts::kind));
    let published: Vec<(i64, String, i64)> = lease.rows(published.select((posts::user_id, posts::kind, count_star()))).await?;
    let mut counts: HashMap<i64, PostCounts> = HashMap::new();
    for (author, kind, number) in published {
        let counts = counts.entry(author).or_default();
        match post_kind(&kind)? {
            PostKind::Post => counts.posts = count(number),
            PostKind::Discussion => counts.discussions = count(number),
            PostKind::Status => counts.statuses = count(number),
        }
    }
    rows.into_iter()
        .map(|row| {
            let counts = counts.get(&row.account.id).copied().unwrap_or_default();
            row.user(counts)
        })
        .collect()
}

fn letters(statuses: &[UserStatus]) -> Vec<&'static str> {
    statuses.iter().copied().map(UserStatus::letter).collect()
}

type Users<'f> = users::BoxedQuery<'f, Pg>;

fn texts(filter: &UserFilter) -> impl Iterator<Item = &String> {
    [&filter.search, &filter.username, &filter.real_name, &filter.location, &filter.description].into_iter().flatten()
}

/// The users that a filter shows. The columns compare byte by byte, so only ASCII letters are the same in either case.
fn shown(filter: &UserFilter) -> Users<'_> {
    let mut shown = users::table.filter(users::status.eq_any(letters(&filter.statuses))).into_boxed();
    if let Some(text) = &filter.search {
        shown = shown.filter(users::username.ilike(containing(text)).or(users::real_name.ilike(containing(text))));
    }
    if let Some(text) = &filter.username {
        shown = shown.filter(users::username.ilike(containing(text)));
    }
    if let Some(text) = &filter.real_name {
        shown = shown.filter(users::real_name.ilike(containing(text)));
    }
    if let Some(text) = &filter.location {
        shown = shown.filter(users::location.ilike(containing(text)));
    }
    if let Some(text) = &filter.description {
        shown = shown.filter(users::description.ilike(containing(text)));
    }
    if let Some(gender) = filter.gender {
        shown = shown.filter(users::gender.eq(gender.word()));
    }
    shown
}

/// Erased users, who have no name and no date, come before all others, or after them when the order is turned around.
fn ordered(users: Users<'_>, order: UserOrder) -> Users<'_> {
    match order {
        UserOrder::Id => users.order(users::id),
        UserOrder::Username => users.order((users::username.asc().nulls_first(), users::id)),
        UserOrder::UsernameDescending => users.order((users::username.desc().nulls_last(), users::id)),
        UserOrder::DateJoined => users.order((users::date_joined.asc().nulls_first(), users::id)),
        UserOrder::DateJoinedDescending => users.order((users::date_joined.desc().nulls_last(), users::id)),
    }
}

/// The pattern of texts that contain this one, whose own wildcards stand for themselves.
fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}
