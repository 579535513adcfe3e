//! Making the set, or one key, what it was.

use super::{Scope, Writing};
use crate::Lethe;
use crate::once::Once;
use lethe_domain::access::Operation;
use lethe_domain::change::Reach;
use lethe_domain::draft::{Draft, SetOutcome};
use lethe_domain::id::UserId;
use lethe_domain::json_text::JsonText;
use lethe_domain::key::PreferenceKey;
use lethe_domain::precondition::Precondition;
use lethe_ports::Caller;
use lethe_ports::inbound::{KeyedError, Reversion};
use lethe_ports::outbound::{AccountStore, PreferenceStore, Store, Tx};
use std::collections::BTreeMap;
use std::sync::Arc;

impl<S: Store + AccountStore + PreferenceStore> Lethe<S> {
    pub(crate) async fn revert_set(&self, caller: &Caller, owner: UserId, reversion: Reversion, precondition: Precondition) -> Result<SetOutcome, KeyedError> {
        for operation in [Operation::Update, Operation::Create, Operation::Delete] {
            self.permit_keys(caller, owner, operation, reversion.key.as_slice()).await?;
        }
        let asked = Arc::new((reversion, precondition));
        let outcome = self
            .once(Once::new(caller, owner), || {
                let (writing, asked) = (self.writing(caller, owner), asked.clone());
                move |tx| Box::pin(async move { make(tx, &writing, &asked.0, &asked.1).await })
            })
            .await?;
        self.touched(owner);
        Ok(outcome)
    }
}

async fn make(tx: &mut dyn Tx, writing: &Writing, reversion: &Reversion, precondition: &Precondition) -> Result<SetOutcome, KeyedError> {
    let scope = reversion.key.as_ref().map_or(Scope::Everything, |key| Scope::Keys(std::slice::from_ref(key)));
    let mut draft = writing.begin(tx, scope).await?;
    let (before, standing) = (draft.clone(), draft.standing());
    match Reach::of(reversion.to, standing.log_begins_after, standing.revision) {
        Reach::Kept => {}
        Reach::Forgotten => return Err(KeyedError::Forgotten),
        Reach::Ahead => return Err(KeyedError::Ahead),
    }
    let wanted = wanted(tx, writing.owner, reversion, &draft).await?;
    let outcome = draft.become_like(wanted, &writing.limits).map_err(|error| KeyedError::Refused(error.into()))?;
    Writing::check(&before, precondition)?;
    writing.make(tx, draft).await?;
    Ok(outcome)
}

/// What each key is to have: what it had, or nothing.
async fn wanted(tx: &mut dyn Tx, owner: UserId, reversion: &Reversion, present: &Draft) -> Result<BTreeMap<PreferenceKey, Option<JsonText>>, KeyedError> {
    let past = tx.as_of(owner, reversion.to, reversion.key.as_ref()).await?;
    let mut wanted: BTreeMap<_, _> = present.keys().into_iter().map(|key| (key, None)).collect();
    wanted.extend(past.into_iter().map(|item| (item.key, Some(item.value))));
    Ok(wanted)
}
