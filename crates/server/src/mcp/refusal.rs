//! The answers to what is no message, or comes from where it may not.
//!
//! The protocol's own errors are the library's.

use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use crate::serve::{Body, reply};

/// JSON-RPC 2.0, section 5.1.
pub(super) const PARSE_ERROR: i32 = -32700;
/// JSON-RPC 2.0, section 5.1.
pub(super) const INVALID_REQUEST: i32 = -32600;
/// Seconds after which a client that was sent away may come again.
const RETRY_AFTER: &str = "5";

pub(super) fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    told(status, text.to_owned())
}

pub(super) fn told(status: StatusCode, text: String) -> Response<Body> {
    let mut response = reply(status, "text/plain; charset=utf-8", Bytes::from(text));
    // A body that nobody reads must not be taken for the next request.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

pub(super) fn method() -> Response<Body> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "messages are sent with POST\n");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}

pub(super) fn busy(why: &'static str) -> Response<Body> {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, why);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    response
}

/// An error that belongs to no request, since none could be read.
pub(super) fn error(code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } })
}

pub(super) fn rpc(status: StatusCode, code: i32, message: &str) -> Response<Body> {
    reply(status, "application/json", Bytes::from(error(code, message).to_string()))
}
