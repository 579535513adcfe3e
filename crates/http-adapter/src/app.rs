//! The application: all endpoints, and what stands around them.

use crate::body::BodyLimits;
use crate::config::HttpConfig;
use crate::cors::cors;
use crate::dialect::{Dialect, Refusal};
use crate::endpoint::Endpoint;
use crate::guard::RequestTimeout;
use crate::operations::ApiPage;
use crate::services::{Services, State};
use crate::telemetry::{RequestSpan, observe};
use crate::tokens::{SigningKey, Verifier};
use crate::{community, native, operations, settings};
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, Error, HttpRequest, web};
use lethe_domain::Limits;
use metrics_exporter_prometheus::PrometheusHandle;
use std::sync::Arc;
use tokio::sync::watch;
use tracing_actix_web::TracingLogger;

/// What the application is made of, once for all workers.
#[derive(Clone)]
pub(crate) struct Setup {
    state: web::Data<State>,
    page: web::Data<ApiPage>,
    timeout: web::Data<RequestTimeout>,
    metrics: web::Data<PrometheusHandle>,
    config: Arc<HttpConfig>,
}

impl Setup {
    pub(crate) fn new(
        config: HttpConfig,
        services: Services,
        verifier: Arc<Verifier>,
        signing_key: Option<Arc<SigningKey>>,
        limits: Limits,
        metrics: PrometheusHandle,
        closing: watch::Receiver<bool>,
    ) -> serde_json::Result<Self> {
        let body = BodyLimits { bytes: config.max_body_bytes, time: config.body_timeout };
        let public_url = config.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
        Ok(Self {
            state: web::Data::new(State { services, verifier, signing_key, limits, body, public_url, closing }),
            page: web::Data::new(ApiPage::new()?),
            timeout: web::Data::new(RequestTimeout(config.request_timeout)),
            metrics: web::Data::new(metrics),
            config: Arc::new(config),
        })
    }

    pub(crate) fn config(&self) -> &HttpConfig {
        &self.config
    }

    /// All endpoints of the service's own address.
    pub(crate) fn endpoints(&self) -> Vec<Endpoint> {
        let mut endpoints = community::endpoints();
        endpoints.extend(settings::endpoints());
        endpoints.extend(native::endpoints());
        endpoints.extend(operations::endpoints());
        if self.config.metrics_listen.is_none() {
            endpoints.push(operations::metrics_endpoint());
        }
        endpoints
    }
}

/// The application.
pub(crate) fn app(
    setup: &Setup,
) -> App<impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<impl MessageBody + use<>>, Error = Error, InitError = ()> + use<>> {
    with_endpoints(setup, setup.endpoints())
}

/// The application of the address that serves nothing but metrics.
pub(crate) fn metrics_app(
    setup: &Setup,
) -> App<impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<impl MessageBody + use<>>, Error = Error, InitError = ()> + use<>> {
    with_endpoints(setup, vec![operations::metrics_endpoint()])
}

/// From the outside in: the request's id and its line in the log, metrics, other origins, the router, the guard of each endpoint, the handler.
fn with_endpoints(
    setup: &Setup,
    endpoints: Vec<Endpoint>,
) -> App<impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<impl MessageBody + use<>>, Error = Error, InitError = ()> + use<>> {
    let origins = &setup.config.cors_allowed_origins;
    App::new()
        .app_data(setup.state.clone())
        .app_data(setup.page.clone())
        .app_data(setup.timeout.clone())
        .app_data(setup.metrics.clone())
        .configure(|config| endpoints.into_iter().for_each(|endpoint| endpoint.register(config)))
        .default_service(web::to(nothing_here))
        .wrap(Condition::new(!origins.is_empty(), cors(origins)))
        .wrap(from_fn(observe))
        .wrap(TracingLogger::<RequestSpan>::new())
}

async fn nothing_here(request: HttpRequest) -> actix_web::HttpResponse {
    Dialect::of(request.path()).refuse(Refusal::NotFound)
}
