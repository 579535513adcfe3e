//! Where ids come from. They only go up, in the same transaction as what they are given to.

use crate::schema::ids::dsl::{ids, kind, last};
use crate::statement::TakeId;
use diesel::prelude::*;

/// What is numbered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum IdKind {
    User,
    Preference,
    Post,
    Hold,
    Delivery,
}

impl IdKind {
    const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Preference => "preference",
            Self::Post => "post",
            Self::Hold => "hold",
            Self::Delivery => "delivery",
        }
    }
}

/// Hands out the next id.
pub(crate) fn next_id(connection: &mut SqliteConnection, of: IdKind) -> QueryResult<i64> {
    TakeId { kind: of.name() }.get_result(connection)
}

/// Sees to it that `id`, which came from elsewhere, is never handed out.
pub(crate) fn spend_id(connection: &mut SqliteConnection, of: IdKind, id: i64) -> QueryResult<()> {
    diesel::update(ids.filter(kind.eq(of.name())).filter(last.lt(id))).set(last.eq(id)).execute(connection)?;
    Ok(())
}
