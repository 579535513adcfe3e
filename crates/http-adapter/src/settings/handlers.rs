//! The document of the calling user: shown, replaced, merged into, and rid of single keys.
//!
//! A body is JSON whatever its content type says.

use super::error::Problem;
use super::schema::{BodyFailures, ConditionFailures, DocumentJson, Failures, MessageJson, RemovalBody, ReplacementBody, SettingsJson};
use crate::conditions::{Conditions, precondition, precondition_to_read, tag_of};
use crate::json::members;
use crate::request::Signed;
use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, web};
use lethe_domain::settings::{Document, SettingName};
use lethe_domain::{Act, Limits, Operation, Revision, Unmet};
use lethe_ports::inbound::SettingsChange;

type Asked = Signed<Problem>;
type Answer = Result<HttpResponse, Problem>;

/// What an operation answers a bad body with.
const NOT_REPLACED: &str = "Failed to update user settings";
const NOT_MERGED: &str = "Failed to partially update user settings";
const NOT_REMOVED: &str = "Failed to delete user settings keys";

/// Shows the settings of the calling user.
#[utoipa::path(get, path = "/settings/user", tag = "settings", operation_id = "get_settings", params(Conditions), responses((status = 200, body = SettingsJson), (status = 304, description = "They are known"), Failures, ConditionFailures))]
pub(super) async fn read(asked: Asked) -> Answer {
    let (revision, settings) = asked.services().settings.read(&asked.caller).await.map_err(Problem::of("Failed to read user settings"))?;
    let tag = (ETAG, tag_of(revision));
    match precondition_to_read(asked.context.http.headers())?.check(Some(revision)) {
        Ok(()) => Ok(HttpResponse::Ok().insert_header(tag).json(SettingsJson { success: true, settings: DocumentJson(settings) })),
        Err(Unmet::NoneMatch) => Ok(HttpResponse::NotModified().insert_header(tag).finish()),
        Err(Unmet::Match) => Err(Problem::PreconditionFailed),
    }
}

/// Replaces all settings of the calling user.
#[utoipa::path(
    post,
    path = "/settings/user",
    tag = "settings",
    operation_id = "replace_settings",
    request_body = ReplacementBody,
    params(Conditions),
    responses((status = 200, body = MessageJson), Failures, BodyFailures, ConditionFailures)
)]
pub(super) async fn replace(asked: Asked, body: web::Payload) -> Answer {
    let wanted = asked.body(body, Operation::Update, not_replaced, replacement).await?;
    let revision = asked.change(Operation::Update, SettingsChange::Replace(wanted), NOT_REPLACED).await?;
    Ok(done(revision, "User settings updated successfully"))
}

/// Merges into the settings of the calling user, object by object. The body is the settings themselves.
#[utoipa::path(
    put,
    path = "/settings/user",
    tag = "settings",
    operation_id = "merge_settings",
    request_body = DocumentJson,
    params(Conditions),
    responses((status = 200, body = MessageJson), Failures, BodyFailures, ConditionFailures)
)]
pub(super) async fn merge(asked: Asked, body: web::Payload) -> Answer {
    let changes = asked.body(body, Operation::Update, not_merged, changes).await?;
    let revision = asked.change(Operation::Update, SettingsChange::Merge(changes), NOT_MERGED).await?;
    Ok(done(revision, "User settings partially updated successfully"))
}

/// Deletes keys from the settings of the calling user. A key is a setting's name, or a path with dots into it.
#[utoipa::path(
    delete,
    path = "/settings/user",
    tag = "settings",
    operation_id = "delete_settings_keys",
    request_body = RemovalBody,
    params(Conditions),
    responses((status = 200, body = MessageJson), Failures, BodyFailures, ConditionFailures)
)]
pub(super) async fn remove(asked: Asked, body: web::Payload) -> Answer {
    let names = asked.body(body, Operation::Delete, |_| Problem::NoKeys, names).await?;
    let revision = asked.change(Operation::Delete, SettingsChange::Remove(names), NOT_REMOVED).await?;
    Ok(done(revision, "User settings keys deleted successfully"))
}

impl Asked {
    /// Reads the body of an operation on the caller's own settings.
    async fn body<T>(
        &self,
        body: web::Payload,
        operation: Operation,
        refused: impl Fn(&str) -> Problem,
        parse: impl FnOnce(&str, &Limits) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let act = Act::on(operation, self.caller.actor.user);
        self.read(body, &act, |text| parse(&text.map_err(Problem::of_body(refused))?, self.limits())).await
    }

    /// Makes a change under the conditions of the request; the revision that it leads to.
    async fn change(&self, operation: Operation, change: SettingsChange, refused: &'static str) -> Result<Revision, Problem> {
        let precondition = precondition(self.context.http.headers()).map_err(Problem::from);
        let precondition = self.unless_refused(&Act::on(operation, self.caller.actor.user), precondition).await?;
        self.services().settings.change(&self.caller, change, precondition).await.map_err(Problem::of(refused))
    }
}

fn done(revision: Revision, message: &'static str) -> HttpResponse {
    HttpResponse::Ok().insert_header((ETAG, tag_of(revision))).json(MessageJson { success: true, message })
}

fn not_replaced(detail: &str) -> Problem {
    Problem::Refused { message: NOT_REPLACED, detail: detail.into() }
}

fn not_merged(detail: &str) -> Problem {
    Problem::Refused { message: NOT_MERGED, detail: detail.into() }
}

fn too_many_keys(count: usize, limit: usize) -> Problem {
    Problem::Refused { message: NOT_REMOVED, detail: format!("At most {limit} keys can be deleted at once, and these are {count}.") }
}

fn replacement(text: &str, limits: &Limits) -> Result<Document, Problem> {
    let members = members(text).map_err(|error| not_replaced(&error.to_string()))?;
    let settings = members.get("settings").ok_or_else(|| not_replaced("settings: This field is required."))?;
    Document::parse(settings.get(), limits).map_err(|error| not_replaced(&error.to_string()))
}

fn changes(text: &str, limits: &Limits) -> Result<Document, Problem> {
    Document::parse(text, limits).map_err(|error| not_merged(&error.to_string()))
}

/// The names in `keys`. Those that can name nothing are as absent as any other, and left out.
fn names(text: &str, limits: &Limits) -> Result<Vec<SettingName>, Problem> {
    let members = members(text).map_err(|_| Problem::NoKeys)?;
    let keys = members.get("keys").ok_or(Problem::NoKeys)?;
    let keys: Vec<String> = serde_json::from_str(keys.get()).map_err(|_| Problem::NoKeys)?;
    match keys.len() {
        0 => Err(Problem::NoKeys),
        count if count > limits.keys_per_deletion => Err(too_many_keys(count, limits.keys_per_deletion)),
        _ => Ok(keys.iter().filter_map(|key| SettingName::parse(key, limits)).collect()),
    }
}
