//! What a token allows that was narrowed.

use super::*;
use proptest::prelude::*;

fn narrow(token: &str, narrowing: &Narrowing) -> String {
    attenuate(token, narrowing).unwrap()
}

fn read_only() -> Narrowing {
    Narrowing { read_only: true, ..Narrowing::default() }
}

fn under(prefix: &str) -> Narrowing {
    Narrowing { key_prefix: Some(prefix.to_owned()), ..Narrowing::default() }
}

fn until(time: Timestamp) -> Narrowing {
    Narrowing { expires_at: Some(time), ..Narrowing::default() }
}

#[test]
fn read_only_is_for_reading_only() {
    let house = House::new();
    for admin in [false, true] {
        let token = narrow(&house.token(42, admin), &read_only());
        for operation in Operation::ALL {
            let expected = if operation == Operation::Read { Ok(()) } else { Err(GrantError::Narrowed) };
            assert_eq!(house.allows(&token, &Act::on(operation, UserId::new(42))), expected);
        }
        assert!(!house.caller(&token).grant.depends_on_key());
    }
}

#[test]
fn a_prefix_needs_a_key_that_begins_with_it() {
    let house = House::new();
    let whole = house.token(42, false);
    let token = narrow(&whole, &under("notifications."));
    assert_eq!(house.allows(&token, &read(42).with_key(&key("notifications.push"))), Ok(()));
    assert_eq!(house.allows(&token, &read(42).with_key(&key("notifications"))), Err(GrantError::Narrowed));
    assert_eq!(house.allows(&token, &read(42).with_key(&key("theme"))), Err(GrantError::Narrowed));
    assert_eq!(house.allows(&token, &read(42)), Err(GrantError::Narrowed));
    assert!(house.caller(&token).grant.depends_on_key());
    assert!(!house.caller(&whole).grant.depends_on_key());
    assert_eq!(house.allows(&whole, &read(42)), Ok(()));
}

#[test]
fn what_depends_on_the_key_does_so_in_any_block_and_any_form() {
    let house = House::new();
    for check in [
        "check if preference_key(\"theme\")",
        "check if operation(\"read\") or preference_key($k), $k.ends_with(\"x\")",
        "check all preference_key($k), $k == \"theme\"",
        "reject if preference_key(\"secret\")",
    ] {
        let token = narrow(&append(&house.token(42, false), check), &read_only());
        assert!(house.caller(&token).grant.depends_on_key(), "{check}");
    }
    let mine = house.odd_token("user(42); issued_at(0); check if preference_key($k)");
    assert!(house.caller(&mine).grant.depends_on_key());
}

#[test]
fn a_prefix_is_data() {
    let house = House::new();
    for prefix in ["\"", "\") or true //", "$k", "{prefix}", "\\", "a\nb", "é", ""] {
        let token = narrow(&house.token(42, false), &under(prefix));
        assert_eq!(house.allows(&token, &read(42).with_key(&key(&format!("{prefix}x")))), Ok(()), "{prefix:?}");
        if !prefix.is_empty() {
            assert_eq!(house.allows(&token, &read(42).with_key(&key("x"))), Err(GrantError::Narrowed), "{prefix:?}");
        }
    }
}

#[test]
fn a_narrowed_token_expires_when_it_is_told_to() {
    let house = House::new();
    let whole = house.token(42, false);
    let token = narrow(&whole, &until(house.now().after(Duration::from_mins(1))));
    house.pass(Duration::from_mins(1));
    assert_eq!(house.allows(&token, &read(42)), Ok(()));
    house.pass(Duration::from_secs(1));
    assert_eq!(house.refusal(&token), TokenError::Expired);
    assert_eq!(house.allows(&whole, &read(42)), Ok(()));
}

#[test]
fn a_later_end_extends_nothing() {
    let house = House::new();
    let token = narrow(&house.token(42, false), &until(house.now().after(2 * HOUR)));
    house.pass(HOUR + Duration::from_secs(1));
    assert_eq!(house.refusal(&token), TokenError::Expired);
}

#[test]
fn every_narrowing_holds() {
    let house = House::new();
    let end = house.now().after(Duration::from_mins(1));
    let at_once = Narrowing { read_only: true, key_prefix: Some("a".to_owned()), expires_at: Some(end) };
    let one_by_one = [read_only(), under("a"), until(end)].iter().fold(house.token(42, false), |token, one| narrow(&token, one));
    for token in [narrow(&house.token(42, false), &at_once), one_by_one] {
        assert_eq!(house.allows(&token, &read(42).with_key(&key("ab"))), Ok(()));
        assert_eq!(house.allows(&token, &read(42).with_key(&key("b"))), Err(GrantError::Narrowed));
        let delete = Act::on(Operation::Delete, UserId::new(42));
        assert_eq!(house.allows(&token, &delete.with_key(&key("ab"))), Err(GrantError::Narrowed));
    }
}

#[test]
fn a_narrowing_must_narrow() {
    let house = House::new();
    assert_eq!(attenuate(&house.token(42, false), &Narrowing::default()), Err(TokenError::NothingToNarrow));
}

#[test]
fn a_sealed_token_cannot_be_narrowed_but_is_good() {
    let house = House::new();
    let sealed = UnverifiedBiscuit::from_base64(house.token(42, false)).unwrap().seal().unwrap().to_base64().unwrap();
    assert_eq!(house.allows(&sealed, &read(42)), Ok(()));
    assert_eq!(attenuate(&sealed, &read_only()), Err(TokenError::Sealed));
}

#[test]
fn no_token_is_made_that_would_not_be_accepted() {
    let house = House::new();
    let full = (0..3).fold(house.token(42, false), |token, _| narrow(&token, &read_only()));
    assert_eq!(house.allows(&full, &read(42)), Ok(()));
    assert_eq!(attenuate(&full, &read_only()), Err(TokenError::TooComplex(Excess::Blocks)));
    assert_eq!(attenuate(&house.token(42, false), &under(&"x".repeat(4000))), Err(TokenError::TooLarge));
    assert!(matches!(attenuate("no token", &read_only()), Err(TokenError::Malformed(_))));
}

#[test]
fn checks_on_the_time_are_read_in_their_usual_forms_and_held_in_every_other() {
    let house = House::new();
    let (last, after) = (Duration::from_secs(3599), Duration::from_secs(3601));
    for (check, when_over) in [
        ("check if time($t), $t <= 2026-01-01T01:00:00Z", None),
        ("check if time($t), $t < 2026-01-01T01:00:00Z", None),
        ("check if time($t), 2026-01-01T01:00:00Z >= $t", Some(GrantError::Narrowed)),
        ("check all time($t), $t <= 2026-01-01T01:00:00Z", Some(GrantError::Narrowed)),
        ("reject if time($t), $t > 2026-01-01T01:00:00Z", Some(GrantError::Narrowed)),
        ("check if time($t), $t <= 2026-01-01T01:00:00Z, true", Some(GrantError::Narrowed)),
    ] {
        let token = house.odd_token(&format!("user(42); issued_at(0); {check}"));
        let grant = house.caller(&token).grant;
        let start = house.now();
        assert_eq!(grant.allows(&read(42), start.after(last)), Ok(()), "{check}");
        let at_end = if check.contains(" < ") { Err(GrantError::Expired) } else { Ok(()) };
        assert_eq!(grant.allows(&read(42), start.after(HOUR)), at_end, "{check}");
        assert_eq!(grant.allows(&read(42), start.after(after)), Err(when_over.unwrap_or(GrantError::Expired)), "{check}");
    }
}

#[test]
fn dates_beyond_every_calendar_are_no_trouble() {
    let house = House::new();
    let token = house.token(42, false);
    let mut block = block_behind(&token, "check if time($t), $t <= 2026-01-01T01:00:00Z");
    let value = &mut block.checks[0].queries[0].expressions[0].ops[1];
    *value = schema::Op { content: Some(schema::op::Content::Value(schema::Term { content: Some(schema::term::Content::Date(u64::MAX)) })) };
    assert_eq!(house.allows(&house.append_raw(&token, &block), &read(42)), Ok(()));

    let new = NewToken { user: UserId::new(42), admin: false, ttl: Duration::MAX };
    let forever = issue(&house.key, &new, house.now()).unwrap();
    assert_eq!(house.allows(&forever, &read(42)), Ok(()));
    assert!(inspect(&forever).unwrap().expires_at.is_some());
}

#[test]
fn a_check_that_cannot_be_evaluated_does_not_hold() {
    let house = House::new();
    for check in ["check if 1 / 0 == 1", "check if 1 && true", "check if \"a\" < \"b\"", "check if $nowhere == 1", "check if 1"] {
        let token = append(&house.token(42, false), check);
        assert_eq!(house.allows(&token, &read(42)), Err(GrantError::Narrowed), "{check}");
    }
}

#[test]
fn inspection_shows_what_a_token_says() {
    let house = House::new();
    let end = house.now().after(Duration::from_mins(1));
    let token = narrow(&house.token(42, true), &Narrowing { read_only: true, key_prefix: Some("a.".to_owned()), expires_at: Some(end) });
    let inspection = inspect(&token).unwrap();
    assert_eq!(inspection.root_key_id, Some(1));
    assert_eq!(inspection.expires_at, Some(end));
    assert_eq!(
        inspection.blocks,
        [
            "user(42);\nissued_at(1767225600000);\nrole(\"admin\");\ncheck if time($time), $time <= 2026-01-01T01:00:00Z;\n",
            "check if operation(\"read\");\ncheck if preference_key($key), $key.starts_with(\"a.\");\ncheck if time($time), $time <= 2026-01-01T00:01:00Z;\n",
        ]
    );
    assert_eq!(inspection.revocation_ids.len(), 2);
    assert!(inspection.revocation_ids.iter().all(|id| id.len() == 128 && id.bytes().all(|digit| digit.is_ascii_hexdigit())));
    let text = inspection.to_string();
    assert!(text.starts_with("The signature was not checked"), "{text}");
    assert!(text.contains("\nexpires: 2026-01-01T00:01:00.000000Z\n"), "{text}");
    assert!(text.contains("\nblock 1 (attenuation), revocation id "), "{text}");
}

#[test]
fn inspection_needs_no_good_signature_and_no_end() {
    let text = inspect(&House::new().odd_token("user(42)")).unwrap().to_string();
    assert!(text.contains("expires: not that it says so"), "{text}");
}

#[test]
fn inspection_cannot_be_deceived_by_strings() {
    let house = House::new();
    let token = narrow(&house.token(42, false), &under("x\");\ncheck if operation(\"read\u{1b}[2J\u{202e}"));
    let block = &inspect(&token).unwrap().blocks[1];
    assert_eq!(block, "check if preference_key($key), $key.starts_with(\"x\\\");\\ncheck if operation(\\\"read\\u{1b}[2J\\u{202e}\");\n");
}

proptest! {
    #[test]
    fn a_prefix_allows_just_the_keys_that_begin_with_it(prefix in "\\PC{0,8}", name in "\\PC{0,12}") {
        let house = House::new();
        let token = narrow(&house.token(42, false), &under(&prefix));
        let allowed = house.allows(&token, &read(42).with_key(&key(&name))).is_ok();
        prop_assert_eq!(allowed, name.starts_with(&prefix));
    }
}
