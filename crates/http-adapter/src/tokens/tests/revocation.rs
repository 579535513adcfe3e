//! Tokens that are dead before their time.

use super::*;

fn read_only(token: &str) -> String {
    attenuate(token, &Narrowing { read_only: true, ..Narrowing::default() }).unwrap()
}

fn revoke(house: &House, token: &str) {
    house.verifier.revocations().learn([revocation(token).unwrap().id]);
}

/// The caller of a token, if it has one.
fn is_good(house: &House, token: &str) -> bool {
    match house.verifier.verify_bearer(token) {
        Ok(_) => true,
        Err(TokenError::Revoked) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_revoked_token_is_dead_at_once_though_it_is_remembered() {
    let house = House::new();
    let token = house.token(42, false);
    assert!(house.verifier.verify(&token).is_ok());
    revoke(&house, &token);
    assert_eq!(house.refusal(&token), TokenError::Revoked);
    assert_eq!(house.verifier.verify_bearer(&token).unwrap_err(), TokenError::Revoked);
    assert!(house.verifier.verify(&house.token(42, false)).is_ok(), "another one of the same user");
}

#[test]
fn a_token_that_was_never_seen_can_be_revoked() {
    let house = House::new();
    let token = house.token(42, false);
    revoke(&house, &token);
    assert_eq!(house.refusal(&token), TokenError::Revoked);
}

#[test]
fn a_revocation_goes_down_the_chain_and_not_up() {
    for seen_before in [false, true] {
        let house = House::new();
        let whole = house.token(42, false);
        let narrowed = read_only(&whole);
        let (son, daughter) = (read_only(&narrowed), append(&narrowed, "check if true"));
        let sibling = read_only(&whole);
        let all = [&whole, &narrowed, &son, &daughter, &sibling];
        if seen_before {
            assert!(all.iter().all(|token| is_good(&house, token)));
        }
        revoke(&house, &son);
        assert_eq!(all.map(|token| is_good(&house, token)), [true, true, false, true, true], "seen before: {seen_before}");
        revoke(&house, &narrowed);
        assert_eq!(all.map(|token| is_good(&house, token)), [true, false, false, false, true], "seen before: {seen_before}");
        revoke(&house, &whole);
        assert_eq!(all.map(|token| is_good(&house, token)), [false; 5], "seen before: {seen_before}");
    }
}

#[test]
fn tickets_can_be_revoked() {
    let house = House::new();
    let ticket = house.ticket_for(Errand::Restore { user: UserId::new(42), epoch: 3 });
    let narrowed = append(&ticket, "check if true");
    assert!(is_good(&house, &ticket) && is_good(&house, &narrowed));
    revoke(&house, &narrowed);
    assert!(is_good(&house, &ticket) && !is_good(&house, &narrowed));
    revoke(&house, &ticket);
    assert!(!is_good(&house, &ticket));
}

#[test]
fn sealing_saves_nothing() {
    let house = House::new();
    let token = house.token(42, false);
    let sealed = UnverifiedBiscuit::from_base64(&token).unwrap().seal().unwrap().to_base64().unwrap();
    assert!(is_good(&house, &sealed));
    revoke(&house, &token);
    assert!(!is_good(&house, &sealed));
}

#[test]
fn another_spelling_saves_nothing() {
    let house = House::new();
    let token = append(&house.token(42, false), "check if true");
    house.verifier.revocations().learn([revocation(&token).unwrap().id.to_uppercase()]);
    assert!(!is_good(&house, &token));
    assert!(token.ends_with('='), "or the next line tells nothing");
    assert!(!is_good(&house, token.trim_end_matches('=')));
}

#[test]
fn no_change_of_a_byte_brings_a_token_back() {
    let house = House::new();
    let token = append(&house.token(42, false), "check if true");
    revoke(&house, &token);
    let bytes = Envelope::open(&token).unwrap().bytes;
    for position in 0..bytes.len() {
        for flip in [0x01, 0x10, 0x80] {
            let mut changed = bytes.clone();
            changed[position] ^= flip;
            assert!(house.verifier.verify_bearer(&encode(&changed)).is_err(), "byte {position} ^ {flip}");
        }
    }
}

#[test]
fn a_revoked_token_that_has_expired_stays_refused() {
    let house = House::new();
    let token = house.token(42, false);
    revoke(&house, &token);
    house.pass(2 * HOUR);
    assert_eq!(house.refusal(&token), TokenError::Revoked);
}

#[test]
fn a_list_is_shared_by_its_clones() {
    let house = House::new();
    let (token, list) = (house.token(42, false), house.verifier.revocations());
    let id = revocation(&token).unwrap().id;
    assert_eq!(list.has_any(std::slice::from_ref(&id)), Some(false));
    list.clone().learn([id.clone(), id.clone()]);
    assert_eq!(house.verifier.revocations().has_any(&["00".to_owned(), id]), Some(true));
    assert_eq!(list.has_any(&[]), Some(false));
    assert_eq!(format!("{list:?}"), "RevocationList { count: Some(1) }");
    assert!(Verifier::new(vec![house.key.public()], house.clock.clone()).verify(&token).is_ok(), "every verifier has its own");
}

#[test]
fn no_token_is_good_before_the_dead_ones_are_known() {
    let house = House::new();
    let (dead, ticket) = (house.token(42, false), house.ticket_for(Errand::FollowErasure { user: UserId::new(42) }));
    let living = [house.token(42, false), house.token(1, true), read_only(&house.token(42, false)), ticket];
    let id = revocation(&dead).unwrap().id;
    for (lesson, then) in [(vec![], Ok(())), (vec![id], Err(TokenError::Revoked))] {
        let verifier = Verifier::awaiting_revocations(vec![house.key.public()], house.clock.clone());
        let outcome = |token: &str| verifier.verify_bearer(token).map(drop);
        let list = verifier.revocations();
        assert!(!list.is_known() && list.has_any(&[]).is_none());
        assert_eq!(format!("{list:?}"), "RevocationList { count: None }");
        for _remembered in [false, true] {
            for token in living.iter().chain([&dead]) {
                assert_eq!(outcome(token), Err(TokenError::Unready));
            }
        }
        list.learn(lesson);
        assert!(verifier.revocations().is_known());
        assert_eq!(outcome(&dead), then);
        assert!(living.iter().all(|token| outcome(token) == Ok(())));
    }
    assert!(house.verifier.revocations().is_known(), "whoever has nothing to learn knows it all");
}

#[test]
fn what_is_no_token_is_none_from_the_beginning() {
    let house = House::new();
    let verifier = Verifier::awaiting_revocations(vec![house.key.public()], house.clock.clone());
    let refusal = |token: &str| verifier.verify_bearer(token).unwrap_err();
    let issue_with = |key: &SigningKey| issue(key, &NewToken { user: UserId::new(42), admin: false, ttl: HOUR }, house.now()).unwrap();
    assert!(matches!(refusal("garbage"), TokenError::Malformed(_)));
    assert_eq!(refusal(&"A".repeat(4097)), TokenError::TooLarge);
    assert_eq!(refusal(&issue_with(&SigningKey::generate(1))), TokenError::BadSignature);
    assert_eq!(refusal(&issue_with(&SigningKey::generate(2))), TokenError::UnknownKey(Some(2)));
    assert!(matches!(refusal(&house.odd_token("user(42)")), TokenError::NotOurs(_)));
    let old = house.token(42, false);
    assert_eq!(refusal(&old), TokenError::Unready);
    house.pass(2 * HOUR);
    assert_eq!(refusal(&old), TokenError::Expired);
}

#[test]
fn what_is_to_be_remembered_is_the_last_block_and_its_end() {
    let house = House::new();
    let whole = house.token(42, false);
    let end = house.now().after(Duration::from_mins(1));
    let narrowed = attenuate(&whole, &Narrowing { expires_at: Some(end), ..Narrowing::default() }).unwrap();
    for (token, last_second) in [(&whole, house.now().after(HOUR)), (&narrowed, end)] {
        let revoked = revocation(token).unwrap();
        assert_eq!(Some(&revoked.id), inspect(token).unwrap().revocation_ids.last());
        assert_eq!(revoked.expires_at, Some(last_second.after(Duration::from_secs(1))));
    }
    assert_ne!(revocation(&whole).unwrap().id, revocation(&narrowed).unwrap().id);
    assert_eq!(revocation(&house.odd_token("user(42); issued_at(0)")).unwrap().expires_at, None);
    assert!(matches!(revocation("no token"), Err(TokenError::Malformed(_))));
    assert_eq!(revocation(&"A".repeat(4097)), Err(TokenError::TooLarge));
}
