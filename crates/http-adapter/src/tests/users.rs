//! Users over HTTP.

use super::house::{FORM, Reply, With, ask, delete, deletion, get, now, patch, post, put};
use super::mocks::Mocks;
use actix_web::http::StatusCode;
use lethe_domain::account::DeletionMode;
use lethe_domain::profile::{NewUser, Person, PostCounts};
use lethe_domain::{
    AccountState, Email, ExtId, Gender, LiveState, Page, PageRequest, Profile, ProfileUpdate, Role, Timestamp, User, UserId, UserStatus, Username,
};
use lethe_ports::inbound::DeletionRequest;
use lethe_ports::outbound::{UserFilter, UserOrder, UserQuery};
use mockall::predicate::{always, eq};

fn ann() -> User {
    let profile = Profile { real_name: "Ann".into(), email: Some(email("ann@example.org")), role: Some(Role::Editor), bio: "b".into(), ..Profile::new(now()) };
    let counts = PostCounts { posts: 1, discussions: 2, statuses: 3 };
    let person = Person { username: name("ann"), ext_id: Some(ext_id("x1")), profile, counts };
    User { id: UserId::new(1), state: AccountState::Live(LiveState::Active), person: Some(person) }
}

fn deleted() -> User {
    User { state: AccountState::SoftDeleted { at: now(), purge_at: None, was: LiveState::Active }, ..ann() }
}

fn erased() -> User {
    User { state: AccountState::Erased { at: now() }, person: None, ..ann() }
}

fn name(text: &str) -> Username {
    Username::from_store(text.into())
}

fn ext_id(text: &str) -> ExtId {
    ExtId::from_store(text.into())
}

fn email(text: &str) -> Email {
    Email::from_store(text.into())
}

/// The fields of a user as everybody sees it, from the username on.
fn ann_json(deleted: &str) -> String {
    format!(
        "\"id\":1,\"username\":\"ann\",\"real_name\":\"Ann\",\"avatar\":null,\"ext_id\":\"x1\",\"followings_counter\":0,\"followers_counter\":0,\
         \"posts_counter\":1,\"discussions_counter\":2,\"statuses_counter\":3,\"date_joined\":\"2026-01-01T00:00:00.123456Z\",\"bio\":\"b\",\
         \"location\":\"\",\"description\":\"\",\"gender\":\"Unspecified\",\"website\":\"\",\"cover\":null,\"tags\":[],\"reputation\":0,{deleted}"
    )
}

const ALIVE: &str = "\"deleted\":false,\"deleted_at\":null";
const GONE: &str = "\"deleted\":true,\"deleted_at\":\"2026-01-01T00:00:00.123456Z\"";

fn assert_shows(reply: &Reply, body: &str) {
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, body));
}

#[actix_web::test]
async fn anyone_sees_a_user_without_a_token() {
    for (user, json) in [(ann(), ann_json(ALIVE)), (deleted(), ann_json(GONE))] {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_get().with(eq(UserId::new(1))).once().return_once(|_| Ok(user));
        assert_shows(&ask(mocks, get("/api/v2/user/1/")).await, &format!("{{{json}}}"));
    }
}

#[actix_web::test]
async fn one_sees_more_of_oneself() {
    let mut mocks = Mocks::default();
    mocks.accounts.expect_me().once().return_once(|_| Ok(ann()));
    let more = "\"email\":\"ann@example.org\",\"email_isvalid\":false,\"permission\":{},\"role\":\"editor\",\"status\":\"a\",\"unseen_interactions_counter\":0,\"unseen_notification_banners_counter\":0";
    assert_shows(&ask(mocks, get("/api/v2/user/me/").by(1)).await, &format!("{{{},{more}}}", ann_json(ALIVE)));
}

#[actix_web::test]
async fn lists_are_filtered_and_ordered() {
    let filter = UserFilter {
        search: Some("a b".into()),
        username: Some("u".into()),
        real_name: Some("r".into()),
        location: Some("l".into()),
        description: Some("d".into()),
        gender: Some(Gender::Female),
        order: UserOrder::DateJoinedDescending,
        statuses: vec![],
    };
    let all = "?search=a+b&username=u&real_name=r&location=l&description=d&gender=Female&ordering=-date_joined";
    let table = [(all, filter), ("?ordering=nonsense&search=", UserFilter::default())];
    for path in ["/api/v2/user/", "/api/v2/user/search/", "/api/v2/user", "/api/v2/user/search"] {
        for (query, filter) in table.clone() {
            let mut mocks = Mocks::default();
            let page = PageRequest::from_text(None, None);
            mocks.accounts.expect_list().with(always(), eq(filter), eq(page)).once().return_once(|_, _, _| Ok(Page { count: 1, items: vec![ann()] }));
            let reply = ask(mocks, get(&format!("{path}{query}")).by(1)).await;
            assert_shows(&reply, &format!("{{\"count\":1,\"next\":null,\"previous\":null,\"results\":[{{{}}}]}}", ann_json(ALIVE)));
        }
    }
}

#[actix_web::test]
async fn orders_have_names() {
    let table = [
        ("username", UserOrder::Username),
        ("-username", UserOrder::UsernameDescending),
        ("date_joined", UserOrder::DateJoined),
        ("-date_joined", UserOrder::DateJoinedDescending),
        ("id", UserOrder::Id),
    ];
    for (name, order) in table {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_list().withf(move |_, filter, _| filter.order == order).once().return_once(|_, _, _| Ok(Page { count: 0, items: vec![] }));
        assert_eq!(ask(mocks, get(&format!("/api/v2/user/?ordering={name}")).by(1)).await.status, StatusCode::OK, "{name}");
    }
}

#[actix_web::test]
async fn moderators_see_every_state() {
    let table = [
        ("", UserStatus::ALL.to_vec(), UserOrder::Id),
        ("?status=&order_by=username", UserStatus::ALL.to_vec(), UserOrder::Username),
        ("?status=u", vec![UserStatus::Erased], UserOrder::Id),
    ];
    for (query, statuses, order) in table {
        let mut mocks = Mocks::default();
        let filter = UserFilter { statuses, order, ..UserFilter::default() };
        mocks.accounts.expect_moderate().with(always(), eq(filter), always()).once().return_once(|_, _, _| Ok(Page { count: 1, items: vec![erased()] }));
        let reply = ask(mocks, get(&format!("/api/v2/moderation/user/{query}")).by_admin()).await;
        let blank = "\"id\":1,\"username\":null,\"real_name\":null,\"avatar\":null,\"ext_id\":null,\"followings_counter\":0,\"followers_counter\":0,\
                     \"posts_counter\":0,\"discussions_counter\":0,\"statuses_counter\":0,\"date_joined\":null,\"bio\":null,\"location\":null,\
                     \"description\":null,\"gender\":null,\"website\":null,\"cover\":null,\"tags\":[],\"reputation\":0";
        assert_shows(&reply, &format!("{{\"count\":1,\"next\":null,\"previous\":null,\"results\":[{{{blank},{GONE},\"status\":\"u\"}}]}}"));
    }
}

#[actix_web::test]
async fn an_account_is_found_by_one_name() {
    let table = [
        ("username=ann", UserQuery::Username(name("ann"))),
        ("email=ann%40example.org&provider=x", UserQuery::Email(email("ann@example.org"))),
        ("ext_id=7&username=&provider=facebook", UserQuery::ExtId(ext_id("7"))),
    ];
    for (query, expected) in table {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_find().with(always(), eq(expected)).once().return_once(|_, _| Ok(deleted()));
        let reply = ask(mocks, get(&format!("/api/v2/account/search/?{query}")).by_admin()).await;
        assert_shows(&reply, &format!("{{{},\"status\":\"d\"}}", ann_json(GONE)));
    }
    let refused = async |query: &str| {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
        ask(mocks, get(&format!("/api/v2/account/search/?{query}")).by_admin()).await.problem()
    };
    for query in ["", "provider=x", "username=a&email=b%40c", "username=a&email=b%40c&ext_id=1"] {
        assert_eq!(refused(query).await, (400, "non_field_errors: invalid".into()), "{query}");
    }
    for query in ["username=a+b", "email=nobody"] {
        assert_eq!(refused(query).await, (404, "not_found".into()), "{query}");
    }
}

#[actix_web::test]
async fn a_profile_changes_where_it_is_told_to() {
    let update = ProfileUpdate { bio: Some("a\nb".into()), website: Some(String::new()), gender: Some(Gender::Male), ..ProfileUpdate::default() };
    let body = r#"{"bio":" a\nb ","website":"","gender":"Male","username":5,"email":null,"unknown":1}"#;
    let table = [
        (patch("/api/v2/user/me/").with_json(body), update.clone()),
        (put("/api/v2/user/1/").with_json(body), update),
        (patch("/api/v2/user/1/"), ProfileUpdate::default()),
        (patch("/api/v2/user/1").with(FORM, ""), ProfileUpdate::default()),
        (patch("/api/v2/user/1/").with(FORM, "location=a+b"), ProfileUpdate { location: Some("a b".into()), ..ProfileUpdate::default() }),
    ];
    for (request, update) in table {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_update_profile().with(always(), eq(UserId::new(1)), eq(update)).once().return_once(|_, _, _| Ok(ann()));
        assert_shows(&ask(mocks, request.by(1)).await, &format!("{{{}}}", ann_json(ALIVE)));
    }
}

#[actix_web::test]
async fn a_profile_is_checked_field_by_field() {
    let body = format!(r#"{{"bio":1,"real_name":"{}","gender":"x","website":"a\nb"}}"#, "x".repeat(256));
    let mut mocks = Mocks::default();
    mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
    let reply = ask(mocks, patch("/api/v2/user/1/").by(1).with_json(&body)).await;
    assert_eq!(reply.problem(), (400, "real_name: max_length, website: invalid, bio: invalid, gender: invalid".into()));
}

#[actix_web::test]
async fn only_the_exact_text_1_deletes_hard() {
    let table = [
        ("", DeletionMode::Soft),
        ("?", DeletionMode::Soft),
        ("?hard=1", DeletionMode::Hard),
        ("?hard=0", DeletionMode::Soft),
        ("?hard=true", DeletionMode::Soft),
        ("?hard=01", DeletionMode::Soft),
        ("?hard=", DeletionMode::Soft),
        ("?hard=%31", DeletionMode::Hard),
        ("?hard=1+", DeletionMode::Soft),
        ("?hard=1&hard=0", DeletionMode::Soft),
        ("?hard=0&hard=1", DeletionMode::Hard),
        ("?Hard=1", DeletionMode::Soft),
    ];
    for (query, mode) in table {
        for path in ["/api/v2/user/1/", "/api/v2/user/me/", "/api/v2/user/me"] {
            let mut mocks = Mocks::default();
            mocks
                .accounts
                .expect_delete()
                .with(always(), eq(UserId::new(1)), eq(DeletionRequest::unplanned(mode)))
                .once()
                .return_once(|_, _, _| Ok(deletion()));
            let reply = ask(mocks, delete(&format!("{path}{query}")).by(1).insert_header(("content-type", FORM))).await;
            assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NO_CONTENT, ""), "{path}{query}");
        }
    }
}

#[actix_web::test]
async fn sign_up_creates_a_user() {
    let new = |ext: Option<&str>, real_name: &str, mail: Option<&str>, role| NewUser {
        username: name("ann"),
        ext_id: ext.map(ext_id),
        profile: Profile { real_name: real_name.into(), email: mail.map(email), role, ..Profile::new(Timestamp::EPOCH) },
    };
    let table = [
        (r#"{"username":"ann"}"#, new(None, "", None, None)),
        (r#"{"username":"ann","ext_id":null,"real_name":null,"email":null,"role":null}"#, new(None, "", None, None)),
        (r#"{"username":"ann","ext_id":12345678901234567890}"#, new(Some("12345678901234567890"), "", None, None)),
        (
            r#"{"username":"ann","ext_id":"x1","real_name":"Ann","email":"ann@example.org","role":"editor"}"#,
            new(Some("x1"), "Ann", Some("ann@example.org"), Some(Role::Editor)),
        ),
    ];
    for (body, expected) in table {
        let mut mocks = Mocks::default();
        mocks.accounts.expect_create().with(always(), eq(expected)).once().return_once(|_, _| Ok(ann()));
        let reply = ask(mocks, post("/api/v2/sso/signup/").by_admin().with_json(body)).await;
        let shown = r#"{"id":1,"ext_id":"x1","username":"ann","role":"editor","tags":[],"avatar":null}"#;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::CREATED, shown), "{body}");
    }
}

#[actix_web::test]
async fn sign_up_is_checked_field_by_field() {
    let table = [
        ("{}", "username: required"),
        (
            r#"{"username":"a b","ext_id":" ","email":"x","role":"king","real_name":5}"#,
            "username: invalid, ext_id: blank, real_name: invalid, email: invalid, role: invalid",
        ),
        (r#"{"username":"ann","ext_id":1.5}"#, "ext_id: invalid"),
        (r#"{"username":"ann","password":"secret"}"#, "password: invalid"),
        (r#"{"username":"ann","password":null}"#, "password: invalid"),
    ];
    for (body, problem) in table {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
        let reply = ask(mocks, post("/api/v2/sso/signup/").by_admin().with_json(body)).await;
        assert_eq!(reply.problem(), (400, problem.into()), "{body}");
        assert!(!reply.body.contains("secret"));
    }
}
