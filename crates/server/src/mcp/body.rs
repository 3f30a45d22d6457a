//! From bytes to messages: bounded reading, and what is no JSON or no JSON-RPC.
//!
//! What a method's parameters must be is the library's affair.

use std::fmt::Display;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as HttpBody, Bytes};
use hyper::{Response, StatusCode};
use serde_json::Value;

use super::refusal::{self, INVALID_REQUEST, PARSE_ERROR};
use crate::body::TIMEOUT;
use crate::serve::Body;

/// What one body holds.
#[derive(Debug, PartialEq)]
pub(super) enum Sent {
    One(Value),
    Many(Vec<Value>),
}

/// A refusal is large and rare.
pub(super) type Refused = Box<Response<Body>>;

pub(super) async fn read<B>(body: B, max_bytes: usize) -> Result<Bytes, Refused>
where
    B: HttpBody<Data = Bytes> + Send,
    B::Error: Display,
{
    // The body's own error is turned into text: only whether the limit was met matters here.
    let body = body.map_err(|error| error.to_string());
    let whole = tokio::time::timeout(TIMEOUT, Limited::new(body, max_bytes).collect());
    let Ok(whole) = whole.await else {
        let late = "the body did not arrive in time\n";
        return Err(Box::new(refusal::text(StatusCode::REQUEST_TIMEOUT, late)));
    };
    match whole {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Box::new(refusal::text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is larger than is read here\n",
        ))),
        Err(_) => Err(Box::new(refusal::text(StatusCode::BAD_REQUEST, "the body ended before its end\n"))),
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Sent, Refused> {
    let invalid = |message| Box::new(refusal::rpc(StatusCode::BAD_REQUEST, INVALID_REQUEST, message));
    match serde_json::from_slice(bytes) {
        Ok(Value::Array(messages)) if messages.is_empty() => Err(invalid("an array without messages")),
        Ok(Value::Array(messages)) => Ok(Sent::Many(messages)),
        Ok(message) if is_message(&message) => Ok(Sent::One(message)),
        Ok(_) => Err(invalid("not a JSON-RPC 2.0 message")),
        Err(_) => Err(Box::new(refusal::rpc(StatusCode::BAD_REQUEST, PARSE_ERROR, "not JSON"))),
    }
}

/// Whether a value has the outer form of JSON-RPC 2.0; an id is a text or a whole number.
pub(super) fn is_message(message: &Value) -> bool {
    let has_id = match message.get("id") {
        None => true,
        Some(id) => id.is_string() || id.is_i64() || id.is_u64(),
    };
    let is_sent = match message.get("method") {
        Some(method) => method.is_string(),
        None => {
            message.get("id").is_some() && (message.get("result").is_some() != message.get("error").is_some())
        }
    };
    // The protocol names its parameters: JSON-RPC's arrays of them are not used.
    let is_named = message.get("params").is_none_or(|params| params.is_object() || params.is_null());
    message.get("jsonrpc").and_then(Value::as_str) == Some("2.0") && has_id && is_sent && is_named
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_json_rpc_knows_is_a_message() {
        for good in [
            json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}),
            json!({"jsonrpc": "2.0", "id": "one", "method": "ping"}),
            json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
            json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
        ] {
            assert!(is_message(&good), "{good}");
        }
        for bad in [
            json!(1),
            json!({}),
            json!({"id": 1, "method": "ping"}),
            json!({"jsonrpc": "1.0", "id": 1, "method": "ping"}),
            json!({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}),
            json!({"jsonrpc": "2.0", "id": null, "method": "ping"}),
            json!({"jsonrpc": "2.0", "id": 1, "method": 7}),
            json!({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}),
            json!({"jsonrpc": "2.0", "id": 1}),
            json!({"jsonrpc": "2.0", "result": {}}),
        ] {
            assert!(!is_message(&bad), "{bad}");
        }
    }
}
