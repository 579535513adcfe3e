//! Users: looking them up, and keeping what has become of them.

use crate::SqliteStore;
use crate::error::Failure;
use crate::ids::{IdKind, next_id};
use crate::names::{holder, reserve, taken};
use crate::row::{count, post_kind};
use crate::schema::{posts, users};
use crate::user_row::{AccountRow, ProfileRow, UserRow};
use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use diesel::sqlite::Sqlite;
use lethe_domain::account::{Account, UserStatus};
use lethe_domain::content::PostKind;
use lethe_domain::id::UserId;
use lethe_domain::page::{Page, PageRequest};
use lethe_domain::profile::{Email, ExtId, NewUser, PostCounts, Profile, UniqueName, User};
use lethe_ports::outbound::{AccountStore, InsertUserError, StoreError, UserFilter, UserOrder, UserQuery};

#[async_trait]
impl AccountStore for SqliteStore {
    async fn account(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        self.readers().look_up(|connection| Ok(account(connection, id)?)).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.readers().scan(move |connection| Ok(user(connection, id)?)).await
    }

    async fn find_user(&self, query: &UserQuery) -> Result<Option<User>, StoreError> {
        let query = query.clone();
        self.readers().scan(move |connection| Ok(find_user(connection, &query)?)).await
    }

    async fn users_after(&self, statuses: &[UserStatus], after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let statuses = statuses.to_vec();
        self.readers().scan(move |connection| Ok(users_after(connection, &statuses, after, limit)?)).await
    }

    async fn users(&self, filter: &UserFilter, page: PageRequest) -> Result<Page<User>, StoreError> {
        let filter = filter.clone();
        self.readers().scan(move |connection| Ok(page_of_users(connection, &filter, page)?)).await
    }
}

/// The account of that id, in whatever state.
pub(crate) fn account(connection: &mut SqliteConnection, id: UserId) -> QueryResult<Option<Account>> {
    let row: Option<AccountRow> = users::table.find(id.get()).select(AccountRow::as_select()).get_result(connection).optional()?;
    row.map(AccountRow::into_account).transpose()
}

/// Keeps a changed account.
pub(crate) fn save_account(connection: &mut SqliteConnection, account: &Account) -> QueryResult<()> {
    one(diesel::update(users::table.find(account.id.get())).set(AccountRow::from(account)).execute(connection)?)
}

/// The profile of a user who is not erased.
pub(crate) fn profile(connection: &mut SqliteConnection, id: UserId) -> QueryResult<Option<Profile>> {
    let query = users::table.find(id.get()).filter(not_erased()).select(ProfileRow::as_select());
    query.get_result(connection).optional()?.map_or(Ok(None), ProfileRow::into_profile)
}

/// Replaces the profile of a user who is not erased.
pub(crate) fn save_profile(connection: &mut SqliteConnection, id: UserId, profile: &Profile) -> QueryResult<()> {
    one(diesel::update(users::table.find(id.get())).set(ProfileRow::from(profile)).execute(connection)?)
}

/// The `ext_id` of a user who is not erased.
pub(crate) fn ext_id(connection: &mut SqliteConnection, id: UserId) -> QueryResult<Option<ExtId>> {
    let query = users::table.find(id.get()).filter(not_erased()).select(users::ext_id);
    Ok(query.get_result::<Option<String>>(connection).optional()?.flatten().map(ExtId::from_store))
}

/// Adds a user under a new id, and reserves its names.
pub(crate) fn insert_user(connection: &mut SqliteConnection, user: &NewUser) -> Result<UserId, Failure<InsertUserError>> {
    if let Some(name) = taken(connection, None, user)? {
        return Err(Failure::Refused(InsertUserError::Taken(name)));
    }
    let id = UserId::new(next_id(connection, IdKind::User)?);
    reserve(connection, id, user)?;
    diesel::insert_into(users::table).values(UserRow::new(&Account::new(id), Some(user))).execute(connection)?;
    Ok(id)
}

/// Users whose hard deletion has not begun.
pub(crate) fn not_erased() -> diesel::dsl::NotEq<users::status, &'static str> {
    users::status.ne(UserStatus::Erased.letter())
}

/// What must touch one row must have touched one.
pub(crate) fn one(rows: usize) -> QueryResult<()> {
    if rows == 1 { Ok(()) } else { Err(diesel::NotFound) }
}

fn user(connection: &mut SqliteConnection, id: UserId) -> QueryResult<Option<User>> {
    let row: Option<UserRow> = users::table.find(id.get()).select(UserRow::as_select()).get_result(connection).optional()?;
    row.map(|row| with_counts(connection, row)).transpose()
}

fn find_user(connection: &mut SqliteConnection, query: &UserQuery) -> QueryResult<Option<User>> {
    let id = match query {
        UserQuery::Username(username) => holder(connection, UniqueName::Username, &username.reserved_as())?,
        UserQuery::ExtId(ext_id) => holder(connection, UniqueName::ExtId, ext_id.as_str())?,
        UserQuery::Email(email) => first_with(connection, email)?,
    };
    id.map_or(Ok(None), |id| user(connection, id))
}

fn first_with(connection: &mut SqliteConnection, email: &Email) -> QueryResult<Option<UserId>> {
    let query = users::table.filter(users::email.eq(email.as_str())).order(users::id).select(users::id);
    Ok(query.first(connection).optional()?.map(UserId::new))
}

fn users_after(connection: &mut SqliteConnection, statuses: &[UserStatus], after: Option<UserId>, limit: u32) -> QueryResult<Vec<User>> {
    let letters = statuses.iter().map(|status| status.letter());
    let query = users::table.filter(users::status.eq_any(letters)).filter(users::id.gt(after.map_or(i64::MIN, UserId::get)));
    let rows: Vec<UserRow> = query.order(users::id).limit(limit.into()).select(UserRow::as_select()).load(connection)?;
    rows.into_iter().map(|row| with_counts(connection, row)).collect()
}

diesel::define_sql_function! {
    /// Where `needle` begins in `text`, counted from 1; 0 if it is not there.
    fn instr(text: Nullable<Text>, needle: Text) -> Nullable<Integer>;
}

diesel::define_sql_function! {
    /// The text with its ASCII letters in lower case.
    fn lower(text: Nullable<Text>) -> Nullable<Text>;
}

fn page_of_users(connection: &mut SqliteConnection, filter: &UserFilter, page: PageRequest) -> QueryResult<Page<User>> {
    let all: i64 = filtered(filter).count().get_result(connection)?;
    let rows: Vec<UserRow> =
        ordered(filtered(filter), filter.order).limit(page.limit().into()).offset(page.offset().cast_signed()).select(UserRow::as_select()).load(connection)?;
    let items = rows.into_iter().map(|row| with_counts(connection, row)).collect::<QueryResult<_>>()?;
    Ok(Page { count: count(all)?, items })
}

fn filtered(filter: &UserFilter) -> users::BoxedQuery<'_, Sqlite> {
    // Not by LIKE: that would need escapes, and ends a pattern at a NUL.
    let in_lower_case = |needle: &str| needle.to_ascii_lowercase();
    let statuses = filter.statuses.iter().map(|status| status.letter());
    let mut query = users::table.filter(users::status.eq_any(statuses)).into_boxed();
    if let Some(needle) = filter.search.as_deref().map(in_lower_case) {
        query = query.filter(instr(lower(users::username), needle.clone()).gt(0).or(instr(lower(users::real_name), needle).gt(0)));
    }
    if let Some(needle) = filter.username.as_deref().map(in_lower_case) {
        query = query.filter(instr(lower(users::username), needle).gt(0));
    }
    if let Some(needle) = filter.real_name.as_deref().map(in_lower_case) {
        query = query.filter(instr(lower(users::real_name), needle).gt(0));
    }
    if let Some(needle) = filter.location.as_deref().map(in_lower_case) {
        query = query.filter(instr(lower(users::location), needle).gt(0));
    }
    if let Some(needle) = filter.description.as_deref().map(in_lower_case) {
        query = query.filter(instr(lower(users::description), needle).gt(0));
    }
    if let Some(gender) = filter.gender {
        query = query.filter(users::gender.eq(gender.word()));
    }
    query
}

fn ordered(query: users::BoxedQuery<'_, Sqlite>, order: UserOrder) -> users::BoxedQuery<'_, Sqlite> {
    match order {
        UserOrder::Id => query.order(users::id.asc()),
        UserOrder::Username => query.order((users::username.asc(), users::id.asc())),
        UserOrder::UsernameDescending => query.order((users::username.desc(), users::id.asc())),
        UserOrder::DateJoined => query.order((users::date_joined.asc(), users::id.asc())),
        UserOrder::DateJoinedDescending => query.order((users::date_joined.desc(), users::id.asc())),
    }
}

fn with_counts(connection: &mut SqliteConnection, row: UserRow) -> QueryResult<User> {
    let counts = post_counts(connection, row.id())?;
    row.into_user(counts)
}

fn post_counts(connection: &mut SqliteConnection, author: i64) -> QueryResult<PostCounts> {
    let query = posts::table.filter(posts::user_id.eq(author)).group_by(posts::kind).select((posts::kind, diesel::dsl::count_star()));
    let mut counts = PostCounts::default();
    for (kind, number) in query.load::<(String, i64)>(connection)? {
        match post_kind(&kind)? {
            PostKind::Post => counts.posts = count(number)?,
            PostKind::Discussion => counts.discussions = count(number)?,
            PostKind::Status => counts.statuses = count(number)?,
        }
    }
    Ok(counts)
}
