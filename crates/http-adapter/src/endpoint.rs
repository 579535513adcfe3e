//! One path and what can be done at it. Here lives what holds for every path: both spellings of its end, `HEAD` as `GET`, `OPTIONS`,
//! the refusal of any other method, and the guard around each handler.

use crate::dialect::{Dialect, Refusal};
use crate::guard;
use actix_web::guard::{Any, Get, Head, fn_guard};
use actix_web::http::{Method, header};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, Route};

/// The path of an endpoint as it is documented, for metrics and the log. It is among the data of a request that an endpoint took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoutePattern(pub(crate) &'static str);

/// A path with its methods.
pub(crate) struct Endpoint {
    path: &'static str,
    patterns: Vec<String>,
    methods: Vec<Method>,
    resource: Vec<Route>,
    others: OtherMethods,
}

/// What becomes of methods that an endpoint does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OtherMethods {
    /// They are refused.
    Refused,
    /// An endpoint further down, whose path matches as well, takes them.
    Left,
}

impl Endpoint {
    /// A path, with a slash at its end or without.
    pub(crate) fn at(path: &'static str) -> Self {
        let bare = path.trim_end_matches('/');
        Self { patterns: vec![bare.to_owned(), format!("{bare}/")], ..Self::exactly(path) }
    }

    /// A path in this spelling alone.
    pub(crate) fn exactly(path: &'static str) -> Self {
        Self { path, patterns: vec![path.to_owned()], methods: Vec::new(), resource: Vec::new(), others: OtherMethods::Refused }
    }

    /// Lets a segment be one of these words only; with another, nothing is at this path.
    pub(crate) fn with_words(mut self, segment: &str, words: &[&str]) -> Self {
        let (from, to) = (format!("{{{segment}}}"), format!("{{{segment}:{}}}", words.join("|")));
        for pattern in &mut self.patterns {
            *pattern = pattern.replace(&from, &to);
        }
        self
    }

    /// Leaves all methods but its own to the endpoints after it.
    pub(crate) fn leaving_other_methods(self) -> Self {
        Self { others: OtherMethods::Left, ..self }
    }

    pub(crate) fn get<H, Args>(mut self, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.methods.extend([Method::GET, Method::HEAD]);
        self.resource.push(web::route().guard(Any(Get()).or(Head())).to(handler));
        self
    }

    pub(crate) fn post<H, Args>(self, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.method(Method::POST, handler)
    }

    pub(crate) fn put<H, Args>(self, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.method(Method::PUT, handler)
    }

    pub(crate) fn patch<H, Args>(self, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.method(Method::PATCH, handler)
    }

    pub(crate) fn delete<H, Args>(self, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.method(Method::DELETE, handler)
    }

    fn method<H, Args>(mut self, method: Method, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.resource.push(web::method(method.clone()).to(handler));
        self.methods.push(method);
        self
    }

    /// The documented path.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &'static str {
        self.path
    }

    /// The methods that have a handler of their own.
    #[cfg(test)]
    pub(crate) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().filter(|method| *method != Method::HEAD)
    }

    /// Puts the endpoint into the router.
    pub(crate) fn register(self, config: &mut ServiceConfig) {
        let allow = self.allow();
        let mut resource = Resource::new(self.patterns).app_data(RoutePattern(self.path));
        if self.others == OtherMethods::Left {
            let methods = self.methods;
            resource = resource.guard(fn_guard(move |context| methods.contains(&context.head().method)));
        }
        for route in self.resource {
            resource = resource.route(route);
        }
        let resource = resource.default_service(web::to(move |request: HttpRequest| std::future::ready(without_handler(&request, &allow))));
        config.service(resource.wrap(from_fn(guard::guard)));
    }

    fn allow(&self) -> String {
        let methods: Vec<_> = self.methods.iter().chain([&Method::OPTIONS]).map(Method::as_str).collect();
        methods.join(", ")
    }
}

/// The answer to a method that has no handler: `OPTIONS` is told which ones have, any other is refused with the same list.
fn without_handler(request: &HttpRequest, allow: &str) -> HttpResponse {
    let mut response = if request.method() == Method::OPTIONS {
        HttpResponse::NoContent().finish()
    } else {
        Dialect::of(request.path()).refuse(Refusal::MethodNotAllowed(request.method().clone()))
    };
    if let Ok(allow) = header::HeaderValue::from_str(allow) {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}
