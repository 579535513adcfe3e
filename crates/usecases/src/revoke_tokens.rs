//! Killing tokens before their time.

use crate::Lethe;
use crate::announce::log;
use crate::retry::on_contention;
use lethe_domain::audit::{AuditAct, AuditAction};
use lethe_domain::id::UserId;
use lethe_ports::outbound::{RevokedToken, Store, StoreError, Tx};

impl<S: Store> Lethe<S> {
    pub(crate) async fn revoke_one_token(&self, token: &RevokedToken, bearer: Option<UserId>) -> Result<(), StoreError> {
        on_contention(|| {
            let token = token.clone();
            self.store.transact(move |tx| Box::pin(async move { revoke(tx, token, bearer).await }))
        })
        .await
    }

    pub(crate) async fn revoke_all_tokens(&self, user: UserId) -> Result<bool, StoreError> {
        on_contention(|| self.store.transact(move |tx| Box::pin(async move { revoke_all(tx, user).await }))).await
    }
}

async fn revoke(tx: &mut dyn Tx, token: RevokedToken, bearer: Option<UserId>) -> Result<(), StoreError> {
    let at = tx.now().await?;
    tx.insert_revocation(&token).await?;
    log(tx, vec![AuditAct { action: AuditAction::TokenRevoked, subject: bearer, actor: None, reference: Some(token.id), at }]).await
}

async fn revoke_all(tx: &mut dyn Tx, user: UserId) -> Result<bool, StoreError> {
    let Some(account) = tx.account_for_update(user).await? else { return Ok(false) };
    let at = tx.now().await?;
    tx.save_account(&account.revoke_tokens(at)).await?;
    log(tx, vec![AuditAct { action: AuditAction::TokensRevoked, subject: Some(user), actor: None, reference: None, at }]).await?;
    Ok(true)
}
