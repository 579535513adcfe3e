//! Settings that are wrong are told so, without their secrets.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

fn refusal(endpoints: Vec<WebhookEndpoint>) -> WebhookConfigError {
    Webhooks::new(WebhookConfig { endpoints, ..config("", PATIENCE) }).unwrap_err()
}

#[test]
fn a_url_must_be_one_that_can_be_told() {
    for (url, fault) in [
        ("", UrlFault::Form),
        ("example.org", UrlFault::Scheme),
        ("/hook", UrlFault::Form),
        ("https:/example.org", UrlFault::Form),
        ("https://", UrlFault::Form),
        ("https:///hook", UrlFault::Form),
        ("https://:443/hook", UrlFault::Form),
        ("https://exa mple.org/", UrlFault::Form),
        ("https://ex\u{e4}mple.org/", UrlFault::Form),
        ("https://%31.example.org/", UrlFault::Form),
        (" https://example.org/", UrlFault::Form),
        ("ftp://example.org/", UrlFault::Scheme),
        ("file:///etc/passwd", UrlFault::Form),
        ("https://example.org/#", UrlFault::Fragment),
        ("https://example.org/#part", UrlFault::Fragment),
        ("https://example.org:65536/", UrlFault::Port),
        ("https://example.org:/", UrlFault::Port),
        ("https://[::1]:x/", UrlFault::Port),
    ] {
        assert_eq!(refusal(vec![endpoint(url)]), WebhookConfigError::Url { url: url.to_owned(), fault }, "{url}");
    }
    for url in [
        "http://example.org",
        "HTTP://EXAMPLE.ORG/",
        "http://example.org:8080/a/b?c=d@e",
        "http://[2001:db8::1]:80/",
        "http://192.0.2.1",
        "http://a_b.example.org/%20",
    ] {
        assert_eq!(Webhooks::new(config(url, PATIENCE)).unwrap().endpoints(), [EndpointId::of_url(url)]);
    }
}

#[test]
fn a_user_has_no_place_in_a_url_and_its_password_none_in_an_error() {
    for url in ["https://user:hunter2@example.org/", "https://hunter2@example.org/", "https://@example.org/", "https://a@hunter2@example.org/"] {
        let error = refusal(vec![endpoint(url)]);
        assert!(matches!(error, WebhookConfigError::Url { .. }), "{error:?}");
        assert!(error.to_string().contains("https://…@example.org/"), "{error}");
        assert!(!format!("{error} {error:?} {:?}", endpoint(url)).contains("hunter2"), "{error}");
    }
    assert!(matches!(refusal(vec![endpoint("https://u:p@example.org/")]), WebhookConfigError::Url { fault: UrlFault::User, .. }));
}

#[test]
fn a_secret_is_written_as_the_specification_says() {
    let url = "http://example.org/";
    let with = |secret: String| WebhookConfig { endpoints: vec![WebhookEndpoint { url: url.into(), secret }], ..config(url, PATIENCE) };
    let of_length = |length| format!("whsec_{}", STANDARD.encode(vec![7_u8; length]));
    for secret in [
        String::new(),
        "whsec_".to_owned(),
        "hunter2".to_owned(),
        SECRET.trim_start_matches("whsec_").to_owned(),
        SECRET.replace("whsec_", "WHSEC_"),
        format!("{SECRET} "),
        format!("whsec_{}", "-_".repeat(16)),
        of_length(25).trim_end_matches('=').to_owned(),
        of_length(23),
        of_length(65),
    ] {
        let error = Webhooks::new(with(secret.clone())).unwrap_err();
        assert_eq!(error, WebhookConfigError::Secret { url: url.to_owned() }, "{secret:?}");
        assert!(secret.len() < 7 || !error.to_string().contains(&secret), "{secret:?}");
    }
    for secret in [SECRET.to_owned(), of_length(24), of_length(25), of_length(32), of_length(64)] {
        assert!(Webhooks::new(with(secret)).is_ok());
    }
    let text = refusal(vec![WebhookEndpoint { secret: String::new(), ..endpoint(url) }]).to_string();
    assert_eq!(text, "the secret of the webhook endpoint http://example.org/ is none: it is written whsec_ and then 24 to 64 random bytes in base64");
}

#[test]
fn no_endpoint_is_told_twice() {
    let twins = vec![endpoint("http://a.example/"), endpoint("http://b.example/"), endpoint("http://a.example/")];
    assert_eq!(refusal(twins), WebhookConfigError::Twice { url: "http://a.example/".into() });
    let config = WebhookConfig { endpoints: vec![endpoint("http://a.example/"), endpoint("http://a.example/b")], ..config("", PATIENCE) };
    assert_eq!(Webhooks::new(config).unwrap().endpoints().len(), 2);
}

#[test]
fn whoever_has_nobody_to_tell_tells_nobody() {
    assert!(Webhooks::new(WebhookConfig { endpoints: vec![], ..config("", PATIENCE) }).unwrap().endpoints().is_empty());
}

#[test]
fn roots_are_asked_for_only_if_they_are_needed() {
    assert!(Webhooks::with_roots(config("http://example.org/", PATIENCE), || panic!("not needed")).is_ok());
    assert_eq!(Webhooks::with_roots(config("https://example.org/", PATIENCE), Vec::new).unwrap_err(), WebhookConfigError::NoRoots);
}

#[test]
fn debug_output_shows_no_secret() {
    let config = config("http://example.org/", PATIENCE);
    let text = format!("{config:?} {:?}", Webhooks::new(config.clone()).unwrap());
    assert!(text.contains("http://example.org/"), "{text}");
    assert!(!text.contains(SECRET.trim_start_matches("whsec_")), "{text}");
}
