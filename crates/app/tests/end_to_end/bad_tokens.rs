//! Tokens that are no good: each is 401, costs next to nothing, and the next request is served.

use crate::common::forge::{append, expired_token};
use crate::common::raw::{exchange, status};
use crate::common::{Lethe, NOBODY, Store, User};
use serde_json::json;

/// Sends exactly these header lines besides the usual ones.
fn get_me(lethe: &Lethe, query: &str, headers: &[Vec<u8>]) -> String {
    let mut request = format!("GET /api/v2/user/me/{query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n").into_bytes();
    for header in headers {
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    exchange(lethe.address(), &request)
}

fn authorization(value: &str) -> Vec<u8> {
    format!("Authorization: {value}").into_bytes()
}

#[track_caller]
fn is_unknown(lethe: &Lethe, user: &User, token: &str) {
    let client = lethe.bearing(token);
    client.get("/api/v2/user/me/").unauthorized();
    client.post(&user.preferences(), &json!({ "key": "k", "value": 1 })).unauthorized();
    client.delete(&format!("{}?hard=1", user.path())).unauthorized();
    client.get("/settings/user").refused_settings(401, "Unauthorized");
    assert_eq!(user.client.get(&user.preferences()).body(200)["count"], 0);
}

#[test]
fn headers_that_name_nobody() {
    let lethe = Lethe::start(Store::sqlite());
    let ann = lethe.sign_up("ann");
    let good = &ann.token;
    let huge = "x".repeat(100_000);
    let headers: Vec<Vec<Vec<u8>>> = vec![
        vec![],
        vec![authorization("")],
        vec![authorization("Bearer")],
        vec![authorization("Bearer ")],
        vec![authorization("Basic dTpw")],
        vec![authorization(good)],
        vec![authorization(&format!("Bearer{good}"))],
        vec![authorization("Bearer garbage")],
        vec![authorization("Bearer \u{e9}")],
        vec![b"Authorization: Bearer \xff\xfe".to_vec()],
        vec![authorization(&format!("Bearer {good} {good}"))],
        vec![authorization(&format!("Bearer {good}x"))],
        vec![authorization(&format!("Bearer {}", &good[..good.len() - 8]))],
        vec![authorization(&format!("Bearer {good}")), authorization(&format!("Bearer {good}"))],
        vec![authorization("Bearer garbage"), authorization(&format!("Bearer {good}"))],
        vec![format!("X-Authorization: Bearer {good}").into_bytes()],
        vec![format!("Cookie: token={good}").into_bytes()],
    ];
    for headers in headers {
        let answer = get_me(&lethe, "", &headers);
        assert_eq!(status(&answer), Some(401), "{:?} got {answer}", headers.iter().map(|header| String::from_utf8_lossy(header)).collect::<Vec<_>>());
        assert!(answer.to_lowercase().contains("www-authenticate: bearer realm=\"api\""), "{answer}");
        assert!(answer.contains("{\"errors\":[{\"code\":"), "{answer}");
    }
    let answer = get_me(&lethe, "", &[authorization(&format!("Bearer {huge}"))]);
    assert!(matches!(status(&answer), Some(400 | 401 | 431)), "{answer}");
    for query in ["?access_token=", "?token=", "?authorization=Bearer%20"] {
        assert_eq!(status(&get_me(&lethe, &format!("{query}{good}"), &[])), Some(401), "a token in a URL is none");
    }
    for value in [format!("bearer {good}"), format!("TOKEN {good}"), format!("Token   {good} ")] {
        assert_eq!(status(&get_me(&lethe, "", &[authorization(&value)])), Some(200), "{value}");
    }
}

#[test]
fn tokens_of_other_makes() {
    let lethe = Lethe::start(Store::sqlite());
    let ann = lethe.sign_up("ann");
    let stranger = Lethe::install(Store::sqlite());
    is_unknown(&lethe, &ann, &stranger.token(ann.id));
    is_unknown(&lethe, &ann, stranger.admin_token());
    is_unknown(&lethe, &ann, &expired_token(&lethe, ann.id));
    lethe.bearing(&lethe.token(NOBODY)).get("/api/v2/user/me/").unauthorized();
    let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VyX2lkIjoxLCJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl";
    is_unknown(&lethe, &ann, jwt);
    // One changed byte, wherever it is.
    for at in (0..ann.token.len()).step_by(7) {
        let mut forged = ann.token.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let answer = lethe.bearing(std::str::from_utf8(&forged).unwrap()).get("/api/v2/user/me/");
        // Some bits of the last characters mean nothing.
        assert!(answer.status == 401 || at >= ann.token.len() - 4, "byte {at}: {answer:?}");
    }
    assert_eq!(ann.client.get("/api/v2/user/me/").body(200)["id"], ann.id);
}

#[test]
fn blocks_that_claim_more() {
    let lethe = Lethe::start(Store::sqlite());
    let (ann, bob) = (lethe.sign_up("ann"), lethe.sign_up("bob"));
    for claim in ["role(\"admin\")", &format!("user({})", bob.id), "role(\"admin\") <- user($id)", "operation(\"read\"); audience(\"members\")"] {
        is_unknown(&lethe, &ann, &append(&ann.token, claim));
    }
    let narrowed = append(&ann.token, "check if operation(\"read\")");
    is_unknown(&lethe, &ann, &append(&narrowed, "role(\"admin\")"));
    assert_eq!(lethe.bearing(&narrowed).get(&ann.preferences()).status, 200);
    lethe.bearing(&narrowed).get(&bob.preferences()).forbidden();
}

/// Each of these would keep a processor busy for long if it were evaluated.
#[test]
fn blocks_that_burn_time() {
    let lethe = Lethe::start(Store::sqlite());
    let ann = lethe.sign_up("ann");
    let numbers = |count: usize| (0..count).map(|at| at.to_string()).collect::<Vec<_>>().join(", ");
    let facts = (0..60).map(|at| format!("f({at})")).collect::<Vec<_>>().join("; ");
    let hostile = [
        format!("{facts}; check if f($a), f($b), f($c), f($d), $a + $b + $c + $d < 0"),
        "check if f($a), f($b), f($c), f($d), $a + $b + $c + $d < 0".to_owned(),
        vec!["check if true"; 100].join("; "),
        format!("check if {}", vec!["false"; 100].join(" or ")),
        format!("check if {}", vec!["false"; 200].join(" || ")),
        format!("check if {{{}}}.all($x -> {{{}}}.any($y -> $x == $y))", numbers(40), numbers(40)),
        "check if preference_key($k), $k.matches(\"(a{1,100}){1,100}{1,100}$\")".to_owned(),
        format!("check if {{{}}}.contains(1)", numbers(500)),
    ];
    for datalog in hostile {
        let token = append(&ann.token, &datalog);
        for _ in 0..3 {
            is_unknown(&lethe, &ann, &token);
        }
    }
    let deep = (0..20).fold(ann.token.clone(), |token, _| append(&token, "check if true"));
    is_unknown(&lethe, &ann, &deep);
}
