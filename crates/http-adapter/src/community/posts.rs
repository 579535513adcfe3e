//! Posts of all kinds.

use super::answer::{Answer, PageJson, created, done, page, shown};
use super::asked::Asked;
use super::error::{Problem, Violation};
use super::form::Fields;
use super::schema::{BodyFailures, Entry, Failures, NewPostBody, OfKind, Paging};
use super::user::AuthorJson;
use crate::query::Query;
use actix_web::web;
use lethe_domain::{Act, Operation, Post, PostId, PostText, PostTitle, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// A post.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Post)]
pub(super) struct PostJson {
    id: i64,
    /// `post`, `discussion` or `status`.
    r#type: &'static str,
    author: AuthorJson,
    title: String,
    text: String,
    vote_count: u64,
    #[schema(value_type = String, format = DateTime)]
    added_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_activity_at: Timestamp,
}

impl From<Post> for PostJson {
    fn from(post: Post) -> Self {
        Self {
            id: post.id.get(),
            r#type: post.kind.name(),
            author: post.author.into(),
            title: post.title.to_string(),
            text: post.text.to_string(),
            vote_count: post.vote_count,
            added_at: post.added_at,
            last_activity_at: post.last_activity_at,
        }
    }
}

/// Lists posts of a kind, newest first.
#[utoipa::path(
    get,
    path = "/api/v2/{kind}/",
    tag = "content",
    operation_id = "list_posts",
    params(
        OfKind,
        ("author" = Option<i64>, Query, description = "Only posts of this user"),
        Paging
    ),
    responses((status = 200, body = PageJson<PostJson>), Failures)
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let (kind, query) = (asked.kind()?, asked.context.query());
    let author = asked.unless_refused(&Act::by_member(Operation::Read), author(&query)).await?;
    let found = asked.services().content.list_posts(&asked.caller, kind, author, query.page()).await?;
    Ok(page(&asked.context, query.page(), found, PostJson::from))
}

/// Publishes a post.
#[utoipa::path(
    post,
    path = "/api/v2/{kind}/",
    tag = "content",
    operation_id = "publish_post",
    params(OfKind),
    request_body(content((NewPostBody = "application/json"), (NewPostBody = "application/x-www-form-urlencoded"))),
    responses((status = 201, body = PostJson), Failures, BodyFailures)
)]
pub(super) async fn publish(asked: Asked, body: web::Payload) -> Answer {
    let kind = asked.kind()?;
    let (title, text) = asked.fields(body, &Act::by_member(Operation::Create), title_and_text).await?;
    let post = asked.services().content.publish(&asked.caller, kind, title, text).await?;
    Ok(created(PostJson::from(post)))
}

/// Shows a post.
#[utoipa::path(
    get,
    path = "/api/v2/{kind}/{id}/",
    tag = "content",
    operation_id = "get_post",
    params(OfKind, Entry),
    responses((status = 200, body = PostJson), Failures)
)]
pub(super) async fn get(asked: Asked) -> Answer {
    let kind = asked.kind()?;
    let id = asked.id(&Act::by_member(Operation::Read), PostId::parse).await?;
    let post = asked.services().content.get_post(&asked.caller, kind, id).await?;
    Ok(shown(PostJson::from(post)))
}

/// Deletes a post. For its author and admins.
#[utoipa::path(
    delete,
    path = "/api/v2/{kind}/{id}/",
    tag = "content",
    operation_id = "delete_post",
    params(OfKind, Entry),
    responses((status = 204, description = "Deleted"), Failures)
)]
pub(super) async fn delete(asked: Asked) -> Answer {
    let kind = asked.kind()?;
    let id = asked.id(&Act::by_member(Operation::Delete), PostId::parse).await?;
    asked.services().content.delete_post(&asked.caller, kind, id).await?;
    Ok(done())
}

fn author(query: &Query) -> Result<Option<UserId>, Problem> {
    let id = |text| UserId::parse(text).ok_or_else(|| Violation::invalid("A valid integer is required.").of("author").into());
    query.given("author").map(id).transpose()
}

fn title_and_text(fields: &Fields<'_>) -> Result<(PostTitle, PostText), Problem> {
    let title = fields.or_blank("title", |given| given.text(PostTitle::parse));
    let text = fields.required("text", |given| given.text(PostText::parse));
    match (title, text) {
        (Ok(title), Ok(text)) => Ok((title, text)),
        (title, text) => Err(Problem::Fields(title.err().into_iter().chain(text.err()).collect())),
    }
}
