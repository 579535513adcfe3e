//! Changes as they are asked for, and what became of them.

use crate::error::Error;
use crate::json::Json;
use crate::model::Revision;
use serde::{Deserialize, Serialize};

/// How a preference must be for a value to be written to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Condition {
    /// However it is.
    #[default]
    Unconditional,
    /// There is none of that key.
    Absent,
    /// There is one, whatever its value.
    Present,
    /// Its last change has this revision.
    Revision(Revision),
}

/// What a change that is not about one value's coming into being may be tied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Guard {
    /// Nothing.
    #[default]
    Unconditional,
    /// The last change has this revision: that to the preference, or that to the whole set where the whole set is changed.
    Revision(Revision),
}

/// What a revert takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertScope {
    /// The whole set.
    All,
    /// That key alone.
    Key(String),
}

/// One change of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operation {
    op: Op,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    if_match: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    if_none_match: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Put,
    Merge,
    Delete,
}

impl Operation {
    /// Writes a value.
    ///
    /// # Errors
    /// [`Error::Encode`] when the value cannot be written as JSON.
    pub fn put<T: Serialize + ?Sized>(key: impl Into<String>, value: &T) -> Result<Self, Error> {
        Ok(Self::put_json(key, encode(value)?))
    }

    pub(crate) fn put_json(key: impl Into<String>, value: Json) -> Self {
        Self::new(Op::Put, key.into(), Some(value))
    }

    /// Merges a patch (RFC 7396) into a value; a key that is not there is created.
    ///
    /// # Errors
    /// [`Error::Encode`] when the patch cannot be written as JSON.
    pub fn merge<T: Serialize + ?Sized>(key: impl Into<String>, patch: &T) -> Result<Self, Error> {
        Ok(Self::new(Op::Merge, key.into(), Some(encode(patch)?)))
    }

    /// Removes a key; one that is not there is refused with 404.
    #[must_use]
    pub fn delete(key: impl Into<String>) -> Self {
        Self::new(Op::Delete, key.into(), None)
    }

    fn new(op: Op, key: String, value: Option<Json>) -> Self {
        Self { op, key, value, if_match: None, if_none_match: None }
    }

    /// The same change, made only if the preference is so.
    #[must_use]
    pub fn when(self, condition: Condition) -> Self {
        let (if_match, if_none_match) = match condition {
            Condition::Unconditional => (None, None),
            Condition::Absent => (None, Some("*")),
            Condition::Present => (Some("*".to_owned()), None),
            Condition::Revision(revision) => (Some(revision.entity_tag()), None),
        };
        Self { if_match, if_none_match, ..self }
    }
}

impl From<Guard> for Condition {
    fn from(guard: Guard) -> Self {
        match guard {
            Guard::Unconditional => Self::Unconditional,
            Guard::Revision(revision) => Self::Revision(revision),
        }
    }
}

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Json, Error> {
    Json::from_value(value).map_err(Error::Encode)
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BatchResult {
    /// The revision of the whole set afterwards.
    pub revision: Revision,
    /// What became of each operation, in their order.
    pub results: Vec<OperationResult>,
}

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WireResult")]
pub struct OperationResult {
    /// The key that it was about.
    pub key: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The key is new; its revision.
    Created(Revision),
    /// The key has this value; the revision of its last change, which is an older one when it had the value already.
    Written(Revision),
    /// The key is gone.
    Deleted,
    /// Nothing was changed. Only a batch whose operations stand alone has such results.
    Refused {
        /// The HTTP status that the operation would have had by itself.
        status: u16,
        /// Which problem it is, when the service says so.
        slug: Option<String>,
    },
}

#[derive(Deserialize)]
struct WireResult {
    key: String,
    status: u16,
    revision: Option<Revision>,
    r#type: Option<String>,
}

impl TryFrom<WireResult> for OperationResult {
    type Error = String;

    fn try_from(WireResult { key, status, revision, r#type }: WireResult) -> Result<Self, Self::Error> {
        let outcome = match (status, revision) {
            (201, Some(revision)) => Outcome::Created(revision),
            (200, Some(revision)) => Outcome::Written(revision),
            (204, _) => Outcome::Deleted,
            (400.., _) => Outcome::Refused { status, slug: r#type.and_then(|kind| kind.rsplit('/').next().map(str::to_owned)) },
            _ => return Err(format!("an operation with status {status} and revision {revision:?}")),
        };
        Ok(Self { key, outcome })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn conditions_are_headers_of_their_operation() {
        let written = |condition| serde_json::to_value(Operation::put("k", &1).unwrap().when(condition)).unwrap();
        assert_eq!(written(Condition::Unconditional), json!({ "op": "put", "key": "k", "value": 1 }));
        assert_eq!(written(Condition::Absent), json!({ "op": "put", "key": "k", "value": 1, "if_none_match": "*" }));
        assert_eq!(written(Condition::Present), json!({ "op": "put", "key": "k", "value": 1, "if_match": "*" }));
        assert_eq!(written(Condition::Revision(Revision::new(7))), json!({ "op": "put", "key": "k", "value": 1, "if_match": "\"7\"" }));
        assert_eq!(serde_json::to_value(Operation::put("k", &Value::Null).unwrap()).unwrap(), json!({ "op": "put", "key": "k", "value": null }));
        assert_eq!(serde_json::to_value(Operation::delete("k")).unwrap(), json!({ "op": "delete", "key": "k" }));
    }

    #[test]
    fn each_status_is_an_outcome() {
        let read = |text: &str| serde_json::from_str::<OperationResult>(text).map(|result| result.outcome);
        assert_eq!(read(r#"{"key":"k","status":201,"revision":3}"#).unwrap(), Outcome::Created(Revision::new(3)));
        assert_eq!(read(r#"{"key":"k","status":200,"revision":3}"#).unwrap(), Outcome::Written(Revision::new(3)));
        assert_eq!(read(r#"{"key":"k","status":204}"#).unwrap(), Outcome::Deleted);
        let refused = Outcome::Refused { status: 404, slug: Some("not-found".into()) };
        assert_eq!(read(r#"{"key":"k","status":404,"type":"/problems/not-found"}"#).unwrap(), refused);
        assert!(read(r#"{"key":"k","status":200}"#).is_err());
    }
}
