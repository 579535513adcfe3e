//! Following changes. One process has the file, and knows what it wrote; another one that writes to it (an import) is found out by looking.

use crate::SqliteStore;
use crate::schema::users;
use crate::user_row::AccountRow;
use async_trait::async_trait;
use diesel::prelude::*;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use lethe_domain::id::{Revision, UserId};
use lethe_ports::outbound::{FeedStore, Hint, Position, StoreError};

#[async_trait]
impl FeedStore for SqliteStore {
    async fn positions(&self, owners: &[UserId]) -> Result<Vec<Position>, StoreError> {
        let owners = owners.to_vec();
        self.readers().scan(move |connection| Ok(positions(connection, &owners)?)).await
    }

    fn hints(&self) -> BoxStream<'static, Hint> {
        stream::pending().boxed()
    }

    async fn hint(&self, _: &[UserId]) -> Result<(), StoreError> {
        Ok(())
    }
}

fn positions(connection: &mut SqliteConnection, owners: &[UserId]) -> QueryResult<Vec<Position>> {
    let mut positions = Vec::with_capacity(owners.len());
    for owner in owners {
        // One by one: a list of any length would be a statement of its own.
        let query = users::table.find(owner.get()).select((AccountRow::as_select(), users::revision));
        if let Some((account, revision)) = query.get_result::<(AccountRow, i64)>(connection).optional()? {
            positions.push(Position { account: account.into_account()?, revision: Revision::new(revision) });
        }
    }
    Ok(positions)
}
