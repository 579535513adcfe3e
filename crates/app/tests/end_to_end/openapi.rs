//! The API's description: the same wherever it is asked for, and readable without the internet.

use crate::common::raw::{exchange, status};
use crate::common::{Lethe, Store};
use serde_json::Value;

fn description(lethe: &Lethe) -> Value {
    lethe.anonymous().get("/openapi.json").body(200)
}

#[test]
fn the_description_is_the_agreed_one() {
    let lethe = Lethe::start(Store::sqlite());
    let served = description(&lethe);
    let printed: Value = serde_json::from_str(&lethe.run(&["openapi"])).unwrap();
    assert_eq!(printed, served);
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!("openapi", served);
    });
}

#[test]
fn the_description_is_complete() {
    let lethe = Lethe::install(Store::sqlite());
    let document: Value = serde_json::from_str(&lethe.run(&["openapi"])).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["operationId"].is_string(), "{method} {path}");
            let statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().collect();
            assert!(statuses.iter().any(|status| status.starts_with('2')), "{method} {path} never succeeds");
            let names: Vec<_> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| &parameter["name"])
                .collect();
            assert_eq!(names.len(), path.matches('{').count(), "{method} {path} describes {names:?}");
        }
    }
    // Every reference leads somewhere.
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference} leads nowhere");
    }
}

/// The page and everything that it loads come from here.
#[test]
fn the_page_needs_no_internet() {
    let lethe = Lethe::start(Store::sqlite());
    let client = lethe.anonymous();
    let page = client.get("/docs/").expect(200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let redirect = client.get("/docs");
    assert!(redirect.status == 200 || redirect.header("location").is_some_and(|location| !location.contains("//")), "{redirect:?}");
    let attributes =
        |name: &str| -> Vec<String> { page.text.split(&format!("{name}=\"")).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect() };
    let files: Vec<_> = attributes("src").into_iter().chain(attributes("href")).collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in &files {
        assert!(!file.contains("//"), "{file} is elsewhere");
        let path = format!("/docs/{}", file.trim_start_matches("./"));
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&exchange(lethe.address(), request.as_bytes())), Some(200), "{path}");
    }
    let initializer = client.get("/docs/swagger-initializer.js").expect(200).text;
    assert!(initializer.contains("openapi.json") && !initializer.contains("http://") && !initializer.contains("https://"), "{initializer}");
    client.get("/docs/no-such-file").expect(404);
    client.get("/docs/..%2fopenapi.json").expect(404);
}
