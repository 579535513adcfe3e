//! Deleting users: who may, what each state answers, and what becomes of everything else.

use crate::world::{GRACE, admin, nobody, world};
use lethe_domain::UserId;
use lethe_domain::account::{AccountState, DeletionMode, LiveState, TransitionError, UserStatus};
use lethe_domain::content::{PostKind, PostText, PostTitle, Reaction};
use lethe_domain::page::PageRequest;
use lethe_domain::profile::UniqueName;
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, AccountError, Accounts, Content, ContentError, CreateUserError, DeleteUserError, Reservation};
use lethe_ports::outbound::UserFilter;
use lethe_testkit::fixture::user;

use DeletionMode::{Hard, Soft};

fn text(text: &str) -> PostText {
    PostText::from_store(text.into())
}

async fn publish(world: &crate::world::World, author: &Caller) -> lethe_domain::Post {
    world.lethe.publish(author, PostKind::Post, PostTitle::from_store(String::new()), text("hello")).await.unwrap()
}

#[tokio::test]
async fn each_state_answers_as_documented_to_the_user_itself_and_to_admins() {
    let world = world();
    let twice = DeleteUserError::Transition(TransitionError::AlreadySoftDeleted);
    let erased = DeleteUserError::Transition(TransitionError::Erased);
    for by_admin in [false, true] {
        let ann = world.user(&format!("ann{by_admin}")).await;
        let id = ann.actor.user;
        let caller = if by_admin { admin() } else { ann };
        assert_eq!(world.delete(&caller, id, Soft).await, Ok(()));
        assert_eq!(world.delete(&caller, id, Soft).await, Err(twice.clone()));
        assert_eq!(world.delete(&caller, id, Hard).await, Ok(()));
        assert_eq!(world.delete(&caller, id, Hard).await, Err(erased.clone()));
        assert_eq!(world.delete(&caller, id, Soft).await, Err(erased.clone()));
    }
    let direct = world.user("direct").await;
    assert_eq!(world.delete(&direct, direct.actor.user, Hard).await, Ok(()));
}

#[tokio::test]
async fn nobody_else_may() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let forbidden = Err(DeleteUserError::Access(AccessError::Forbidden));
    assert_eq!(world.delete(&bob, ann.actor.user, Soft).await, forbidden);
    assert_eq!(world.delete(&bob, UserId::new(777), Hard).await, forbidden, "the same for a user who does not exist");
    let never = Err(DeleteUserError::Access(AccessError::NoSuchUser));
    assert_eq!(world.delete(&admin(), UserId::new(777), Soft).await, never);
    assert_eq!(world.delete(&admin(), admin().actor.user, Soft).await, never);
    let gone = Err(DeleteUserError::Access(AccessError::CallerGone));
    assert_eq!(world.delete(&nobody(), nobody().actor.user, Soft).await, gone);
    world.delete(&bob, bob.actor.user, Soft).await.unwrap();
    assert_eq!(world.delete(&bob, ann.actor.user, Soft).await, gone, "a deleted user acts on its own deletion only");
}

#[tokio::test]
async fn a_soft_delete_hides_and_spares() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let post = publish(&world, &ann).await;
    world.lethe.toggle_vote(&ann, PostKind::Post, post.id, Reaction::Like).await.unwrap();
    world.delete(&ann, ann.actor.user, Soft).await.unwrap();

    let seen = Accounts::get(&world.lethe, ann.actor.user).await.unwrap();
    let now = lethe_testkit::FixedClock::start();
    assert_eq!(seen.state, AccountState::SoftDeleted { at: now, purge_at: Some(now.after(GRACE)), was: LiveState::Active });
    let listed = Accounts::list(&world.lethe, &bob, UserFilter::default(), PageRequest::from_text(None, None)).await.unwrap();
    assert_eq!(listed.items.iter().map(|user| user.id).collect::<Vec<_>>(), [bob.actor.user]);
    let kept = Content::get_post(&world.lethe, &bob, PostKind::Post, post.id).await.unwrap();
    assert!(kept.author.deleted());
    assert_eq!(kept.vote_count, 1);
    let gone = AccessError::CallerGone;
    assert_eq!(Accounts::me(&world.lethe, &ann).await, Err(AccountError::Access(gone.clone())));
    let late = world.lethe.publish(&ann, PostKind::Post, PostTitle::from_store(String::new()), text("late")).await;
    assert_eq!(late, Err(ContentError::Access(gone)));
    let taken = Accounts::create(&world.lethe, &admin(), user("ann")).await;
    assert_eq!(taken, Err(CreateUserError::Taken(UniqueName::Username, Reservation::Reserved)));
}

#[tokio::test]
async fn a_hard_delete_leaves_a_spent_id_and_free_names() {
    let world = world();
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let id = ann.actor.user;
    let (anns, bobs) = (publish(&world, &ann).await, publish(&world, &bob).await);
    for caller in [&ann, &bob] {
        for post in [&anns, &bobs] {
            world.lethe.toggle_vote(caller, PostKind::Post, post.id, Reaction::Like).await.unwrap();
        }
    }
    world.delete(&admin(), id, Hard).await.unwrap();
    assert_eq!(Accounts::get(&world.lethe, id).await, Err(AccountError::Access(AccessError::UserErased)));
    assert_eq!(Content::get_post(&world.lethe, &bob, PostKind::Post, anns.id).await, Err(ContentError::NotFound));
    assert_eq!(Content::get_post(&world.lethe, &bob, PostKind::Post, bobs.id).await.map(|post| post.vote_count), Ok(1));
    let tombstones = UserFilter { statuses: vec![UserStatus::Erased], ..UserFilter::default() };
    let moderated = world.lethe.moderate(&admin(), tombstones, PageRequest::from_text(None, None)).await.unwrap();
    assert_eq!(moderated.items.iter().map(|user| (user.id, user.person.is_some())).collect::<Vec<_>>(), [(id, false)]);
    let again = Accounts::create(&world.lethe, &admin(), user("ann")).await.unwrap();
    assert_ne!(again.id, id);
}
