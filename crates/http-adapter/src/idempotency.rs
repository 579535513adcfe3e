//! Requests that may be sent again: the header `Idempotency-Key`, and what an answer says that was given before.

use actix_web::HttpMessage;
use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use actix_web::{HttpResponse, body::MessageBody, dev::ServiceResponse};
use lethe_ports::Retry;
use std::sync::Arc;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

/// The header of a request.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header of an answer that was given before.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// That a request may be sent again, if it says so. Other methods may be sent again anyway.
pub(crate) fn retry(http: &HttpRequest) -> Option<Arc<Retry>> {
    if !matches!(*http.method(), Method::POST | Method::PATCH | Method::DELETE) {
        return None;
    }
    let mut keys = http.headers().get_all(&IDEMPOTENCY_KEY);
    let first = keys.next()?;
    // Of two keys nobody could say which is meant.
    let key = first.to_str().ok().filter(|_| keys.next().is_none());
    let header = |name| http.headers().get_all(name).map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b',');
    let mut asked = vec![http.query_string().as_bytes().to_vec()];
    asked.extend([CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH].map(header));
    let retry = Arc::new(Retry::new(key, http.method().as_str(), http.path(), asked));
    http.extensions_mut().insert(retry.clone());
    Some(retry)
}

/// The header, for the API document.
pub(crate) fn parameter() -> Parameter {
    let meaning = "1 to 255 visible ASCII characters. For a day, the same request under the same key is answered as the first time, and not done again. \
                   409: it is being served at this moment. 410: it was served, and what came of it is no longer known. 422: the key was used for another request.";
    let schema = ObjectBuilder::new().schema_type(Type::String).max_length(Some(255));
    let parameter = ParameterBuilder::new().name("Idempotency-Key").parameter_in(ParameterIn::Header).required(Required::False);
    parameter.description(Some(meaning)).schema(Some(schema)).build()
}

/// Says of an answer that it was given before, if it was.
pub(crate) fn mark_replay<B: MessageBody>(response: &mut ServiceResponse<B>) {
    let is_replayed = response.request().extensions().get::<Arc<Retry>>().is_some_and(|retry| retry.is_replayed());
    if is_replayed {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
}

/// Says when to ask again for the answer to a request that is being served.
pub(crate) fn ask_again(response: &mut HttpResponse) {
    response.headers_mut().insert(actix_web::http::header::RETRY_AFTER, HeaderValue::from(crate::dialect::RETRY_AFTER_SECONDS));
}
