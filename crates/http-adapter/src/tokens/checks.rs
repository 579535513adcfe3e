//! The checks that Lethe writes into tokens, and what it can read out of those that are there.

use biscuit_auth::builder;
use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::format::schema::check::Kind as CheckKind;
use biscuit_auth::format::schema::op_binary::Kind as BinaryKind;
use biscuit_auth::format::schema::{Block, Check, Op, OpBinary, Predicate, Rule, Term, op, term};
use biscuit_auth::macros::check;
use lethe_domain::time::Timestamp;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// The fact that says when a request is made.
pub(super) const TIME: &str = "time";
/// The fact that names the preference that a request is about.
pub(super) const PREFERENCE_KEY: &str = "preference_key";

/// A time as tokens know it: in whole seconds, none before 1970.
pub(super) fn date(time: Timestamp) -> builder::Term {
    builder::Term::Date(u64::try_from(time.micros().div_euclid(MICROS_PER_SECOND)).unwrap_or(0))
}

/// The token is good up to and including the second of `end`.
pub(super) fn until(end: Timestamp) -> builder::Check {
    check!("check if time($time), $time <= {end}", end = date(end))
}

/// The token is good for looking only.
pub(super) fn read_only() -> builder::Check {
    check!(r#"check if operation("read")"#)
}

/// The token is good for preferences only whose key begins with `prefix`.
pub(super) fn key_prefix(prefix: &str) -> builder::Check {
    check!("check if preference_key($key), $key.starts_with({prefix})", prefix = prefix)
}

/// Whether any check of these blocks looks at facts of that name.
pub(super) fn mention<'a>(mut blocks: impl Iterator<Item = &'a Block>, symbols: &SymbolTable, name: &str) -> bool {
    blocks.any(|block| predicates(block).any(|predicate| symbols.get_symbol(predicate.name) == Some(name)))
}

fn predicates(block: &Block) -> impl Iterator<Item = &Predicate> {
    block.checks.iter().flat_map(|check| &check.queries).flat_map(|query| &query.body)
}

/// The last second in which every check on the time passes that has the form `check if time($t), $t <= DATE` or `… < DATE`.
///
/// A check on the time in another form is not understood here; it stays in the token, and the library holds it against the present.
pub(super) fn last_second<'a>(blocks: impl Iterator<Item = &'a Block>, symbols: &SymbolTable) -> Option<Timestamp> {
    blocks.flat_map(|block| &block.checks).filter_map(|check| last_second_of(check, symbols)).min()
}

fn last_second_of(check: &Check, symbols: &SymbolTable) -> Option<Timestamp> {
    if check.kind.is_some_and(|kind| kind != CheckKind::One as i32) {
        return None;
    }
    let [query] = check.queries.as_slice() else { return None };
    let time = time_variable(query, symbols)?;
    let [expression] = query.expressions.as_slice() else { return None };
    let [left, right, comparison] = expression.ops.as_slice() else { return None };
    if variable(value(left)?)? != time {
        return None;
    }
    let Some(term::Content::Date(date)) = value(right)?.content else { return None };
    let last = match comparison_kind(comparison)? {
        BinaryKind::LessOrEqual => i64::try_from(date).unwrap_or(i64::MAX),
        BinaryKind::LessThan => i64::try_from(date).unwrap_or(i64::MAX).saturating_sub(1),
        _ => return None,
    };
    Some(Timestamp::from_micros(last.saturating_mul(MICROS_PER_SECOND)))
}

/// The variable of a query over nothing but the time.
fn time_variable(query: &Rule, symbols: &SymbolTable) -> Option<u32> {
    let [predicate] = query.body.as_slice() else { return None };
    let [term] = predicate.terms.as_slice() else { return None };
    if symbols.get_symbol(predicate.name) == Some(TIME) { variable(term) } else { None }
}

fn variable(term: &Term) -> Option<u32> {
    match term.content {
        Some(term::Content::Variable(variable)) => Some(variable),
        _ => None,
    }
}

fn value(operation: &Op) -> Option<&Term> {
    match &operation.content {
        Some(op::Content::Value(term)) => Some(term),
        _ => None,
    }
}

fn comparison_kind(operation: &Op) -> Option<BinaryKind> {
    match &operation.content {
        Some(op::Content::Binary(OpBinary { kind, ffi_name: None })) => BinaryKind::from_i32(*kind),
        _ => None,
    }
}
