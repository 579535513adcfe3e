//! What goes well, as the community dialect shows it.

use super::error::Problem;
use crate::request::Context;
use actix_web::HttpResponse;
use actix_web::http::header::TryIntoHeaderPair;
use lethe_domain::{Page, PageRequest};
use serde::Serialize;
use utoipa::ToSchema;

/// What a handler gives back.
pub(super) type Answer = Result<HttpResponse, Problem>;

/// Something as it is now.
pub(super) fn shown(thing: impl Serialize) -> HttpResponse {
    HttpResponse::Ok().json(thing)
}

/// Something that was not there before.
pub(super) fn created(thing: impl Serialize) -> HttpResponse {
    HttpResponse::Created().json(thing)
}

/// The same answer with one header more.
pub(super) fn with_header(header: impl TryIntoHeaderPair, mut response: HttpResponse) -> HttpResponse {
    if let Ok((name, value)) = header.try_into_pair() {
        response.headers_mut().insert(name, value);
    }
    response
}

/// It is done, and there is nothing to show.
pub(super) fn done() -> HttpResponse {
    HttpResponse::NoContent().finish()
}

/// A part of a list, with the addresses of its neighbours.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Page)]
pub(super) struct PageJson<T> {
    /// Entries of the whole list.
    count: u64,
    /// Address of the part after this one.
    #[schema(format = "uri", required)]
    next: Option<String>,
    /// Address of the part before this one.
    #[schema(format = "uri", required)]
    previous: Option<String>,
    results: Vec<T>,
}

/// A page of a list.
pub(super) fn page<T, J: Serialize>(context: &Context, request: PageRequest, page: Page<T>, show: impl Fn(T) -> J) -> HttpResponse {
    let address = |offset| format!("{}{}?{}", context.base(), context.http.uri().path(), context.query().at(request.limit(), offset));
    shown(PageJson {
        count: page.count,
        next: request.next_offset(page.count).map(address),
        previous: request.previous_offset().map(address),
        results: page.items.into_iter().map(show).collect(),
    })
}
