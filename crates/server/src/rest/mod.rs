//! The REST interface, one file a noun.
//!
//! `GET /healthz` (alive), `GET /stats` (every item counted), `POST /api/v1/ask` (a question, its answer). Errors
//! are problem documents (RFC 9457) with a stable code. Reads only: nothing here changes anything.

mod ask;
mod health;

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use telemetry::Answerer;
use tokio::net::TcpListener;

use crate::serve::{self, reply};

/// What the interface answers from.
#[derive(Clone)]
pub struct Api {
    /// Who answers the questions.
    pub answerer: Arc<dyn Answerer>,
    /// What was received, kept and lost, as JSON.
    pub stats: Arc<dyn Fn() -> serde_json::Value + Send + Sync>,
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

/// Serves the interface until `shutdown` resolves.
///
/// # Errors
/// When the listener has no address any more.
pub async fn serve(
    listener: TcpListener,
    api: Api,
    shutdown: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    serve::run(listener, move |request| router(api.clone(), request), shutdown).await
}

/// Finds who answers a request.
async fn router(api: Api, request: Request<Incoming>) -> Response<Full<Bytes>> {
    match (request.method(), request.uri().path()) {
        (&Method::POST, "/api/v1/ask") => ask::answer(api, request).await,
        (&Method::GET, "/healthz") => health::alive(),
        (&Method::GET, "/stats") => health::stats(&api),
        (_, "/healthz" | "/stats" | "/api/v1/ask") => {
            problem(StatusCode::METHOD_NOT_ALLOWED, "FC-0002", "this path takes another method")
        }
        _ => problem(
            StatusCode::NOT_FOUND,
            "FC-0001",
            "no such path; there are /healthz, /stats and /api/v1/ask",
        ),
    }
}

/// A problem document (RFC 9457).
fn problem(status: StatusCode, code: &str, detail: &str) -> Response<Full<Bytes>> {
    let body = serde_json::json!({
        "type": format!("urn:firstcause:{code}"),
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
    });
    reply(status, "application/problem+json", Bytes::from(body.to_string()))
}

fn json(value: &serde_json::Value) -> Response<Full<Bytes>> {
    reply(StatusCode::OK, "application/json", Bytes::from(value.to_string()))
}
