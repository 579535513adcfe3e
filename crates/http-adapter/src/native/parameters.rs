//! Parameters of a query. Each has one meaning, so it may be given once, and what it cannot mean is refused.

use super::error::Problem;
use super::violations::{Rule, Violation, Violations};
use crate::query::Query;
use lethe_domain::account::DeletionMode;
use lethe_domain::{PageRequest, UserId};

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice<C> {
    /// Entries at the most.
    pub(super) limit: u32,
    /// The last entry that was shown before.
    pub(super) after: Option<C>,
}

impl<C> Slice<C> {
    /// Entries to look for: one more than is shown tells whether there are more.
    pub(super) const fn sought(&self) -> u32 {
        self.limit + 1
    }
}

/// Reads parameters, and remembers what is wrong with them.
pub(super) struct Parameters<'q> {
    query: &'q Query,
    violations: Violations,
}

impl Parameters<'_> {
    /// Reads parameters of a query.
    pub(super) fn of<T>(query: &Query, read: impl FnOnce(&mut Parameters<'_>) -> T) -> Result<T, Problem> {
        let mut parameters = Parameters { query, violations: Violations::default() };
        let value = read(&mut parameters);
        if parameters.violations.is_empty() { Ok(value) } else { Err(Problem::MalformedQuery(parameters.violations)) }
    }

    /// A parameter that may be absent. `rule` says what it takes.
    pub(super) fn optional<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>, rule: &'static str) -> Option<T> {
        self.violations.keep(optional(self.query, name, parse, rule)).flatten()
    }

    /// Entries at the most.
    pub(super) fn limit(&mut self, usual: u32) -> u32 {
        self.optional("limit", limit, "Give a number from 1 to 100.").unwrap_or(usual)
    }

    /// Which part of a list is wanted, and after which entry it begins.
    pub(super) fn slice<C>(&mut self, cursor: impl FnOnce(&str) -> Option<C>) -> Slice<C> {
        let limit = self.limit(PageRequest::DEFAULT_LIMIT);
        Slice { limit, after: self.optional("cursor", cursor, "Give the next member of a list, as it is.") }
    }
}

/// A revision, as far as it can be read: negative ones name nothing, but they are numbers.
pub(super) fn revision(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number: &i64| number.to_string() == text)
}

/// The kind of deletion that is asked for. There is none by default: the one cannot be taken back, and the other is not what it seems.
pub(super) fn mode(query: &Query) -> Result<DeletionMode, Problem> {
    let mode = optional(query, "mode", DeletionMode::from_name, "Choose one of soft, hard.");
    mode.and_then(|mode| mode.ok_or_else(|| Rule::required().of_parameter("mode"))).map_err(|violation| Problem::MalformedQuery(violation.into()))
}

fn optional<T>(query: &Query, name: &'static str, parse: impl FnOnce(&str) -> Option<T>, rule: &'static str) -> Result<Option<T>, Violation> {
    let mut given = query.all(name);
    let value = given.next().map(|text| parse(text).ok_or_else(|| Rule::invalid(rule).of_parameter(name))).transpose();
    if given.next().is_some() { Err(Rule::repeated().of_parameter(name)) } else { value }
}

fn limit(text: &str) -> Option<u32> {
    text.parse().ok().filter(|limit: &u32| (1..=PageRequest::MAX_LIMIT).contains(limit) && limit.to_string() == text)
}

/// The cursor of a list in the order of numbers that are no ids. They are written alike.
pub(super) fn number(text: &str) -> Option<i64> {
    UserId::parse(text).map(UserId::get)
}
