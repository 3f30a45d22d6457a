//! Calls to the instances of another service: round robin, one span for each attempt, and at once to the sibling
//! when an instance does not answer, so that a rolling restart loses no request.
//! It deliberately does not retry an answer: a status is an answer, also a bad one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::{Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::Full;
use opentelemetry::trace::{SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use thiserror::Error;
use tokio::time::timeout;

use super::failure::Failure;
use super::settings::Role;
use crate::instrument::server::inject;
use crate::instrument::{Telemetry, fail_span};
use crate::outbound::{self, BodyError, Client};

/// A call, its failover included.
const CALL_LIMIT: Duration = Duration::from_secs(5);

/// Why a call has no usable answer.
#[derive(Debug, Error)]
pub(super) enum CallError {
    #[error("{service} did not answer within {CALL_LIMIT:?}")]
    Timeout { service: &'static str },
    #[error("no instance of {service} answered")]
    Unreachable { service: &'static str },
    #[error("the answer of {service} broke off: {source}")]
    Broken { service: &'static str, source: BodyError },
    #[error("{service} answered with status {status}")]
    Status { service: &'static str, status: StatusCode },
}

impl CallError {
    fn error_type(&self) -> String {
        match self {
            Self::Timeout { .. } => "timeout".to_owned(),
            Self::Unreachable { .. } => "connection_error".to_owned(),
            Self::Broken { .. } => "incomplete_message".to_owned(),
            Self::Status { status, .. } => status.as_str().to_owned(),
        }
    }
}

/// What is asked of another service.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// The path and query, with its values.
    pub(super) target: String,
    /// The route at the other end, without values.
    pub(super) template: &'static str,
    /// A JSON document, or nothing.
    pub(super) body: Bytes,
}

impl Call {
    /// A call without a body.
    pub(super) fn get(template: &'static str, target: String) -> Self {
        Self { method: Method::GET, target, template, body: Bytes::new() }
    }

    /// A call with a JSON document.
    pub(super) fn post(template: &'static str, target: String, body: &serde_json::Value) -> Self {
        Self { method: Method::POST, target, template, body: body.to_string().into() }
    }
}

/// An answer below 500.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Answer {
    /// The document of a successful answer.
    pub(super) fn document(self) -> Result<Document, Failure> {
        if self.status.is_success() { Ok(Document(self.body)) } else { Err(Failure::Refused(self.status)) }
    }
}

/// A JSON document that is passed on as it came.
#[derive(Debug)]
pub(super) struct Document(Bytes);

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

/// The instances of one service.
#[derive(Debug)]
pub(super) struct Upstream {
    service: &'static str,
    addresses: Vec<SocketAddr>,
    turn: AtomicUsize,
    client: Client,
    telemetry: Arc<Telemetry>,
}

impl Upstream {
    pub(super) fn new(role: Role, addresses: &[SocketAddr], telemetry: &Arc<Telemetry>) -> Self {
        Self {
            service: role.name(),
            addresses: addresses.to_vec(),
            turn: AtomicUsize::new(0),
            client: outbound::client(),
            telemetry: Arc::clone(telemetry),
        }
    }

    /// Asks one instance and, if that one does not answer at all, the next.
    pub(super) async fn call(&self, call: Call) -> Result<Answer, CallError> {
        let service = self.service;
        match timeout(CALL_LIMIT, self.attempts(&call)).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::Timeout { service }),
        }
    }

    async fn attempts(&self, call: &Call) -> Result<Answer, CallError> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let order = self.addresses.iter().cycle().skip(first % self.addresses.len().max(1));
        for (resend, address) in order.take(self.addresses.len()).enumerate() {
            match self.attempt(call, *address, resend).await {
                Err(CallError::Unreachable { .. }) => {}
                answered => return answered,
            }
        }
        Err(CallError::Unreachable { service: self.service })
    }

    async fn attempt(&self, call: &Call, address: SocketAddr, resend: usize) -> Result<Answer, CallError> {
        let url = format!("http://{address}{}", call.target);
        let mut attributes = vec![
            KeyValue::new("http.request.method", call.method.as_str().to_owned()),
            KeyValue::new("server.address", address.ip().to_string()),
            KeyValue::new("server.port", i64::from(address.port())),
            KeyValue::new("url.full", url.clone()),
            KeyValue::new("url.template", call.template),
        ];
        if let Some(resend) = i64::try_from(resend).ok().filter(|resend| *resend > 0) {
            attributes.push(KeyValue::new("http.request.resend_count", resend));
        }
        let name = format!("{} {}", call.method, call.template);
        let guard =
            SpanGuard(self.telemetry.start_span(name, SpanKind::Client, attributes, &Context::current()));
        let answer = self.exchange(call, url, &guard.0).await;
        guard.finish(&answer);
        answer
    }

    async fn exchange(&self, call: &Call, url: String, context: &Context) -> Result<Answer, CallError> {
        let service = self.service;
        let mut request = Request::new(Full::new(call.body.clone()));
        *request.method_mut() = call.method.clone();
        *request.uri_mut() = url.parse().map_err(|_| CallError::Unreachable { service })?;
        let json = header::HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        inject(context, request.headers_mut());

        // An error here means that no answer has begun, whatever its kind: the sibling is asked instead.
        let response = self.client.request(request).await.map_err(|_| CallError::Unreachable { service })?;
        let status = response.status();
        context.span().set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        let body =
            outbound::read_body(response).await.map_err(|source| CallError::Broken { service, source })?;
        if status.is_server_error() {
            return Err(CallError::Status { service, status });
        }
        Ok(Answer { status, body })
    }
}

/// A client span that says so when its call was abandoned: a timeout drops the future, not the explanation.
struct SpanGuard(Context);

impl SpanGuard {
    fn finish(self, answer: &Result<Answer, CallError>) {
        match answer {
            Ok(answer) if answer.status.is_client_error() => {
                fail_span(&self.0, answer.status.as_str().to_owned(), String::new());
            }
            Ok(_) => {}
            Err(error) => fail_span(&self.0, error.error_type(), error.to_string()),
        }
        self.0.span().end();
    }
}

impl Drop for SpanGuard {
    fn drop(&mut self) {
        let span = self.0.span();
        if span.is_recording() {
            fail_span(&self.0, "timeout".to_owned(), "the call was abandoned".to_owned());
            span.end();
        }
    }
}
