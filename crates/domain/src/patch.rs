//! Changes to a part of a value: merge patches (RFC 7396) and JSON patches (RFC 6902).
//!
//! A merge patch works on the text, so that what it does not touch keeps its own. A JSON patch works on a tree, with exact numbers and members
//! in their order; escapes in strings and the signs of exponents are written anew, and of members with one name the last is kept.

use crate::json_object::Object;
use crate::json_text::{JsonText, ValueError};
use crate::limits::Limits;
use json_patch::jsonptr::Pointer;
use json_patch::{AddOperation, PatchErrorKind, PatchOperation};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

/// How many times the largest value a JSON patch may copy altogether: `copy` doubles, and a short patch could ask for more than there is.
const MOST_COPIED: usize = 4;

/// Operations of a JSON patch at the most: each may move everything that comes after its place.
const MOST_OPERATIONS: usize = 100;

/// Names under which the JSON library hides numbers and raw texts in objects. An object with such a member could not be told from these.
const RESERVED: &str = "$serde_json::private::";

/// A change to a value that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Patch {
    /// RFC 7396.
    Merge(JsonText),
    /// RFC 6902.
    Json(JsonPatch),
}

/// Why a patch cannot be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum PatchError {
    /// A `test` found something else.
    #[error("the test at {path:?} found another value")]
    TestFailed {
        /// The place of the operation in the patch, from 0.
        operation: usize,
        /// Where it looked.
        path: String,
    },
    /// An operation leads nowhere, or into itself.
    #[error("{reason} ({path:?})")]
    Impossible {
        /// The place of the operation in the patch, from 0.
        operation: usize,
        /// Where it leads.
        path: String,
        /// What is in its way.
        reason: String,
    },
    /// What comes out cannot be kept.
    #[error(transparent)]
    Value(#[from] ValueError),
}

/// Why a text is no JSON patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPatch {
    /// It is not JSON.
    #[error("{0}")]
    Syntax(String),
    /// It is JSON, and no list of operations.
    #[error("{0}")]
    Shape(String),
}

impl Patch {
    /// The value after the patch.
    ///
    /// # Errors
    /// [`PatchError`].
    pub fn apply(&self, value: &JsonText, limits: &Limits) -> Result<JsonText, PatchError> {
        match self {
            Self::Merge(patch) => Ok(merge(Some(value), patch, limits)?),
            Self::Json(patch) => patch.apply(value, limits),
        }
    }
}

/// The value after a merge patch; without a value, the patch builds one from nothing.
///
/// # Errors
/// [`ValueError`] when what comes out exceeds `limits`.
pub fn merge(value: Option<&JsonText>, patch: &JsonText, limits: &Limits) -> Result<JsonText, ValueError> {
    JsonText::parse(&merged(value.map(JsonText::as_str), patch.as_str())?, limits)
}

/// The depth is bounded by the limits that both texts were read under.
fn merged(target: Option<&str>, patch: &str) -> Result<String, ValueError> {
    let Some(changes) = Object::read(patch)? else { return Ok(patch.to_owned()) };
    let object = target.map(Object::read).transpose()?.flatten().unwrap_or_default();
    let member = |there: Option<&str>, change: &str| if change == "null" { Ok(None) } else { merged(there, change).map(Some) };
    Ok(object.combine(changes, member)?.to_string())
}

/// A list of operations on a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPatch(Vec<PatchOperation>);

impl JsonPatch {
    /// Reads a patch from outside.
    ///
    /// # Errors
    /// [`NoPatch`].
    pub fn parse(text: &str) -> Result<Self, NoPatch> {
        if speaks_of_reserved(text) {
            return Err(NoPatch::Shape("a member has a reserved name".into()));
        }
        let failed = |error: serde_json::Error| if error.is_data() { NoPatch::Shape(error.to_string()) } else { NoPatch::Syntax(error.to_string()) };
        // Whether all of it is JSON comes before what it says.
        let whole: &RawValue = serde_json::from_str(text).map_err(failed)?;
        let operations: Vec<PatchOperation> = serde_json::from_str(whole.get()).map_err(failed)?;
        if operations.len() > MOST_OPERATIONS {
            return Err(NoPatch::Shape(format!("a patch may have at most {MOST_OPERATIONS} operations")));
        }
        Ok(Self(operations))
    }

    fn apply(&self, value: &JsonText, limits: &Limits) -> Result<JsonText, PatchError> {
        if speaks_of_reserved(value.as_str()) {
            return Err(PatchError::Impossible { operation: 0, path: String::new(), reason: "a member of the value has a reserved name".into() });
        }
        let mut tree: Value = serde_json::from_str(value.as_str()).map_err(|error| ValueError::Syntax(error.to_string()))?;
        let before = tree.to_string();
        let mut copied = 0;
        for (place, operation) in self.0.iter().enumerate() {
            copied += size_of_copy(&tree, operation);
            if copied > MOST_COPIED * limits.value_bytes {
                return Err(ValueError::TooLarge { bytes: copied, limit: limits.value_bytes }.into());
            }
            step(&mut tree, operation, place)?;
            // After each of them: what walks a tree takes stack for every level, and copies would double them.
            let depth = depth(&tree);
            if depth > limits.depth {
                return Err(ValueError::TooDeep { depth, limit: limits.depth }.into());
            }
        }
        // As texts: trees are equal in whatever order their members are.
        let after = tree.to_string();
        if after == before { Ok(value.clone()) } else { Ok(JsonText::parse(&after, limits)?) }
    }
}

/// Whether a reserved name stands anywhere in a JSON text, whichever of its characters are escaped.
fn speaks_of_reserved(json: &str) -> bool {
    let mut rest = json.chars();
    let mut unescaped = String::with_capacity(json.len());
    while let Some(first) = rest.next() {
        let escaped = if first == '\\' { rest.next() } else { None };
        unescaped.push(match escaped {
            None => first,
            Some('u') => hexadecimal(rest.by_ref().take(4)),
            Some(other) => other,
        });
    }
    unescaped.contains(RESERVED)
}

/// The character of that number; another one for half of a surrogate pair, of which no reserved name has any.
fn hexadecimal(digits: impl Iterator<Item = char>) -> char {
    u32::from_str_radix(&digits.collect::<String>(), 16).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Levels of a value, as [`JsonText::parse`] counts them.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Bytes that an operation adds by copying.
fn size_of_copy(tree: &Value, operation: &PatchOperation) -> usize {
    match operation {
        PatchOperation::Copy(copy) => tree.pointer(copy.from.as_str()).map_or(0, |source| source.to_string().len()),
        PatchOperation::Add(_) | PatchOperation::Remove(_) | PatchOperation::Replace(_) | PatchOperation::Move(_) | PatchOperation::Test(_) => 0,
    }
}

fn step(tree: &mut Value, operation: &PatchOperation, place: usize) -> Result<(), PatchError> {
    let Err(error) = apply_in_order(tree, operation) else { return Ok(()) };
    let path = operation.path().to_string();
    match (error.kind, operation) {
        (PatchErrorKind::TestFailed, PatchOperation::Test(test)) => {
            // The library compares numbers by their texts; RFC 6902, section 4.6, by what they amount to.
            let is_equal = tree.pointer(test.path.as_str()).is_some_and(|found| equal(found, &test.value));
            if is_equal { Ok(()) } else { Err(PatchError::TestFailed { operation: place, path }) }
        }
        (kind, _) => Err(PatchError::Impossible { operation: place, path, reason: kind.to_string() }),
    }
}

/// Applies an operation. The library would put the last member of an object in the place of one that is removed.
fn apply_in_order(tree: &mut Value, operation: &PatchOperation) -> Result<(), json_patch::PatchError> {
    let library = |tree: &mut Value, operation: &PatchOperation| json_patch::patch_unsafe(tree, std::slice::from_ref(operation));
    match operation {
        PatchOperation::Remove(remove) => remove_member(tree, &remove.path).map_or_else(|| library(tree, operation), |_| Ok(())),
        PatchOperation::Move(from_to) if from_to.from == from_to.path && tree.pointer(from_to.from.as_str()).is_some() => Ok(()),
        PatchOperation::Move(from_to) if !from_to.path.starts_with(&from_to.from) => match remove_member(tree, &from_to.from) {
            Some(value) => library(tree, &PatchOperation::Add(AddOperation { path: from_to.path.clone(), value })),
            None => library(tree, operation),
        },
        PatchOperation::Add(_) | PatchOperation::Copy(_) | PatchOperation::Move(_) | PatchOperation::Replace(_) | PatchOperation::Test(_) => {
            library(tree, operation)
        }
    }
}

/// Removes a member of an object, and leaves the others in their order. `None`: the pointer leads to no such member.
fn remove_member(tree: &mut Value, pointer: &Pointer) -> Option<Value> {
    let (object, name) = pointer.split_back()?;
    tree.pointer_mut(object.as_str())?.as_object_mut()?.shift_remove(name.decoded().as_ref())
}

/// Whether two values are equal, numbers by their amount.
fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => amount(one) == amount(other),
        (Value::Array(one), Value::Array(other)) => one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other)),
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len() && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| equal(value, other)))
        }
        (one, other) => one == other,
    }
}

/// A number as sign, digits without zeros at either end, and the power of ten of the last digit: one form for each amount. An exponent that no
/// machine word holds stays text, beside how far it is from the last digit: such numbers are equal if they are written alike.
fn amount(number: &Number) -> (bool, String, Result<i64, (String, i64)>) {
    let text = number.to_string();
    let (is_negative, rest) = text.strip_prefix('-').map_or((false, text.as_str()), |rest| (true, rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let dropped = i64::try_from(digits.len() - significant.len()).unwrap_or(i64::MAX);
    let significant = significant.trim_start_matches('0').to_owned();
    if significant.is_empty() {
        return (false, significant, Ok(0));
    }
    let shift = dropped.saturating_sub(i64::try_from(fraction.len()).unwrap_or(i64::MAX));
    let power = exponent.parse::<i64>().ok().and_then(|exponent| exponent.checked_add(shift)).ok_or_else(|| (exponent.to_owned(), shift));
    (is_negative, significant, power)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(json: &str) -> JsonText {
        JsonText::parse(json, &Limits::default()).unwrap()
    }

    fn merge_patch(value: &str, patch: &str) -> String {
        Patch::Merge(text(patch)).apply(&text(value), &Limits::default()).unwrap().to_string()
    }

    fn json_patch(value: &str, patch: &str) -> Result<String, PatchError> {
        let patch = Patch::Json(JsonPatch::parse(patch).unwrap());
        patch.apply(&text(value), &Limits::default()).map(|value| value.to_string())
    }

    #[test]
    fn the_fifteen_cases_of_rfc_7396_appendix_a() {
        let cases = [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ];
        assert_eq!(cases.len(), 15);
        for (value, patch, expected) in cases {
            assert_eq!(merge_patch(value, patch), expected, "{value} with {patch}");
        }
    }

    #[test]
    fn a_merge_touches_nothing_but_what_it_names() {
        let value = r#"{"a":1.50,"\u0062":[1e400],"z":{"x":1,"y":"\/"},"a":2.0}"#;
        assert_eq!(merge_patch(value, r#"{"z":{"x":null}}"#), value.replace(r#""x":1,"#, ""));
        assert_eq!(merge_patch(value, "{}"), value);
        assert_eq!(merge_patch(value, r#"{"b":null,"\u0061":{"\u0063":1},"d":2}"#), r#"{"a":1.50,"z":{"x":1,"y":"\/"},"a":{"\u0063":1},"d":2}"#);
        assert_eq!(merge_patch(value, r#"{"a":null}"#), value.replace(r#""a":1.50,"#, "").replace(r#","a":2.0"#, ""));
        assert_eq!(merge_patch("{}", r#"{"a":{"b":1},"a":{"c":2}}"#), r#"{"a":{"c":2}}"#, "the last of one name");
        assert_eq!(merge(None, &text(r#"{"a":null,"b":{"c":null}}"#), &Limits::default()).unwrap().as_str(), r#"{"b":{}}"#);
        assert_eq!(merge(None, &text("null"), &Limits::default()).unwrap().as_str(), "null");
    }

    #[test]
    fn another_order_is_another_value() {
        let patch = r#"[{"op":"remove","path":"/a"},{"op":"add","path":"/a","value":1}]"#;
        assert_eq!(json_patch(r#"{"a":1,"b":2}"#, patch).unwrap(), r#"{"b":2,"a":1}"#);
        assert_eq!(json_patch(r#"{"b":2,"a":1}"#, patch).unwrap(), r#"{"b":2,"a":1}"#);
    }

    #[test]
    fn a_json_patch_keeps_digits_and_order() {
        let value = r#"{"z":1.0,"a":123456789012345678901234567890}"#;
        assert_eq!(json_patch(value, r#"[{"op":"add","path":"/m","value":1e400}]"#).unwrap(), r#"{"z":1.0,"a":123456789012345678901234567890,"m":1e+400}"#);
        assert_eq!(json_patch(value, r#"[{"op":"remove","path":"/z"}]"#).unwrap(), r#"{"a":123456789012345678901234567890}"#);
        let value = r#"{"a":1,"b/":{"x":1,"y":2,"z":3},"c":3,"d":[1,2]}"#;
        for (patch, expected) in [
            (r#"[{"op":"remove","path":"/a"}]"#, r#"{"b/":{"x":1,"y":2,"z":3},"c":3,"d":[1,2]}"#),
            (r#"[{"op":"remove","path":"/b~1/x"}]"#, r#"{"a":1,"b/":{"y":2,"z":3},"c":3,"d":[1,2]}"#),
            (r#"[{"op":"move","from":"/a","path":"/z"}]"#, r#"{"b/":{"x":1,"y":2,"z":3},"c":3,"d":[1,2],"z":1}"#),
            (r#"[{"op":"move","from":"/b~1/x","path":"/b~1"}]"#, r#"{"a":1,"b/":1,"c":3,"d":[1,2]}"#),
            (r#"[{"op":"move","from":"/a","path":"/d/0"}]"#, r#"{"b/":{"x":1,"y":2,"z":3},"c":3,"d":[1,1,2]}"#),
            (r#"[{"op":"move","from":"/d/0","path":"/a"}]"#, r#"{"a":1,"b/":{"x":1,"y":2,"z":3},"c":3,"d":[2]}"#),
            (r#"[{"op":"move","from":"/a","path":"/a"}]"#, value),
            (r#"[{"op":"replace","path":"/a","value":2}]"#, r#"{"a":2,"b/":{"x":1,"y":2,"z":3},"c":3,"d":[1,2]}"#),
        ] {
            assert_eq!(json_patch(value, patch).unwrap(), expected, "{patch}");
        }
        for patch in [r#"[{"op":"move","from":"/b~1","path":"/b~1/x"}]"#, r#"[{"op":"move","from":"/n","path":"/n"}]"#, r#"[{"op":"remove","path":"/n"}]"#] {
            assert!(matches!(json_patch(value, patch), Err(PatchError::Impossible { operation: 0, .. })), "{patch}");
        }
    }

    #[test]
    fn a_test_compares_numbers_by_their_amount() {
        for (value, other) in [("1", "1.0"), ("100", "1e2"), ("0.001", "1E-3"), ("-0", "0.0e7"), ("1e400", "10e399"), (r#"{"a":[1.50]}"#, r#"{"a":[15e-1]}"#)] {
            assert_eq!(json_patch(value, &format!(r#"[{{"op":"test","path":"","value":{other}}}]"#)).unwrap(), value, "{value} is {other}");
        }
        for (value, other) in [
            ("1", "-1"),
            ("1", "1.01"),
            ("10", "1"),
            ("1", "true"),
            (r#""1""#, "1"),
            ("1e99999999999999999999", "1e99999999999999999998"),
            ("1.5e99999999999999999999", "15e99999999999999999999"),
        ] {
            let failed = json_patch(value, &format!(r#"[{{"op":"test","path":"","value":{other}}}]"#));
            assert_eq!(failed, Err(PatchError::TestFailed { operation: 0, path: String::new() }), "{value} is not {other}");
        }
    }

    #[test]
    fn an_operation_that_fails_is_named() {
        let patch = r#"[{"op":"add","path":"/a","value":1},{"op":"remove","path":"/b"}]"#;
        assert!(matches!(json_patch("{}", patch), Err(PatchError::Impossible { operation: 1, .. })));
        for patch in ["{}", "[1]", r#"[{"op":"jump","path":""}]"#, r#"[{"op":"add","path":""}]"#, r#"[{"op":"add","path":"a","value":1}]"#] {
            assert!(matches!(JsonPatch::parse(patch), Err(NoPatch::Shape(_))), "{patch}");
        }
        for patch in ["", "[", "[]x", "{", "[1", r#"[{"op":"jump"},"#] {
            assert!(matches!(JsonPatch::parse(patch), Err(NoPatch::Syntax(_))), "{patch}");
        }
    }

    #[test]
    fn copies_upon_copies_are_refused_before_they_are_made() {
        let doubling: Vec<_> = (0..40).map(|step| format!(r#"{{"op":"copy","from":"","path":"/{step}"}}"#)).collect();
        let patched = json_patch(r#"{"x":"0123456789"}"#, &format!("[{}]", doubling.join(",")));
        assert!(matches!(patched, Err(PatchError::Value(ValueError::TooLarge { .. }))), "{patched:?}");
    }

    #[test]
    fn no_patch_makes_a_tree_deeper_than_a_value_may_be() {
        let nested = |levels: usize| format!("{}1{}", r#"{"":"#.repeat(levels), "}".repeat(levels));
        let mut steps = vec![format!(r#"{{"op":"add","path":"","value":{}}}"#, nested(30))];
        steps.extend((0..11).map(|turn| format!(r#"{{"op":"copy","from":"","path":"{}"}}"#, "/".repeat(30 << turn))));
        let patched = json_patch("{}", &format!("[{}]", steps.join(",")));
        assert_eq!(patched, Err(ValueError::TooDeep { depth: 60, limit: 32 }.into()));
        let patched = json_patch("{}", &format!(r#"[{{"op":"add","path":"","value":{}}},{{"op":"replace","path":"","value":1}}]"#, nested(100)));
        assert_eq!(patched, Err(ValueError::TooDeep { depth: 100, limit: 32 }.into()));
    }

    #[test]
    fn what_the_library_would_take_for_something_else_is_refused() {
        for name in ["$serde_json::private::Number", r"\u0024serde_json::private::Number", r"$serde_json::priv\u0061te::RawValue"] {
            let value = format!(r#"{{"x":{{"{name}":"7"}},"y":1}}"#);
            let patch = r#"[{"op":"replace","path":"/y","value":2}]"#;
            assert!(matches!(json_patch(&value, patch), Err(PatchError::Impossible { operation: 0, .. })), "{name}");
            assert!(matches!(JsonPatch::parse(&format!(r#"[{{"op":"add","path":"/y","value":{value}}}]"#)), Err(NoPatch::Shape(_))), "{name}");
            assert_eq!(merge_patch(&value, r#"{"y":2}"#), value.replace(r#""y":1"#, r#""y":2"#), "a merge patch does not care");
        }
        assert!(json_patch(r#"{"a":"\\u0024 \u00e9 \ud83d\ude00 C:\\\\private"}"#, r#"[{"op":"add","path":"/y","value":2}]"#).is_ok());
    }

    #[test]
    fn what_comes_out_is_held_against_the_limits() {
        let limits = Limits { value_bytes: 20, depth: 2, ..Limits::default() };
        let patch = |patch: &str| Patch::Merge(text(patch)).apply(&text(r#"{"a":"12345"}"#), &limits);
        assert!(matches!(patch(r#"{"b":"12345"}"#), Err(PatchError::Value(ValueError::TooLarge { .. }))));
        assert!(matches!(patch(r#"{"a":[[1]]}"#), Err(PatchError::Value(ValueError::TooDeep { .. }))));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Into::into), any::<i32>().prop_map(Into::into), "[a-c]{0,2}".prop_map(Into::into)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::vec(("[a-c]", inner), 0..4).prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// As RFC 7396, section 2, writes it down.
    fn by_the_book(target: Option<Value>, patch: &Value) -> Value {
        let Value::Object(changes) = patch else { return patch.clone() };
        let mut object = match target {
            Some(Value::Object(object)) => object,
            _ => serde_json::Map::new(),
        };
        for (name, change) in changes {
            let present = object.get(name).cloned();
            if change.is_null() {
                object.shift_remove(name)
            } else {
                object.insert(name.clone(), by_the_book(present, change))
            };
        }
        Value::Object(object)
    }

    proptest! {
        #[test]
        fn merging_is_as_in_the_book(value in any_json(), patch in any_json()) {
            let merged = merge_patch(&value.to_string(), &patch.to_string());
            prop_assert_eq!(serde_json::from_str::<Value>(&merged).unwrap(), by_the_book(Some(value), &patch));
        }

        #[test]
        fn no_patch_makes_it_panic(value in any_json(), patch in r#"\[(\{"op":"(add|remove|replace|move|copy|test)","from":"/?[a-c0-]{0,2}","path":"/?[a-c0-]{0,2}","value":1\},?){0,3}\]"#) {
            if let Ok(patch) = JsonPatch::parse(&patch) {
                let _ = Patch::Json(patch).apply(&text(&value.to_string()), &Limits::default());
            }
        }
    }
}
