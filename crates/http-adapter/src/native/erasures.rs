//! How far the removal of hard deleted users is.

use super::answer::{Answer, ListJson, part, shown_for_now};
use super::asked::{Asked, AskedByBearer};
use super::error::Problem;
use super::parameters::Parameters;
use super::schema::{Entry, EntryFailures, Failures, Slicing};
use lethe_domain::erasure::Step;
use lethe_domain::{Act, Erasure, ErasureState, Operation, Timestamp, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// The removal of everything that a user left behind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Erasure)]
struct ErasureJson {
    /// The user's id.
    id: i64,
    user_id: i64,
    /// `queued`, `running`, `blocked`, `done` or `failed`.
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// What is to be removed, in this order.
    steps: Vec<StepJson>,
    /// Rows a second, from the request on; `null` for what took no time.
    rows_per_second: Option<u64>,
    /// How often a node took it up.
    attempts: u32,
    /// Why it did not go on, the last time that it did not.
    last_error: Option<String>,
}

/// The removal of one kind of content.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasureStep)]
struct StepJson {
    kind: &'static str,
    /// How much there was; `null` as long as nobody has counted.
    total: Option<u64>,
    /// How much is gone.
    done: u64,
    /// `queued`, `running` or `done`.
    state: &'static str,
}

impl From<Erasure> for ErasureJson {
    fn from(erasure: Erasure) -> Self {
        Self {
            id: erasure.user.get(),
            user_id: erasure.user.get(),
            state: erasure.state.name(),
            requested_at: erasure.requested_at,
            finished_at: erasure.finished_at,
            rows_per_second: erasure.rows_per_second(),
            steps: erasure.steps.into_iter().map(StepJson::from).collect(),
            attempts: erasure.attempts,
            last_error: erasure.last_error,
        }
    }
}

impl From<Step> for StepJson {
    fn from(step: Step) -> Self {
        Self { kind: step.kind.name(), total: step.total, done: step.done, state: step.state.name() }
    }
}

/// Shows an erasure. For admins, and for whoever has its erasure token.
#[utoipa::path(
    get,
    path = "/v1/erasures/{id}",
    tag = "erasures (v1)",
    operation_id = "get_erasure_v1",
    params(Entry),
    responses((status = 200, body = ErasureJson), Failures, EntryFailures)
)]
pub(super) async fn get(asked: AskedByBearer) -> Answer {
    let id = UserId::parse(asked.context.segment("id")).ok_or(Problem::NotFound);
    let user = asked.unless_refused(&Act::by_admin(Operation::Read), id).await?;
    let erasure = asked.services().life_cycle.erasure(&asked.bearer, user).await?;
    Ok(shown_for_now(ErasureJson::from(erasure)))
}

/// Lists erasures by user. For admins.
#[utoipa::path(
    get,
    path = "/v1/erasures",
    tag = "erasures (v1)",
    operation_id = "list_erasures_v1",
    params(
        ("state" = Option<String>, Query, description = "`queued`, `running`, `blocked`, `done` or `failed`; all of them unless said"),
        Slicing
    ),
    responses((status = 200, body = ListJson<ErasureJson>), Failures)
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let asked_for = Parameters::of(&asked.context.query(), |parameters| {
        let state = parameters.optional("state", ErasureState::from_name, "Choose one of queued, running, blocked, done, failed.");
        (state.map_or_else(|| ErasureState::ALL.to_vec(), |state| vec![state]), parameters.slice(UserId::parse))
    });
    let (states, slice) = asked.unless_refused(&Act::by_admin(Operation::Read), asked_for).await?;
    let found = asked.services().life_cycle.erasures(&asked.caller, &states, slice.after, slice.sought()).await?;
    Ok(shown_for_now(part(found, slice.limit, |erasure| erasure.user.get(), ErasureJson::from)))
}
