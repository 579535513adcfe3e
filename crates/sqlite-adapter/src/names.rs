//! The names that only one user can have.

use crate::schema::reservations::dsl::{kind, reservations, user_id, value};
use diesel::prelude::*;
use lethe_domain::id::UserId;
use lethe_domain::profile::{NewUser, UniqueName};

/// Whoever has reserved a name, given in the form in which it is unique.
pub(crate) fn holder(connection: &mut SqliteConnection, of: UniqueName, name: &str) -> QueryResult<Option<UserId>> {
    let holder: Option<i64> = reservations.find((of.name(), name)).select(user_id).get_result(connection).optional()?;
    Ok(holder.map(UserId::new))
}

/// The first of a user's names that belongs to somebody else than `id`, the username first.
pub(crate) fn taken(connection: &mut SqliteConnection, id: Option<UserId>, user: &NewUser) -> QueryResult<Option<UniqueName>> {
    for (of, name) in unique_names(user) {
        if holder(connection, of, &name)?.is_some_and(|holder| Some(holder) != id) {
            return Ok(Some(of));
        }
    }
    Ok(None)
}

/// Reserves a user's names, which MUST be free or the user's own, in the place of those that it had.
pub(crate) fn reserve(connection: &mut SqliteConnection, id: UserId, user: &NewUser) -> QueryResult<()> {
    diesel::delete(reservations.filter(user_id.eq(id.get()))).execute(connection)?;
    for (of, name) in unique_names(user) {
        diesel::insert_into(reservations).values((kind.eq(of.name()), value.eq(name), user_id.eq(id.get()))).execute(connection)?;
    }
    Ok(())
}

fn unique_names(user: &NewUser) -> impl Iterator<Item = (UniqueName, String)> {
    let ext_id = user.ext_id.as_ref().map(|ext_id| (UniqueName::ExtId, ext_id.to_string()));
    std::iter::once((UniqueName::Username, user.username.reserved_as())).chain(ext_id)
}
