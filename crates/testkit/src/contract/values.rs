//! Values and keys come back as they went in.

use super::{FullStore, add_user, limits, reading, stamp, writing};
use crate::fixture::{key, preference};
use lethe_domain::preference::NewPreference;

/// Values that some store, column type or number type is known to change or refuse.
const VALUES: [&str; 22] = [
    "null",
    "true",
    "0",
    "-0",
    "1.0",
    "1E5",
    "1e131071",
    "123456789012345678901234567890",
    "0.1000000000000000000000000000000000001",
    "\"\"",
    "\"\\u0000\"",
    "\"\\u00e9é\\/\"",
    "\"\\ud83d\\ude00😀\"",
    "\"it's -- \\\\ $1 ? %\"",
    "[]",
    "{}",
    "[[],{},null]",
    "{\"b\":1,\"a\":2}",
    "{\"a\":1,\"a\":2}",
    "{\"\":{\"\":null}}",
    "{\"\\u0000\":1}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
];

pub async fn every_value_comes_back_as_it_went_in(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let large = format!("\"{}\"", "é".repeat(32_767));
    for (index, value) in VALUES.into_iter().chain([large.as_str()]).enumerate() {
        let made = store.create(&writing(owner), preference(&format!("k{index}"), value), stamp(), &limits()).await.expect("a free key");
        let got = store.get(&reading(owner), made.id).await.expect("there");
        assert_eq!(got.value.as_str(), value);
    }
}

pub async fn every_key_comes_back_as_it_went_in(store: impl FullStore) {
    let owner = add_user(&store, "ann").await;
    let longest = "ü".repeat(255);
    let keys = ["a", "A", "notifications.push", "a/b", "a b", "é", "e\u{301}", "😀", "%", "'", "\"", "\\", "...", longest.as_str()];
    for name in keys {
        let new = NewPreference { key: key(name), value: crate::fixture::json("1") };
        store.create(&writing(owner), new, stamp(), &limits()).await.expect("each is another key");
    }
    let mut expected: Vec<_> = keys.to_vec();
    expected.sort_unstable();
    let all = store.all(&reading(owner)).await.expect("readable").preferences;
    let got: Vec<_> = all.iter().map(|preference| preference.key.as_str()).collect();
    assert_eq!(got, expected, "by key, byte by byte");
}
