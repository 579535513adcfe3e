//! The policy is the domain's rule.

use super::*;
use lethe_domain::access::Audience;

#[test]
fn the_policy_says_what_the_domain_says() {
    let house = House::new();
    let theme = key("theme");
    let audiences = [Audience::Owner(UserId::new(42)), Audience::Owner(UserId::new(43)), Audience::Members, Audience::Admins];
    for admin in [false, true] {
        let caller = house.caller(&house.token(42, admin));
        for audience in audiences {
            for operation in Operation::ALL {
                for key in [None, Some(&theme)] {
                    let act = Act { operation, audience, key };
                    let expected = if caller.actor.may(&act) { Ok(()) } else { Err(GrantError::Narrowed) };
                    assert_eq!(caller.grant.allows(&act, house.now()), expected, "{act:?} admin={admin}");
                }
            }
        }
    }
}

#[test]
fn every_fact_of_a_request_is_there() {
    let house = House::new();
    for check in [
        "operation(\"update\")",
        "audience(\"owner\")",
        "owner(42)",
        "preference_key(\"theme\")",
        "time(2026-01-01T00:00:00Z)",
        "user(42)",
        "issued_at(1767225600000)",
    ] {
        let token = append(&house.token(42, false), &format!("check if {check}"));
        let act = Act::on(Operation::Update, UserId::new(42));
        assert_eq!(house.allows(&token, &act.with_key(&key("theme"))), Ok(()), "{check}");
    }
    for (check, act) in [("audience(\"members\")", Act::by_member(Operation::Read)), ("audience(\"admins\")", Act::by_admin(Operation::Read))] {
        let token = append(&house.token(42, true), &format!("check if {check}; reject if owner($id)"));
        assert_eq!(house.allows(&token, &act), Ok(()), "{check}");
    }
}

#[test]
fn debug_output_shows_no_key() {
    let house = House::new();
    let caller = house.caller(&house.token(42, false));
    let text = format!("{caller:?} {:?}", house.verifier);
    assert!(text.contains("BiscuitGrant { token: Checked { last_second: Some("), "{text}");
    assert!(!text.contains("Secret"), "{text}");
}
