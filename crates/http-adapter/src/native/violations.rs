//! What exactly is wrong with the parts of a request.

use lethe_domain::profile::FieldError;
use lethe_domain::{KeyError, ValueError};
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
    /// `required`, `repeated`, `not_a_string`, `blank`, `too_long`, `too_large`, `too_deep` or `invalid`.
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

    /// A revision that has not come to pass.
    pub(super) fn ahead() -> Self {
        Self::invalid("Give a revision from 0 to the present one.")
    }

    /// Broken by the body as a whole.
    pub(super) fn of_body(self) -> Violation {
        self.of_pointer(String::new())
    }

    /// Broken by the member of that name, whatever it is.
    pub(super) fn of_key(self, name: &str) -> Violation {
        self.of_pointer(format!("/{}", name.replace('~', "~0").replace('/', "~1")))
    }

    /// Broken by what a JSON Pointer leads to.
    pub(super) fn of_pointer(self, pointer: String) -> Violation {
        Violation { pointer: Some(pointer), ..self.of_nothing() }
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

impl From<KeyError> for Rule {
    fn from(error: KeyError) -> Self {
        let code = match error {
            KeyError::Blank => "blank",
            KeyError::TooLong { .. } => "too_long",
            KeyError::OuterBlank | KeyError::ControlCharacter | KeyError::DotSegment => "invalid",
        };
        Self { code, detail: error.to_string() }
    }
}

impl From<ValueError> for Rule {
    fn from(error: ValueError) -> Self {
        let code = match error {
            ValueError::TooLarge { .. } => "too_large",
            ValueError::TooDeep { .. } => "too_deep",
            ValueError::Syntax(_) | ValueError::LoneSurrogate => "invalid",
        };
        Self { code, detail: error.to_string() }
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

    /// Remembers one more.
    pub(super) fn push(&mut self, violation: Violation) {
        self.0.push(violation);
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
