//! How much a user keeps, and how much it may keep.

use super::answer::{Answer, shown};
use super::asked::Asked;
use super::schema::{Failures, OfUser, UserFailures};
use lethe_domain::{Act, Limits, Operation};
use serde::Serialize;
use utoipa::ToSchema;

/// How much a user keeps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Usage)]
struct UsageJson {
    /// Preferences.
    keys: usize,
    /// Bytes of all keys and values.
    bytes: usize,
}

/// How much a user may keep.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limits)]
struct LimitsJson {
    /// Preferences.
    keys: usize,
    /// Bytes of all keys and values.
    bytes: usize,
    /// Characters of a key.
    key_characters: usize,
    /// Bytes of a value.
    value_bytes: usize,
    /// Levels of a value: a scalar has none, `[]` one.
    depth: usize,
}

impl From<Limits> for LimitsJson {
    fn from(limits: Limits) -> Self {
        Self {
            keys: limits.keys_per_user,
            bytes: limits.bytes_per_user,
            key_characters: limits.key_characters,
            value_bytes: limits.value_bytes,
            depth: limits.depth,
        }
    }
}

/// Says how much a user keeps. For the user itself and admins.
#[utoipa::path(
    get,
    path = "/v1/users/{user}/usage",
    tag = "preferences (v1)",
    operation_id = "get_usage_v1",
    params(OfUser),
    responses((status = 200, body = UsageJson), Failures, UserFailures)
)]
pub(super) async fn usage(asked: Asked) -> Answer {
    let owner = asked.user(Operation::Read).await?;
    let usage = asked.services().keyed.usage(&asked.caller, owner).await?;
    Ok(shown(UsageJson { keys: usage.keys, bytes: usage.bytes }))
}

/// Says how much a user may keep. For every user.
#[utoipa::path(get, path = "/v1/limits", tag = "preferences (v1)", operation_id = "get_limits_v1", responses((status = 200, body = LimitsJson), Failures))]
pub(super) async fn limits(asked: Asked) -> Answer {
    asked.services().access.check(&asked.caller, &Act::by_member(Operation::Read)).await?;
    Ok(shown(LimitsJson::from(*asked.limits())))
}
