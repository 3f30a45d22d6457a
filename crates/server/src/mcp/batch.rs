//! Arrays of messages: legal until 2025-03-26, gone since 2025-06-18.
//!
//! Each message takes the way of a single one. Where streams are taken the answers come in one stream, in order of
//! the messages; a plain client gets one array.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body_util::{BodyExt, Full};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use hyper::header::{self, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use serde_json::Value;

use super::refusal::{self, INVALID_REQUEST};
use super::{Mcp, SESSION, VERSION, body, plain, text};
use crate::serve::{Body, reply};

/// The revisions in which arrays are legal.
const LEGAL: [&str; 2] = ["2024-11-05", "2025-03-26"];

/// Whether a revision knows arrays.
pub(super) fn is_legal(version: &str) -> bool {
    LEGAL.contains(&version)
}

pub(super) async fn answer(mcp: &Mcp, head: Parts, messages: &[Value]) -> Response<Body> {
    let invalid = |message: &str| refusal::rpc(StatusCode::BAD_REQUEST, INVALID_REQUEST, message);
    if let Some(why) = fault(messages, mcp.inner.settings.batch_max) {
        return invalid(why);
    }
    if plain::is_plain_client(&head.headers) {
        return plainly(mcp, head, messages).await;
    }
    let version = match text(&head.headers, SESSION) {
        Some(id) => mcp.inner.sessions.version(id).await,
        None => return invalid("an array needs a session of 2025-03-26 or earlier"),
    };
    let named = text(&head.headers, VERSION);
    if !version.is_some_and(|version| is_legal(&version)) || named.is_some_and(|named| !is_legal(named)) {
        return invalid("arrays of messages ended with 2025-06-18");
    }
    streamed(mcp, &head, messages).await
}

/// What is wrong with an array whatever the revision.
pub(super) fn fault(messages: &[Value], max: usize) -> Option<&'static str> {
    if messages.len() > max {
        return Some("an array of more messages than are taken at once");
    }
    if !messages.iter().all(body::is_message) {
        return Some("an array with what is no JSON-RPC 2.0 message");
    }
    let opens = |message: &Value| message.get("method").and_then(Value::as_str) == Some("initialize");
    messages.iter().any(opens).then_some("`initialize` comes alone")
}

async fn plainly(mcp: &Mcp, mut head: Parts, messages: &[Value]) -> Response<Body> {
    plain::complete(&mut head.headers);
    let mut answers = Vec::new();
    for message in messages {
        let request = Request::from_parts(head.clone(), Full::from(message.to_string()));
        let (answer, body) = (mcp.inner.plain)(request).await.into_parts();
        let Ok(whole) = body.collect().await;
        let bytes = whole.to_bytes();
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(value) => answers.push(value),
            Err(_) if answer.status == StatusCode::ACCEPTED => {}
            Err(_) => return Response::from_parts(answer, Full::new(bytes).boxed_unsync()),
        }
    }
    if answers.is_empty() {
        return accepted();
    }
    reply(StatusCode::OK, "application/json", Bytes::from(Value::Array(answers).to_string()))
}

async fn streamed(mcp: &Mcp, head: &Parts, messages: &[Value]) -> Response<Body> {
    let mut bodies = VecDeque::new();
    for message in messages {
        let request = Request::from_parts(head.clone(), Full::from(message.to_string()));
        let response = mcp.streamed(request).await.await;
        match response.status() {
            StatusCode::ACCEPTED => {}
            StatusCode::OK => bodies.push_back(response.into_body()),
            _ => return response,
        }
    }
    if bodies.is_empty() {
        return accepted();
    }
    let mut response = Response::new(Chained(bodies).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn accepted() -> Response<Body> {
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}

/// Streams one after the other.
struct Chained(VecDeque<Body>);

impl HttpBody for Chained {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while let Some(front) = self.0.front_mut() {
            match Pin::new(front).poll_frame(context) {
                Poll::Ready(None) => drop(self.0.pop_front()),
                other => return other,
            }
        }
        Poll::Ready(None)
    }
}
