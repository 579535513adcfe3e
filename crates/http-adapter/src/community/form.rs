//! The fields of a body, be it JSON or a form.
//!
//! The dialect's own examples send JSON under the content type of a form, so a body that looks like JSON is read as JSON unless its content
//! type is one that cannot be. Values are handed on as text: nothing here turns one into a tree.

use super::error::{FieldProblem, Problem, Violation};
use crate::json::members;
use lethe_domain::{JsonText, Limits, ValueError};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// The fields of a body. Of fields with one name the last counts.
#[derive(Debug)]
pub(super) enum Fields<'a> {
    Json(HashMap<String, &'a RawValue>),
    Form(HashMap<String, String>),
}

/// What was given for a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'a> {
    Json(&'a RawValue),
    Form(&'a str),
}

impl<'a> Fields<'a> {
    /// Reads the body of a request of that content type. A blank body has no fields.
    pub(super) fn parse(content_type: &str, text: &'a str) -> Result<Self, Problem> {
        let content_type = content_type.to_ascii_lowercase();
        if content_type.starts_with("multipart/") {
            return Err(Problem::Unsupported(format!("Unsupported media type \"{content_type}\" in request.")));
        }
        let start = text.trim_start();
        let is_json = content_type == "application/json" || content_type.ends_with("+json") || start.starts_with(['{', '[']);
        if start.is_empty() {
            Ok(Self::Form(HashMap::new()))
        } else if is_json {
            members(text).map(Self::Json).map_err(|error| if error.is_data() { Problem::NotAnObject } else { Problem::Malformed(error.to_string()) })
        } else {
            pairs(text).map(Self::Form)
        }
    }

    fn get(&self, name: &str) -> Option<Given<'_>> {
        match self {
            Self::Json(members) => members.get(name).copied().map(Given::Json),
            Self::Form(pairs) => pairs.get(name).map(|text| Given::Form(text)),
        }
    }

    /// A field that may be absent.
    pub(super) fn optional<T, E: Into<Violation>>(&self, name: &'static str, read: impl FnOnce(Given<'_>) -> Result<T, E>) -> Result<Option<T>, FieldProblem> {
        self.get(name).map(read).transpose().map_err(|violation| violation.into().of(name))
    }

    /// A field that may be absent, or `null`, which says the same.
    pub(super) fn nullable<T, E: Into<Violation>>(&self, name: &'static str, read: impl FnOnce(Given<'_>) -> Result<T, E>) -> Result<Option<T>, FieldProblem> {
        if self.get(name).is_some_and(Given::is_null) { Ok(None) } else { self.optional(name, read) }
    }

    /// A field that is blank when it is absent or `null`.
    pub(super) fn or_blank<T, E: Into<Violation>>(&self, name: &'static str, read: impl FnOnce(Given<'_>) -> Result<T, E>) -> Result<T, FieldProblem> {
        let given = self.get(name).filter(|given| !given.is_null()).unwrap_or(Given::Form(""));
        read(given).map_err(|violation| violation.into().of(name))
    }

    /// A field that must be there.
    pub(super) fn required<T, E: Into<Violation>>(&self, name: &'static str, read: impl FnOnce(Given<'_>) -> Result<T, E>) -> Result<T, FieldProblem> {
        self.optional(name, read).and_then(|given| given.ok_or_else(|| Violation::required().of(name)))
    }

    /// Whether a field was given, whatever its value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl Given<'_> {
    fn is_null(self) -> bool {
        matches!(self, Self::Json(raw) if raw.get() == "null")
    }

    /// Reads a text by the domain's rule for it.
    pub(super) fn text<T, E: Into<Violation>>(self, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Violation> {
        match self {
            Self::Json(raw) => {
                let text: String = serde_json::from_str(raw.get()).map_err(|_| Violation::not_a_string())?;
                parse(&text).map_err(Into::into)
            }
            Self::Form(text) => parse(text).map_err(Into::into),
        }
    }

    /// As [`Self::text`], where an integer stands for its digits.
    pub(super) fn text_or_integer<T, E: Into<Violation>>(self, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Violation> {
        match self {
            Self::Json(raw) if is_integer(raw.get()) => parse(raw.get()).map_err(Into::into),
            Self::Json(_) | Self::Form(_) => self.text(parse),
        }
    }

    /// Reads any value. In a form, what is not JSON stands for its own text.
    pub(super) fn value(self, limits: &Limits) -> Result<JsonText, ValueError> {
        match self {
            Self::Json(raw) => JsonText::parse(raw.get(), limits),
            Self::Form(text) => match JsonText::parse(text, limits) {
                Err(ValueError::Syntax(_)) => JsonText::parse(JsonText::string(text).as_str(), limits),
                parsed => parsed,
            },
        }
    }
}

fn is_integer(json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn pairs(text: &str) -> Result<HashMap<String, String>, Problem> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decode(name)?, decode(value)?))
    };
    text.trim().split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

/// Decodes one side of a pair. Bytes that are no text are refused: nobody could say which text was meant.
fn decode(encoded: &str) -> Result<String, Problem> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => hex(*high, *low).map_or((b'%', &rest[1..]), |byte| (byte, after)),
            (b'+', after) => (b' ', after),
            (byte, after) => (*byte, after),
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| Problem::Malformed("the form is not UTF-8".into()))
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use lethe_domain::PreferenceKey;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn value(content_type: &str, body: &str) -> String {
        let fields = Fields::parse(content_type, body).unwrap();
        fields.required("value", |given| given.value(&Limits::default())).unwrap().to_string()
    }

    fn key(content_type: &str, body: &str) -> Result<String, Problem> {
        let limits = Limits::default();
        let key = Fields::parse(content_type, body)?.required("key", |given| given.text(|text| PreferenceKey::parse(text, &limits)))?;
        Ok(key.to_string())
    }

    #[test]
    fn json_is_json_under_every_content_type_but_multipart() {
        for content_type in ["application/json", "APPLICATION/JSON", "application/vnd.api+json", FORM, "", "text/plain", "nonsense"] {
            assert_eq!(value(content_type, " {\"value\": [1.0, 2]}"), "[1.0,2]", "{content_type}");
        }
        assert!(matches!(Fields::parse("multipart/form-data", "{}"), Err(Problem::Unsupported(_))));
    }

    #[test]
    fn a_value_in_a_form_is_json_or_its_own_text() {
        let table = [
            ("value=%22json%22", "\"json\""),
            ("value=json", "\"json\""),
            ("value=1.50", "1.50"),
            ("value=null", "null"),
            ("value=a+b%2Bc", "\"a b+c\""),
            ("value=", "\"\""),
            ("value=%7B%22a%22%3A1%7D", "{\"a\":1}"),
            ("value=1&value=2", "2"),
            ("value=100%", "\"100%\""),
            ("value=%zz%", "\"%zz%\""),
            ("value=\u{e9}", "\"\u{e9}\""),
        ];
        for (body, expected) in table {
            assert_eq!(value(FORM, body), expected, "{body}");
        }
    }

    #[test]
    fn what_is_no_text_is_refused_in_a_form() {
        assert_eq!(key(FORM, "key=%FF"), Err(Problem::Malformed("the form is not UTF-8".into())));
        assert_eq!(key(FORM, "key=%C3%A9").unwrap(), "\u{e9}");
        let lone = Fields::parse(FORM, "value=%22%5Cud800%22").unwrap();
        assert!(lone.required("value", |given| given.value(&Limits::default())).is_err(), "JSON that is refused is not taken for a text");
    }

    #[test]
    fn a_body_is_an_object_or_nothing() {
        for body in ["[]", "[1]"] {
            assert!(matches!(Fields::parse(FORM, body), Err(Problem::NotAnObject)), "{body}");
        }
        for body in ["1", "null", "\"key\""] {
            assert!(matches!(Fields::parse("application/json", body), Err(Problem::NotAnObject)), "{body}");
        }
        for body in ["{", "{\"key\":1}x", "{}{}", "{'a':1}", "\u{feff}{}", "nul", "{\"a\":NaN}", "{\"\\ud800\":1}"] {
            assert!(matches!(Fields::parse("application/json", body), Err(Problem::Malformed(_))), "{body}");
        }
        for body in ["", " \n"] {
            assert_eq!(key("application/json", body), Err(Violation::required().of("key").into()), "{body:?}");
        }
    }

    #[test]
    fn only_strings_are_texts() {
        for json in ["1", "null", "true", "[]", "{}", "\"\\ud800\""] {
            assert_eq!(key("", &format!("{{\"key\":{json}}}")), Err(Violation::not_a_string().of("key").into()), "{json}");
        }
        assert_eq!(key("", "{\"key\":1,\"key\":\" a \"}").unwrap(), "a");
    }

    #[test]
    fn integers_may_stand_for_texts_where_that_is_asked_for() {
        let read = |body| Fields::parse("", body).unwrap().nullable("id", |given| given.text_or_integer(|text| Ok::<_, Violation>(text.to_owned())));
        assert_eq!(read("{\"id\":12345678901234567890}").unwrap().as_deref(), Some("12345678901234567890"));
        assert_eq!(read("{\"id\":\"a\"}").unwrap().as_deref(), Some("a"));
        assert_eq!(read("{\"id\":null}").unwrap(), None);
        for body in ["{\"id\":1.0}", "{\"id\":1e3}", "{\"id\":true}"] {
            assert!(read(body).is_err(), "{body}");
        }
    }
}
