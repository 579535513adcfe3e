//! The API's description, put together from what stands beside each handler.

use crate::{community, idempotency, native, operations, settings};
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi as _};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "Lethe", description = "Lethe remembers what users prefer, and lets them leave properly.\n\nThree dialects share one set of data: the community dialect below `/api/v2`, the settings dialect at `/settings/user`, and Lethe's own below `/v1`, whose errors are problem details (RFC 9457)."),
    security(("token" = [])),
    modifiers(&Token),
    tags(
        (name = "preferences", description = "What a user prefers, one by one"),
        (name = "users", description = "Users, their profiles, and their deletion"),
        (name = "accounts", description = "New users, and finding them"),
        (name = "moderation", description = "Users of every state"),
        (name = "content", description = "Posts and votes"),
        (name = "accounts (v1)", description = "Users, from their joining to their deletion and back, in the native dialect"),
        (name = "preferences (v1)", description = "What a user prefers: by key, as a whole, and as it changes, in the native dialect"),
        (name = "erasures (v1)", description = "How far the removal of hard deleted users is"),
        (name = "holds (v1)", description = "What keeps users from being hard deleted"),
        (name = "audit (v1)", description = "Who did what to whom"),
        (name = "webhooks (v1)", description = "What others were told, and whether they have heard it"),
        (name = "settings", description = "A user's preferences as one document"),
        (name = "operations", description = "Health, metrics, and this description")
    )
)]
struct Api;

/// How callers say who they are.
struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("Biscuit").build();
        openapi.components.get_or_insert_default().add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The description of everything that is served.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut openapi = Api::openapi();
    for part in [community::openapi(), settings::openapi(), native::openapi(), operations::openapi()] {
        openapi.merge(part);
    }
    for path in openapi.paths.paths.values_mut() {
        for operation in [&mut path.post, &mut path.patch, &mut path.delete].into_iter().flatten() {
            operation.parameters.get_or_insert_default().push(idempotency::parameter().into());
        }
    }
    openapi
}
