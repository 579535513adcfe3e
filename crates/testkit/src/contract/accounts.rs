//! Users: names, states, lists.

use super::{FullStore, add_user, delete_user, first_page, listed, now, try_add_user};
use crate::fixture::{user, user_with_ext_id};
use lethe_domain::account::{Account, AccountState, DeletionMode, LiveState, StatusSet, UserStatus};
use lethe_domain::page::PageRequest;
use lethe_domain::profile::{Email, ExtId, Gender, NewUser, Profile, Role, UniqueName, Username};
use lethe_domain::{Timestamp, UserId};
use lethe_ports::outbound::{InsertUserError, StoreError, UserFilter, UserOrder, UserQuery};
use std::time::Duration;

pub async fn names_are_reserved(store: impl FullStore) {
    try_add_user(&store, user_with_ext_id("Ann", "x-1")).await.expect("free");
    assert_eq!(try_add_user(&store, user("aNN")).await, Err(InsertUserError::Taken(UniqueName::Username)), "whatever the case");
    assert_eq!(try_add_user(&store, user_with_ext_id("bob", "x-1")).await, Err(InsertUserError::Taken(UniqueName::ExtId)));
    assert_eq!(try_add_user(&store, user_with_ext_id("ann", "x-1")).await, Err(InsertUserError::Taken(UniqueName::Username)), "the username first");
    try_add_user(&store, user_with_ext_id("bob", "X-1")).await.expect("an ext_id is taken to the letter, and a refusal reserves nothing");
}

pub async fn names_stay_reserved_by_a_soft_delete(store: impl FullStore) {
    let id = try_add_user(&store, user_with_ext_id("ann", "x-1")).await.expect("free");
    delete_user(&store, id, DeletionMode::Soft).await.expect("alive");
    assert_eq!(try_add_user(&store, user("ann")).await, Err(InsertUserError::Taken(UniqueName::Username)));
    assert_eq!(try_add_user(&store, user_with_ext_id("bob", "x-1")).await, Err(InsertUserError::Taken(UniqueName::ExtId)));
    delete_user(&store, id, DeletionMode::Hard).await.expect("soft deleted");
    let next = try_add_user(&store, user_with_ext_id("ann", "x-1")).await.expect("free again");
    assert!(next > id);
}

async fn save(store: &impl FullStore, account: Account) {
    let saved: Result<(), StoreError> = store
        .transact(move |tx| {
            Box::pin(async move {
                tx.account_for_update(account.id).await?;
                tx.save_account(&account).await
            })
        })
        .await;
    saved.expect("reachable");
}

pub async fn accounts_keep_every_state(store: impl FullStore) {
    let id = add_user(&store, "ann").await;
    assert_eq!(store.account(id).await, Ok(Some(Account::new(id))));
    let at = now();
    let states = [
        AccountState::Live(LiveState::Blocked),
        AccountState::SoftDeleted { at, purge_at: None, was: LiveState::Blocked },
        AccountState::SoftDeleted { at, purge_at: Some(at.after(Duration::from_micros(1))), was: LiveState::Active },
        AccountState::Live(LiveState::Active),
        AccountState::Erased { at },
    ];
    for (epoch, state) in (1..).zip(states) {
        let account = Account { id, state, deletion_epoch: epoch, tokens_valid_from: at };
        save(&store, account).await;
        assert_eq!(store.account(id).await, Ok(Some(account)));
    }
    assert_eq!(store.account(UserId::new(i64::MAX)).await, Ok(None));
    assert_eq!(store.user(UserId::new(i64::MAX)).await, Ok(None));
}

pub async fn ids_are_never_used_again(store: impl FullStore) {
    let first = add_user(&store, "ann").await;
    delete_user(&store, first, DeletionMode::Hard).await.expect("alive");
    let second = add_user(&store, "ann").await;
    assert!(second > first);
    let tombstone = store.user(first).await.expect("reachable").expect("a tombstone stays");
    assert_eq!((tombstone.status(), tombstone.person), (UserStatus::Erased, None));
}

fn full_profile() -> Profile {
    Profile {
        real_name: "Ann É".into(),
        email: Some(Email::from_store("ann@example.org".into())),
        role: Some(Role::Editor),
        date_joined: Timestamp::from_micros(1_234_567_890_123_456),
        bio: "a\nb".into(),
        location: "here".into(),
        description: "words".into(),
        gender: Gender::Female,
        website: "https://example.org".into(),
    }
}

pub async fn profiles_are_kept(store: impl FullStore) {
    let id = try_add_user(&store, NewUser { profile: full_profile(), ..user("ann") }).await.expect("free");
    let person = store.user(id).await.expect("reachable").and_then(|user| user.person).expect("alive");
    assert_eq!(person.profile, full_profile());
    let changed = Profile { email: None, role: None, bio: String::new(), gender: Gender::Unspecified, ..full_profile() };
    let kept = changed.clone();
    let saved: Result<Option<Profile>, StoreError> = store
        .transact(move |tx| {
            Box::pin(async move {
                tx.save_profile(id, &changed).await?;
                tx.profile(id).await
            })
        })
        .await;
    assert_eq!(saved, Ok(Some(kept.clone())));
    assert_eq!(store.user(id).await.expect("reachable").and_then(|user| user.person).map(|person| person.profile), Some(kept));
}

async fn names(store: &impl FullStore, filter: UserFilter) -> Vec<String> {
    let page = store.users(&filter, first_page()).await.expect("reachable");
    assert_eq!(page.count, page.items.len() as u64);
    page.items.into_iter().map(|user| user.person.map_or_else(|| "erased".into(), |person| person.username.to_string())).collect()
}

pub async fn lists_filter_and_order(store: impl FullStore) {
    for (name, joined) in [("cid", 1), ("ann", 3), ("bob", 2)] {
        let profile = Profile { date_joined: Timestamp::from_micros(joined), location: format!("town {joined}"), ..Profile::new(now()) };
        try_add_user(&store, NewUser { profile, ..user(name) }).await.expect("free");
    }
    let dan = try_add_user(&store, NewUser { profile: Profile { real_name: "Robert".into(), ..full_profile() }, ..user("dan") }).await.expect("free");
    let filter = |change: fn(&mut UserFilter)| {
        let mut filter = listed();
        change(&mut filter);
        filter
    };
    assert_eq!(names(&store, listed()).await, ["cid", "ann", "bob", "dan"]);
    assert_eq!(names(&store, filter(|filter| filter.order = UserOrder::Username)).await, ["ann", "bob", "cid", "dan"]);
    assert_eq!(names(&store, filter(|filter| filter.order = UserOrder::UsernameDescending)).await, ["dan", "cid", "bob", "ann"]);
    assert_eq!(names(&store, filter(|filter| filter.order = UserOrder::DateJoined)).await, ["cid", "bob", "ann", "dan"]);
    assert_eq!(names(&store, filter(|filter| filter.order = UserOrder::DateJoinedDescending)).await, ["dan", "ann", "bob", "cid"]);
    assert_eq!(names(&store, filter(|filter| filter.search = Some("OB".into()))).await, ["bob", "dan"], "username or real name");
    assert_eq!(names(&store, filter(|filter| filter.username = Some("B".into()))).await, ["bob"]);
    assert_eq!(names(&store, filter(|filter| filter.real_name = Some("rob".into()))).await, ["dan"]);
    assert_eq!(names(&store, filter(|filter| filter.location = Some("town".into()))).await, ["cid", "ann", "bob"]);
    assert_eq!(names(&store, filter(|filter| filter.description = Some("words".into()))).await, ["dan"]);
    assert_eq!(names(&store, filter(|filter| filter.gender = Some(Gender::Female))).await, ["dan"]);
    let page = store.users(&listed(), PageRequest::from_text(Some("1"), Some("2"))).await.expect("reachable");
    assert_eq!((page.count, page.items.len()), (4, 1));

    delete_user(&store, dan, DeletionMode::Soft).await.expect("alive");
    let in_state = |status| UserFilter { statuses: vec![status], ..UserFilter::default() };
    assert_eq!(names(&store, listed()).await, ["cid", "ann", "bob"]);
    assert_eq!(names(&store, in_state(UserStatus::SoftDeleted)).await, ["dan"]);
    delete_user(&store, dan, DeletionMode::Hard).await.expect("soft deleted");
    assert_eq!(names(&store, in_state(UserStatus::Erased)).await, ["erased"]);
    assert_eq!(names(&store, UserFilter { search: Some("dan".into()), ..in_state(UserStatus::Erased) }).await, [""; 0]);
    assert_eq!(names(&store, UserFilter::default()).await, [""; 0]);
}

pub async fn filters_take_wildcards_literally(store: impl FullStore) {
    add_user(&store, "a_b").await;
    add_user(&store, "axb").await;
    let search = |text: &str| UserFilter { username: Some(text.into()), ..listed() };
    assert_eq!(names(&store, search("a_b")).await, ["a_b"]);
    assert_eq!(names(&store, search("%")).await, [""; 0]);
    assert_eq!(names(&store, search("\\")).await, [""; 0]);
    assert_eq!(names(&store, search("'")).await, [""; 0]);
}

pub async fn finds_by_each_name(store: impl FullStore) {
    let id = try_add_user(&store, NewUser { profile: full_profile(), ..user_with_ext_id("Ann", "x-1") }).await.expect("free");
    let queries = [
        UserQuery::Username(Username::from_store("aNN".into())),
        UserQuery::Email(Email::from_store("ann@example.org".into())),
        UserQuery::ExtId(ExtId::from_store("x-1".into())),
    ];
    for query in &queries {
        assert_eq!(store.find_user(query).await.expect("reachable").map(|user| user.id), Some(id), "{query:?}");
    }
    delete_user(&store, id, DeletionMode::Soft).await.expect("alive");
    assert_eq!(store.find_user(&queries[0]).await.expect("reachable").map(|user| user.status()), Some(UserStatus::SoftDeleted));
    delete_user(&store, id, DeletionMode::Hard).await.expect("soft deleted");
    for query in &queries {
        assert_eq!(store.find_user(query).await, Ok(None), "{query:?}");
    }
}

pub async fn walks_by_id(store: impl FullStore) {
    let mut ids = Vec::new();
    for name in ["ann", "bob", "cid", "dan"] {
        ids.push(add_user(&store, name).await);
    }
    delete_user(&store, ids[1], DeletionMode::Soft).await.expect("alive");
    delete_user(&store, ids[2], DeletionMode::Hard).await.expect("alive");
    let walk = async |statuses: &[UserStatus], after: Option<UserId>, limit: u32| -> Vec<UserId> {
        store.users_after(statuses, after, limit).await.expect("reachable").into_iter().map(|user| user.id).collect()
    };
    assert_eq!(walk(&UserStatus::ALL, None, 3).await, ids[..3]);
    assert_eq!(walk(&UserStatus::ALL, Some(ids[2]), 3).await, ids[3..]);
    assert_eq!(walk(StatusSet::LISTED.states(), None, 10).await, [ids[0], ids[3]]);
    assert_eq!(walk(&[UserStatus::Erased], Some(ids[0]), 10).await, [ids[2]]);
    assert_eq!(walk(&[], None, 10).await, []);
}
