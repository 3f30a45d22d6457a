//! What is asked of another party, and what comes of it.
//! It deliberately sends nothing: upstreams do.

use std::net::SocketAddr;

use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use thiserror::Error;

use super::connections::ExchangeError;
use super::failure::Failure;
use super::settings::CALL_LIMIT;
use crate::outbound::BodyError;

/// Why a call has no usable answer.
#[derive(Debug, Error)]
pub(super) enum CallError {
    #[error("{service} did not answer within {CALL_LIMIT:?} or the attempt's own limit")]
    Timeout { service: &'static str },
    #[error("no instance of {service} answered")]
    Unreachable { service: &'static str },
    #[error("the answer of {service} broke off: {source}")]
    Broken { service: &'static str, source: BodyError },
    #[error("{service} answered with status {status}")]
    Status { service: &'static str, status: StatusCode },
}

impl CallError {
    pub(super) fn error_type(&self) -> String {
        match self {
            Self::Timeout { .. } => "timeout".to_owned(),
            Self::Unreachable { .. } => "connection_error".to_owned(),
            Self::Broken { .. } => "incomplete_message".to_owned(),
            Self::Status { status, .. } => status.as_str().to_owned(),
        }
    }

    pub(super) fn of(service: &'static str, error: ExchangeError) -> Self {
        match error {
            // No answer has begun, whatever the reason: the sibling is asked instead.
            ExchangeError::NoAnswer(_) => Self::Unreachable { service },
            ExchangeError::Broken(source) => Self::Broken { service, source },
        }
    }
}

/// What is asked of another service.
#[derive(Clone, Debug)]
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

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    pub(super) fn url(&self, scheme: &str, address: SocketAddr) -> String {
        format!("{scheme}://{address}{}", self.target)
    }
}

/// An answer below 500.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl Answer {
    /// The document of a successful answer.
    pub(super) fn document(self) -> Result<Document, Failure> {
        if self.status.is_success() { Ok(Document(self.body)) } else { Err(Failure::Refused(self.status)) }
    }
}

/// A JSON document that is passed on as it came.
#[derive(Debug)]
pub(super) struct Document(pub(super) Bytes);

impl IntoResponse for Document {
    fn into_response(self) -> Response {
        ([(header::CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}
