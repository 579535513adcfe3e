//! Taking a soft delete back.

use super::answer::{Answer, shown};
use super::asked::AskedByBearer;
use super::schema::{Failures, OfUser, UserFailures};
use lethe_domain::Operation;
use lethe_ports::inbound::Restoration;
use serde::Serialize;
use utoipa::ToSchema;

/// Whether an account came back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Restoration)]
struct RestorationJson {
    /// `false`: it was not deleted.
    restored: bool,
}

impl From<Restoration> for RestorationJson {
    fn from(restoration: Restoration) -> Self {
        match restoration {
            Restoration::Restored => Self { restored: true },
            Restoration::WasNotDeleted => Self { restored: false },
        }
    }
}

/// Takes a soft delete back. For admins, and for whoever has the deletion's restore token, which is good once: with it, `me` is the user that
/// was deleted.
#[utoipa::path(
    post,
    path = "/v1/users/{user}/restore",
    tag = "accounts (v1)",
    operation_id = "restore_user_v1",
    params(OfUser),
    responses((status = 200, body = RestorationJson), Failures, UserFailures)
)]
pub(super) async fn restore(asked: AskedByBearer) -> Answer {
    let user = asked.user(Operation::Update).await?;
    let restoration = asked.services().life_cycle.restore(&asked.bearer, user).await?;
    Ok(shown(RestorationJson::from(restoration)))
}
