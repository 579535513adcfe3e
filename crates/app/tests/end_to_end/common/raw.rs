//! Bytes on a socket, for requests that no HTTP library would send.

use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A connection to the service at `address`. No read or write on it blocks for ever.
pub(crate) fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream.set_write_timeout(Some(Duration::from_mins(1))).unwrap();
    stream
}

/// Sends `bytes` and returns all that comes back until the service closes the connection.
pub(crate) fn exchange(address: &str, bytes: &[u8]) -> String {
    let mut stream = connect(address);
    // A service that refuses early may close before it has read everything.
    let _ = stream.write_all(bytes);
    until_closed(&mut stream)
}

/// Everything that still comes, until the service closes the connection.
pub(crate) fn until_closed(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "after {:?}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads until `end` was read.
pub(crate) fn until(stream: &mut TcpStream, end: &str) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&answer)));
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

/// The status of the first answer in `text`; `None` when the connection was closed without one.
pub(crate) fn status(text: &str) -> Option<u16> {
    text.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}

/// An answer of that status in the form of whichever dialect was spoken.
#[track_caller]
pub(crate) fn assert_refusal(answer: &str, expected: u16) {
    assert_eq!(status(answer), Some(expected), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    assert!(body["errors"][0]["code"].is_string() || body["success"] == false, "{answer}");
}

/// A loopback address that nobody listens on. It was free a moment ago, and the system hands out others first.
pub(crate) fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
