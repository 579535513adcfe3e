//! The entity tags of deletion plans.

use super::error::Problem;
use super::violations::Rule;
use crate::conditions::{EntityTags, text};
use actix_web::http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH};
use lethe_domain::plan::PlanVersion;

/// The entity tag of a plan, which is a strong one.
pub(super) fn of_plan(version: &PlanVersion) -> String {
    format!("\"{}\"", version.as_str())
}

/// The plan that `If-Match` says must still be true; `None`: whichever. The comparison is a strong one. A plan is compared where it is known,
/// and there with one other, so no two can be named.
///
/// # Errors
/// [`Problem::MalformedHeader`]: a condition that cannot be read must not be taken for none.
pub(super) fn required_plan(headers: &HeaderMap) -> Result<Option<PlanVersion>, Problem> {
    let malformed = |detail| Problem::MalformedHeader(Rule::invalid(detail).of_header("If-Match"));
    let Some(text) = text(headers, &IF_MATCH) else { return Ok(None) };
    let tags = match EntityTags::parse(&text).ok_or_else(|| malformed("Give an entity tag in quotes, or *."))? {
        EntityTags::Any => return Ok(None),
        EntityTags::These(tags) => tags,
    };
    match tags.iter().filter(|tag| !tag.is_weak).collect::<Vec<_>>().as_slice() {
        // A weak tag is the same as nothing. No plan is called by a text with quotes.
        [] => Ok(Some(PlanVersion::from_client(text))),
        [tag] => Ok(Some(PlanVersion::from_client(tag.opaque.to_owned()))),
        [_, _, ..] => Err(malformed("Name one plan only.")),
    }
}

/// Whether `If-None-Match` says that this plan is known. The comparison is a weak one. A condition that cannot be read is as good as none.
pub(super) fn is_known(headers: &HeaderMap, version: &PlanVersion) -> bool {
    text(headers, &IF_NONE_MATCH).is_some_and(|text| match EntityTags::parse(&text) {
        Some(EntityTags::Any) => true,
        Some(EntityTags::These(tags)) => tags.iter().any(|tag| tag.opaque == version.as_str()),
        None => false,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn headers(name: &HeaderName, values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    fn required(values: &[&[u8]]) -> Result<Option<String>, Problem> {
        required_plan(&headers(&IF_MATCH, values)).map(|plan| plan.map(|plan| plan.as_str().to_owned()))
    }

    #[test]
    fn one_strong_tag_names_a_plan() {
        let tables: [(&[&[u8]], Option<&str>); 8] = [
            (&[], None),
            (&[b"*"], None),
            (&[b" * "], None),
            (&[b"\"a-1.2\""], Some("a-1.2")),
            (&[b" , \"a\" ,"], Some("a")),
            (&[b"\"a,b\""], Some("a,b")),
            (&[b"\"\""], Some("")),
            (&[b"W/\"a\", \"b\"", b"W/\"c\""], Some("b")),
        ];
        for (values, plan) in tables {
            assert_eq!(required(values), Ok(plan.map(str::to_owned)), "{values:?}");
        }
    }

    #[test]
    fn weak_tags_alone_name_no_plan_that_there_could_be() {
        for values in [&[b"W/\"a\"".as_slice()] as &[&[u8]], &[b"W/\"a\", W/\"b\""]] {
            assert!(required(values).unwrap().unwrap().contains('"'), "{values:?}");
        }
    }

    #[test]
    fn a_condition_that_cannot_be_read_is_not_ignored() {
        let values: [&[&[u8]]; 12] = [
            &[b""],
            &[b","],
            &[b"a"],
            &[b"\"a"],
            &[b"a\""],
            &[b"\"a\"b"],
            &[b"\"a\" \"b\""],
            &[b"w/\"a\""],
            &[b"\"a b\""],
            &[b"*, \"a\""],
            &[b"\"a\", \"b\""],
            &[b"\"\xff\""],
        ];
        for values in values {
            assert!(matches!(required(values), Err(Problem::MalformedHeader(_))), "{values:?}");
        }
    }

    #[test]
    fn a_plan_is_known_by_any_of_its_tags() {
        let version = PlanVersion::from_client("a".into());
        for values in [&[b"*".as_slice()] as &[&[u8]], &[b"\"a\""], &[b"W/\"a\""], &[b"\"b\", W/\"a\""], &[b"\"b\"", b"\"a\""]] {
            assert!(is_known(&headers(&IF_NONE_MATCH, values), &version), "{values:?}");
        }
        for values in [&[] as &[&[u8]], &[b"\"b\"".as_slice()], &[b"a"], &[b"\"a"], &[b"\"A\""]] {
            assert!(!is_known(&headers(&IF_NONE_MATCH, values), &version), "{values:?}");
        }
        assert_eq!(of_plan(&version), "\"a\"");
    }
}
