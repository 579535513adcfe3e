//! How much a token may ask for. Anybody who holds a token can append a block to it, and the library's own limits do not protect from what
//! such a block says: its time limit is looked at between queries only, and a check of 1.4 kB ran for 25 seconds within one.
//!
//! So what could multiply work is refused by its shape, before anything is evaluated:
//!
//! * facts and rules of one's own, and many predicates in one query: joins;
//! * closures with parameters (`.all`, `.any`): loops. Those without are `&&` and `||`, and run once at most;
//! * regular expressions: compiling one can take longer than everything else together;
//! * additions: strings that grow with each of them, copied each time, and once more to print the check that failed;
//! * third-party blocks, scopes, public keys, foreign curves: arithmetic for nothing;
//! * many of anything: strings, checks, alternatives, operations, set elements.
//!
//! A token within these bounds costs less than a millisecond, signatures included.

use super::envelope::Envelope;
use super::error::TokenError;
use biscuit_auth::format::schema::op_binary::Kind as BinaryKind;
use biscuit_auth::format::schema::{Block, Check, Expression, MapEntry, Op, OpBinary, OpClosure, OpUnary, Predicate, Rule, Term, op, term};

/// The longest token, in characters.
pub(super) const MAX_CHARACTERS: usize = 4096;
const MAX_BLOCKS: usize = 4;
/// The user, the time, the role, and one to spare.
const MAX_AUTHORITY_FACTS: usize = 4;
const MAX_SYMBOLS: usize = 64;
const MAX_CHECKS: usize = 8;
/// Per block, over all of its checks.
const MAX_QUERIES: usize = 16;
const MAX_PREDICATES: usize = 3;
/// Per query: terms of predicates, expressions, operations, and elements of sets, arrays and maps.
const MAX_PARTS: usize = 64;
const MAX_NESTING: usize = 4;

/// What a token has that it may not have, or has too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// More blocks than any honest chain of bearers needs.
    #[error("more than {MAX_BLOCKS} blocks")]
    Blocks,
    /// A block that somebody else signed.
    #[error("a third-party block")]
    ThirdParty,
    /// A key on a curve that is slow to verify.
    #[error("a block whose key is not ed25519")]
    KeyAlgorithm,
    /// Too many strings in a block.
    #[error("a block with more than {MAX_SYMBOLS} strings")]
    Symbols,
    /// Facts where none belong, or too many.
    #[error("facts in an attenuation block, or more than {MAX_AUTHORITY_FACTS} in the authority block")]
    Facts,
    /// Rules.
    #[error("a block with rules")]
    Rules,
    /// `trusting`, or the public keys for it.
    #[error("a block with scopes or public keys")]
    Scopes,
    /// Too many checks in a block.
    #[error("a block with more than {MAX_CHECKS} checks")]
    Checks,
    /// Too many alternatives in a block's checks.
    #[error("a block with more than {MAX_QUERIES} alternatives in its checks")]
    Queries,
    /// Too many predicates in a query.
    #[error("a query of more than {MAX_PREDICATES} predicates")]
    Predicates,
    /// Too much of everything in a query.
    #[error("a query of more than {MAX_PARTS} parts")]
    Parts,
    /// Expressions within expressions.
    #[error("expressions more than {MAX_NESTING} levels deep")]
    Nesting,
    /// A closure with parameters.
    #[error("a loop over a set, an array or a map")]
    Loops,
    /// A regular expression.
    #[error("a regular expression")]
    Regex,
    /// An addition. What it adds may be strings.
    #[error("an addition")]
    Addition,
    /// A function that is not part of the language.
    #[error("a foreign function")]
    ForeignFunction,
    /// A query whose head needs a variable that its body does not have. It can never match, and the library complains on standard output.
    #[error("a query with a variable out of nowhere")]
    UnboundHead,
}

/// Whether the text is short enough to be read at all.
pub(super) const fn check_text(text: &str) -> Result<(), TokenError> {
    if text.len() <= MAX_CHARACTERS { Ok(()) } else { Err(TokenError::TooLarge) }
}

/// Whether there are few enough blocks to look at them.
pub(super) const fn check_block_count(count: usize) -> Result<(), Excess> {
    ensure(count <= MAX_BLOCKS, Excess::Blocks)
}

/// Whether every block is harmless.
pub(super) fn check(envelope: &Envelope) -> Result<(), Excess> {
    check_block(&envelope.authority, MAX_AUTHORITY_FACTS)?;
    envelope.attenuations.iter().try_for_each(|block| check_block(block, 0))
}

const fn ensure(holds: bool, otherwise: Excess) -> Result<(), Excess> {
    if holds { Ok(()) } else { Err(otherwise) }
}

fn check_block(block: &Block, max_facts: usize) -> Result<(), Excess> {
    ensure(block.symbols.len() <= MAX_SYMBOLS, Excess::Symbols)?;
    ensure(block.facts.len() <= max_facts, Excess::Facts)?;
    ensure(block.rules.is_empty(), Excess::Rules)?;
    ensure(block.scope.is_empty() && block.public_keys.is_empty(), Excess::Scopes)?;
    ensure(block.checks.len() <= MAX_CHECKS, Excess::Checks)?;
    ensure(block.checks.iter().map(|check| check.queries.len()).sum::<usize>() <= MAX_QUERIES, Excess::Queries)?;
    queries(&block.checks).try_for_each(check_query)
}

fn queries(checks: &[Check]) -> impl Iterator<Item = &Rule> {
    checks.iter().flat_map(|check| &check.queries)
}

fn check_query(query: &Rule) -> Result<(), Excess> {
    ensure(query.scope.is_empty(), Excess::Scopes)?;
    ensure(query.body.len() <= MAX_PREDICATES, Excess::Predicates)?;
    let mut parts = Parts { left: MAX_PARTS };
    std::iter::once(&query.head).chain(&query.body).try_for_each(|predicate| parts.terms(&predicate.terms))?;
    query.expressions.iter().try_for_each(|expression| parts.expression(expression))?;
    ensure(head_is_bound(query), Excess::UnboundHead)
}

fn head_is_bound(query: &Rule) -> bool {
    variables(&query.head).all(|wanted| query.body.iter().flat_map(variables).any(|bound| bound == wanted))
}

fn variables(predicate: &Predicate) -> impl Iterator<Item = u32> {
    predicate.terms.iter().filter_map(|term| match term.content {
        Some(term::Content::Variable(variable)) => Some(variable),
        _ => None,
    })
}

/// Counts down what a query may still have.
struct Parts {
    left: usize,
}

impl Parts {
    fn take(&mut self) -> Result<(), Excess> {
        self.left = self.left.checked_sub(1).ok_or(Excess::Parts)?;
        Ok(())
    }

    fn terms(&mut self, terms: &[Term]) -> Result<(), Excess> {
        terms.iter().try_for_each(|term| self.term(term))
    }

    fn term(&mut self, term: &Term) -> Result<(), Excess> {
        self.take()?;
        match &term.content {
            Some(term::Content::Set(set)) => self.terms(&set.set),
            Some(term::Content::Array(array)) => self.terms(&array.array),
            Some(term::Content::Map(map)) => map.entries.iter().try_for_each(|MapEntry { value, .. }| self.term(value)),
            Some(
                term::Content::Variable(_)
                | term::Content::Integer(_)
                | term::Content::String(_)
                | term::Content::Date(_)
                | term::Content::Bytes(_)
                | term::Content::Bool(_)
                | term::Content::Null(_),
            )
            | None => Ok(()),
        }
    }

    fn expression(&mut self, expression: &Expression) -> Result<(), Excess> {
        self.take()?;
        self.operations(&expression.ops, 0)
    }

    fn operations(&mut self, operations: &[Op], depth: usize) -> Result<(), Excess> {
        ensure(depth <= MAX_NESTING, Excess::Nesting)?;
        operations.iter().try_for_each(|operation| self.operation(operation, depth))
    }

    fn operation(&mut self, operation: &Op, depth: usize) -> Result<(), Excess> {
        match &operation.content {
            Some(op::Content::Value(term)) => self.term(term),
            Some(op::Content::Unary(OpUnary { ffi_name, .. })) => {
                self.take()?;
                ensure(ffi_name.is_none(), Excess::ForeignFunction)
            }
            Some(op::Content::Binary(OpBinary { kind, ffi_name })) => {
                self.take()?;
                ensure(ffi_name.is_none(), Excess::ForeignFunction)?;
                ensure(*kind != BinaryKind::Regex as i32, Excess::Regex)?;
                ensure(*kind != BinaryKind::Add as i32, Excess::Addition)
            }
            Some(op::Content::Closure(OpClosure { params, ops })) => {
                self.take()?;
                ensure(params.is_empty(), Excess::Loops)?;
                self.operations(ops, depth + 1)
            }
            None => self.take(),
        }
    }
}
