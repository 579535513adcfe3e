//! The API's description, for programs and as a page for people. All of the page's files are in the binary.

use crate::dialect::{Dialect, Refusal};
use crate::fault::Fault;
use crate::openapi::openapi;
use actix_web::http::header::{CONTENT_ENCODING, ContentEncoding, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use std::borrow::Cow;
use std::sync::Arc;
use utoipa_swagger_ui::Config;

/// What the page shows, made once.
pub(crate) struct ApiPage {
    document: web::Bytes,
    config: Arc<Config<'static>>,
}

impl ApiPage {
    /// The page of this service's own API.
    ///
    /// # Errors
    /// The serializer's.
    pub(crate) fn new() -> serde_json::Result<Self> {
        let document = openapi().to_json()?.into();
        // As seen from the page, so that it works below any public path.
        Ok(Self { document, config: Arc::new(Config::from("../openapi.json")) })
    }
}

/// Shows the API as an OpenAPI document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operations",
    operation_id = "get_openapi",
    security(()),
    responses((status = 200, body = serde_json::Value, content_type = "application/json"))
)]
pub(super) async fn document(page: web::Data<ApiPage>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(page.document.clone())
}

/// The page's addresses of its own files are relative, so it must be looked at with a slash at its end.
pub(super) async fn to_page() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((LOCATION, "docs/")).finish()
}

pub(super) async fn page(request: HttpRequest, page: web::Data<ApiPage>) -> HttpResponse {
    serve("", &request, &page)
}

pub(super) async fn file(request: HttpRequest, page: web::Data<ApiPage>) -> HttpResponse {
    serve(request.match_info().query("file"), &request, &page)
}

fn serve(file: &str, request: &HttpRequest, page: &ApiPage) -> HttpResponse {
    let refuse = |refusal| Dialect::of(request.path()).refuse(refusal);
    match utoipa_swagger_ui::serve(file, page.config.clone()) {
        Ok(Some(file)) => {
            let mut response = HttpResponse::Ok();
            if file.gzpipped {
                response.insert_header((CONTENT_ENCODING, ContentEncoding::Gzip));
            }
            let bytes = match file.bytes {
                Cow::Borrowed(bytes) => web::Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            };
            response.content_type(file.content_type).body(bytes)
        }
        Ok(None) => refuse(Refusal::NotFound),
        Err(error) => refuse(Refusal::Fault(Fault::Failed(error.to_string()))),
    }
}
