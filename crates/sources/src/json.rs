//! Reading of JSON that others wrote: by pointer (RFC 6901), and nothing where there is nothing.
//!
//! Knows no vendor. What is absent, null or of another type is empty here; who needs it says so.

use serde_json::Value as Json;
use telemetry::{AskError, UnixNanos};

use crate::rfc3339;

/// The document, which `whose` interface should have answered.
pub(crate) fn parse(body: &[u8], whose: &str) -> Result<Json, AskError> {
    let found: Json = serde_json::from_slice(body).map_err(|error| foreign(whose, &error.to_string()))?;
    if found.is_object() || found.is_array() {
        return Ok(found);
    }
    Err(foreign(whose, "neither an object nor a list"))
}

/// The error for an answer that is not what `whose` interface answers.
pub(crate) fn foreign(whose: &str, why: &str) -> AskError {
    AskError::Unavailable(format!(
        "the answer is none of {whose}: {why}; hint: does the source's `url` lead to {whose}?"
    ))
}

/// A text, empty when there is none.
pub(crate) fn text<'a>(json: &'a Json, pointer: &str) -> &'a str {
    json.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

/// A text under a key that may hold slashes.
pub(crate) fn entry<'a>(json: &'a Json, pointer: &str, key: &str) -> &'a str {
    json.pointer(pointer).and_then(|map| map.get(key)).and_then(Json::as_str).unwrap_or_default()
}

/// The items of a list.
pub(crate) fn list<'a>(json: &'a Json, pointer: &str) -> &'a [Json] {
    json.pointer(pointer).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

/// A number.
pub(crate) fn number(json: &Json, pointer: &str) -> Option<f64> {
    json.pointer(pointer).and_then(Json::as_f64)
}

/// A time in RFC 3339.
pub(crate) fn time(json: &Json, pointer: &str) -> Option<UnixNanos> {
    rfc3339::parse(text(json, pointer))
}
