//! What a deletion would do.

use super::answer::Answer;
use super::asked::Asked;
use super::parameters::mode;
use super::plan_tags::{is_known, of_plan};
use super::schema::{Failures, OfUser, UserFailures};
use actix_web::HttpResponse;
use actix_web::http::header::{ETAG, HeaderMap};
use lethe_domain::plan::{DeletionPlan, Planned};
use lethe_domain::profile::UniqueName;
use lethe_domain::{Act, HoldId, Operation};
use serde::Serialize;
use utoipa::ToSchema;

/// What a deletion would do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeletionPlan)]
struct PlanJson {
    /// `soft` or `hard`.
    mode: &'static str,
    /// Every kind of content, in the order in which it would go.
    kinds: Vec<PlannedJson>,
    /// Names that would become free: `username`, `ext_id`.
    frees: Vec<&'static str>,
    /// What stands in the way.
    blockers: Vec<BlockerJson>,
}

/// What becomes of one kind of content.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlannedContent)]
struct PlannedJson {
    kind: &'static str,
    count: u64,
    /// `removed` or `kept`.
    fate: &'static str,
}

/// Something that stands in the way of a deletion.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Blocker)]
struct BlockerJson {
    /// `hold`.
    kind: &'static str,
    id: i64,
}

impl From<DeletionPlan> for PlanJson {
    fn from(plan: DeletionPlan) -> Self {
        Self {
            mode: plan.mode.name(),
            kinds: plan.kinds.into_iter().map(PlannedJson::from).collect(),
            frees: plan.frees.into_iter().map(UniqueName::name).collect(),
            blockers: plan.blockers.into_iter().map(BlockerJson::from).collect(),
        }
    }
}

impl From<Planned> for PlannedJson {
    fn from(planned: Planned) -> Self {
        Self { kind: planned.kind.name(), count: planned.count, fate: planned.fate.name() }
    }
}

impl From<HoldId> for BlockerJson {
    fn from(hold: HoldId) -> Self {
        Self { kind: "hold", id: hold.get() }
    }
}

/// Says what a deletion would do, in real counts, and does nothing. For the user itself and admins.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/deletion-plan",
    tag = "accounts (v1)",
    operation_id = "plan_deletion_v1",
    params(
        OfUser,
        ("mode" = String, Query, description = "`soft` or `hard`"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of a plan that is known")
    ),
    responses(
        (status = 200, body = PlanJson, headers(("ETag" = String, description = "Names what the plan says; for the `If-Match` of a deletion"))),
        (status = 304, description = "The plan is known"),
        Failures,
        UserFailures
    )
)]
pub(super) async fn get(asked: Asked) -> Answer {
    let user = asked.user(Operation::Read).await?;
    let mode = asked.unless_refused(&Act::on(Operation::Read, user), mode(&asked.context.query())).await?;
    let plan = asked.services().life_cycle.deletion_plan(&asked.caller, user, mode).await?;
    Ok(answer(asked.context.http.headers(), plan))
}

fn answer(headers: &HeaderMap, plan: DeletionPlan) -> HttpResponse {
    let tag = (ETAG, of_plan(&plan.version));
    if is_known(headers, &plan.version) {
        return HttpResponse::NotModified().insert_header(tag).finish();
    }
    HttpResponse::Ok().insert_header(tag).json(PlanJson::from(plan))
}
