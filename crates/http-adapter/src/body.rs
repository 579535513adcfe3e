//! Reading a request's body: all of it, as text, within limits of size and time. What the text means is the dialect's matter.

use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap};
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;
use std::time::Duration;

/// How much of a body is read, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimits {
    pub(crate) bytes: usize,
    pub(crate) time: Duration,
}

/// Why there is no text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// More bytes than `limit`.
    TooLarge { limit: usize },
    /// Compressed, or otherwise wrapped.
    Encoded(String),
    /// It did not arrive in time.
    TimedOut,
    /// It is no UTF-8.
    NotUtf8,
    /// It ended early, or its framing is broken.
    Broken,
}

/// Reads the body of `http`.
pub(crate) async fn read(http: &HttpRequest, payload: web::Payload, limits: BodyLimits) -> Result<String, BodyError> {
    refuse_length(http.headers(), limits)?;
    let bytes = tokio::time::timeout(limits.time, collect(payload, limits.bytes)).await.map_err(|_| BodyError::TimedOut)??;
    // Whatever its encoding, a body may be too large first.
    refuse_encoding(http.headers())?;
    String::from_utf8(bytes).map_err(|_| BodyError::NotUtf8)
}

fn refuse_encoding(headers: &HeaderMap) -> Result<(), BodyError> {
    let foreign = |value: &[u8]| !value.is_empty() && !value.eq_ignore_ascii_case(b"identity");
    match headers.get_all(CONTENT_ENCODING).find(|value| foreign(value.as_bytes())) {
        Some(value) => Err(BodyError::Encoded(String::from_utf8_lossy(value.as_bytes()).into_owned())),
        None => Ok(()),
    }
}

/// A declared length is believed, so that nothing of a body that is too large is read.
fn refuse_length(headers: &HeaderMap, limits: BodyLimits) -> Result<(), BodyError> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match declared.map(usize::try_from) {
        Some(Ok(bytes)) if bytes <= limits.bytes => Ok(()),
        Some(_) => Err(BodyError::TooLarge { limit: limits.bytes }),
        None => Ok(()),
    }
}

async fn collect(mut payload: web::Payload, limit: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| broken(&error, limit))?;
        if bytes.len() + chunk.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn broken(error: &PayloadError, limit: usize) -> BodyError {
    match error {
        PayloadError::Overflow => BodyError::TooLarge { limit },
        // The library may add causes; all others so far say that the body cannot be had.
        _ => BodyError::Broken,
    }
}
