//! Preferences over HTTP.

use super::house::{FORM, JSON, Reply, With, ask, ask_at, delete, get, patch, post, preference, preference_json, put};
use super::mocks::Mocks;
use crate::HttpConfig;
use actix_web::http::StatusCode;
use lethe_domain::{JsonText, NewPreference, Page, PageRequest, PreferenceId, PreferenceKey, PreferenceUpdate, UserId};
use lethe_ports::inbound::KeyFilter;
use mockall::predicate::{always, eq};

fn key(text: &str) -> PreferenceKey {
    PreferenceKey::from_store(text.into())
}

fn value(text: &str) -> JsonText {
    JsonText::from_store(text.into())
}

/// A service that expects exactly this preference to be created for user 1.
fn creating(name: &str, json: &str) -> Mocks {
    let mut mocks = Mocks::default();
    let (made, new) = (preference(name, json), NewPreference { key: key(name), value: value(json) });
    mocks.preferences.expect_create().with(always(), eq(UserId::new(1)), eq(new)).once().return_once(|_, _, _| Ok(made));
    mocks
}

/// A service that expects exactly this change of preference 7 of user 1.
fn updating(update: PreferenceUpdate) -> Mocks {
    let mut mocks = Mocks::default();
    mocks.preferences.expect_update().with(always(), eq(UserId::new(1)), eq(PreferenceId::new(7)), eq(update), always()).once().return_once(
        |_, _, _, update, _| {
            let (name, json) = (update.key().map_or("theme", PreferenceKey::as_str), update.value().map_or("1", JsonText::as_str));
            Ok(preference(name, json))
        },
    );
    mocks
}

async fn create(name: &str, json: &str, content_type: &str, body: &str) -> Reply {
    ask(creating(name, json), post("/api/v2/user/1/preference/").by(1).with(content_type, body)).await
}

#[actix_web::test]
async fn the_page_on_creating_works_as_printed() {
    let body = "{\n    \"key\": \"string\",\n    \"value\": \"json\"\n}";
    let reply = create("string", "\"json\"", FORM, body).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::CREATED, preference_json("string", "\"json\"").as_str()));
    assert_eq!(reply.header("content-type"), JSON);
}

#[actix_web::test]
async fn the_page_on_patching_works_as_printed() {
    let body = "{\n    \"key\": \"string\",\n    \"value\": \"json\"\n}";
    let update = PreferenceUpdate::Both(key("string"), value("\"json\""));
    let reply = ask(updating(update), patch("/api/v2/user/1/preference/7/").by(1).with(FORM, body)).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, preference_json("string", "\"json\"").as_str()));
}

#[actix_web::test]
async fn the_page_on_deleting_works_as_printed() {
    let mut mocks = Mocks::default();
    mocks.preferences.expect_delete().with(always(), eq(UserId::new(1)), eq(PreferenceId::new(1)), always()).once().return_once(|_, _, _, _| Ok(()));
    let reply = ask(mocks, delete("/api/v2/user/1/preference/1/").by(1).insert_header(("content-type", FORM))).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::NO_CONTENT, ""));
    assert!(!reply.headers.contains_key("content-type"));
}

#[actix_web::test]
async fn both_kinds_of_body_create() {
    for (content_type, body) in [
        (JSON, r#"{"key":" theme ","value":{"b":1.0,"a":2}}"#),
        (JSON, r#"{"id":5,"user_id":9,"created_at":null,"unknown":[],"key":"x","key":"theme","value":{"b":1.0, "a":2}}"#),
        ("text/plain", r#"{"key":"theme","value":{"b":1.0,"a":2}}"#),
        (FORM, "key=theme&value=%7B%22b%22%3A1.0%2C%22a%22%3A2%7D"),
        ("", "key=theme&value=%7B%22b%22%3A1.0%2C%22a%22%3A2%7D"),
    ] {
        let reply = create("theme", r#"{"b":1.0,"a":2}"#, content_type, body).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{content_type} {body} {reply:?}");
    }
    assert_eq!(create("theme", "\"dark\"", FORM, "key=theme&value=dark").await.status, StatusCode::CREATED);
}

#[actix_web::test]
async fn a_value_goes_in_and_comes_out_to_the_letter() {
    for json in ["null", "1e131071", "-0", "1.0", "123456789012345678901234567890", r#""\u0000\/\ud83d\ude00""#, r#"{"b":1,"a":2,"b":3}"#, "[]"] {
        let reply = create("k", json, JSON, &format!("{{\"key\":\"k\",\"value\":{json}}}")).await;
        assert_eq!(reply.body, preference_json("k", json), "{json}");
    }
}

#[actix_web::test]
async fn patch_changes_what_it_names_and_put_wants_both() {
    let table = [
        (r#"{"key":"a"}"#, PreferenceUpdate::Key(key("a"))),
        (r#"{"value":null}"#, PreferenceUpdate::Value(value("null"))),
        (r#"{"value":0,"key":"a"}"#, PreferenceUpdate::Both(key("a"), value("0"))),
    ];
    for (body, update) in table {
        let reply = ask(updating(update), patch("/api/v2/user/me/preference/7").by(1).with_json(body)).await;
        assert_eq!(reply.status, StatusCode::OK, "{body} {reply:?}");
    }
    let both = PreferenceUpdate::Both(key("a"), value("1"));
    let reply = ask(updating(both), put("/api/v2/user/1/preference/7/").by(1).with_json(r#"{"key":"a","value":1}"#)).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, preference_json("a", "1").as_str()));
}

#[actix_web::test]
async fn a_single_preference_is_shown() {
    let mut mocks = Mocks::default();
    let owner_and_id = |user| (eq(UserId::new(user)), eq(PreferenceId::new(i64::MAX)));
    let (owner, id) = owner_and_id(1);
    mocks.preferences.expect_get().with(always(), owner, id).once().return_once(|_, _, _| Ok(preference("a", "[1]")));
    let reply = ask(mocks, get("/api/v2/user/1/preference/9223372036854775807/?").by_admin()).await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, preference_json("a", "[1]").as_str()));
}

/// A service with a list of 45 preferences, which expects to be asked for this part of it.
fn listing(filter: KeyFilter, limit: &str, offset: &str) -> Mocks {
    let mut mocks = Mocks::default();
    let page = PageRequest::from_text(Some(limit), Some(offset));
    mocks.preferences.expect_list().with(always(), eq(UserId::new(1)), eq(filter), eq(page)).once().return_once(|_, _, _, _| {
        let items = vec![preference("a", "1")];
        Ok(Page { count: 45, items })
    });
    mocks
}

fn page_json(next: &str, previous: &str) -> String {
    let uri = |uri: &str| if uri.is_empty() { "null".to_owned() } else { format!("\"{uri}\"") };
    format!("{{\"count\":45,\"next\":{},\"previous\":{},\"results\":[{}]}}", uri(next), uri(previous), preference_json("a", "1"))
}

#[actix_web::test]
async fn a_page_leads_to_its_neighbours() {
    let list = "http://lethe.test/api/v2/user/me/preference/";
    let table = [
        ("", "20", "0", format!("{list}?limit=20&offset=20"), String::new()),
        ("?limit=20&offset=20", "20", "20", format!("{list}?limit=20&offset=40"), format!("{list}?limit=20")),
        ("?offset=5&limit=x&a=b%26&a=c", "20", "5", format!("{list}?a=b%26&a=c&limit=20&offset=25"), format!("{list}?a=b%26&a=c&limit=20")),
        ("?limit=1000&offset=40", "100", "40", String::new(), format!("{list}?limit=100")),
        ("?limit=10&offset=99", "10", "99", String::new(), format!("{list}?limit=10&offset=89")),
        ("?limit=0&offset=-1", "20", "0", format!("{list}?limit=20&offset=20"), String::new()),
        ("?limit=5&limit=10", "10", "0", format!("{list}?limit=10&offset=10"), String::new()),
    ];
    for (query, limit, offset, next, previous) in table {
        let reply = ask(listing(KeyFilter::All, limit, offset), get(&format!("/api/v2/user/me/preference/{query}")).by(1)).await;
        assert_eq!((reply.status, reply.body), (StatusCode::OK, page_json(&next, &previous)), "{query}");
    }
}

#[actix_web::test]
async fn addresses_begin_with_the_public_url_or_with_what_was_asked() {
    let path = "/api/v2/user/1/preference?limit=40";
    let table = [
        (Some("https://api.example.org/"), path.to_owned(), "https://api.example.org"),
        (Some("https://example.org/lethe"), path.to_owned(), "https://example.org/lethe"),
        (None, path.to_owned(), "http://lethe.test"),
        (None, format!("https://user@other.test:8443{path}"), "https://other.test:8443"),
    ];
    for (public_url, uri, base) in table {
        let config = HttpConfig { public_url: public_url.map(str::to_owned), ..HttpConfig::default() };
        let asked = get(&uri).by(1).insert_header(("x-forwarded-host", "evil.test")).insert_header(("forwarded", "host=evil.test"));
        let reply = ask_at(config, listing(KeyFilter::All, "40", "0"), asked).await;
        assert_eq!(reply.body, page_json(&format!("{base}/api/v2/user/1/preference?limit=40&offset=40"), ""), "{uri}");
    }
}

#[actix_web::test]
async fn key_and_search_ask_for_exactly_one_key() {
    let table = [
        ("?key=a", KeyFilter::Exactly(key("a"))),
        ("?search=+a%2Fb+", KeyFilter::Exactly(key("a/b"))),
        ("?key=a&search=a", KeyFilter::Exactly(key("a"))),
        ("?key=a&search=b", KeyFilter::Nothing),
        ("?key=.", KeyFilter::Nothing),
        ("?key=.&search=a", KeyFilter::Nothing),
        ("?key=&search", KeyFilter::All),
    ];
    for (query, filter) in table {
        let reply = ask(listing(filter, "20", "0"), get(&format!("/api/v2/user/1/preference/{query}")).by(1)).await;
        assert_eq!(reply.status, StatusCode::OK, "{query} {reply:?}");
    }
}
