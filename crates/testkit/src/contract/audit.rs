//! The audit log.

use super::{FullStore, now, transact};
use futures_util::future::join_all;
use lethe_domain::UserId;
use lethe_domain::audit::{AuditAct, AuditAction, AuditEntry, AuditHead};
use lethe_domain::event::EventKind;
use lethe_ports::outbound::{AuditFilter, StoreError};

fn act(subject: i64, action: AuditAction) -> AuditAct {
    AuditAct { action, subject: Some(UserId::new(subject)), actor: None, reference: None, at: now() }
}

async fn append(store: &impl FullStore, acts: Vec<AuditAct>) -> Vec<AuditEntry> {
    transact(store, move |tx| {
        Box::pin(async move {
            let entries = tx.audit_head_for_update().await?.seal_all(acts);
            tx.append_audit(&entries).await?;
            Ok(entries)
        })
    })
    .await
}

async fn chain(store: &impl FullStore, after: i64, limit: u32) -> Vec<AuditEntry> {
    let links = store.audit_chain(after, limit).await.expect("reachable");
    links.into_iter().map(|link| link.entry.filter(|entry| entry.seq == link.seq).expect("nobody has tampered with it")).collect()
}

/// Reads the whole log, which must hold together. Its end.
async fn verify(store: &impl FullStore) -> AuditHead {
    let mut head = AuditHead::default();
    loop {
        let entries = chain(store, head.seq, 3).await;
        if entries.is_empty() {
            assert_eq!(store.audit_head().await, Ok(head.clone()));
            return head;
        }
        for entry in entries {
            assert!(head.is_followed_by(&entry), "{entry:?} after {head:?}");
            head = entry.head();
        }
    }
}

pub async fn the_log_is_a_chain(store: impl FullStore) {
    assert_eq!(verify(&store).await, AuditHead::default());
    let hold = AuditAct { reference: Some("7".into()), actor: Some(UserId::new(900)), ..act(1, AuditAction::HoldPlaced) };
    let nobodys = AuditAct { subject: None, reference: Some("ab".repeat(64)), ..act(1, AuditAction::TokenRevoked) };
    let first = append(&store, vec![act(1, AuditAction::Life(EventKind::Created)), hold]).await;
    append(&store, vec![]).await;
    let second = append(&store, vec![nobodys]).await;
    assert_eq!(chain(&store, 0, 10).await, [first, second].concat());
    assert_eq!(verify(&store).await.seq, 3);
}

pub async fn the_log_is_read_newest_first(store: impl FullStore) {
    let created = AuditAction::Life(EventKind::Created);
    append(&store, vec![act(1, created), act(2, created), act(1, AuditAction::HoldPlaced), act(1, AuditAction::HoldLifted)]).await;
    let read = async |filter: AuditFilter, limit: u32| -> Vec<i64> {
        store.audit_entries(&filter, limit).await.expect("reachable").into_iter().map(|entry| entry.seq).collect()
    };
    let all = AuditFilter::default();
    assert_eq!(read(all, 3).await, [4, 3, 2]);
    assert_eq!(read(AuditFilter { before: Some(2), ..all }, 3).await, [1]);
    assert_eq!(read(AuditFilter { subject: Some(UserId::new(1)), ..all }, 9).await, [4, 3, 1]);
    assert_eq!(read(AuditFilter { action: Some(created), ..all }, 9).await, [2, 1]);
    assert_eq!(read(AuditFilter { subject: Some(UserId::new(1)), action: Some(created), before: Some(9) }, 9).await, [1]);
}

pub async fn eight_writers_make_one_chain(store: impl FullStore) {
    let writers = (0..8).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                append(&store, vec![act(writer, AuditAction::Life(EventKind::Created)), act(writer, AuditAction::HoldPlaced)]).await;
            }
        })
    });
    join_all(writers).await.into_iter().for_each(|done| done.expect("no task panics"));
    assert_eq!(verify(&store).await.seq, 160);
}

pub async fn an_append_that_fails_leaves_the_chain_as_it_was(store: impl FullStore) {
    append(&store, vec![act(1, AuditAction::HoldPlaced)]).await;
    let failed: Result<(), StoreError> = store
        .transact(|tx| {
            Box::pin(async move {
                let entries = tx.audit_head_for_update().await?.seal_all([act(2, AuditAction::HoldLifted)]);
                tx.append_audit(&entries).await?;
                Err(StoreError::Failed("on purpose".into()))
            })
        })
        .await;
    assert!(failed.is_err());
    append(&store, vec![act(3, AuditAction::HoldPlaced)]).await;
    assert_eq!(verify(&store).await.seq, 2);
}
