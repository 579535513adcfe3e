//! What goes well, as the native dialect shows it.

use super::error::Problem;
use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use serde::Serialize;
use utoipa::ToSchema;

/// What a handler gives back.
pub(super) type Answer = Result<HttpResponse, Problem>;

/// Something as it is now.
pub(super) fn shown(thing: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(thing)
}

/// Something that changes by itself, and that nobody should keep.
pub(super) fn shown_for_now(thing: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(thing)
}

/// Something that was not there before, and where it is now.
pub(super) fn created(location: String, thing: impl Serialize) -> HttpResponse {
    HttpResponse::Created().insert_header((LOCATION, location)).json(thing)
}

/// Something that is going to happen.
pub(super) fn accepted(thing: impl Serialize) -> HttpResponse {
    HttpResponse::Accepted().json(thing)
}

/// It is done, and there is nothing to show.
pub(super) fn done() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = List)]
pub(super) struct ListJson<T> {
    items: Vec<T>,
    /// The cursor of the part after this one; `null`: this is the last.
    #[schema(required)]
    next: Option<String>,
}

/// A whole list.
pub(super) fn whole<T, J>(items: Vec<T>, show: impl Fn(T) -> J) -> ListJson<J> {
    ListJson { items: items.into_iter().map(show).collect(), next: None }
}

/// The first `limit` of what was found. If there is more, the cursor of the last one leads there.
pub(super) fn part<T, J>(mut found: Vec<T>, limit: u32, cursor: impl Fn(&T) -> i64, show: impl Fn(T) -> J) -> ListJson<J> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_last = found.len() <= limit;
    found.truncate(limit);
    let next = if is_last { None } else { found.last().map(|last| cursor(last).to_string()) };
    ListJson { next, ..whole(found, show) }
}
