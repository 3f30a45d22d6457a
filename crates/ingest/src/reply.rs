//! Which status goes with what became of a request: the one table of statuses.
//!
//! The content type of the answer is that of the request, where we speak it. Statuses that may be tried again
//! say when. HTTP and gRPC read the same table, each its own column.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use otlp::{Receipt, Refusal, Signal, response};

/// When to come back after a failed disk or during a restart, in seconds.
const RETRY_LATER_S: u32 = 5;
/// When to come back after the memory for bodies was used up, in seconds.
const RETRY_SOON_S: u32 = 1;

/// The content types that requests come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Protobuf,
    Json,
    Other,
}

impl Form {
    /// The form that a `content-type` names.
    pub(crate) fn of(content_type: Option<&HeaderValue>) -> Self {
        let text = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "application/x-protobuf" => Self::Protobuf,
            "application/json" => Self::Json,
            _ => Self::Other,
        }
    }
}

/// Why a request is not answered with 200.
#[derive(Debug)]
pub(crate) enum Problem {
    /// No such path over HTTP.
    NoPath,
    /// No such method over gRPC.
    NoMethod,
    WrongMethod,
    WrongType(&'static str),
    Malformed(String),
    TooLarge(String),
    TooSlow,
    /// The sender's own deadline passed while the store was at work.
    Late,
    /// No memory for another body at this moment.
    Busy,
    Refused(Refusal),
    /// Another number of messages in a unary call than one.
    Cardinality(&'static str),
    /// Against the rules of gRPC's compression, whose word for it is "internal".
    WrongFlag(&'static str),
    /// Our own fault.
    Bug,
}

impl Problem {
    pub(crate) fn too_large(limit: &str, max: u64) -> Self {
        Self::TooLarge(format!("request over the limit of {max} {limit}"))
    }

    /// Status, code of `google.rpc.Status`, message, seconds to wait.
    pub(crate) fn parts(&self) -> (StatusCode, u32, String, Option<u32>) {
        use response::{
            DEADLINE_EXCEEDED, INTERNAL, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE, UNIMPLEMENTED,
        };
        let text = str::to_owned;
        match self {
            Self::NoPath => (
                StatusCode::NOT_FOUND,
                UNIMPLEMENTED,
                text("no such path; hint: POST to /v1/traces, /v1/logs or /v1/metrics"),
                None,
            ),
            Self::NoMethod => (
                StatusCode::NOT_FOUND,
                UNIMPLEMENTED,
                text(
                    "no such method; hint: Export of opentelemetry.proto.collector.trace.v1.TraceService, \
                     .logs.v1.LogsService or .metrics.v1.MetricsService",
                ),
                None,
            ),
            Self::WrongMethod => {
                (StatusCode::METHOD_NOT_ALLOWED, UNIMPLEMENTED, text("only POST is answered here"), None)
            }
            Self::WrongType(what) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, UNIMPLEMENTED, text(what), None),
            Self::Malformed(detail) => (StatusCode::BAD_REQUEST, INVALID_ARGUMENT, detail.clone(), None),
            Self::TooLarge(detail) => {
                (StatusCode::PAYLOAD_TOO_LARGE, RESOURCE_EXHAUSTED, detail.clone(), None)
            }
            Self::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                DEADLINE_EXCEEDED,
                text("the body did not arrive in time"),
                None,
            ),
            Self::Late => {
                let detail = text("the deadline passed before it was durable; it may still be stored");
                (StatusCode::GATEWAY_TIMEOUT, DEADLINE_EXCEEDED, detail, None)
            }
            Self::Busy => {
                let detail = text("too many requests are being read, try again");
                (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, detail, Some(RETRY_SOON_S))
            }
            Self::Cardinality(what) => (StatusCode::BAD_REQUEST, UNIMPLEMENTED, text(what), None),
            Self::WrongFlag(what) => (StatusCode::BAD_REQUEST, INTERNAL, text(what), None),
            Self::Bug => (
                StatusCode::INTERNAL_SERVER_ERROR,
                INTERNAL,
                text("an error of ours; the request was not stored"),
                None,
            ),
            Self::Refused(refusal) => Self::refused(refusal),
        }
    }

    fn refused(refusal: &Refusal) -> (StatusCode, u32, String, Option<u32>) {
        use response::{INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE};
        let detail = refusal.to_string();
        match refusal {
            Refusal::Malformed { .. } => (StatusCode::BAD_REQUEST, INVALID_ARGUMENT, detail, None),
            Refusal::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, RESOURCE_EXHAUSTED, detail, None),
            Refusal::Overloaded { retry_after_s } => {
                (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, detail, Some(*retry_after_s))
            }
            Refusal::Failed { .. } | Refusal::Draining => {
                (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE, detail, Some(RETRY_LATER_S))
            }
        }
    }
}

/// The answer to a request that was taken.
pub(crate) fn taken(form: Form, signal: Signal, receipt: &Receipt) -> Response<Full<Bytes>> {
    let (body, content_type) = match form {
        Form::Json => (response::export_json(signal, receipt), "application/json"),
        Form::Protobuf | Form::Other => (response::encode_export(receipt), "application/x-protobuf"),
    };
    let mut answer = Response::new(Full::from(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// The answer to a request that was not taken.
pub(crate) fn refused(form: Form, problem: &Problem) -> Response<Full<Bytes>> {
    let (status, code, message, retry_after_s) = problem.parts();
    let (body, content_type) = match form {
        Form::Protobuf => (response::encode_status(code, &message, retry_after_s), "application/x-protobuf"),
        Form::Json => (response::status_json(code, &message, retry_after_s), "application/json"),
        Form::Other => (message.into_bytes(), "text/plain; charset=utf-8"),
    };
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(seconds) = retry_after_s {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if matches!(problem, Problem::WrongMethod) {
        headers.insert(ALLOW, HeaderValue::from_static("POST"));
    }
    if matches!(problem, Problem::TooLarge(_) | Problem::TooSlow | Problem::Busy) {
        // The rest of the body is not worth reading.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}
