//! Whether the caller may, and the fence that its request carries.
//!
//! On the hot path nothing is looked up: the caller's token says who it is, and whether that user is still there is judged by the
//! statement itself, through the fence. Only when something is refused is it worth asking why, in the order in which the answers matter.

use crate::Lethe;
use lethe_domain::access::{Act, Audience, MOST_KEYS_JUDGED, Operation, Relation};
use lethe_domain::account::{Account, StatusSet, UserStatus};
use lethe_domain::id::UserId;
use lethe_domain::key::PreferenceKey;
use lethe_domain::time::Timestamp;
use lethe_ports::Caller;
use lethe_ports::inbound::AccessError;
use lethe_ports::outbound::{AccountStore, OwnerFence, StoreError, Tx};

/// The states that an owner may be in for an operation on what it owns.
const fn states_for(operation: Operation) -> StatusSet {
    match operation {
        Operation::Read => StatusSet::READABLE,
        Operation::Create | Operation::Update | Operation::Delete => StatusSet::WRITABLE,
    }
}

/// Whether an account honours this caller's token. An admin need not be a stored user, but a deleted one is not honoured.
pub(crate) fn is_alive(caller: &Caller, account: Option<&Account>) -> Result<(), AccessError> {
    let alive = account.map_or(caller.actor.admin, |account| account.honours_token_of(caller.actor.issued_at));
    if alive { Ok(()) } else { Err(AccessError::CallerGone) }
}

/// Whether the rules and the caller's token allow an act.
pub(crate) fn permit(caller: &Caller, act: &Act<'_>, now: Timestamp) -> Result<(), AccessError> {
    // A token that is narrowed to keys reaches nothing but single keys: without one its checks would have nothing to refuse.
    if !caller.actor.may(act) || (caller.grant.depends_on_key() && act.key.is_none()) {
        return Err(AccessError::Forbidden);
    }
    Ok(caller.grant.allows(act, now)?)
}

/// Locks an owner whose preferences are going to be written, if the caller may still do that.
pub(crate) async fn lock_to_write(tx: &mut dyn Tx, caller: &Caller, owner: UserId) -> Result<(), AccessError> {
    let account = tx.account_for_update(owner).await?;
    match caller.actor.relation_to(owner) {
        Relation::Itself => is_alive(caller, account.as_ref())?,
        // Whether an admin is there was looked at before.
        Relation::Admin | Relation::Stranger => {}
    }
    admits(StatusSet::WRITABLE, account.as_ref())
}

/// Whether the user that an act is about is in a state for it.
pub(crate) fn admits(states: StatusSet, account: Option<&Account>) -> Result<(), AccessError> {
    match account.map(Account::status) {
        None => Err(AccessError::NoSuchUser),
        Some(UserStatus::Erased) => Err(AccessError::UserErased),
        Some(present) if states.contains(present) => Ok(()),
        Some(UserStatus::SoftDeleted) => Err(AccessError::UserSoftDeleted),
        Some(UserStatus::Active | UserStatus::Blocked) => Err(AccessError::Forbidden),
    }
}

impl<S: AccountStore> Lethe<S> {
    /// Whether the rules and the caller's token allow an act. Looks nothing up.
    pub(crate) fn permit(&self, caller: &Caller, act: &Act<'_>) -> Result<(), AccessError> {
        permit(caller, act, self.clock.now())
    }

    /// Whether the caller's user is there to use its token.
    pub(crate) async fn require_alive(&self, caller: &Caller) -> Result<(), AccessError> {
        is_alive(caller, self.store.account(caller.actor.user).await?.as_ref())
    }

    /// Whether the caller may do `operation` to each of these keys. Without any, whether it may at all.
    pub(crate) async fn permit_keys(&self, caller: &Caller, owner: UserId, operation: Operation, keys: &[PreferenceKey]) -> Result<(), AccessError> {
        let permitted = self.permit_each(caller, &Act::on(operation, owner), keys);
        self.fence_if(permitted, caller, owner, operation).await.map(drop)
    }

    fn permit_each(&self, caller: &Caller, act: &Act<'_>, keys: &[PreferenceKey]) -> Result<(), AccessError> {
        if !caller.grant.depends_on_key() || keys.is_empty() {
            return self.permit(caller, act);
        }
        if keys.len() > MOST_KEYS_JUDGED {
            return Err(AccessError::Forbidden);
        }
        keys.iter().try_for_each(|key| self.permit(caller, &act.with_key(key)))
    }

    /// Whether the caller may do `act` on something that has no owner.
    pub(crate) async fn authorize(&self, caller: &Caller, act: &Act<'_>) -> Result<(), AccessError> {
        self.require_alive(caller).await?;
        self.permit(caller, act)
    }

    /// The fence for an act on what `owner` owns.
    pub(crate) async fn fence(&self, caller: &Caller, owner: UserId, act: &Act<'_>) -> Result<OwnerFence, AccessError> {
        self.fence_if(self.permit(caller, act), caller, owner, act.operation).await
    }

    /// The fence around an owner if the caller is permitted. Whoever is gone is told that instead of what it may not.
    async fn fence_if(&self, permitted: Result<(), AccessError>, caller: &Caller, owner: UserId, operation: Operation) -> Result<OwnerFence, AccessError> {
        if let Err(refusal) = permitted {
            self.require_alive(caller).await?;
            return Err(refusal);
        }
        self.fence_around(caller, owner, operation).await
    }

    /// The fence around an owner, for a caller who is permitted. For the owner itself nothing is looked up; an admin is looked up, since
    /// the fence is around somebody else.
    pub(crate) async fn fence_around(&self, caller: &Caller, owner: UserId, operation: Operation) -> Result<OwnerFence, AccessError> {
        match caller.actor.relation_to(owner) {
            // Whoever was deleted reads nothing of its own either, not even with a token that was issued afterwards.
            Relation::Itself => Ok(OwnerFence { owner, states: StatusSet::SIGNED_IN, issued_at: Some(caller.actor.issued_at) }),
            Relation::Admin | Relation::Stranger => {
                self.require_alive(caller).await?;
                Ok(OwnerFence { owner, states: states_for(operation), issued_at: None })
            }
        }
    }

    /// Every question in the order in which the answers matter: is the caller there, may it, is the user there that it is about.
    pub(crate) async fn check(&self, caller: &Caller, act: &Act<'_>) -> Result<(), AccessError> {
        self.authorize(caller, act).await?;
        match act.audience {
            Audience::Members | Audience::Admins => Ok(()),
            Audience::Owner(owner) => admits(states_for(act.operation), self.store.account(owner).await?.as_ref()),
        }
    }

    /// Why a fence refused. When all is well by now, the account changed in between, and trying again may help.
    pub(crate) async fn explain(&self, caller: &Caller, act: &Act<'_>) -> AccessError {
        match self.check(caller, act).await {
            Err(error) => error,
            Ok(()) => AccessError::Store(StoreError::Contention("the account changed in between".into())),
        }
    }
}
