//! Why a request failed, and the status that says so.
//! It deliberately tells the caller little and the operator everything: the reason goes to the record.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use thiserror::Error;

use super::database::DatabaseError;
use super::upstream::CallError;
use crate::instrument::server::FailureMessage;

/// Why a handler has no answer.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// The key that came with the request is none.
    #[error("the access key is not valid")]
    Unauthorized,
    /// The order is not announced.
    #[error("the order could not be announced: {0}")]
    Alert(String),
    /// There is no such route.
    #[error("no such route")]
    NoRoute,
    /// There is no such product.
    #[error("no such product")]
    NotFound,
    /// Nothing is left of the product.
    #[error("out of stock")]
    OutOfStock,
    /// A service behind this one refused the request; its status is passed on.
    #[error("refused upstream with status {0}")]
    Refused(StatusCode),
    /// A service behind this one failed.
    #[error("call failed: {0}")]
    Call(#[from] CallError),
    /// The database failed.
    #[error("database failed: {0}")]
    Database(#[from] DatabaseError),
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Alert(_) => StatusCode::BAD_GATEWAY,
            Self::NotFound | Self::NoRoute => StatusCode::NOT_FOUND,
            Self::OutOfStock => StatusCode::CONFLICT,
            Self::Refused(status) => *status,
            Self::Call(CallError::Timeout { .. }) => StatusCode::GATEWAY_TIMEOUT,
            Self::Call(_) => StatusCode::BAD_GATEWAY,
            Self::Database(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status();
        let title = status.canonical_reason().unwrap_or("failed");
        let mut response =
            (status, Json(json!({ "status": status.as_u16(), "title": title }))).into_response();
        response.extensions_mut().insert(FailureMessage(self.to_string()));
        response
    }
}
