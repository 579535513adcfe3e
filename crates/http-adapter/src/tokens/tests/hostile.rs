//! Tokens that are there to burn time. Each is refused for what it is, before it could.

use super::*;
use biscuit_auth::builder::{Scope, fact, int};

/// What an appended block is refused for.
fn excess_of(datalog: &str) -> Excess {
    let house = House::new();
    match house.refusal(&append(&house.token(42, false), datalog)) {
        TokenError::TooComplex(excess) => excess,
        other => panic!("{other:?} for {datalog}"),
    }
}

fn assert_accepted(datalog: &str) {
    let house = House::new();
    let token = append(&house.token(42, false), datalog);
    assert_eq!(house.verifier.verify(&token).err(), None, "{datalog}");
}

fn repeat(part: &str, times: usize, separator: &str) -> String {
    vec![part; times].join(separator)
}

fn numbers(count: usize) -> String {
    (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
}

fn facts(count: usize) -> String {
    (0..count).map(|number| format!("f({number}); ")).collect::<Vec<_>>().concat()
}

#[test]
fn joins_are_refused() {
    let join = "check if f($a), f($b), f($c), f($d), $a + $b + $c + $d < 0";
    for count in [1, 20, 60] {
        assert_eq!(excess_of(&format!("{}{join}", facts(count))), Excess::Facts);
    }
    assert_eq!(excess_of(join), Excess::Predicates);
    assert_eq!(excess_of("f($id) <- user($id)"), Excess::Rules);
    assert_accepted("check if f($a), f($b), f($c), $a - $b - $c < 0");
}

#[test]
fn crowds_are_refused() {
    assert_eq!(excess_of(&repeat("check if true", 9, "; ")), Excess::Checks);
    assert_eq!(excess_of(&format!("check if {}", repeat("false", 17, " or "))), Excess::Queries);
    assert_eq!(excess_of(&repeat(&format!("check if {}", repeat("false", 6, " or ")), 3, "; ")), Excess::Queries);
    assert_accepted(&repeat("check if true or false", 8, "; "));
    assert_accepted(&format!("check if {}", repeat("false", 16, " or ")));
}

#[test]
fn long_queries_are_refused() {
    for query in [
        repeat("false", 100, " || "),
        repeat("true", 64, ", "),
        format!("{}true{}", repeat("(", 64, ""), repeat(")", 64, "")),
        format!("{{{}}}.contains(1)", numbers(100)),
        format!("[{}].contains(1)", numbers(100)),
        format!("[[{}]].contains(1)", numbers(100)),
        format!("{{\"m\": [{}]}}.contains(\"m\")", numbers(100)),
        format!("user([{}])", numbers(100)),
        format!("user({})", numbers(100)),
    ] {
        assert_eq!(excess_of(&format!("check if {query}")), Excess::Parts, "{query}");
    }
    assert_accepted(&format!("check if user($id), {{{}}}.contains($id)", numbers(50)));
    assert_accepted(&format!("check if preference_key($k), {}", repeat("$k.starts_with(\"a\")", 10, " || ")));
}

#[test]
fn deep_expressions_are_refused() {
    let nested = |depth| (0..depth).fold("true".to_owned(), |inner, _| format!("true && ({inner})"));
    assert_eq!(excess_of(&format!("check if {}", nested(5))), Excess::Nesting);
    assert_accepted(&format!("check if {}", nested(4)));
}

#[test]
fn loops_are_refused() {
    assert_eq!(excess_of("check if {1, 2}.all($x -> {1, 2}.any($y -> $x == $y))"), Excess::Loops);
    assert_eq!(excess_of("check if true && [1, 2].any($x -> $x == 1)"), Excess::Loops);
}

#[test]
fn costly_operations_are_refused() {
    assert_eq!(excess_of("check if operation($o), $o.matches(\"([a-z]{1000}){1000}\")"), Excess::Regex);
    assert_eq!(excess_of("check if operation($o), true || $o.matches(\"x\")"), Excess::Regex);
    assert_eq!(excess_of("check if preference_key($k), $k + $k == $k"), Excess::Addition);
    assert_eq!(excess_of("check if 1.extern::f()"), Excess::ForeignFunction);
    assert_eq!(excess_of("check if 1.extern::f(2)"), Excess::ForeignFunction);
}

#[test]
fn trust_in_others_is_refused() {
    let signer = SigningKey::generate(1).public().key();
    assert_eq!(excess_of(&format!("check if true trusting {signer}")), Excess::Scopes);
    assert_eq!(excess_of("check if true trusting previous"), Excess::Scopes);

    let house = House::new();
    let token = UnverifiedBiscuit::from_base64(house.token(42, false)).unwrap();
    let scoped = BlockBuilder::new().code("check if true").unwrap().scope(Scope::Previous);
    let scoped = token.append(scoped).unwrap().to_base64().unwrap();
    assert_eq!(house.refusal(&scoped), TokenError::TooComplex(Excess::Scopes));
}

#[test]
fn keys_that_nobody_needs_are_refused() {
    let house = House::new();
    let token = house.token(42, false);
    let mut block = block_behind(&token, "check if true");
    block.public_keys = vec![house.key.pair().public().to_proto()];
    assert_eq!(house.refusal(&house.append_raw(&token, &block)), TokenError::TooComplex(Excess::Scopes));
}

#[test]
fn third_party_blocks_are_refused() {
    let house = House::new();
    let token = UnverifiedBiscuit::from_base64(house.token(42, false)).unwrap();
    let friend = KeyPair::new_with_algorithm(Algorithm::Ed25519);
    let block = BlockBuilder::new().code("role(\"admin\")").unwrap();
    let signed = token.third_party_request().unwrap().create_block(&friend.private(), block).unwrap();
    let token = token.append_third_party(&signed.serialize().unwrap()).unwrap().to_base64().unwrap();
    assert_eq!(house.refusal(&token), TokenError::TooComplex(Excess::ThirdParty));
}

#[test]
fn slow_curves_are_refused() {
    let house = House::new();
    let token = UnverifiedBiscuit::from_base64(house.token(42, false)).unwrap();
    let slow = KeyPair::new_with_algorithm(Algorithm::Secp256r1);
    let token = token.append_with_keypair(&slow, BlockBuilder::new()).unwrap().to_base64().unwrap();
    assert_eq!(house.refusal(&token), TokenError::TooComplex(Excess::KeyAlgorithm));
}

#[test]
fn long_chains_are_refused() {
    let house = House::new();
    let chain = |length| (0..length).fold(house.token(42, false), |token, _| append(&token, "check if true"));
    assert_eq!(house.allows(&chain(3), &read(42)), Ok(()));
    assert_eq!(house.refusal(&chain(4)), TokenError::TooComplex(Excess::Blocks));
    assert_eq!(house.refusal(&chain(100)), TokenError::TooLarge);
}

#[test]
fn long_texts_are_refused_unread() {
    let house = House::new();
    for text in ["A".repeat(4097), "A".repeat(100 << 10), "\0".repeat(4097)] {
        assert_eq!(house.refusal(&text), TokenError::TooLarge);
    }
    assert!(matches!(house.refusal(&"A".repeat(4096)), TokenError::Malformed(_)));
}

#[test]
fn many_strings_are_refused() {
    let house = House::new();
    let token = house.token(42, false);
    let with_strings = |count| {
        let mut block = block_behind(&token, "check if true");
        block.symbols = (0..count).map(|number| format!("s{number}")).collect();
        house.append_raw(&token, &block)
    };
    assert_eq!(house.refusal(&with_strings(65)), TokenError::TooComplex(Excess::Symbols));
    assert_eq!(house.allows(&with_strings(64), &read(42)), Ok(()));
}

#[test]
fn a_head_out_of_nowhere_is_refused() {
    let house = House::new();
    let token = house.token(42, false);
    let mut block = block_behind(&token, "check if user($id), operation($o)");
    let query = &mut block.checks[0].queries[0];
    query.head.terms = query.body[0].terms.clone();
    assert_eq!(house.allows(&house.append_raw(&token, &block), &read(42)), Ok(()));

    block.checks[0].queries[0].body.remove(0);
    assert_eq!(house.refusal(&house.append_raw(&token, &block)), TokenError::TooComplex(Excess::UnboundHead));
}

/// The library prints strings without escapes, so that what it prints of this block is one check and a comment.
#[test]
fn facts_cannot_hide_behind_their_names() {
    let house = House::new();
    let token = house.token(42, false);
    let disguised = BlockBuilder::new().fact(fact("check if true; //", &[int(1)])).unwrap();
    let token = UnverifiedBiscuit::from_base64(token).unwrap().append(disguised).unwrap();
    assert_eq!(token.print_block_source(1).unwrap(), "check if true; //(1);\n");
    assert_eq!(house.refusal(&token.to_base64().unwrap()), TokenError::TooComplex(Excess::Facts));
}

#[test]
fn strings_that_are_not_there_are_no_trouble() {
    let house = House::new();
    let token = house.token(42, false);
    let mut block = block_behind(&token, "check if \"a\" == \"b\"");
    block.symbols.clear();
    assert!(matches!(house.refusal(&house.append_raw(&token, &block)), TokenError::Malformed(_)));
    block.symbols = vec!["user".to_owned()];
    assert!(matches!(house.refusal(&house.append_raw(&token, &block)), TokenError::Malformed(_)));
}

#[test]
fn an_authority_with_much_to_join_is_refused() {
    let house = House::new();
    let known = "user(42); issued_at(0); role(\"admin\");";
    assert_eq!(house.allows(&house.odd_token(&format!("{known} group(1)")), &read(42)), Ok(()));
    let groups = house.odd_token(&format!("{known} group(1); group(2)"));
    assert_eq!(house.refusal(&groups), TokenError::TooComplex(Excess::Facts));
    let rule = house.odd_token(&format!("{known} group($id) <- user($id)"));
    assert_eq!(house.refusal(&rule), TokenError::TooComplex(Excess::Rules));
}
