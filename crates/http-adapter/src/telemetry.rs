//! What can be seen of requests from outside: an id for each, one line in the log, and metrics. Never a token, a body or a query.

use crate::endpoint::RoutePattern;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::time::Instant;
use tracing::Span;
use tracing_actix_web::{RequestId, RootSpanBuilder};

/// The header that carries a request's id, in both directions.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const REQUESTS: &str = "lethe_http_requests_total";
const DURATION: &str = "lethe_http_request_duration_seconds";
const IN_FLIGHT: &str = "lethe_http_requests_in_flight";

/// Tells the process's recorder what the metrics mean.
pub(crate) fn describe_metrics() {
    describe_counter!(REQUESTS, "Requests that were answered");
    describe_histogram!(DURATION, Unit::Seconds, "Time from a request's head to its answer");
    describe_gauge!(IN_FLIGHT, "Requests that are being worked on");
}

/// The id that a request goes by: its own when it has one that is fit for a log, else a new one.
#[derive(Debug, Clone)]
struct PublicId(HeaderValue);

impl PublicId {
    fn choose(request: &ServiceRequest) -> Self {
        let sent = request.headers().get(REQUEST_ID).filter(|id| is_fit(id.as_bytes())).cloned();
        let fresh = || {
            let id = request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default();
            HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static(""))
        };
        Self(sent.unwrap_or_else(fresh))
    }

    fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

fn is_fit(id: &[u8]) -> bool {
    (1..=64).contains(&id.len()) && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte))
}

/// The span that a request is worked on in: its id is on every line that is logged meanwhile.
#[derive(Debug)]
pub(crate) struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = PublicId::choose(request);
        let span = tracing::info_span!("request", request_id = id.as_str());
        request.extensions_mut().insert(id);
        span
    }

    fn on_request_end<B: MessageBody>(_: Span, _: &Result<ServiceResponse<B>, Error>) {}
}

/// Middleware that makes a request visible. Inside [`RequestSpan`], outside everything else.
pub(crate) async fn observe(request: ServiceRequest, next: Next<impl MessageBody>) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let started = Instant::now();
    let _in_flight = InFlight::begin();
    let id = request.extensions().get::<PublicId>().cloned();
    let mut response = next.call(request).await?;
    if let Some(PublicId(id)) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    record(&response, started);
    Ok(response)
}

fn record<B>(response: &ServiceResponse<B>, started: Instant) {
    let route = response.request().app_data::<RoutePattern>().map_or("unmatched", |pattern| pattern.0);
    let method = method_name(response.request().method());
    let status = response.status();
    let took = started.elapsed();
    counter!(REQUESTS, "route" => route, "method" => method, "status" => status.as_str().to_owned()).increment(1);
    histogram!(DURATION, "route" => route, "method" => method, "status" => status.as_str().to_owned()).record(took.as_secs_f64());
    tracing::info!(method, route, status = status.as_u16(), latency_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX), "request answered");
}

/// A method's name. Anyone can invent methods, so those that are not known share one.
fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

/// Counts a request for as long as it lives, also when its client goes away and it is dropped.
struct InFlight;

impl InFlight {
    fn begin() -> Self {
        gauge!(IN_FLIGHT).increment(1);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_short_ids_are_taken_over() {
        for id in ["a", "0f8fad5b-d9cb-469f-a165-70867728950e", "a.b:c_d", &"x".repeat(64)] {
            assert!(is_fit(id.as_bytes()), "{id}");
        }
        for id in ["", " a", "a b", "a\"b", "é", "a,b", &"x".repeat(65)] {
            assert!(!is_fit(id.as_bytes()), "{id}");
        }
    }
}
