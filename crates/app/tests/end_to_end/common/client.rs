//! An HTTP client that speaks for one caller.

use super::Answer;
use serde_json::Value;
use std::time::Duration;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

/// A caller. Its answers are read as they come: no status is an error, no redirect is followed.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: Agent,
    base: String,
    authorization: Option<String>,
}

impl Client {
    pub(crate) fn new(base: &str, token: Option<&str>) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .into();
        Self { agent, base: base.into(), authorization: token.map(|token| format!("Bearer {token}")) }
    }

    /// Sends a request with this caller's token and these headers; an empty body is none.
    pub(crate) fn try_send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, ureq::Error> {
        let mut response = self.run(method, path, headers, body)?;
        let text = response.body_mut().with_config().limit(u64::MAX).read_to_string()?;
        Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), text })
    }

    fn run(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Response<Body>, ureq::Error> {
        let mut request = Request::builder().method(method.parse::<Method>().unwrap()).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if body.is_empty() { self.agent.run(request.body(())?) } else { self.agent.run(request.body(body)?) }
    }

    /// Sends a request whose success is a stream without an end: of that only the head is read.
    #[track_caller]
    pub(crate) fn begin(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut response = self.run(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let text = if response.status().is_success() { String::new() } else { response.body_mut().read_to_string().unwrap() };
        Answer { status: response.status().as_u16(), headers: response.headers().clone(), text }
    }

    #[track_caller]
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    #[track_caller]
    pub(crate) fn send_json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// Sends a text as what it says that it is.
    #[track_caller]
    pub(crate) fn send_as(&self, method: &str, path: &str, kind: &str, text: &str) -> Answer {
        self.send(method, path, &[("content-type", kind)], text.as_bytes())
    }

    /// Puts a JSON text as it stands.
    #[track_caller]
    pub(crate) fn put_text(&self, path: &str, text: &str) -> Answer {
        self.send_as("PUT", path, "application/json", text)
    }

    /// Sends a merge patch.
    #[track_caller]
    pub(crate) fn merge(&self, path: &str, changes: &str) -> Answer {
        self.send_as("PATCH", path, "application/merge-patch+json", changes)
    }

    /// Sends a JSON patch.
    #[track_caller]
    pub(crate) fn json_patch(&self, path: &str, operations: &str) -> Answer {
        self.send_as("PATCH", path, "application/json-patch+json", operations)
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], b"")
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send_json("POST", path, body)
    }

    #[track_caller]
    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.send_json("PUT", path, body)
    }

    #[track_caller]
    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send_json("PATCH", path, body)
    }
}
