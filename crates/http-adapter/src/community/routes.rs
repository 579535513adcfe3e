//! All paths of the community dialect.

use super::error::Errors;
use super::{account_search, moderation, posts, preferences, signup, users, votes};
use crate::endpoint::Endpoint;
use lethe_domain::PostKind;
use utoipa::OpenApi;

/// The operations in the API's description.
#[derive(OpenApi)]
#[openapi(components(schemas(Errors<'static>)), paths(
    preferences::list,
    preferences::create,
    preferences::get,
    preferences::replace,
    preferences::update,
    preferences::delete,
    users::list,
    users::me,
    users::search,
    users::get,
    users::replace,
    users::update,
    users::delete,
    signup::sign_up,
    account_search::find,
    moderation::list,
    posts::list,
    posts::publish,
    posts::get,
    posts::delete,
    votes::list,
    votes::toggle
))]
struct Operations;

/// The dialect's part of the API's description.
pub(crate) fn openapi() -> utoipa::openapi::OpenApi {
    Operations::openapi()
}

/// The endpoints, in the order in which a path is held against them.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::at("/api/v2/user/{user_id}/preference/").get(preferences::list).post(preferences::create),
        Endpoint::at("/api/v2/user/{user_id}/preference/{id}/")
            .get(preferences::get)
            .put(preferences::replace)
            .patch(preferences::update)
            .delete(preferences::delete),
        Endpoint::at("/api/v2/user/").get(users::list),
        Endpoint::at("/api/v2/user/me/").get(users::me).leaving_other_methods(),
        Endpoint::at("/api/v2/user/search/").get(users::search).leaving_other_methods(),
        Endpoint::at("/api/v2/user/{user_id}/").get(users::get).put(users::replace).patch(users::update).delete(users::delete),
        Endpoint::at("/api/v2/sso/signup/").post(signup::sign_up),
        Endpoint::at("/api/v2/account/search/").get(account_search::find),
        Endpoint::at("/api/v2/moderation/user/").get(moderation::list),
        of_each_kind("/api/v2/{kind}/").get(posts::list).post(posts::publish),
        of_each_kind("/api/v2/{kind}/{id}/").get(posts::get).delete(posts::delete),
        of_each_kind("/api/v2/{kind}/{id}/vote/").get(votes::list).post(votes::toggle),
    ]
}

fn of_each_kind(path: &'static str) -> Endpoint {
    Endpoint::at(path).with_words("kind", &PostKind::ALL.map(PostKind::name))
}
