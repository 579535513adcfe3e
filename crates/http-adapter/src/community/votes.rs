//! Votes on posts.

use super::answer::{Answer, PageJson, done, page};
use super::asked::Asked;
use super::schema::{Entry, Failures, OfKind, Paging};
use super::user::AuthorJson;
use lethe_domain::{Act, Operation, PostId, Reaction, Timestamp, Vote};
use serde::Serialize;
use utoipa::ToSchema;

/// A vote.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Vote)]
pub(super) struct VoteJson {
    user: AuthorJson,
    reaction: &'static str,
    #[schema(value_type = String, format = DateTime)]
    voted_at: Timestamp,
}

impl From<Vote> for VoteJson {
    fn from(vote: Vote) -> Self {
        Self { user: vote.voter.into(), reaction: vote.reaction.name(), voted_at: vote.voted_at }
    }
}

/// Lists the votes on a post.
#[utoipa::path(
    get,
    path = "/api/v2/{kind}/{id}/vote/",
    tag = "content",
    operation_id = "list_votes",
    params(OfKind, Entry, Paging),
    responses((status = 200, body = PageJson<VoteJson>), Failures)
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let (kind, query) = (asked.kind()?, asked.context.query());
    let id = asked.id(&Act::by_member(Operation::Read), PostId::parse).await?;
    let found = asked.services().content.list_votes(&asked.caller, kind, id, query.page()).await?;
    Ok(page(&asked.context, query.page(), found, VoteJson::from))
}

/// Casts the caller's vote on a post, or takes it back.
#[utoipa::path(
    post,
    path = "/api/v2/{kind}/{id}/vote/",
    tag = "content",
    operation_id = "toggle_vote",
    params(OfKind, Entry),
    responses((status = 204, description = "The vote was cast or taken back"), Failures)
)]
pub(super) async fn toggle(asked: Asked) -> Answer {
    let kind = asked.kind()?;
    let id = asked.id(&Act::by_member(Operation::Create), PostId::parse).await?;
    asked.services().content.toggle_vote(&asked.caller, kind, id, Reaction::Like).await?;
    Ok(done())
}
