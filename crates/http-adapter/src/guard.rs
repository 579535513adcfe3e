//! What surrounds each handler: a limit on its time, and a net under its panics. Both become answers in the dialect of the path,
//! where the library would drop the connection.

use crate::dialect::{Dialect, Refusal};
use crate::fault::Fault;
use crate::idempotency::mark_replay;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use futures_util::FutureExt;
use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// How long a request may take, from its head to its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestTimeout(pub(crate) Duration);

/// Middleware around one endpoint. It must stand inside the router: until a path is found, the library allows no second handle on a request.
pub(crate) async fn guard(
    timeout: web::Data<RequestTimeout>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let http = request.request().clone();
    // A handler's state is its own, and is dropped with it: nothing half-done can be seen afterwards.
    let handled = AssertUnwindSafe(next.call(request)).catch_unwind();
    let fault = match tokio::time::timeout(timeout.0, handled).await {
        Ok(Ok(answered)) => {
            return answered.map(|mut response| {
                mark_replay(&mut response);
                response.map_into_boxed_body()
            });
        }
        Ok(Err(panic)) => Fault::Failed(format!("a handler panicked: {}", message(panic.as_ref()))),
        Err(_) => Fault::Unavailable("the request took too long".into()),
    };
    let response = Dialect::of(http.path()).refuse(Refusal::Fault(fault));
    Ok(ServiceResponse::new(http, response))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}
