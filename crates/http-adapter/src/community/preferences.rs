//! A user's preferences, one by one.

use super::answer::{Answer, PageJson, created, done, page, shown, with_header};
use super::asked::Asked;
use super::error::{Problem, Violation};
use super::form::Fields;
use super::schema::{BodyFailures, ConditionFailures, Entry, Failures, NewPreferenceBody, OfUser, Paging, PreferenceUpdateBody};
use crate::conditions::{Conditions, precondition, precondition_to_read, tag_of};
use crate::query::Query;
use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, web};
use lethe_domain::{
    Act, JsonText, Limits, NewPreference, Operation, Precondition, Preference, PreferenceId, PreferenceKey, PreferenceUpdate, Timestamp, Unmet, UserId,
};
use lethe_ports::inbound::{KeyFilter, PreferenceError};
use serde::Serialize;
use utoipa::ToSchema;

/// A preference.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preference)]
pub(super) struct PreferenceJson {
    id: i64,
    user_id: i64,
    #[schema(max_length = 255)]
    key: String,
    /// Any JSON value.
    #[schema(value_type = serde_json::Value)]
    value: JsonText,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_updated_at: Timestamp,
}

impl From<Preference> for PreferenceJson {
    fn from(preference: Preference) -> Self {
        Self {
            id: preference.id.get(),
            user_id: preference.owner.get(),
            key: preference.key.to_string(),
            value: preference.value,
            created_at: preference.created_at,
            last_updated_at: preference.last_updated_at,
        }
    }
}

/// Lists a user's preferences. For the user itself and admins.
#[utoipa::path(
    get,
    path = "/api/v2/user/{user_id}/preference/",
    tag = "preferences",
    operation_id = "list_preferences",
    params(
        OfUser,
        ("key" = Option<String>, Query, description = "Only the preference of exactly this key"),
        ("search" = Option<String>, Query, description = "The same as `key`"),
        Paging
    ),
    responses((status = 200, body = PageJson<PreferenceJson>), Failures)
)]
pub(super) async fn list(asked: Asked) -> Answer {
    let owner = asked.user().await?;
    let query = asked.context.query();
    let filter = key_filter(&query, asked.limits());
    let found = asked.services().preferences.list(&asked.caller, owner, filter, query.page()).await?;
    Ok(page(&asked.context, query.page(), found, PreferenceJson::from))
}

/// Creates a preference. A user has at most one of each key.
#[utoipa::path(
    post,
    path = "/api/v2/user/{user_id}/preference/",
    tag = "preferences",
    operation_id = "create_preference",
    params(OfUser),
    request_body(content((NewPreferenceBody = "application/json"), (NewPreferenceBody = "application/x-www-form-urlencoded"))),
    responses((status = 201, body = PreferenceJson), Failures, BodyFailures)
)]
pub(super) async fn create(asked: Asked, body: web::Payload) -> Answer {
    let owner = asked.user().await?;
    let act = Act::on(Operation::Create, owner);
    let new = asked.fields(body, &act, |fields| new_preference(fields, asked.limits())).await?;
    let preference = asked.services().preferences.create(&asked.caller, owner, new).await?;
    let tag = (ETAG, tag_of(preference.revision));
    Ok(with_header(tag, created(PreferenceJson::from(preference))))
}

/// Shows a preference.
#[utoipa::path(
    get,
    path = "/api/v2/user/{user_id}/preference/{id}/",
    tag = "preferences",
    operation_id = "get_preference",
    params(OfUser, Entry, Conditions),
    responses((status = 200, body = PreferenceJson), (status = 304, description = "It is known"), Failures, ConditionFailures)
)]
pub(super) async fn get(asked: Asked) -> Answer {
    let owner = asked.user().await?;
    let id = asked.id(&Act::on(Operation::Read, owner), PreferenceId::parse).await?;
    let preference = asked.services().preferences.get(&asked.caller, owner, id).await?;
    let tag = (ETAG, tag_of(preference.revision));
    match precondition_to_read(asked.context.http.headers())?.check(Some(preference.revision)) {
        Ok(()) => Ok(with_header(tag, shown(PreferenceJson::from(preference)))),
        Err(Unmet::NoneMatch) => Ok(HttpResponse::NotModified().insert_header(tag).finish()),
        Err(Unmet::Match) => Err(Problem::PreconditionFailed),
    }
}

/// Replaces the key and the value of a preference.
#[utoipa::path(
    put,
    path = "/api/v2/user/{user_id}/preference/{id}/",
    tag = "preferences",
    operation_id = "replace_preference",
    params(OfUser, Entry, Conditions),
    request_body(content((NewPreferenceBody = "application/json"), (NewPreferenceBody = "application/x-www-form-urlencoded"))),
    responses((status = 200, body = PreferenceJson), Failures, BodyFailures, ConditionFailures)
)]
pub(super) async fn replace(asked: Asked, body: web::Payload) -> Answer {
    change(asked, body, |fields, limits| new_preference(fields, limits).map(PreferenceUpdate::from)).await
}

/// Changes the key of a preference, its value, or both.
#[utoipa::path(
    patch,
    path = "/api/v2/user/{user_id}/preference/{id}/",
    tag = "preferences",
    operation_id = "update_preference",
    params(OfUser, Entry, Conditions),
    request_body(content((PreferenceUpdateBody = "application/json"), (PreferenceUpdateBody = "application/x-www-form-urlencoded"))),
    responses((status = 200, body = PreferenceJson), Failures, BodyFailures, ConditionFailures)
)]
pub(super) async fn update(asked: Asked, body: web::Payload) -> Answer {
    change(asked, body, preference_update).await
}

async fn change(asked: Asked, body: web::Payload, read: impl FnOnce(&Fields<'_>, &Limits) -> Result<PreferenceUpdate, Problem>) -> Answer {
    let owner = asked.user().await?;
    let act = Act::on(Operation::Update, owner);
    let id = asked.id(&act, PreferenceId::parse).await?;
    let update = match asked.fields(body, &act, |fields| read(fields, asked.limits())).await {
        Ok(update) => update,
        Err(problem) if problem.is_about_the_body() => return Err(unless_missing(&asked, owner, id, problem).await),
        Err(problem) => return Err(problem),
    };
    let precondition = conditions(&asked, &act, owner, id).await?;
    let preference = asked.services().preferences.update(&asked.caller, owner, id, update, precondition).await?;
    let tag = (ETAG, tag_of(preference.revision));
    Ok(with_header(tag, shown(PreferenceJson::from(preference))))
}

/// The conditions of a request that changes a preference.
async fn conditions(asked: &Asked, act: &Act<'_>, owner: UserId, id: PreferenceId) -> Result<Precondition, Problem> {
    match asked.unless_refused(act, precondition(asked.context.http.headers()).map_err(Problem::from)).await {
        Err(problem @ Problem::MalformedHeader(_)) => Err(unless_missing(asked, owner, id, problem).await),
        conditions => conditions,
    }
}

/// What to answer instead of a problem with the body: that there is nothing to change goes before what is wrong with the change.
async fn unless_missing(asked: &Asked, owner: UserId, id: PreferenceId, problem: Problem) -> Problem {
    match asked.services().preferences.get(&asked.caller, owner, id).await {
        Err(PreferenceError::NotFound) => Problem::NotFound,
        Ok(_)
        | Err(PreferenceError::Access(_) | PreferenceError::KeyTaken | PreferenceError::Unmet(_) | PreferenceError::Quota(_) | PreferenceError::Store(_)) => {
            problem
        }
    }
}

/// Deletes a preference.
#[utoipa::path(
    delete,
    path = "/api/v2/user/{user_id}/preference/{id}/",
    tag = "preferences",
    operation_id = "delete_preference",
    params(OfUser, Entry, Conditions),
    responses((status = 204, description = "Deleted"), Failures, ConditionFailures)
)]
pub(super) async fn delete(asked: Asked) -> Answer {
    let owner = asked.user().await?;
    let act = Act::on(Operation::Delete, owner);
    let id = asked.id(&act, PreferenceId::parse).await?;
    let precondition = conditions(&asked, &act, owner, id).await?;
    asked.services().preferences.delete(&asked.caller, owner, id, precondition).await?;
    Ok(done())
}

/// `key` and `search` both ask for exactly one key. Asked for two different ones, or for what can be no key, there is nothing to show.
fn key_filter(query: &Query, limits: &Limits) -> KeyFilter {
    let mut filter = KeyFilter::All;
    for text in ["key", "search"].into_iter().filter_map(|name| query.given(name)) {
        filter = match (PreferenceKey::parse(text, limits), filter) {
            (Ok(key), KeyFilter::All) => KeyFilter::Exactly(key),
            (Ok(key), KeyFilter::Exactly(other)) if key == other => KeyFilter::Exactly(other),
            (Ok(_), KeyFilter::Exactly(_) | KeyFilter::Nothing) | (Err(_), _) => KeyFilter::Nothing,
        };
    }
    filter
}

fn new_preference(fields: &Fields<'_>, limits: &Limits) -> Result<NewPreference, Problem> {
    let key = fields.required("key", |given| given.text(|text| PreferenceKey::parse(text, limits)));
    let value = fields.required("value", |given| given.value(limits));
    match (key, value) {
        (Ok(key), Ok(value)) => Ok(NewPreference { key, value }),
        (key, value) => Err(Problem::Fields(key.err().into_iter().chain(value.err()).collect())),
    }
}

fn preference_update(fields: &Fields<'_>, limits: &Limits) -> Result<PreferenceUpdate, Problem> {
    let key = fields.optional("key", |given| given.text(|text| PreferenceKey::parse(text, limits)));
    let value = fields.optional("value", |given| given.value(limits));
    match (key, value) {
        (Ok(key), Ok(value)) => PreferenceUpdate::from_parts(key, value).ok_or_else(|| Violation::required_any(&["key", "value"]).of_no_field().into()),
        (key, value) => Err(Problem::Fields(key.err().into_iter().chain(value.err()).collect())),
    }
}
