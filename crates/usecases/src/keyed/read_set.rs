//! Reading: one preference, a part of the set, now or as it stood, and how much there is.

use crate::Lethe;
use lethe_domain::access::{Act, Operation};
use lethe_domain::change::Reach;
use lethe_domain::draft::{Item, KeyRefusal};
use lethe_domain::id::{Revision, UserId};
use lethe_domain::key::PreferenceKey;
use lethe_domain::limits::Usage;
use lethe_ports::Caller;
use lethe_ports::inbound::KeyedError;
use lethe_ports::outbound::{AccountStore, KeyRange, PastPart, PreferenceStore, Snapshot};

impl<S: PreferenceStore + AccountStore> Lethe<S> {
    pub(crate) async fn show_key(&self, caller: &Caller, owner: UserId, key: &PreferenceKey) -> Result<Item, KeyedError> {
        let act = Act::on(Operation::Read, owner).with_key(key);
        let fence = self.fence(caller, owner, &act).await?;
        match self.store.look(&fence, key).await {
            Ok(look) => look.found.map(Item::from).ok_or(KeyedError::Refused(KeyRefusal::NotFound)),
            Err(error) => Err(self.keyed_refusal(caller, &act, error).await),
        }
    }

    pub(crate) async fn read_part(&self, caller: &Caller, owner: UserId, range: KeyRange) -> Result<Snapshot, KeyedError> {
        let act = Act::on(Operation::Read, owner);
        let fence = self.fence(caller, owner, &act).await?;
        match self.store.part(&fence, range).await {
            Ok(part) => Ok(part),
            Err(error) => Err(self.keyed_refusal(caller, &act, error).await),
        }
    }

    pub(crate) async fn read_past_part(&self, caller: &Caller, owner: UserId, at: Revision, range: KeyRange) -> Result<PastPart, KeyedError> {
        let act = Act::on(Operation::Read, owner);
        let fence = self.fence(caller, owner, &act).await?;
        let part = match self.store.as_of(&fence, at, range).await {
            Ok(part) => part,
            Err(error) => return Err(self.keyed_refusal(caller, &act, error).await),
        };
        match Reach::of(at, part.standing.log_begins_after, part.standing.revision) {
            Reach::Kept => Ok(part),
            Reach::Forgotten => Err(KeyedError::Forgotten),
            Reach::Ahead => Err(KeyedError::Ahead),
        }
    }

    pub(crate) async fn read_usage(&self, caller: &Caller, owner: UserId) -> Result<Usage, KeyedError> {
        let act = Act::on(Operation::Read, owner);
        let fence = self.fence(caller, owner, &act).await?;
        match self.store.standing(&fence).await {
            Ok(standing) => Ok(standing.usage),
            Err(error) => Err(self.keyed_refusal(caller, &act, error).await),
        }
    }
}
