//! One gRPC call and its answer: `Export` of the three collector services, unary, over HTTP/2.
//!
//! Only what OTLP needs of the protocol: one message in, one message out, a status. The message goes to the store
//! as it came; nothing is decoded here. Reflection, health checks and streaming calls are not here.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use otlp::{Receipt, Signal, response};
use tokio::time::{Instant, timeout_at};

use crate::body::{Encoding, Read};
use crate::exchange::{self, Exchange};
use crate::reply::Problem;

pub(crate) mod framing;
pub(crate) mod text;

use framing::Framing;

const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const STATUS_DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
/// Bytes of the status details: a peer need not take more than 8 KiB of headers.
const DETAIL_CHARS_MAX: usize = 500;

/// The body of an answer: at most one message, and the trailers.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    message: Option<Bytes>,
    trailers: Option<HeaderMap>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let message = self.message.take().map(Frame::data);
        let frame = message.or_else(|| self.trailers.take().map(Frame::trailers));
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.message.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.message.as_ref().map_or(0, |message| message.len() as u64))
    }
}

/// Answers one call.
pub(crate) async fn answer(exchange: &Exchange, mut request: Request<Incoming>) -> Response<Answer> {
    if let Some(status) = not_grpc(&request) {
        let mut answer = Response::new(Answer::default());
        *answer.status_mut() = status;
        return answer;
    }
    match take(exchange, &mut request).await {
        Ok(receipt) => taken(&receipt),
        Err(problem) => refused(&problem),
    }
}

/// The content type without its parameters.
fn essence(headers: &HeaderMap) -> String {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase()
}

/// The HTTP status for what is no gRPC call at all.
fn not_grpc(request: &Request<Incoming>) -> Option<StatusCode> {
    let essence = essence(request.headers());
    if essence != "application/grpc" && !essence.starts_with("application/grpc+") {
        Some(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    } else if request.method() != Method::POST {
        Some(StatusCode::METHOD_NOT_ALLOWED)
    } else {
        None
    }
}

fn route(path: &str) -> Option<Signal> {
    match path {
        "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Some(Signal::Traces),
        "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Some(Signal::Logs),
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Some(Signal::Metrics),
        _ => None,
    }
}

async fn take(exchange: &Exchange, request: &mut Request<Incoming>) -> Result<Receipt, Problem> {
    let now = Instant::now();
    if !matches!(essence(request.headers()).as_str(), "application/grpc" | "application/grpc+proto") {
        return Err(Problem::WrongType("messages are read as protobuf only"));
    }
    let signal = route(request.uri().path()).ok_or(Problem::NoMethod)?;
    let deadline = deadline(request.headers(), now)?;
    let encoding = Encoding::of(request.headers(), ENCODING)?;
    let space = exchange::space(request.headers())?;
    let body_deadline = now + exchange.limits().body_timeout;
    let reading = read(exchange, request.body_mut(), encoding);
    let until = deadline.map_or(body_deadline, |deadline| deadline.min(body_deadline));
    let read = timeout_at(until, reading).await.map_err(|_| Problem::TooSlow)??;
    let offering = exchange.offer(space, signal, read);
    match deadline {
        Some(deadline) => timeout_at(deadline, offering).await.map_err(|_| Problem::Late)?,
        None => offering.await,
    }
}

async fn read(exchange: &Exchange, body: &mut Incoming, encoding: Encoding) -> Result<Read, Problem> {
    let mut framing = Framing::new(encoding, exchange.limits(), exchange.bodies());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Problem::Malformed(format!("broken body: {error}")))?;
        if let Some(chunk) = frame.data_ref() {
            framing.take(chunk)?;
        }
    }
    framing.finish()
}

/// The moment that `grpc-timeout` tells; a time beyond reckoning is none.
fn deadline(headers: &HeaderMap, now: Instant) -> Result<Option<Instant>, Problem> {
    let Some(value) = headers.get(TIMEOUT) else {
        return Ok(None);
    };
    let timeout = value.to_str().ok().and_then(text::timeout);
    let timeout: Duration =
        timeout.ok_or_else(|| Problem::Malformed("header `grpc-timeout`: no duration".to_owned()))?;
    Ok(now.checked_add(timeout))
}

fn head() -> Response<Answer> {
    let mut answer = Response::new(Answer::default());
    answer.headers_mut().insert(CONTENT_TYPE, GRPC);
    answer.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static(Encoding::NAMES));
    answer
}

fn taken(receipt: &Receipt) -> Response<Answer> {
    let message = response::encode_export(receipt);
    let mut framed = vec![0];
    // An answer is a short sentence.
    framed.extend(u32::try_from(message.len()).unwrap_or(0).to_be_bytes());
    framed.extend(message);
    let mut trailers = HeaderMap::new();
    trailers.insert(STATUS, HeaderValue::from(0));
    let mut answer = head();
    *answer.body_mut() = Answer { message: Some(framed.into()), trailers: Some(trailers) };
    answer
}

fn refused(problem: &Problem) -> Response<Answer> {
    let (_, code, message, retry_after_s) = problem.parts();
    let message: String = message.chars().take(DETAIL_CHARS_MAX).collect();
    let mut answer = head();
    let headers = answer.headers_mut();
    headers.insert(STATUS, HeaderValue::from(code));
    if let Ok(value) = HeaderValue::try_from(text::percent(&message)) {
        headers.insert(MESSAGE, value);
    }
    let details = text::base64(&response::encode_status(code, &message, retry_after_s));
    if let Ok(value) = HeaderValue::try_from(details) {
        headers.insert(STATUS_DETAILS, value);
    }
    answer
}
