//! What a handler asks of a request, in any dialect.

use crate::body::{self, BodyError};
use crate::caller::{CallerError, authenticate, authenticate_bearer, watch_over};
use crate::endpoint::RoutePattern;
use crate::idempotency::retry;
use crate::query::Query;
use crate::services::{Services, State};
use crate::tokens::{SigningKey, Vigil};
use actix_web::dev::Payload;
use actix_web::error::ErrorInternalServerError;
use actix_web::http::header::HOST;
use actix_web::http::uri::Authority;
use actix_web::{Error, FromRequest, HttpRequest, ResponseError, web};
use lethe_domain::{Act, Limits};
use lethe_ports::Caller;
use lethe_ports::inbound::{AccessError, Bearer};
use std::future::{Ready, ready};
use std::marker::PhantomData;
use tokio::sync::watch;

/// A request and what the service was set up with.
pub(crate) struct Context {
    pub(crate) http: HttpRequest,
    state: web::Data<State>,
}

impl Context {
    fn of(http: &HttpRequest) -> Result<Self, Error> {
        let state = http.app_data::<web::Data<State>>().ok_or_else(|| ErrorInternalServerError("the application has no state"))?;
        Ok(Self { http: http.clone(), state: state.clone() })
    }

    pub(crate) fn services(&self) -> &Services {
        &self.state.services
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.state.limits
    }

    /// What signs tickets, if this node can.
    pub(crate) fn signing_key(&self) -> Option<&SigningKey> {
        self.state.signing_key.as_deref()
    }

    /// Whether tokens can be honoured yet.
    pub(crate) fn honours_tokens(&self) -> bool {
        self.state.verifier.revocations().is_known()
    }

    /// Watches over the token of the request.
    pub(crate) fn vigil(&self) -> Result<Vigil, CallerError> {
        watch_over(self.http.headers(), &self.state.verifier)
    }

    /// Tells when the service is about to end.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.state.closing.clone()
    }

    /// A segment of the path, percent-decoded.
    pub(crate) fn segment(&self, name: &str) -> &str {
        self.http.match_info().get(name).unwrap_or_default()
    }

    /// A segment of the path as it was sent. The router decodes most of what is encoded, but not all of it.
    pub(crate) fn raw_segment(&self, name: &str) -> &str {
        let pattern = self.http.app_data::<RoutePattern>().map_or("", |pattern| pattern.0);
        let place = pattern.split('/').position(|segment| segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) == Some(name));
        place.and_then(|place| self.http.uri().path().split('/').nth(place)).unwrap_or_default()
    }

    pub(crate) fn query(&self) -> Query {
        Query::parse(self.http.query_string())
    }

    /// Scheme and host of absolute links, and a path if the public URL has one. Headers of proxies are not believed: anyone can send them.
    pub(crate) fn base(&self) -> String {
        if let Some(url) = &self.state.public_url {
            return url.clone();
        }
        let uri = self.http.uri();
        let in_header = || self.http.headers().get(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let host = uri.authority().cloned().or_else(in_header);
        let host = host.as_ref().map_or_else(|| self.http.app_config().host().to_owned(), without_userinfo);
        format!("{}://{host}", uri.scheme_str().unwrap_or("http"))
    }
}

fn without_userinfo(authority: &Authority) -> String {
    authority.port().map_or_else(|| authority.host().to_owned(), |port| format!("{}:{port}", authority.host()))
}

impl FromRequest for Context {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(http: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(http))
    }
}

/// A request whose caller is known. `P` is how the dialect words its problems.
pub(crate) struct Signed<P> {
    pub(crate) caller: Caller,
    pub(crate) context: Context,
    problem: PhantomData<P>,
}

impl<P: From<CallerError> + ResponseError + 'static> FromRequest for Signed<P> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(http: &HttpRequest, _: &mut Payload) -> Self::Future {
        let signed = |context: Context| {
            let caller = authenticate(http.headers(), &context.state.verifier).map_err(P::from)?;
            let caller = Caller { retry: retry(http), ..caller };
            Ok(Self { caller, context, problem: PhantomData })
        };
        ready(Context::of(http).and_then(signed))
    }
}

impl<P: From<AccessError>> Signed<P> {
    pub(crate) fn services(&self) -> &Services {
        self.context.services()
    }

    pub(crate) fn limits(&self) -> &Limits {
        self.context.limits()
    }

    /// What to answer instead of `problem`: whoever may not do `act` is told that, and nothing about the form of the request.
    pub(crate) async fn refuse(&self, act: &Act<'_>, problem: P) -> P {
        match self.services().access.check(&self.caller, act).await {
            Ok(()) => problem,
            Err(error) => error.into(),
        }
    }

    /// What was read from the request, or the problem that comes first.
    pub(crate) async fn unless_refused<T>(&self, act: &Act<'_>, read: Result<T, P>) -> Result<T, P> {
        match read {
            Ok(value) => Ok(value),
            Err(problem) => Err(self.refuse(act, problem).await),
        }
    }

    /// Reads the body for `act`.
    pub(crate) async fn read<T>(&self, payload: web::Payload, act: &Act<'_>, parse: impl FnOnce(Result<String, BodyError>) -> Result<T, P>) -> Result<T, P> {
        let text = self.text(payload).await;
        self.unless_refused(act, parse(text)).await
    }

    /// The text of the body. Whether the caller may send one is not asked.
    pub(crate) async fn text(&self, payload: web::Payload) -> Result<String, BodyError> {
        let text = body::read(&self.context.http, payload, self.context.state.body).await;
        if let (Some(retry), Ok(text)) = (&self.caller.retry, &text) {
            retry.note_body(text);
        }
        text
    }
}

/// A request whose bearer is known: a caller, or somebody with a ticket. `P` is how the dialect words its problems.
pub(crate) struct Borne<P> {
    pub(crate) bearer: Bearer,
    pub(crate) context: Context,
    problem: PhantomData<P>,
}

impl<P: From<CallerError> + ResponseError + 'static> FromRequest for Borne<P> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(http: &HttpRequest, _: &mut Payload) -> Self::Future {
        let borne = |context: Context| {
            let bearer = match authenticate_bearer(http.headers(), &context.state.verifier).map_err(P::from)? {
                Bearer::Caller(caller) => Bearer::Caller(Caller { retry: retry(http), ..caller }),
                Bearer::Ticket(ticket) => Bearer::Ticket(ticket),
            };
            Ok(Self { bearer, context, problem: PhantomData })
        };
        ready(Context::of(http).and_then(borne))
    }
}

impl<P: From<AccessError>> Borne<P> {
    pub(crate) fn services(&self) -> &Services {
        self.context.services()
    }

    /// As [`Signed::unless_refused`]. A ticket is good for something that can be named, so for nothing in bad form.
    pub(crate) async fn unless_refused<T>(&self, act: &Act<'_>, read: Result<T, P>) -> Result<T, P> {
        let problem = match read {
            Ok(value) => return Ok(value),
            Err(problem) => problem,
        };
        let access = match &self.bearer {
            Bearer::Caller(caller) => self.services().access.check(caller, act).await,
            Bearer::Ticket(_) => Err(AccessError::Forbidden),
        };
        Err(access.map_or_else(P::from, |()| problem))
    }
}
