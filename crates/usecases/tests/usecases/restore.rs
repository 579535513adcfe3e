//! Taking a soft delete back: by admins, and by whoever holds the ticket.

use crate::world::{GRACE, World, admin, world};
use lethe_domain::Timestamp;
use lethe_domain::account::DeletionMode::{Hard, Soft};
use lethe_domain::{JsonText, UserId};
use lethe_ports::inbound::{AccessError, AccountError, Accounts, Bearer, KeyFilter, LifeCycle, Preferences, Restoration, RestoreError};
use lethe_ports::outbound::{AuditFilter, AuditStore as _};
use lethe_ports::{Caller, Errand, GrantError, Ticket, TicketGrant};
use lethe_testkit::FixedClock;
use lethe_testkit::fixture::{caller, preference};
use std::sync::Arc;

/// A ticket that is good until a moment.
#[derive(Debug)]
struct GoodUntil(Timestamp);

impl TicketGrant for GoodUntil {
    fn allows(&self, now: Timestamp) -> Result<(), GrantError> {
        if now < self.0 { Ok(()) } else { Err(GrantError::Expired) }
    }
}

fn ticket(errand: Errand) -> Bearer {
    Bearer::Ticket(Ticket { errand, grant: Arc::new(GoodUntil(FixedClock::start().after(GRACE * 10))) })
}

fn restoring(user: UserId, epoch: i64) -> Bearer {
    ticket(Errand::Restore { user, epoch })
}

/// A caller of the same user with a token of the present.
fn renewed(world: &World, of: &Caller) -> Caller {
    use lethe_ports::outbound::Clock as _;
    let mut renewed = caller(of.actor.user);
    renewed.actor.issued_at = world.clock.now();
    renewed
}

const DEAD: RestoreError = RestoreError::Access(AccessError::TokenExpired);

#[tokio::test]
async fn what_comes_back_is_what_was_there() {
    let world = world();
    let ann = world.user("ann").await;
    let id = ann.actor.user;
    Preferences::create(&world.lethe, &ann, id, preference("theme", r#"{"b":1.0,"a":[]}"#)).await.unwrap();
    let before = Accounts::get(&world.lethe, id).await.unwrap();
    world.delete(&ann, id, Soft).await.unwrap();
    world.clock.advance(GRACE / 4);
    assert_eq!(world.lethe.restore(&Bearer::Caller(admin()), id).await, Ok(Restoration::Restored));
    assert_eq!(Accounts::get(&world.lethe, id).await, Ok(before));
    let again = renewed(&world, &ann);
    let page = lethe_domain::page::PageRequest::from_text(None, None);
    let kept = Preferences::list(&world.lethe, &again, id, KeyFilter::All, page).await.unwrap();
    assert_eq!(kept.items.iter().map(|kept| kept.value.clone()).collect::<Vec<_>>(), [JsonText::from_store(r#"{"b":1.0,"a":[]}"#.into())]);
    assert_eq!(Accounts::me(&world.lethe, &ann).await, Err(AccountError::Access(AccessError::CallerGone)), "tokens from before stay dead");
    assert_eq!(world.lethe.restore(&Bearer::Caller(admin()), id).await, Ok(Restoration::WasNotDeleted));
    let filter = AuditFilter { subject: Some(id), ..AuditFilter::default() };
    let log: Vec<_> = world.store.audit_entries(&filter, 9).await.unwrap().iter().map(|entry| entry.act.action.name()).collect();
    assert_eq!(log, ["user.restored", "user.soft_deleted", "user.created"], "what changed nothing is not told");
}

#[tokio::test]
async fn a_ticket_is_for_one_deletion_and_good_once() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let id = ann.actor.user;
    world.delete(&ann, id, Soft).await.unwrap();
    world.delete(&bob, bob.actor.user, Soft).await.unwrap();
    let forbidden = Err(RestoreError::Access(AccessError::Forbidden));
    assert_eq!(world.lethe.restore(&restoring(bob.actor.user, 1), id).await, forbidden, "another user's");
    assert_eq!(world.lethe.restore(&ticket(Errand::FollowErasure { user: id }), id).await, forbidden, "another errand");
    assert_eq!(world.lethe.restore(&restoring(id, 1), id).await, Ok(Restoration::Restored));
    assert_eq!(world.lethe.restore(&restoring(id, 1), id).await, Err(DEAD), "used");
    world.clock.advance(GRACE / 4);
    world.delete(&admin(), id, Soft).await.unwrap();
    assert_eq!(world.lethe.restore(&restoring(id, 1), id).await, Err(DEAD), "that was another deletion");
    assert_eq!(world.lethe.restore(&restoring(id, 2), id).await, Ok(Restoration::Restored));
    world.clock.advance(GRACE * 10);
    assert_eq!(world.lethe.restore(&restoring(bob.actor.user, 1), bob.actor.user).await, Err(DEAD), "its time is over");
}

#[tokio::test]
async fn who_may_not_and_what_is_gone() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let id = ann.actor.user;
    let by = |caller: &Caller| Bearer::Caller(caller.clone());
    assert_eq!(world.lethe.restore(&by(&bob), id).await, Err(AccessError::Forbidden.into()));
    assert_eq!(world.lethe.restore(&by(&ann), id).await, Err(AccessError::Forbidden.into()));
    world.delete(&ann, id, Soft).await.unwrap();
    assert_eq!(world.lethe.restore(&by(&ann), id).await, Err(AccessError::CallerGone.into()), "a deleted user's own token is dead");
    assert_eq!(world.lethe.restore(&by(&admin()), UserId::new(777)).await, Err(AccessError::NoSuchUser.into()));
    world.delete(&ann, id, Hard).await.unwrap();
    for bearer in [by(&admin()), restoring(id, 1)] {
        assert_eq!(world.lethe.restore(&bearer, id).await, Err(AccessError::UserErased.into()));
    }
}
