//! Conditional requests: entity tags, and the headers that name them.

use actix_web::http::header::{HeaderMap, HeaderName, IF_MATCH, IF_NONE_MATCH};
use lethe_domain::{Precondition, Revision, Tags};
use utoipa::IntoParams;

/// Under which conditions something is done (RFC 9110, section 13), for the API document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "a shape for the API document; no code builds it")]
pub(crate) struct Conditions {
    /// Entity tags: only if it is one of these. `*`: only if there is something.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
    /// Entity tags: only if it is none of these. `*`: only if there is nothing.
    #[param(rename = "If-None-Match")]
    if_none_match: Option<String>,
}

/// Entity tags that a header names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum EntityTags<'a> {
    /// Whichever it is.
    Any,
    /// One of these.
    These(Vec<EntityTag<'a>>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EntityTag<'a> {
    pub(crate) is_weak: bool,
    pub(crate) opaque: &'a str,
}

/// A condition that cannot be read, and that must not be taken for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MalformedCondition {
    /// The header that it stands in.
    pub(crate) header: &'static str,
}

/// The entity tag of a revision, which is a strong one.
pub(crate) fn tag_of(revision: Revision) -> String {
    format!("\"{revision}\"")
}

/// The conditions of a request that changes something.
pub(crate) fn precondition(headers: &HeaderMap) -> Result<Precondition, MalformedCondition> {
    let matching = text(headers, &IF_MATCH).map(|text| matching(&text).ok_or(MalformedCondition { header: "If-Match" }));
    let none_matching = text(headers, &IF_NONE_MATCH).map(|text| none_matching(&text).ok_or(MalformedCondition { header: "If-None-Match" }));
    Ok(Precondition { matching: matching.transpose()?, none_matching: none_matching.transpose()? })
}

/// The conditions of a request that reads. What somebody may have already and cannot be read is as good as nothing.
pub(crate) fn precondition_to_read(headers: &HeaderMap) -> Result<Precondition, MalformedCondition> {
    let matching = text(headers, &IF_MATCH).map(|text| matching(&text).ok_or(MalformedCondition { header: "If-Match" }));
    Ok(Precondition { matching: matching.transpose()?, none_matching: text(headers, &IF_NONE_MATCH).and_then(|text| none_matching(&text)) })
}

/// What must be there. The comparison is a strong one, so weak tags match nothing.
pub(crate) fn matching(text: &str) -> Option<Tags> {
    revisions(text, |tag| !tag.is_weak)
}

/// What must not be there. The comparison is a weak one.
pub(crate) fn none_matching(text: &str) -> Option<Tags> {
    revisions(text, |_| true)
}

/// The revisions that tags name. Others name nothing that there could be.
fn revisions(text: &str, counts: impl Fn(&EntityTag<'_>) -> bool) -> Option<Tags> {
    Some(match EntityTags::parse(text)? {
        EntityTags::Any => Tags::Any,
        EntityTags::These(tags) => Tags::OneOf(tags.iter().filter(|tag| counts(tag)).filter_map(EntityTag::revision).collect()),
    })
}

/// All values of a header as one. Bytes that are no ASCII become something that no tag has.
pub(crate) fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).map(|value| value.to_str().unwrap_or("\0")).collect();
    (!values.is_empty()).then(|| values.join(","))
}

impl<'a> EntityTags<'a> {
    /// Reads `*`, or tags with commas between them.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if text.trim_matches(BLANKS) == "*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = text.trim_start_matches(BETWEEN);
        while !rest.is_empty() {
            let (tag, after) = EntityTag::parse(rest)?;
            tags.push(tag);
            let after = after.trim_start_matches(BLANKS);
            (after.is_empty() || after.starts_with(',')).then_some(())?;
            rest = after.trim_start_matches(BETWEEN);
        }
        (!tags.is_empty()).then_some(Self::These(tags))
    }
}

const BLANKS: [char; 2] = [' ', '\t'];
const BETWEEN: [char; 3] = [' ', '\t', ','];

impl<'a> EntityTag<'a> {
    /// Reads a tag and leaves what comes after it.
    fn parse(text: &'a str) -> Option<(Self, &'a str)> {
        let quoted = text.strip_prefix("W/");
        let (opaque, after) = quoted.unwrap_or(text).strip_prefix('"')?.split_once('"')?;
        opaque.bytes().all(|byte| byte.is_ascii_graphic()).then_some((Self { is_weak: quoted.is_some(), opaque }, after))
    }
}

impl EntityTag<'_> {
    /// The revision that it stands for, in the one spelling that it has.
    fn revision(&self) -> Option<Revision> {
        if self.opaque == "0" { Some(Revision::ZERO) } else { Revision::parse(self.opaque) }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn one_of(revisions: &[i64]) -> Tags {
        Tags::OneOf(revisions.iter().copied().map(Revision::new).collect())
    }

    #[test]
    fn weak_tags_count_where_the_comparison_is_weak() {
        let table = [
            ("*", Some(Tags::Any), Some(Tags::Any)),
            (" * ", Some(Tags::Any), Some(Tags::Any)),
            ("\"7\"", Some(one_of(&[7])), Some(one_of(&[7]))),
            ("W/\"7\"", Some(one_of(&[])), Some(one_of(&[7]))),
            ("\"7\", W/\"8\" ,\"0\"", Some(one_of(&[7, 0])), Some(one_of(&[7, 8, 0]))),
            ("\"07\", \"x\", \"-1\", \"9223372036854775808\"", Some(one_of(&[])), Some(one_of(&[]))),
            ("", None, None),
            ("7", None, None),
            ("\"7", None, None),
            ("w/\"7\"", None, None),
            ("*, \"7\"", None, None),
        ];
        for (text, strong, weak) in table {
            assert_eq!((matching(text), none_matching(text)), (strong, weak), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_ignored_by_readers_alone() {
        let mut headers = HeaderMap::new();
        assert_eq!(precondition(&headers), Ok(Precondition::NONE));
        headers.append(IF_NONE_MATCH, HeaderValue::from_static("7"));
        assert_eq!(precondition(&headers), Err(MalformedCondition { header: "If-None-Match" }));
        assert_eq!(precondition_to_read(&headers), Ok(Precondition::NONE));
        headers.append(IF_MATCH, HeaderValue::from_bytes(b"\"\xff\"").unwrap());
        assert_eq!(precondition_to_read(&headers), Err(MalformedCondition { header: "If-Match" }));
    }

    #[test]
    fn headers_of_one_name_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(IF_MATCH, HeaderValue::from_static("\"1\""));
        headers.append(IF_MATCH, HeaderValue::from_static("\"2\""));
        assert_eq!(precondition(&headers).unwrap().matching, Some(one_of(&[1, 2])));
        assert_eq!(tag_of(Revision::new(2)), "\"2\"");
    }
}
