//! Transactions: all or nothing.

use super::{FullStore, add_user, try_add_user};
use crate::fixture::user;
use lethe_domain::UserId;
use lethe_domain::profile::UniqueName;
use lethe_ports::outbound::{InsertUserError, StoreError};
use std::time::Duration;
use tokio::sync::oneshot;

pub async fn ok_commits(store: impl FullStore) {
    let id = add_user(&store, "ann").await;
    assert!(store.user(id).await.expect("reachable").is_some());
}

pub async fn an_error_leaves_no_trace(store: impl FullStore) {
    let failed: Result<UserId, InsertUserError> = store
        .transact(|tx| {
            Box::pin(async move {
                tx.insert_user(&user("ann")).await?;
                Err(InsertUserError::Store(StoreError::Failed("on purpose".into())))
            })
        })
        .await;
    assert_eq!(failed, Err(InsertUserError::Store(StoreError::Failed("on purpose".into()))));
    assert!(try_add_user(&store, user("ann")).await.is_ok(), "the name is free again");
}

pub async fn a_dropped_future_leaves_no_trace(store: impl FullStore) {
    let (inserted, reached) = oneshot::channel();
    let work = store.transact(|tx| {
        Box::pin(async move {
            let id = tx.insert_user(&user("ann")).await?;
            let _ = inserted.send(());
            std::future::pending::<()>().await;
            Ok::<UserId, InsertUserError>(id)
        })
    });
    tokio::select! {
        _ = work => panic!("it never ends"),
        reached = reached => reached.expect("the user was inserted"),
    }
    let again = tokio::time::timeout(Duration::from_secs(30), try_add_user(&store, user("ann"))).await.expect("nobody is locked out");
    assert!(again.is_ok(), "{again:?}");
}

pub async fn a_transaction_sees_its_own_writes(store: impl FullStore) {
    let outcome = store
        .transact(|tx| {
            Box::pin(async move {
                let id = tx.insert_user(&user("ann")).await?;
                let seen = tx.account_for_update(id).await?.is_some() && tx.profile(id).await?.is_some();
                let twice = tx.insert_user(&user("ANN")).await;
                Ok::<_, InsertUserError>((seen, twice))
            })
        })
        .await;
    assert_eq!(outcome, Ok((true, Err(InsertUserError::Taken(UniqueName::Username)))));
}

pub async fn is_ready(store: impl FullStore) {
    assert_eq!(store.ready().await, Ok(()));
}
