//! What requests about preferences say: the key in the path, values, patches and conditions.

use super::asked::Asked;
use super::error::Problem;
use super::fields::json;
use super::violations::Rule;
use crate::body::BodyError;
use crate::conditions::precondition;
use actix_web::HttpMessage;
use lethe_domain::patch::NoPatch;
use lethe_domain::{Act, JsonPatch, JsonText, KeyAction, KeyChange, KeyRefusal, Patch, Precondition, PreferenceKey, UserId, ValueError};
use lethe_ports::inbound::KeyedError;
use percent_encoding::percent_decode_str;

impl Asked {
    /// The key in the path, exactly as it is meant: one segment, percent-encoded.
    pub(super) fn key_in_path(&self) -> Result<PreferenceKey, Problem> {
        let decoded = percent_decode_str(self.context.raw_segment("key")).decode_utf8();
        let text = decoded.map_err(|_| Rule::invalid("This is not UTF-8.").of_parameter("key"))?;
        Ok(PreferenceKey::parse_exact(&text, self.limits()).map_err(|error| Rule::from(error).of_parameter("key"))?)
    }

    /// The key in the path, for a request that reads.
    pub(super) async fn key(&self, act: &Act<'_>) -> Result<PreferenceKey, Problem> {
        self.unless_refused(act, self.key_in_path()).await
    }

    /// The conditions of a request that changes something.
    pub(super) fn precondition(&self) -> Result<Precondition, Problem> {
        Ok(precondition(self.context.http.headers())?)
    }

    /// What is to be done to the key in the path.
    pub(super) async fn change(&self, act: Act<'_>, action: Result<KeyAction, Problem>) -> Result<KeyChange, Problem> {
        let key = self.key_in_path();
        // A token that is narrowed to keys allows nothing of which the key is not known.
        let act = key.as_ref().map_or(act, |key| act.with_key(key));
        let change = action.and_then(|action| Ok(KeyChange { precondition: self.precondition()?, key: key.clone()?, action }));
        self.unless_refused(&act, change).await
    }

    /// What to answer instead of a problem with the form of a request: that there is nothing to change goes before what is wrong with the change.
    pub(super) async fn unless_missing(&self, owner: UserId, problem: Problem) -> Problem {
        if !problem.is_about_the_form() {
            return problem;
        }
        let Ok(key) = self.key_in_path() else { return problem };
        match self.services().keyed.show(&self.caller, owner, &key).await {
            Err(KeyedError::Refused(KeyRefusal::NotFound)) => Problem::NotFound,
            Ok(_) | Err(_) => problem,
        }
    }

    /// A value that is to be kept.
    pub(super) fn value(&self, body: Result<String, BodyError>) -> Result<JsonText, Problem> {
        value(&json(self.context.http.content_type(), body)?, self)
    }

    /// A patch of either kind.
    pub(super) fn patch(&self, body: Result<String, BodyError>) -> Result<Patch, Problem> {
        let kind = self.context.http.content_type();
        if kind.eq_ignore_ascii_case(MERGE_PATCH) {
            Ok(Patch::Merge(value(&body?, self)?))
        } else if kind.eq_ignore_ascii_case(JSON_PATCH) {
            Ok(Patch::Json(json_patch(&body?)?))
        } else {
            Err(unless_too_large(body, Problem::UnsupportedPatch(EITHER_PATCH)))
        }
    }

    /// The text of a merge patch.
    pub(super) fn merge_patch(&self, body: Result<String, BodyError>) -> Result<String, Problem> {
        if self.context.http.content_type().eq_ignore_ascii_case(MERGE_PATCH) {
            Ok(body?)
        } else {
            Err(unless_too_large(body, Problem::UnsupportedPatch(MERGE_PATCH)))
        }
    }
}

const MERGE_PATCH: &str = "application/merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const EITHER_PATCH: &str = "application/merge-patch+json, application/json-patch+json";

/// A body that is too large is so whatever its kind.
fn unless_too_large(body: Result<String, BodyError>, problem: Problem) -> Problem {
    match body {
        Err(error @ (BodyError::TooLarge { .. } | BodyError::TimedOut)) => error.into(),
        Ok(_) | Err(BodyError::Encoded(_) | BodyError::NotUtf8 | BodyError::Broken) => problem,
    }
}

fn value(text: &str, asked: &Asked) -> Result<JsonText, Problem> {
    JsonText::parse(text, asked.limits()).map_err(|error| match error {
        ValueError::Syntax(detail) => Problem::MalformedJson(detail),
        ValueError::LoneSurrogate => Problem::MalformedJson(error.to_string()),
        ValueError::TooLarge { .. } | ValueError::TooDeep { .. } => Rule::from(error).of_body().into(),
    })
}

fn json_patch(text: &str) -> Result<JsonPatch, Problem> {
    JsonPatch::parse(text).map_err(|error| match error {
        NoPatch::Syntax(detail) => Problem::MalformedJson(detail),
        NoPatch::Shape(detail) => Rule::invalid(detail).of_body().into(),
    })
}
