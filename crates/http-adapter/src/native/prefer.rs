//! What a client would rather be answered: the header `Prefer` of RFC 7240.

use actix_web::http::header::{HeaderMap, HeaderName};

/// The header of a request.
pub(crate) const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The header of an answer that is as the client preferred.
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The preference to be shown what became of something.
pub(super) const REPRESENTATION: &str = "return=representation";

/// Whether the client would rather be shown what became of something. Of several preferences on this the first counts.
pub(super) fn representation(headers: &HeaderMap) -> bool {
    let mut preferences = headers.get_all(PREFER).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    preferences.find_map(wanted_return).is_some_and(|word| word.eq_ignore_ascii_case("representation"))
}

/// What one preference wants returned, if it is about that.
fn wanted_return(preference: &str) -> Option<&str> {
    let (name, word) = preference.split(';').next()?.split_once('=')?;
    name.trim().eq_ignore_ascii_case("return").then(|| word.trim().trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn is_preferred(values: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(PREFER, HeaderValue::from_static(value));
        }
        representation(&headers)
    }

    #[test]
    fn the_first_preference_counts() {
        for values in [
            &["return=representation"] as &[&str],
            &["Return = \"representation\""],
            &["respond-async, wait=5, return=representation; x=y"],
            &["handling=strict", "return=representation"],
            &["return=representation, return=minimal"],
        ] {
            assert!(is_preferred(values), "{values:?}");
        }
        for values in [&[] as &[&str], &[""], &["return"], &["return=minimal"], &["representation"], &["return=minimal, return=representation"]] {
            assert!(!is_preferred(values), "{values:?}");
        }
    }
}
