//! What the service answered, and the forms that its refusals must have.

use serde_json::{Value, json};
use ureq::http::HeaderMap;

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The one header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert!(values.next().is_none(), "several {name} in {self:?}");
        value
    }

    /// This answer, which must have that status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The body of a success with content.
    #[track_caller]
    pub(crate) fn body(self, status: u16) -> Value {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
        answer.json()
    }

    /// A success without content.
    #[track_caller]
    pub(crate) fn nothing(self) {
        let answer = self.expect(204);
        assert_eq!(answer.text, "");
    }

    /// The ids on a page.
    #[track_caller]
    pub(crate) fn ids(self) -> Vec<i64> {
        self.body(200)["results"].as_array().unwrap().iter().map(|entry| entry["id"].as_i64().unwrap()).collect()
    }

    /// A refusal in the community dialect that concerns no field.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str, message: &str) {
        assert_eq!(self.body(status), json!({ "errors": [{ "code": code, "message": message }] }));
    }

    /// A refusal in the community dialect of these fields, for these causes.
    #[track_caller]
    pub(crate) fn refused_fields(self, expected: &[(&str, &str)]) {
        let body = self.body(400);
        let entries = body["errors"].as_array().unwrap();
        let seen: Vec<_> = entries.iter().map(|entry| (entry["field"].as_str().unwrap(), entry["messages"][0]["code"].as_str().unwrap())).collect();
        assert_eq!(seen, expected, "{body}");
        assert!(entries.iter().all(|entry| entry["messages"][0]["message"].as_str().is_some_and(|text| !text.is_empty())), "{body}");
    }

    /// A refusal in the settings dialect, perhaps with details.
    #[track_caller]
    pub(crate) fn refused_settings(self, status: u16, message: &str) {
        let mut body = self.body(status);
        assert!(body.as_object_mut().unwrap().remove("error").is_none_or(|detail| detail.is_string()), "{body}");
        assert_eq!(body, json!({ "success": false, "message": message }));
    }

    /// A refusal in the native dialect; what it says.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, slug: &str) -> Value {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{answer:?}");
        let body = answer.json();
        assert_eq!((&body["type"], &body["status"]), (&json!(format!("/problems/{slug}")), &json!(status)), "{body}");
        assert!(body["title"].as_str().is_some_and(|title| !title.is_empty()), "{body}");
        if status == 401 {
            assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"api\""), "{answer:?}");
        }
        body
    }

    /// The entries of a list in the native dialect.
    #[track_caller]
    pub(crate) fn items(self) -> Vec<Value> {
        self.body(200)["items"].as_array().unwrap().clone()
    }

    #[track_caller]
    pub(crate) fn forbidden(self) {
        self.refused(403, "permission_denied", "You do not have permission to perform this action.");
    }

    #[track_caller]
    pub(crate) fn not_found(self) {
        self.refused(404, "not_found", "Not found.");
    }

    #[track_caller]
    pub(crate) fn user_not_found(self) {
        self.refused(404, "not_found", "User not found");
    }

    /// A refusal of the caller as such, in the form of whichever dialect was spoken.
    #[track_caller]
    pub(crate) fn unauthorized(self) {
        if let Some(kind) = self.json()["type"].as_str() {
            let slug = ["not-authenticated", "token-invalid"].into_iter().find(|slug| kind.ends_with(slug)).expect("a refusal of the caller");
            self.problem(401, slug);
            return;
        }
        let body = self.clone().body(401);
        assert_eq!(self.header("www-authenticate"), Some("Bearer realm=\"api\""), "{self:?}");
        let community = body["errors"].as_array().is_some_and(|errors| errors.len() == 1 && errors[0]["code"].is_string() && errors[0]["message"].is_string());
        assert!(community || body == json!({ "success": false, "message": "Unauthorized" }), "{body}");
    }
}
