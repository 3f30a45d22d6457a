//! Clients from before streams (2024-11-05 over a single POST): no session, no stream, one JSON answer.
//!
//! The library asks every client to take streams. Who does not say so and names no later revision is one of these.

use hyper::header::{self, HeaderMap, HeaderValue};
use serde_json::Value;

use super::{SESSION, VERSION, text};

/// The revision that such clients speak.
const REVISION: &str = "2024-11-05";
const BOTH: &str = "application/json, text/event-stream";

/// Whether `message` comes from a client that takes no stream.
pub(super) fn is_plain(headers: &HeaderMap, message: &Value) -> bool {
    let is_old = match message.get("method").and_then(Value::as_str) {
        Some("initialize") => {
            message.pointer("/params/protocolVersion").and_then(Value::as_str) == Some(REVISION)
        }
        _ => message.pointer("/params/_meta/io.modelcontextprotocol~1protocolVersion").is_none(),
    };
    is_old && is_plain_client(headers)
}

/// The same, as far as headers tell.
pub(super) fn is_plain_client(headers: &HeaderMap) -> bool {
    let takes_streams = headers.get_all(header::ACCEPT).iter().any(|accept| {
        accept.to_str().is_ok_and(|text| text.to_ascii_lowercase().contains("text/event-stream"))
    });
    let version = text(headers, VERSION);
    !takes_streams && !headers.contains_key(SESSION) && version.is_none_or(|version| version == REVISION)
}

/// Says what the library wants to hear and these clients do not know.
pub(super) fn complete(headers: &mut HeaderMap) {
    headers.insert(header::ACCEPT, HeaderValue::from_static(BOTH));
    headers.insert(VERSION, HeaderValue::from_static(REVISION));
}
