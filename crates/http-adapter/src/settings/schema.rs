//! What goes over the wire in the settings dialect, and the failures that its operations share.
#![expect(dead_code, reason = "some shapes exist in the API document alone; no code builds them")]

use super::error::ErrorJson;
use lethe_domain::settings::Document;
use serde::{Serialize, Serializer};
use utoipa::{IntoResponses, ToSchema};

/// The answer to a change.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingsMessage)]
pub(super) struct MessageJson {
    /// Always `true`.
    pub(super) success: bool,
    pub(super) message: &'static str,
}

/// The settings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UserSettings)]
pub(super) struct SettingsJson {
    /// Always `true`.
    pub(super) success: bool,
    pub(super) settings: DocumentJson,
}

/// Settings by name. A value is any JSON value, and is shown to the letter as it was sent.
#[derive(Debug, ToSchema)]
#[schema(as = Settings, value_type = std::collections::HashMap<String, serde_json::Value>)]
pub(super) struct DocumentJson(pub(super) Document);

impl Serialize for DocumentJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.members().map(|(key, value)| (key.as_str(), value)))
    }
}

/// Settings that are to take the place of all that there are.
#[derive(ToSchema)]
#[schema(as = ReplaceSettings)]
pub(super) struct ReplacementBody {
    settings: DocumentJson,
}

/// Keys that are to be deleted.
#[derive(ToSchema)]
#[schema(as = DeleteSettingsKeys)]
pub(super) struct RemovalBody {
    /// Names of settings, or paths with dots into them; at most 100.
    #[schema(min_items = 1, max_items = 100)]
    keys: Vec<String>,
}

/// What can go wrong with any request.
#[derive(IntoResponses)]
pub(super) enum Failures {
    /// The body is not what the operation takes.
    #[response(status = 400)]
    BadRequest(ErrorJson<'static>),
    /// There is no token, or it is not honoured.
    #[response(status = 401)]
    Unauthorized(ErrorJson<'static>),
    /// The token does not allow this.
    #[response(status = 403)]
    Forbidden(ErrorJson<'static>),
    /// The calling user is not stored here.
    #[response(status = 404)]
    NotFound(ErrorJson<'static>),
    /// A defect. The log has the cause under the request's id.
    #[response(status = 500)]
    Failed(ErrorJson<'static>),
    /// It may or may not have happened; try again.
    #[response(status = 503)]
    Unavailable(ErrorJson<'static>),
}

/// What can be in the way of something that is done under conditions.
#[derive(IntoResponses)]
pub(super) enum ConditionFailures {
    /// The settings are not what they must be.
    #[response(status = 412)]
    PreconditionFailed(ErrorJson<'static>),
}

/// What can go wrong with a body as a whole.
#[derive(IntoResponses)]
pub(super) enum BodyFailures {
    /// The body did not arrive in time.
    #[response(status = 408)]
    TimedOut(ErrorJson<'static>),
    /// The body has too many bytes.
    #[response(status = 413)]
    TooLarge(ErrorJson<'static>),
    /// The body is compressed.
    #[response(status = 415)]
    Unsupported(ErrorJson<'static>),
}
