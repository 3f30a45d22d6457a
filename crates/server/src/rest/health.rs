//! Whether this process is alive and takes requests, and what it has received, kept and lost.

use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};

use super::{Api, json, problem};
use crate::serve::{Body, reply};

pub(super) fn alive() -> Response<Body> {
    reply(StatusCode::OK, "text/plain; charset=utf-8", Bytes::from_static(b"ok\n"))
}

/// 503 while requests are refused: who balances load sends them elsewhere, and need not start the process again.
pub(super) fn ready(api: &Api) -> Response<Body> {
    if (api.stats)().get("is_taking").and_then(serde_json::Value::as_bool) == Some(true) {
        return json(&serde_json::json!({ "ready": true }));
    }
    let mut answer = problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "FC-0008",
        "no requests are taken: it is ending, or what is in memory cannot be written; hint: /stats, the room on the disk",
    );
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    answer
}

pub(super) fn stats(api: &Api) -> Response<Body> {
    json(&(api.stats)())
}
