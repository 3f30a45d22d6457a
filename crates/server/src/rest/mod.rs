//! The REST interface and the live page, one file a noun.
//!
//! `/` and `/investigations/ID` are for people; `/healthz` (alive), `/ready` (takes requests), `/stats` and `/metrics` (every item counted), `/api/v1/ask` (a
//! question, its answer), `/api/v1/investigations...`, `/api/v1/tools...` and the views over them for programs, as
//! `/api/v1/openapi.json` tells. Errors are problem documents (RFC 9457) with a stable code. Questions, tools and views
//! ask who is there ([`crate::identity`]). The one thing that changes anything is a word about an approval, which needs
//! the token.

mod agents;
mod approvals;
mod ask;
mod changes;
mod events;
mod health;
mod investigations;
pub mod openapi;
mod pages;
pub mod prometheus;
mod states;
mod tools;
mod views;

use std::sync::Arc;

use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use telemetry::{Answerer, UnixNanos};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::body::Unread;
use crate::compat::Compat;
use crate::guard;
use crate::identity::{Identity, Refusal};
use crate::investigations::Investigations;
use crate::mcp::Mcp;
use crate::serve::{self, Body, reply};
use crate::toolbox::Toolbox;
pub use approvals::Approvals;

/// Streams of events at a time; a further one is refused, so that there is room for questions.
pub const STREAMS_MAX: usize = 32;

/// What the interface answers from.
#[derive(Clone)]
pub struct Api {
    /// Who answers the questions.
    pub answerer: Arc<dyn Answerer>,
    /// What agents may use.
    pub toolbox: Toolbox,
    /// The same tools, for agents.
    pub mcp: Mcp,
    /// What was received, kept and lost, as JSON.
    pub stats: Arc<dyn Fn() -> serde_json::Value + Send + Sync>,
    /// The investigations, closed and running.
    pub investigations: Investigations,
    /// Who may approve here; absent where nothing is asked on the page.
    pub approvals: Option<Approvals>,
    /// Who asks.
    pub identity: Identity,
    /// The same tools for callers of other systems.
    pub compat: Compat,
    /// Names, without a port, under which it is asked besides addresses and `localhost`.
    pub allowed_hosts: Arc<[String]>,
    /// What time it is.
    pub now: Arc<dyn Fn() -> UnixNanos + Send + Sync>,
    /// A text that nobody can guess, another one each time: it marks the page's own script.
    pub nonce: Arc<dyn Fn() -> String + Send + Sync>,
    /// Where signals are sent to, for who has sent none yet: `http://127.0.0.1:4318`.
    pub otlp: String,
    /// Room for streams of events: [`STREAMS_MAX`].
    pub streams: Arc<Semaphore>,
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
async fn router(api: Api, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    // The protocol of agents has its own door.
    if Mcp::takes(&path) {
        return api.mcp.answer(request).await;
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    // Who only asks whether we live is answered under any name.
    let is_plain = matches!(parts.as_slice(), ["health" | "healthz" | "metrics" | "ready" | "stats"]);
    if !is_plain && !guard::host_among(request.headers(), &api.allowed_hosts) {
        return misdirected();
    }
    if Compat::takes(request.method(), &parts, request.headers()) {
        return api.compat.answer(&parts, request).await;
    }
    match (request.method(), parts.as_slice()) {
        (&Method::GET, ["health"]) => agents::count(&api),
        (&Method::GET, ["mcp", "docs"]) => agents::docs(&api),
        (&Method::POST, ["investigations", id, "approvals"]) => approvals::from_page(api, id, request).await,
        (&Method::POST, ["api", "v1", "investigations", id, "approvals"]) => {
            approvals::from_program(api, id, request).await
        }
        (&Method::POST, ["api", "v1", "ask"]) => ask::answer(api, request).await,
        (&Method::POST, ["api", "v1", "changes"]) => changes::post(api, request).await,
        (&Method::GET, ["api", "v1", "investigations", id, "events"]) => {
            events::stream(api, id, &request).await
        }
        (&Method::GET, ["healthz"]) => health::alive(),
        (&Method::GET, ["ready"]) => health::ready(&api),
        (&Method::GET, ["stats"]) => health::stats(&api),
        (&Method::GET, ["api", "v1", "investigations", rest @ ..]) => {
            investigations::get(api, rest, &request).await
        }
        (&Method::GET, ["api", "v1", "openapi.json"]) => openapi::get(&api),
        (&Method::GET | &Method::HEAD, [""]) => pages::home(api).await,
        (&Method::GET | &Method::HEAD, ["investigations", id]) => pages::investigation(api, id).await,
        (&Method::GET, ["metrics"]) => prometheus::get(&api),
        (&Method::GET, ["api", "v1", "events"]) => states::stream(&api, &request),
        (&Method::GET, ["api", "v1", "tools"]) => tools::list(&api, &request),
        (&Method::POST, ["api", "v1", "tools", name]) => tools::call(api, name, request).await,
        (&Method::GET, ["api", "v1", "metrics"]) => views::metrics(api, &request).await,
        (method, ["api", "v1", rest @ ..]) if let Some(view) = views::of(rest) => match *method {
            Method::GET => views::get(api, view, &request).await,
            _ => problem(StatusCode::METHOD_NOT_ALLOWED, "FC-0002", "this path takes another method"),
        },
        (
            _,
            [""]
            | ["health" | "healthz" | "metrics" | "ready" | "stats"]
            | ["mcp", "docs"]
            | ["api", "v1", "ask"]
            | ["investigations", ..],
        )
        | (_, ["api", "v1", "events" | "investigations" | "metrics" | "openapi.json" | "tools", ..]) => {
            problem(StatusCode::METHOD_NOT_ALLOWED, "FC-0002", "this path takes another method")
        }
        _ => problem(
            StatusCode::NOT_FOUND,
            "FC-0001",
            "no such path; there are /, /healthz, /ready, /metrics, /stats, /mcp, /mcp/docs and what /api/v1/openapi.json tells of",
        ),
    }
}

fn misdirected() -> Response<Body> {
    problem(
        StatusCode::MISDIRECTED_REQUEST,
        "FC-0006",
        "asked for under a name that is not allowed here; hint: ask under an address or `localhost`, or set `allowed_hosts`",
    )
}

/// The answer to a body that was not read.
fn unread(why: Unread) -> Response<Body> {
    match why {
        Unread::Long => {
            problem(StatusCode::PAYLOAD_TOO_LARGE, "FC-0003", "the question is too long or was cut")
        }
        Unread::Slow => {
            problem(StatusCode::REQUEST_TIMEOUT, "FC-0004", "the question did not arrive in time")
        }
    }
}

/// The answer to who is not let in.
fn refused(refusal: &Refusal) -> Response<Body> {
    let mut response = problem(refusal.status(), refusal.code(), &refusal.to_string());
    if let Some(challenge) = refusal.challenge(None)
        && let Ok(challenge) = HeaderValue::try_from(challenge)
    {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// A problem document (RFC 9457).
fn problem(status: StatusCode, code: &str, detail: &str) -> Response<Body> {
    let body = serde_json::json!({
        "type": format!("urn:firstcause:{code}"),
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
    });
    reply(status, "application/problem+json", Bytes::from(body.to_string()))
}

fn json(value: &serde_json::Value) -> Response<Body> {
    reply(StatusCode::OK, "application/json", Bytes::from(value.to_string()))
}
