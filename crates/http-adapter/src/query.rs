//! The query of a URL. Of parameters with one name the last counts.

use form_urlencoded::Serializer;
use lethe_domain::PageRequest;

/// Parameters in their order, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// A parameter's text as it came.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// Every text that was given for a parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// A parameter's text, unless it is blank: that asks for nothing.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.last(name).map(str::trim).filter(|text| !text.is_empty())
    }

    /// Which part of a list is asked for.
    pub(crate) fn page(&self) -> PageRequest {
        PageRequest::from_text(self.last("limit"), self.last("offset"))
    }

    /// The same query for another part of the list; an offset of 0 is left out.
    pub(crate) fn at(&self, limit: u32, offset: u64) -> String {
        let others = self.0.iter().filter(|(name, _)| !matches!(name.as_str(), "limit" | "offset"));
        let mut query = Serializer::new(String::new());
        query.extend_pairs(others).append_pair("limit", &limit.to_string());
        if offset > 0 {
            query.append_pair("offset", &offset.to_string());
        }
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_counts_and_blanks_ask_for_nothing() {
        let query = Query::parse("hard=1&hard=0&search=+&key=a%2Fb&empty");
        assert_eq!(query.last("hard"), Some("0"));
        assert_eq!((query.given("search"), query.given("empty"), query.given("none")), (None, None, None));
        assert_eq!(query.given("key"), Some("a/b"));
        assert_eq!(Query::parse("").last("x"), None);
    }

    #[test]
    fn another_part_keeps_the_other_parameters() {
        let query = Query::parse("offset=9&search=a+b%26c&limit=3&search=d");
        assert_eq!(query.at(3, 6), "search=a+b%26c&search=d&limit=3&offset=6");
        assert_eq!(query.at(3, 0), "search=a+b%26c&search=d&limit=3");
    }
}
