//! What exactly is wrong with the parts of a request.

use lethe_domain::profile::FieldError;
use serde::Serialize;
use utoipa::ToSchema;

/// A rule that is broken, wherever that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    code: &'static str,
    detail: String,
}

/// A rule that a part of a request breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Violation)]
pub(crate) struct Violation {
    /// Where in the body, as a JSON Pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pointer: Option<String>,
    /// Which parameter of the query.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    parameter: Option<&'static str>,
    /// Which header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    header: Option<&'static str>,
    /// `required`, `repeated`, `not_a_string`, `blank`, `too_long` or `invalid`.
    code: &'static str,
    detail: String,
}

impl Rule {
    pub(super) fn required() -> Self {
        Self { code: "required", detail: "This is required.".into() }
    }

    pub(super) fn repeated() -> Self {
        Self { code: "repeated", detail: "This may be given only once.".into() }
    }

    pub(super) fn not_a_string() -> Self {
        Self { code: "not_a_string", detail: "This must be a string.".into() }
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self { code: "invalid", detail: detail.into() }
    }

    /// Broken by a member of the body. Its name needs no escaping in a pointer.
    pub(super) fn of_member(self, name: &'static str) -> Violation {
        Violation { pointer: Some(format!("/{name}")), ..self.of_nothing() }
    }

    /// Broken by a parameter of the query.
    pub(super) fn of_parameter(self, name: &'static str) -> Violation {
        Violation { parameter: Some(name), ..self.of_nothing() }
    }

    /// Broken by a header.
    pub(super) fn of_header(self, name: &'static str) -> Violation {
        Violation { header: Some(name), ..self.of_nothing() }
    }

    fn of_nothing(self) -> Violation {
        Violation { pointer: None, parameter: None, header: None, code: self.code, detail: self.detail }
    }
}

impl From<FieldError> for Rule {
    fn from(error: FieldError) -> Self {
        let code = match error {
            FieldError::Blank => "blank",
            FieldError::TooLong { .. } => "too_long",
            FieldError::Malformed(_) => "invalid",
        };
        Self { code, detail: error.to_string() }
    }
}

/// Everything that is wrong with a part of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Violations(Vec<Violation>);

impl Violations {
    /// What was read, with any violation put aside.
    pub(super) fn keep<T>(&mut self, read: Result<T, Violation>) -> Option<T> {
        read.map_err(|violation| self.0.push(violation)).ok()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn as_slice(&self) -> &[Violation] {
        &self.0
    }
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}
