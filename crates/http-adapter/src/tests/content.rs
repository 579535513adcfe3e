//! Posts and votes over HTTP.

use super::house::{FORM, With, ask, delete, get, now, post};
use super::mocks::Mocks;
use actix_web::http::StatusCode;
use lethe_domain::{Author, Page, PageRequest, Post, PostId, PostKind, PostText, PostTitle, Reaction, Timestamp, UserId, UserStatus, Username, Vote};
use mockall::predicate::{always, eq};

fn author(status: UserStatus) -> Author {
    Author { id: UserId::new(1), username: Username::from_store("ann".into()), status }
}

fn a_post(kind: PostKind, author: Author) -> Post {
    Post {
        id: PostId::new(5),
        kind,
        author,
        title: PostTitle::from_store(String::new()),
        text: PostText::from_store("a\nb".into()),
        vote_count: 2,
        added_at: Timestamp::EPOCH,
        last_activity_at: now(),
    }
}

fn post_json(kind: &str, deleted: bool) -> String {
    format!(
        "{{\"id\":5,\"type\":\"{kind}\",\"author\":{{\"id\":1,\"username\":\"ann\",\"deleted\":{deleted}}},\"title\":\"\",\"text\":\"a\\nb\",\"vote_count\":2,\
         \"added_at\":\"1970-01-01T00:00:00.000000Z\",\"last_activity_at\":\"2026-01-01T00:00:00.123456Z\"}}"
    )
}

#[actix_web::test]
async fn each_kind_is_published_under_its_own_path() {
    for kind in PostKind::ALL {
        for (content_type, body) in [("application/json", r#"{"text":"a\nb"}"#), (FORM, "text=a%0Ab&title="), ("", r#"{"text":"a\nb","title":null}"#)] {
            let mut mocks = Mocks::default();
            let (title, text) = (PostTitle::from_store(String::new()), PostText::from_store("a\nb".into()));
            let made = a_post(kind, author(UserStatus::Active));
            mocks.content.expect_publish().with(always(), eq(kind), eq(title), eq(text)).once().return_once(|_, _, _, _| Ok(made));
            let reply = ask(mocks, post(&format!("/api/v2/{}/", kind.name())).by(1).with(content_type, body)).await;
            assert_eq!((reply.status, reply.body), (StatusCode::CREATED, post_json(kind.name(), false)), "{content_type}");
        }
    }
}

#[actix_web::test]
async fn a_post_is_checked_field_by_field() {
    for (body, problem) in [("{}", "text: required"), (r#"{"text":" ","title":"a\nb"}"#, "title: invalid, text: blank"), (r#"{"text":5}"#, "text: invalid")] {
        let mut mocks = Mocks::default();
        mocks.access.expect_check_act().once().return_once(|_, _| Ok(()));
        let reply = ask(mocks, post("/api/v2/post/").by(1).with_json(body)).await;
        assert_eq!(reply.problem(), (400, problem.into()), "{body}");
    }
}

#[actix_web::test]
async fn a_post_outlives_its_author() {
    let mut mocks = Mocks::default();
    let post = a_post(PostKind::Status, author(UserStatus::SoftDeleted));
    mocks.content.expect_get_post().with(always(), eq(PostKind::Status), eq(PostId::new(5))).once().return_once(|_, _, _| Ok(post));
    let reply = ask(mocks, get("/api/v2/status/5").by(2)).await;
    assert_eq!((reply.status, reply.body), (StatusCode::OK, post_json("status", true)));
}

#[actix_web::test]
async fn posts_are_listed_by_kind_and_author() {
    for (query, by) in [("", None), ("?author=7&limit=1", Some(UserId::new(7))), ("?author=", None)] {
        let mut mocks = Mocks::default();
        let limit = query.contains("limit").then_some("1");
        let page = PageRequest::from_text(limit, None);
        let item = a_post(PostKind::Discussion, author(UserStatus::Active));
        let expected = mocks.content.expect_list_posts().with(always(), eq(PostKind::Discussion), eq(by), eq(page));
        expected.once().return_once(|_, _, _, _| Ok(Page { count: 1, items: vec![item] }));
        let reply = ask(mocks, get(&format!("/api/v2/discussion/{query}")).by(1)).await;
        let list = format!("{{\"count\":1,\"next\":null,\"previous\":null,\"results\":[{}]}}", post_json("discussion", false));
        assert_eq!((reply.status, reply.body), (StatusCode::OK, list), "{query}");
    }
}

#[actix_web::test]
async fn posts_are_deleted_and_votes_toggled_without_a_word() {
    let mut mocks = Mocks::default();
    mocks.content.expect_delete_post().with(always(), eq(PostKind::Post), eq(PostId::new(5))).once().return_once(|_, _, _| Ok(()));
    let reply = ask(mocks, delete("/api/v2/post/5/").by(1)).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NO_CONTENT, ""));
    let mut mocks = Mocks::default();
    let expected = mocks.content.expect_toggle_vote().with(always(), eq(PostKind::Post), eq(PostId::new(5)), eq(Reaction::Like));
    expected.once().return_once(|_, _, _, _| Ok(()));
    let reply = ask(mocks, post("/api/v2/post/5/vote/").by(1)).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NO_CONTENT, ""));
}

#[actix_web::test]
async fn votes_are_listed() {
    let mut mocks = Mocks::default();
    let vote = Vote { voter: author(UserStatus::Active), reaction: Reaction::Like, voted_at: now() };
    mocks.content.expect_list_votes().once().return_once(|_, _, _, _| Ok(Page { count: 1, items: vec![vote] }));
    let reply = ask(mocks, get("/api/v2/post/5/vote/?reaction=like").by(1)).await;
    let vote = r#"{"user":{"id":1,"username":"ann","deleted":false},"reaction":"like","voted_at":"2026-01-01T00:00:00.123456Z"}"#;
    assert_eq!((reply.status, reply.body), (StatusCode::OK, format!("{{\"count\":1,\"next\":null,\"previous\":null,\"results\":[{vote}]}}")));
}
