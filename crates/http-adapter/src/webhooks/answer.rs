//! What came of an attempt, in the domain's words. Nothing of an answer's content is kept: it is somebody else's, and may be anything.

use super::networks::ForbiddenAddress;
use actix_web::http::header::HttpDate;
use lethe_domain::time::Timestamp;
use lethe_domain::webhook::Answer;
use std::io;
use std::time::{Duration, SystemTime};
use ureq::Error;
use ureq::http::header::RETRY_AFTER;
use ureq::http::{HeaderMap, StatusCode};

/// How long an endpoint can put off the next attempt.
const LONGEST_WAIT: Duration = Duration::from_hours(24);
/// Longer words about a failure are cut, in characters.
const LONGEST_REASON: usize = 200;

/// What an endpoint's answer to a message of `told_at` means.
pub(super) fn of_response(status: StatusCode, headers: &HeaderMap, told_at: Timestamp) -> Answer {
    match status.as_u16() {
        accepted @ 200..=299 => Answer::Accepted(accepted),
        410 => Answer::Gone,
        refused => Answer::Refused(refused, headers.get(RETRY_AFTER).and_then(|value| wait(value.to_str().ok()?, told_at))),
    }
}

/// The time that `Retry-After` asks for, in seconds or up to a date.
fn wait(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let wait = if is_number {
        // More digits than fit are a long time, too.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let date = SystemTime::from(text.parse::<HttpDate>().ok()?);
        date.duration_since(SystemTime::from(now.to_utc())).unwrap_or_default()
    };
    Some(wait.min(LONGEST_WAIT))
}

/// What it means that there was no answer.
pub(super) fn of_error(error: &Error) -> Answer {
    Answer::Unreachable(reason(error).chars().take(LONGEST_REASON).collect())
}

fn reason(error: &Error) -> String {
    match error {
        Error::Timeout(_) => "timed out".to_owned(),
        Error::HostNotFound => "no such host".to_owned(),
        Error::Io(error) => io_reason(error),
        Error::Tls(error) => format!("tls: {error}"),
        Error::Rustls(error) => format!("tls: {error}"),
        Error::Protocol(_) | Error::LargeResponseHeader(..) | Error::BodyStalled => "the answer is no HTTP".to_owned(),
        Error::Other(error) => error.downcast_ref::<ForbiddenAddress>().map_or_else(|| OTHER.to_owned(), ToString::to_string),
        _ => OTHER.to_owned(),
    }
}

const OTHER: &str = "the request failed";

fn io_reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "timed out".to_owned(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            "the connection was cut".to_owned()
        }
        // This is how a handshake fails: with what was wrong about the certificate or the protocol.
        io::ErrorKind::InvalidData => format!("tls: {error}"),
        // Such as "host unreachable".
        kind => kind.to_string(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use ureq::http::HeaderValue;

    /// 2026-01-01T00:00:00Z, a Thursday.
    fn now() -> Timestamp {
        Timestamp::from_micros(1_767_225_600_000_000)
    }

    fn answer(status: u16, retry_after: Option<&[u8]>) -> Answer {
        let headers = retry_after.map(|value| (RETRY_AFTER, HeaderValue::from_bytes(value).unwrap())).into_iter().collect();
        of_response(StatusCode::from_u16(status).unwrap(), &headers, now())
    }

    #[test]
    fn every_status_has_its_meaning() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(answer(status, None), Answer::Accepted(status));
        }
        for status in [199, 300, 301, 304, 307, 400, 401, 404, 409, 411, 429, 500, 502, 503, 599, 999] {
            assert_eq!(answer(status, None), Answer::Refused(status, None));
        }
        assert_eq!(answer(410, Some(b"5")), Answer::Gone);
        assert_eq!(answer(204, Some(b"5")), Answer::Accepted(204));
    }

    #[test]
    fn an_endpoint_says_when_to_come_again() {
        let hours = |hours| Some(Duration::from_hours(hours));
        for (text, wait) in [
            ("0", Some(Duration::ZERO)),
            ("120", Some(Duration::from_mins(2))),
            (" 007 ", Some(Duration::from_secs(7))),
            ("86400", hours(24)),
            ("86401", hours(24)),
            ("99999999999999999999999999", hours(24)),
            ("Thu, 01 Jan 2026 02:00:00 GMT", hours(2)),
            ("Thursday, 01-Jan-26 02:00:00 GMT", hours(2)),
            ("Fri, 02 Jan 2026 00:00:01 GMT", hours(24)),
            ("Wed, 31 Dec 2025 23:59:59 GMT", Some(Duration::ZERO)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("soon", None),
            ("2026-01-01T02:00:00Z", None),
        ] {
            assert_eq!(answer(503, Some(text.as_bytes())), Answer::Refused(503, wait), "{text:?}");
        }
        assert_eq!(answer(503, Some("١".as_bytes())), Answer::Refused(503, None));
    }

    #[test]
    fn reasons_are_short_and_say_nothing_of_the_content() {
        let io = |kind: io::ErrorKind| Error::Io(io::Error::new(kind, "secret"));
        for (error, reason) in [
            (Error::HostNotFound, "no such host"),
            (Error::Timeout(ureq::Timeout::Global), "timed out"),
            (io(io::ErrorKind::TimedOut), "timed out"),
            (io(io::ErrorKind::ConnectionRefused), "connection refused"),
            (io(io::ErrorKind::ConnectionReset), "the connection was cut"),
            (io(io::ErrorKind::UnexpectedEof), "the connection was cut"),
            (io(io::ErrorKind::HostUnreachable), "host unreachable"),
            (Error::Tls("bad name"), "tls: bad name"),
            (Error::LargeResponseHeader(2, 1), "the answer is no HTTP"),
            (Error::Other(Box::new(ForbiddenAddress([127, 0, 0, 1].into()))), "the address 127.0.0.1 is not allowed"),
            (Error::Other("secret".into()), "the request failed"),
            (Error::BadUri("secret".to_owned()), "the request failed"),
        ] {
            assert_eq!(of_error(&error), Answer::Unreachable(reason.to_owned()));
        }
        let Answer::Unreachable(long) = of_error(&Error::Io(io::Error::new(io::ErrorKind::InvalidData, "é".repeat(999)))) else { panic!() };
        assert_eq!(long.chars().count(), LONGEST_REASON);
    }
}
