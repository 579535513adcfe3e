//! What a ticket is good for, and that it is good for nothing else.

use super::*;
use crate::tokens::checked::Checked;
use crate::tokens::tickets::BiscuitTicket;
use lethe_ports::TicketGrant;
use proptest::prelude::*;

const RESTORE: Errand = Errand::Restore { user: UserId::new(42), epoch: 3 };
const FOLLOW: Errand = Errand::FollowErasure { user: UserId::new(42) };
const ERRANDS: [Errand; 2] = [RESTORE, FOLLOW];

fn not_ours(house: &House, token: &str) -> bool {
    matches!(house.verifier.verify_bearer(token), Err(TokenError::NotOurs(_)))
}

#[test]
fn a_ticket_names_its_errand_and_allows_it() {
    let house = House::new();
    for errand in [RESTORE, FOLLOW, Errand::Restore { user: UserId::new(i64::MAX), epoch: 0 }] {
        let token = house.ticket_for(errand);
        for _remembered in [false, true] {
            assert_eq!(house.ticket(&token).errand, errand);
            assert_eq!(house.grants(&token), Ok(()), "{errand:?}");
        }
    }
}

#[test]
fn a_ticket_says_what_it_is_for() {
    let house = House::new();
    let text = |errand| inspect(&house.ticket_for(errand)).unwrap().blocks.concat();
    let rest = "issued_at(1767225600000);\ncheck if time($time), $time <= 2026-01-01T01:00:00Z;\n";
    assert_eq!(text(RESTORE), format!("restores(42, 3);\n{rest}"));
    assert_eq!(text(FOLLOW), format!("follows_erasure(42);\n{rest}"));
}

#[test]
fn no_ticket_is_issued_for_what_cannot_be() {
    let house = House::new();
    for errand in [
        Errand::Restore { user: UserId::new(0), epoch: 1 },
        Errand::Restore { user: UserId::new(-1), epoch: 1 },
        Errand::Restore { user: UserId::new(42), epoch: -1 },
        Errand::FollowErasure { user: UserId::new(0) },
    ] {
        let outcome = issue_ticket(&house.key, errand, house.now(), house.now());
        assert!(matches!(outcome, Err(TokenError::NotOurs(_))), "{errand:?}");
    }
}

#[test]
fn a_ticket_is_no_caller_and_a_caller_has_no_ticket() {
    let house = House::new();
    for errand in ERRANDS {
        let token = house.ticket_for(errand);
        for _remembered in [false, true] {
            assert!(matches!(house.refusal(&token), TokenError::NotOurs(_)));
            assert_eq!(house.ticket(&token).errand, errand);
        }
    }
    for admin in [false, true] {
        let bearer = house.verifier.verify_bearer(&house.token(42, admin)).unwrap();
        assert!(matches!(bearer, Bearer::Caller(Caller { actor, .. }) if actor.user == UserId::new(42)));
    }
}

#[test]
fn the_authority_must_name_one_errand_and_nothing_of_a_user() {
    let house = House::new();
    for authority in [
        "restores(42, 3)",
        "follows_erasure(42)",
        "issued_at(0); restores(42, 3); restores(42, 4)",
        "issued_at(0); restores(42, 3); follows_erasure(42)",
        "issued_at(0); follows_erasure(42); follows_erasure(43)",
        "issued_at(0); follows_erasure(42); follows_erasure(\"43\")",
        "issued_at(0); restores(42, 3); user(42)",
        "issued_at(0); follows_erasure(42); user(42)",
        "issued_at(0); issued_at(1); follows_erasure(42)",
        "issued_at(\"0\"); follows_erasure(42)",
        "issued_at(0); restores(42)",
        "issued_at(0); restores(42, 3, 3)",
        "issued_at(0); restores(42, \"3\")",
        "issued_at(0); restores(\"42\", 3)",
        "issued_at(0); restores(0, 3)",
        "issued_at(0); restores(-42, 3)",
        "issued_at(0); restores(42, -3)",
        "issued_at(0); follows_erasure(0)",
        "issued_at(0); follows_erasure(42, 3)",
        "issued_at(0); follows_erasure(2026-01-01T00:00:00Z)",
        "issued_at(0); check if follows_erasure(42)",
    ] {
        let token = house.odd_token(authority);
        assert!(not_ours(&house, &token), "{authority}");
        assert!(matches!(house.refusal(&token), TokenError::NotOurs(_)), "{authority}");
    }
    assert_eq!(house.grants(&house.odd_token("issued_at(0); follows_erasure(42); role(\"admin\")")), Ok(()), "a role is nothing without a user");
}

#[test]
fn nothing_that_is_appended_widens_a_ticket() {
    let house = House::new();
    for errand in ERRANDS {
        for block in [
            "user(42)",
            "user(1)",
            "role(\"admin\")",
            "user(1); role(\"admin\"); issued_at(0)",
            "restores(43, 3)",
            "restores(42, 4)",
            "follows_erasure(42)",
            "follows_erasure(43)",
            "issued_at(9999999999999)",
            "operation(\"read\"); owner(43)",
            "time(2026-01-01T00:00:00Z)",
        ] {
            let token = append(&house.ticket_for(errand), block);
            assert_eq!(house.verifier.verify_bearer(&token).unwrap_err(), TokenError::TooComplex(Excess::Facts), "{block}");
            assert_eq!(house.refusal(&token), TokenError::TooComplex(Excess::Facts), "{block}");
        }
        for block in
            ["user(42) <- issued_at($t)", "user($id) <- restores($id, $e)", "user($id) <- follows_erasure($id)", "restores($id, 4) <- restores($id, $e)"]
        {
            let token = append(&house.ticket_for(errand), block);
            assert_eq!(house.verifier.verify_bearer(&token).unwrap_err(), TokenError::TooComplex(Excess::Rules), "{block}");
            assert_eq!(house.refusal(&token), TokenError::TooComplex(Excess::Rules), "{block}");
        }
        for block in ["", "check if true", "check if time($t), $t <= 2036-01-01T00:00:00Z", "check if user(42) or true", "reject if user(42)"] {
            let token = append(&house.ticket_for(errand), block);
            assert_eq!(house.ticket(&token).errand, errand, "{block}");
            assert_eq!(house.grants(&token), Ok(()), "{block}");
            assert!(matches!(house.refusal(&token), TokenError::NotOurs(_)), "{block}");
        }
    }
}

/// Should an issuer ever name a string that it forgot to add, a holder must not be the one who adds it.
#[test]
fn an_appended_block_cannot_complete_a_ticket() {
    let house = House::new();
    let mut authority = Envelope::open(&house.odd_token("issued_at(0); follows_erasure(42)")).unwrap().authority;
    assert_eq!(authority.symbols, ["issued_at", "follows_erasure"]);
    authority.symbols.truncate(1);
    let token = house.sign_raw(&authority);
    for name in ["follows_erasure", "user"] {
        let completed = house.append_raw(&token, &schema::Block { symbols: vec![name.to_owned()], version: Some(3), ..schema::Block::default() });
        assert!(house.verifier.verify_bearer(&completed).is_err(), "{name}");
        assert!(house.verifier.verify(&completed).is_err(), "{name}");
    }
}

#[test]
fn a_callers_token_cannot_be_made_a_ticket() {
    let house = House::new();
    for block in ["restores(42, 3)", "follows_erasure(42)"] {
        let token = append(&house.token(42, true), block);
        assert_eq!(house.verifier.verify_bearer(&token).unwrap_err(), TokenError::TooComplex(Excess::Facts), "{block}");
    }
}

#[test]
fn a_ticket_ends_after_its_last_second() {
    for errand in ERRANDS {
        let house = House::new();
        let token = house.ticket_for(errand);
        let ticket = house.ticket(&token);
        house.pass(HOUR + Duration::from_micros(999_999));
        assert_eq!(house.grants(&token), Ok(()));
        house.pass(Duration::from_micros(1));
        assert_eq!(house.verifier.verify_bearer(&token).unwrap_err(), TokenError::Expired);
        assert_eq!(house.refusal(&token), TokenError::Expired);
        assert_eq!(ticket.grant.allows(house.now()), Err(GrantError::Expired));
    }
}

#[test]
fn a_holder_can_shorten_a_ticket_and_not_lengthen_it() {
    let house = House::new();
    let until = |time| Narrowing { expires_at: Some(time), ..Narrowing::default() };
    let ticket = house.ticket_for(FOLLOW);
    let shorter = attenuate(&ticket, &until(house.now().after(Duration::from_mins(1)))).unwrap();
    let longer = attenuate(&ticket, &until(house.now().after(2 * HOUR))).unwrap();
    house.pass(Duration::from_secs(61));
    assert_eq!(house.verifier.verify_bearer(&shorter).unwrap_err(), TokenError::Expired);
    assert_eq!(house.grants(&ticket), Ok(()));
    house.pass(HOUR);
    assert_eq!(house.verifier.verify_bearer(&longer).unwrap_err(), TokenError::Expired);
}

#[test]
fn every_check_of_a_ticket_holds() {
    let house = House::new();
    for (errand, holds, fails) in [
        (RESTORE, ["operation(\"restore\")", "restores(42, 3)"], ["operation(\"read\")", "restores(42, 4)"]),
        (FOLLOW, ["operation(\"read\")", "follows_erasure(42)"], ["operation(\"restore\")", "follows_erasure(43)"]),
    ] {
        for check in [holds.as_slice(), &["owner(42)", "time(2026-01-01T00:00:00Z)", "issued_at(1767225600000)"]].concat() {
            assert_eq!(house.grants(&append(&house.ticket_for(errand), &format!("check if {check}"))), Ok(()), "{check}");
        }
        for check in [fails.as_slice(), &["owner(43)", "user(42)", "user($u)", "preference_key($k)", "audience(\"owner\")", "false", "1 / 0 == 1"]].concat() {
            let token = append(&house.ticket_for(errand), &format!("check if {check}"));
            assert_eq!(house.grants(&token), Err(GrantError::Narrowed), "{check}");
            assert_eq!(house.grants(&append(&token, "check if true")), Err(GrantError::Narrowed), "{check}");
        }
    }
    let narrowing = Narrowing { read_only: true, ..Narrowing::default() };
    assert_eq!(house.grants(&attenuate(&house.ticket_for(RESTORE), &narrowing).unwrap()), Err(GrantError::Narrowed));
    assert_eq!(house.grants(&attenuate(&house.ticket_for(FOLLOW), &narrowing).unwrap()), Ok(()));
    assert_eq!(house.grants(&house.odd_token("issued_at(0); restores(42, 3); check if operation(\"read\")")), Err(GrantError::Narrowed));
}

#[test]
fn the_token_itself_is_asked_for_its_errand() {
    let house = House::new();
    for (said, run) in [(RESTORE, FOLLOW), (FOLLOW, RESTORE), (RESTORE, Errand::Restore { user: UserId::new(43), epoch: 3 })] {
        let envelope = Envelope::open(&house.ticket_for(said)).unwrap();
        let biscuit = Biscuit::from(&envelope.bytes, house.key.public().key()).unwrap();
        let ticket = BiscuitTicket::new(Checked::new(biscuit, &envelope).unwrap(), run);
        assert_eq!(ticket.allows(house.now()), Err(GrantError::Narrowed), "{run:?} with {said:?}");
    }
}

#[test]
fn tickets_are_bound_like_every_token() {
    let house = House::new();
    for errand in ERRANDS {
        let ticket = house.ticket_for(errand);
        let chain = |length| (0..length).fold(ticket.clone(), |token, _| append(&token, "check if true"));
        assert_eq!(house.grants(&chain(3)), Ok(()));
        assert_eq!(house.verifier.verify_bearer(&chain(4)).unwrap_err(), TokenError::TooComplex(Excess::Blocks));
        let join = append(&ticket, "check if owner($a), owner($b), owner($c), owner($d)");
        assert_eq!(house.verifier.verify_bearer(&join).unwrap_err(), TokenError::TooComplex(Excess::Predicates));
        let regex = append(&ticket, "check if operation($o), $o.matches(\"x\")");
        assert_eq!(house.verifier.verify_bearer(&regex).unwrap_err(), TokenError::TooComplex(Excess::Regex));
    }
    let crowd = house.odd_token("issued_at(0); follows_erasure(42); group(1); group(2); group(3)");
    assert_eq!(house.verifier.verify_bearer(&crowd).unwrap_err(), TokenError::TooComplex(Excess::Facts));
    assert_eq!(house.verifier.verify_bearer(&"A".repeat(4097)).unwrap_err(), TokenError::TooLarge);
}

#[test]
fn a_strangers_ticket_is_worth_nothing() {
    let house = House::new();
    let ticket = |key: &SigningKey| issue_ticket(key, RESTORE, house.now().after(HOUR), house.now()).unwrap();
    assert_eq!(house.verifier.verify_bearer(&ticket(&SigningKey::generate(1))).unwrap_err(), TokenError::BadSignature);
    assert_eq!(house.verifier.verify_bearer(&ticket(&SigningKey::generate(2))).unwrap_err(), TokenError::UnknownKey(Some(2)));
}

#[test]
fn a_changed_ticket_is_never_for_something_else() {
    let house = House::new();
    let token = append(&house.ticket_for(RESTORE), "check if operation(\"read\")");
    let bytes = Envelope::open(&token).unwrap().bytes;
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 0x01;
        match house.verifier.verify_bearer(&encode(&changed)) {
            Err(_) => {}
            Ok(Bearer::Caller(caller)) => panic!("byte {position}: {caller:?}"),
            Ok(Bearer::Ticket(ticket)) => {
                assert_eq!(ticket.errand, RESTORE, "byte {position}");
                assert_eq!(ticket.grant.allows(house.now()), Err(GrantError::Narrowed), "byte {position}");
            }
        }
    }
}

#[test]
fn debug_output_shows_no_key() {
    let house = House::new();
    let text = format!("{:?}", house.ticket(&house.ticket_for(RESTORE)));
    assert!(text.contains("BiscuitTicket { token: Checked { last_second: Some("), "{text}");
    assert!(!text.contains("Secret"), "{text}");
}

proptest! {
    /// Behind a good signature, so that the innermost decoding is reached.
    #[test]
    fn no_signed_bytes_make_a_caller_of_a_ticket(bytes in prop::collection::vec(any::<u8>(), 0..64), skip in 0_usize..64) {
        let house = House::new();
        let token = house.ticket_for(FOLLOW);
        let mut block = block_behind(&token, "check if follows_erasure($u), owner($u), {42, 43}.contains($u) && !($u == 44)").encode_to_vec();
        let place = skip.min(block.len()).min(block.len().saturating_sub(bytes.len()));
        block.splice(place..(place + bytes.len()).min(block.len()), bytes);
        let biscuit = Biscuit::from_base64(&token, house.key.pair().public()).unwrap();
        let next = KeyPair::new_with_algorithm(Algorithm::Ed25519);
        let changed = encode(&biscuit.container().append_serialized(&next, block, None).unwrap().to_vec().unwrap());
        prop_assert!(house.verifier.verify(&changed).is_err());
        if let Ok(bearer) = house.verifier.verify_bearer(&changed) {
            prop_assert!(matches!(&bearer, Bearer::Ticket(ticket) if ticket.errand == FOLLOW), "{bearer:?}");
            if let Bearer::Ticket(ticket) = bearer {
                let _ = ticket.grant.allows(house.now());
            }
        }
    }
}
