//! Posts and votes.

use super::{FullStore, add_user, delete_user, first_page, now};
use crate::fixture::post;
use lethe_domain::account::DeletionMode;
use lethe_domain::content::{NewPost, Post, PostKind, PostTitle, Reaction};
use lethe_domain::page::PageRequest;
use lethe_domain::{PostId, UserId};
use lethe_ports::outbound::StoreError;

pub(super) async fn publish(store: &impl FullStore, new: NewPost) -> PostId {
    let published: Result<PostId, StoreError> = store.transact(move |tx| Box::pin(async move { tx.insert_post(&new, now()).await })).await;
    published.expect("reachable")
}

/// Toggles as a use case does: both accounts held, the post locked. Whether there was such a post.
pub(super) async fn toggle(store: &impl FullStore, voter: UserId, post: PostId) -> Result<bool, StoreError> {
    store
        .transact(move |tx| {
            Box::pin(async move {
                tx.account_for_share(voter).await?;
                let Some(author) = tx.post_author(PostKind::Post, post).await? else { return Ok(false) };
                tx.account_for_share(author).await?;
                let Some(author) = tx.post_author_for_update(PostKind::Post, post).await? else { return Ok(false) };
                tx.toggle_vote(voter, author, post, Reaction::Like, now()).await?;
                Ok(true)
            })
        })
        .await
}

async fn get(store: &impl FullStore, id: PostId) -> Option<Post> {
    store.post(PostKind::Post, id).await.expect("reachable")
}

async fn voters(store: &impl FullStore, id: PostId) -> Option<Vec<UserId>> {
    let page = store.votes(PostKind::Post, id, first_page()).await.expect("reachable")?;
    assert_eq!(page.count, page.items.len() as u64);
    Some(page.items.into_iter().map(|vote| vote.voter.id).collect())
}

pub async fn publishes_and_lists(store: impl FullStore) {
    let ann = add_user(&store, "ann").await;
    let bob = add_user(&store, "bob").await;
    let first = publish(&store, post(ann, "one")).await;
    let second = publish(&store, NewPost { title: PostTitle::from_store("Title".into()), ..post(bob, "two\nlines") }).await;
    let discussion = publish(&store, NewPost { kind: PostKind::Discussion, ..post(ann, "three") }).await;
    assert!(first < second && second < discussion, "ids are unique over all kinds");

    let got = get(&store, second).await.expect("there");
    assert_eq!((got.author.id, got.author.username.as_str(), got.title.as_str(), got.text.as_str()), (bob, "bob", "Title", "two\nlines"));
    assert_eq!((got.vote_count, got.added_at, got.last_activity_at, got.kind), (0, now(), now(), PostKind::Post));
    assert_eq!(store.post(PostKind::Post, discussion).await, Ok(None), "of another kind");
    assert_eq!(get(&store, PostId::new(i64::MAX)).await, None);

    let page = store.posts(PostKind::Post, None, first_page()).await.expect("reachable");
    assert_eq!((page.count, page.items.iter().map(|post| post.id).collect::<Vec<_>>()), (2, vec![second, first]));
    let of_ann = store.posts(PostKind::Post, Some(ann), PageRequest::from_text(Some("1"), None)).await.expect("reachable");
    assert_eq!((of_ann.count, of_ann.items[0].id), (1, first));
    let counts = store.user(ann).await.expect("reachable").and_then(|user| user.person).expect("alive").counts;
    assert_eq!((counts.posts, counts.discussions, counts.statuses), (1, 1, 0));
}

pub async fn a_vote_toggles(store: impl FullStore) {
    let ann = add_user(&store, "ann").await;
    let bob = add_user(&store, "bob").await;
    let id = publish(&store, post(ann, "one")).await;
    assert_eq!(voters(&store, id).await, Some(vec![]));
    for voter in [bob, ann] {
        assert_eq!(toggle(&store, voter, id).await, Ok(true));
    }
    assert_eq!(voters(&store, id).await, Some(vec![ann, bob]));
    assert_eq!(get(&store, id).await.map(|post| post.vote_count), Some(2));
    assert_eq!(toggle(&store, ann, id).await, Ok(true));
    assert_eq!(voters(&store, id).await, Some(vec![bob]));
    assert_eq!(get(&store, id).await.map(|post| post.vote_count), Some(1));
    assert_eq!(toggle(&store, ann, PostId::new(i64::MAX)).await, Ok(false));
    assert_eq!(voters(&store, PostId::new(i64::MAX)).await, None);
}

pub async fn a_deleted_post_takes_its_votes_along(store: impl FullStore) {
    let ann = add_user(&store, "ann").await;
    let id = publish(&store, post(ann, "one")).await;
    let other = publish(&store, post(ann, "two")).await;
    for post in [id, other] {
        toggle(&store, ann, post).await.expect("reachable");
    }
    let deleted: Result<(), StoreError> = store
        .transact(move |tx| {
            Box::pin(async move {
                assert_eq!(tx.post_author_for_update(PostKind::Status, id).await?, None, "of another kind");
                assert_eq!(tx.post_author_for_update(PostKind::Post, id).await?, Some(ann));
                tx.delete_post(ann, id).await
            })
        })
        .await;
    assert_eq!(deleted, Ok(()));
    assert_eq!((get(&store, id).await, voters(&store, id).await), (None, None));
    assert_eq!(get(&store, other).await.map(|post| post.vote_count), Some(1));
}

pub async fn authors_carry_their_status(store: impl FullStore) {
    let ann = add_user(&store, "ann").await;
    let id = publish(&store, post(ann, "one")).await;
    toggle(&store, ann, id).await.expect("reachable");
    delete_user(&store, ann, DeletionMode::Soft).await.expect("alive");
    let kept = get(&store, id).await.expect("posts stay");
    assert!(kept.author.deleted());
    assert_eq!((kept.vote_count, voters(&store, id).await), (1, Some(vec![ann])), "votes stay");
}
