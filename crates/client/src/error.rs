//! What can go wrong, by cause.

use crate::http::is_passing;
use crate::json::{Json, present};
use crate::model::{Item, Revision};
use serde::Deserialize;
use std::fmt;

/// Any failure, as a library passes it on.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a call did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// 401: no token, or one that is expired, revoked or not from here.
    #[error("not authenticated: {0}")]
    Unauthorized(Box<Problem>),
    /// 403: the token does not allow this.
    #[error("forbidden: {0}")]
    Forbidden(Box<Problem>),
    /// 404 on the thing: there is no such preference.
    #[error("not found: {0}")]
    NotFound(Box<Problem>),
    /// There is no such user, or it is deleted or erased; the problem's slug says which.
    #[error("no such user: {0}")]
    NoSuchUser(Box<Problem>),
    /// 412 on a key: the preference is not as the condition wants it. Nothing was changed.
    #[error("the preference is not as the condition wants it")]
    PreconditionFailed {
        /// The preference as it is; `None` when there is none.
        current: Option<Box<Item>>,
        /// In a batch, the index of the refused operation.
        operation: Option<usize>,
    },
    /// 412 on the whole set: it has changed since the revision that the call was tied to. Nothing was changed.
    #[error("the preferences have changed: they are at revision {current}")]
    SetMoved {
        /// Its present revision.
        current: Revision,
    },
    /// 410: the log no longer reaches back to where the changes were asked from. Read the whole set again.
    #[error("the log no longer reaches back that far")]
    CursorExpired,
    /// 410: the log no longer reaches back to the revision that was asked for.
    #[error("that revision is no longer known")]
    RevisionExpired,
    /// 410: the change was made when it was sent before, and what came of it then is no longer known. Read what is there now.
    #[error("the change was made before, and what came of it is no longer known")]
    OutcomeExpired,
    /// 422: the user would have more than it may keep.
    #[error("more than the user may keep: {0}")]
    QuotaExceeded(Box<Problem>),
    /// Any other refusal. Nothing was changed.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// A key that cannot stand in a path: it is empty, `.` or `..`. Nothing was sent.
    #[error("{0:?} cannot be a key")]
    UnusableKey(String),
    /// Somebody else changed the preference each time, as often as was tried. Nothing was changed.
    #[error("somebody else was faster each of {attempts} times")]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
    /// The set changed while its pages were read, as often as was tried.
    #[error("the preferences changed while they were read, each of {attempts} times")]
    KeptChanging {
        /// How often it was tried.
        attempts: u32,
    },
    /// The service ended the watch for good.
    #[error("the service ended the watch: {0}")]
    WatchEnded(EndReason),
    /// The service could not be reached, or its answer to a read was lost. Nothing was changed.
    #[error("the service cannot be reached")]
    Transport(#[source] Cause),
    /// A change was sent, and what became of it is unknown: no attempt brought an answer that settles it. It was done
    /// once or not at all. Read the preference to find out.
    #[error("whether the change was made is unknown")]
    OutcomeUnknown(#[source] Box<Error>),
    /// Something answered that does not speak as Lethe does.
    #[error("unexpected answer (status {status}): {reason}")]
    UnexpectedAnswer {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
    /// The value of a preference is not of the wanted type.
    #[error("the value of {key:?} is not of the wanted type")]
    Decode {
        /// The preference.
        key: String,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// A value cannot be written as JSON. Nothing was sent.
    #[error("the value cannot be written as JSON")]
    Encode(#[source] serde_json::Error),
    /// The token provider has no token. Nothing was sent.
    #[error("there is no token")]
    Token(#[source] Cause),
    /// The client cannot be built from these settings.
    #[error("the client cannot be built")]
    Configuration(#[source] Cause),
    /// The offline copy could not be read or written.
    #[error("the offline copy cannot be read or written")]
    Storage(#[from] std::io::Error),
}

/// Why the service ended a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// The token has expired or was revoked.
    Token,
    /// The account was deleted.
    Deleted,
    /// The node is going down; a watch connects to the next one by itself and never ends for this reason.
    Shutdown,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "the token is no longer valid",
            Self::Deleted => "the account was deleted",
            Self::Shutdown => "it is going down",
        })
    }
}

/// A refusal as the service words it (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// Which problem it is: the last part of its `type`, such as `quota-exceeded`.
    #[serde(rename = "type", deserialize_with = "slug")]
    pub slug: String,
    /// The HTTP status.
    pub status: u16,
    /// The problem in a few words.
    pub title: String,
    /// What happened this time.
    #[serde(default)]
    pub detail: Option<String>,
    /// What exactly was refused.
    #[serde(default)]
    pub errors: Vec<Refused>,
    /// The present state that spoke against it; a JSON `null` when there is none.
    #[serde(default, deserialize_with = "present")]
    pub current: Option<Json>,
    /// In a batch, the index of the refused operation.
    #[serde(default)]
    pub operation: Option<usize>,
}

/// A part of a request that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refused {
    /// Where it is in the body (RFC 6901).
    #[serde(default)]
    pub pointer: Option<String>,
    /// Which query parameter it is.
    #[serde(default)]
    pub parameter: Option<String>,
    /// Which header it is.
    #[serde(default)]
    pub header: Option<String>,
    /// The cause, for programs.
    pub code: String,
    /// The cause, for people.
    pub detail: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.detail.as_ref().unwrap_or(&self.title), self.slug)?;
        self.errors.iter().try_for_each(|refused| write!(f, "; {}", refused.detail))
    }
}

fn slug<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let kind = String::deserialize(deserializer)?;
    Ok(kind.rsplit('/').next().unwrap_or_default().to_owned())
}

#[derive(Deserialize)]
struct SetState {
    revision: Revision,
}

impl Error {
    /// The failure that an answer without success tells of.
    pub(crate) fn from_answer(status: u16, body: &[u8]) -> Self {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => Self::from_problem(problem),
            Err(error) => Self::UnexpectedAnswer { status, reason: format!("no problem document: {error}") },
        }
    }

    fn from_problem(problem: Problem) -> Self {
        match (problem.status, problem.slug.as_str()) {
            (401, _) => Self::Unauthorized(problem.into()),
            (403, _) => Self::Forbidden(problem.into()),
            (_, "user-not-found" | "user-deleted" | "user-erased") => Self::NoSuchUser(problem.into()),
            (404, _) => Self::NotFound(problem.into()),
            (410, "cursor-expired") => Self::CursorExpired,
            (410, "revision-expired") => Self::RevisionExpired,
            (410, "idempotency-outcome-expired") => Self::OutcomeExpired,
            (412, "precondition-failed") => Self::from_precondition(problem),
            (422, "quota-exceeded") => Self::QuotaExceeded(problem.into()),
            _ => Self::Problem(problem.into()),
        }
    }

    fn from_precondition(problem: Problem) -> Self {
        let Some(current) = &problem.current else { return Self::Problem(problem.into()) };
        let operation = problem.operation;
        if let Ok(current) = current.decode() {
            return Self::PreconditionFailed { current, operation };
        }
        match current.decode() {
            Ok(SetState { revision }) => Self::SetMoved { current: revision },
            Err(_) => Self::Problem(problem.into()),
        }
    }

    /// Whether the service judges this before it looks for the first answer under an idempotency key: an attempt that was
    /// refused so says nothing about an attempt before it.
    pub(crate) fn comes_before_replay(&self) -> bool {
        matches!(self, Self::Unauthorized(_) | Self::Forbidden(_) | Self::NoSuchUser(_) | Self::UnexpectedAnswer { .. })
    }

    /// Whether it tells of a trouble that passes by itself.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Transport(_) => true,
            Self::Problem(problem) => is_passing(problem.status),
            Self::UnexpectedAnswer { status, .. } => is_passing(*status),
            _ => false,
        }
    }

    /// Whether the service refused the content of a change as such, so that the same change will not succeed later.
    pub(crate) fn refuses_the_content(&self) -> bool {
        match self {
            Self::QuotaExceeded(_) => true,
            Self::Problem(problem) => matches!(problem.status, 400 | 413 | 422),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(status: u16, slug: &str, more: &str) -> Error {
        Error::from_answer(status, format!(r#"{{"type":"/problems/{slug}","title":"T","status":{status}{more}}}"#).as_bytes())
    }

    #[test]
    fn each_cause_has_its_own_error() {
        assert!(matches!(problem(401, "token-invalid", ""), Error::Unauthorized(_)));
        assert!(matches!(problem(404, "not-found", ""), Error::NotFound(_)));
        assert!(matches!(problem(404, "user-not-found", ""), Error::NoSuchUser(_)));
        assert!(matches!(problem(410, "user-erased", ""), Error::NoSuchUser(_)));
        assert!(matches!(problem(410, "cursor-expired", ""), Error::CursorExpired));
        assert!(matches!(problem(410, "idempotency-outcome-expired", ""), Error::OutcomeExpired));
        assert!(matches!(problem(409, "patch-test-failed", ""), Error::Problem(problem) if problem.slug == "patch-test-failed"));
        assert!(matches!(Error::from_answer(502, b"<html>"), Error::UnexpectedAnswer { status: 502, .. }));
    }

    #[test]
    fn a_failed_precondition_brings_what_is_there() {
        let item = r#"{"key":"k","value":1,"revision":7,"created_at":"2026-01-02T03:04:05.000006Z","updated_at":"2026-01-02T03:04:05.000006Z"}"#;
        let there = problem(412, "precondition-failed", &format!(r#","current":{item},"operation":2"#));
        assert!(
            matches!(there, Error::PreconditionFailed { current: Some(item), operation: Some(2) } if item.revision == Revision::new(7) && item.value.text() == "1")
        );
        assert!(matches!(problem(412, "precondition-failed", r#","current":null"#), Error::PreconditionFailed { current: None, operation: None }));
        assert!(matches!(problem(412, "precondition-failed", r#","current":{"revision":9}"#), Error::SetMoved { current } if current == Revision::new(9)));
        assert!(matches!(problem(412, "precondition-failed", ""), Error::Problem(_)));
    }

    #[test]
    fn a_refusal_says_what_was_refused() {
        let refusal = problem(422, "unprocessable", r#","detail":"No.","errors":[{"pointer":"/a","code":"x","detail":"Too deep."}]"#);
        assert_eq!(refusal.to_string(), "No. (unprocessable); Too deep.");
    }
}
