//! Who a token says that its bearer is, and who can say so.

use super::*;
use lethe_domain::access::Actor;
use proptest::prelude::*;

#[test]
fn a_token_proves_who_it_was_issued_to() {
    let house = House::new();
    for (user, admin) in [(42, false), (1, true), (i64::MAX, false)] {
        let actor = house.caller(&house.token(user, admin)).actor;
        assert_eq!(actor, Actor { user: UserId::new(user), admin, issued_at: house.now() });
    }
}

#[test]
fn a_remembered_token_proves_the_same_again() {
    let house = House::new();
    let (mine, hers) = (house.token(42, false), house.token(43, true));
    let first = [house.caller(&mine).actor, house.caller(&hers).actor];
    let second = [house.caller(&mine).actor, house.caller(&hers).actor];
    assert_eq!(first, second);
}

#[test]
fn the_time_of_issue_is_in_milliseconds() {
    let house = House::new();
    house.pass(Duration::from_micros(1999));
    let issued_at = house.caller(&house.token(42, false)).actor.issued_at;
    assert_eq!(issued_at.micros(), house.now().micros() - 999);
}

#[test]
fn padding_may_be_left_away() {
    let house = House::new();
    let token = append(&house.token(42, false), "check if true");
    assert_eq!(house.caller(token.trim_end_matches('=')).actor.user, UserId::new(42));
}

#[test]
fn no_token_is_issued_to_what_is_no_user() {
    let house = House::new();
    for user in [0, -1] {
        let new = NewToken { user: UserId::new(user), admin: false, ttl: HOUR };
        assert!(matches!(issue(&house.key, &new, house.now()), Err(TokenError::NotOurs(_))));
    }
}

#[test]
fn a_strangers_key_proves_nothing() {
    let house = House::new();
    let issue_with = |key: &SigningKey| issue(key, &NewToken { user: UserId::new(42), admin: true, ttl: HOUR }, house.now()).unwrap();
    assert_eq!(house.refusal(&issue_with(&SigningKey::generate(1))), TokenError::BadSignature);
    assert_eq!(house.refusal(&issue_with(&SigningKey::generate(2))), TokenError::UnknownKey(Some(2)));
}

#[test]
fn a_token_without_key_number_is_tried_with_trusted_keys_only() {
    let house = House::new();
    let sign = |key: &SigningKey| {
        let builder = Biscuit::builder().code("user(42); issued_at(0)").unwrap();
        builder.build(key.pair()).unwrap().to_base64().unwrap()
    };
    assert_eq!(house.caller(&sign(&house.key)).actor.user, UserId::new(42));
    assert_eq!(house.refusal(&sign(&SigningKey::generate(1))), TokenError::BadSignature);
    let nobody = Verifier::new(vec![], house.clock.clone());
    assert_eq!(nobody.verify(&sign(&house.key)).unwrap_err(), TokenError::UnknownKey(None));
}

#[test]
fn keys_can_be_rotated() {
    let house = House::new();
    let (old, new) = (&house.key, SigningKey::generate(2));
    let token = |key: &SigningKey| issue(key, &NewToken { user: UserId::new(42), admin: false, ttl: HOUR }, house.now()).unwrap();
    let verifier = |keys: &[&SigningKey]| Verifier::new(keys.iter().map(|key| key.public()).collect(), house.clock.clone());

    let both = verifier(&[old, &new]);
    assert!(both.verify(&token(old)).is_ok());
    assert!(both.verify(&token(&new)).is_ok());
    let after = verifier(&[&new]);
    assert_eq!(after.verify(&token(old)).unwrap_err(), TokenError::UnknownKey(Some(1)));
    assert!(after.verify(&token(&new)).is_ok());
}

#[test]
fn a_token_expires_after_its_last_second() {
    let house = House::new();
    let token = house.token(42, false);
    let caller = house.caller(&token);
    house.pass(HOUR + Duration::from_micros(999_999));
    assert_eq!(house.caller(&token).grant.allows(&read(42), house.now()), Ok(()));
    house.pass(Duration::from_micros(1));
    assert_eq!(house.refusal(&token), TokenError::Expired);
    assert_eq!(caller.grant.allows(&read(42), house.now()), Err(GrantError::Expired));
    assert_eq!(caller.grant.allows(&read(43), house.now()), Err(GrantError::Expired));
}

#[test]
fn the_authority_must_name_one_user_and_one_time_of_issue() {
    let house = House::new();
    for authority in [
        "user(42)",
        "issued_at(0)",
        "user(42); issued_at(0); user(43)",
        "user(42); issued_at(0); user(\"43\")",
        "user(42); issued_at(0); user(42, 43)",
        "user(42); issued_at(0); issued_at(1)",
        "user(42); issued_at(\"0\")",
        "user(42); issued_at(2026-01-01T00:00:00Z)",
        "user(\"42\"); issued_at(0)",
        "user(0); issued_at(0)",
        "user(-1); issued_at(0)",
        "role(\"admin\")",
        "check if user(42), issued_at(0)",
    ] {
        assert!(matches!(house.refusal(&house.odd_token(authority)), TokenError::NotOurs(_)), "{authority}");
    }
}

#[test]
fn only_the_admin_role_makes_an_admin() {
    let house = House::new();
    for (role, admin) in [("role(\"admin\")", true), ("role(\"editor\")", false), ("role(\"admin\", 1)", false), ("role(1)", false)] {
        let token = house.odd_token(&format!("user(42); issued_at(0); {role}"));
        assert_eq!(house.caller(&token).actor.admin, admin, "{role}");
        assert_eq!(house.allows(&token, &read(43)).is_ok(), admin, "{role}");
    }
}

#[test]
fn an_appended_block_cannot_say_who_somebody_is() {
    let house = House::new();
    for forgery in ["role(\"admin\")", "user(1)", "issued_at(0)"] {
        let token = append(&house.token(42, false), forgery);
        assert_eq!(house.refusal(&token), TokenError::TooComplex(Excess::Facts), "{forgery}");
    }
    let token = append(&house.token(42, false), "role(\"admin\") <- user($id)");
    assert_eq!(house.refusal(&token), TokenError::TooComplex(Excess::Rules));
}

/// Should an issuer ever name a string that it forgot to add, a bearer must not be the one who adds it.
#[test]
fn an_appended_block_cannot_complete_the_authority() {
    let house = House::new();
    let complete = house.odd_token("user(42); issued_at(0)");
    let mut authority = Envelope::open(&complete).unwrap().authority;
    assert_eq!(authority.symbols, ["issued_at"]);
    authority.symbols.clear();
    let token = house.sign_raw(&authority);
    let completed = house.append_raw(&token, &schema::Block { symbols: vec!["issued_at".to_owned()], version: Some(3), ..schema::Block::default() });
    assert!(matches!(house.refusal(&completed), TokenError::NotOurs(_)));
}

#[test]
fn a_changed_token_is_never_somebody_else() {
    let house = House::new();
    let token = append(&house.token(42, false), "check if operation(\"read\")");
    let bytes = Envelope::open(&token).unwrap().bytes;
    for position in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[position] ^= flip;
            match house.verifier.verify(&encode(&changed)) {
                Err(_) => {}
                Ok(caller) => {
                    assert_eq!((caller.actor.user, caller.actor.admin), (UserId::new(42), false), "byte {position} ^ {flip}");
                    let delete = Act::on(Operation::Delete, UserId::new(42));
                    assert_eq!(caller.grant.allows(&delete, house.now()), Err(GrantError::Narrowed), "byte {position} ^ {flip}");
                }
            }
        }
    }
}

#[test]
fn a_truncated_token_proves_nothing() {
    let house = House::new();
    let token = append(&house.token(42, false), "check if operation(\"read\")");
    let bytes = Envelope::open(&token).unwrap().bytes;
    for length in 0..bytes.len() {
        assert!(house.verifier.verify(&encode(&bytes[..length])).is_err(), "{length} bytes");
    }
}

#[test]
fn a_block_cannot_be_taken_off() {
    let house = House::new();
    let token = append(&house.token(42, false), "check if operation(\"read\")");
    let mut outer = schema::Biscuit::decode(Envelope::open(&token).unwrap().bytes.as_slice()).unwrap();
    outer.blocks.clear();
    assert_eq!(house.refusal(&encode(&outer.encode_to_vec())), TokenError::BadSignature);
}

#[test]
fn what_is_no_token_proves_nothing() {
    let house = House::new();
    for text in ["", "=", "x", "Bearer", "eyJhbGciOiJIUzI1NiJ9.e30.x", "a b", "\0", "é", "AAAA"] {
        assert!(matches!(house.refusal(text), TokenError::Malformed(_)), "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_verifier_panic(text in any::<String>()) {
        prop_assert!(House::new().verifier.verify(&text).is_err());
    }

    #[test]
    fn no_bytes_make_the_verifier_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        prop_assert!(House::new().verifier.verify(&encode(&bytes)).is_err());
    }

    /// Behind a good signature, so that the innermost decoding is reached.
    #[test]
    fn no_signed_bytes_make_the_verifier_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), skip in 0_usize..64) {
        let house = House::new();
        let token = house.token(42, false);
        let mut block = block_behind(&token, "check if preference_key($k), {\"a\", \"b\"}.contains($k) && !($k == \"c\")").encode_to_vec();
        let place = skip.min(block.len()).min(block.len().saturating_sub(bytes.len()));
        block.splice(place..(place + bytes.len()).min(block.len()), bytes);
        let biscuit = Biscuit::from_base64(&token, house.key.pair().public()).unwrap();
        let next = KeyPair::new_with_algorithm(Algorithm::Ed25519);
        let changed = biscuit.container().append_serialized(&next, block, None).unwrap().to_vec().unwrap();
        if let Ok(caller) = house.verifier.verify(&encode(&changed)) {
            prop_assert_eq!(caller.actor.user, UserId::new(42));
            let _ = caller.grant.allows(&read(42).with_key(&key("a")), house.now());
            prop_assert!(caller.grant.allows(&read(43), house.now()).is_err());
        }
    }
}
