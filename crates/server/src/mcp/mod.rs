//! The Model Context Protocol over HTTP and over standard input: any handler of the official library, mounted at
//! `/mcp` for every revision from 2024-11-05 to the stateless 2026-07-28.
//!
//! The library speaks the protocol. What it leaves to its user lies around it, one file each: who may ask from where
//! (`places`) and read it (`cors`), the key (`bearer`) and where to get one (`metadata`), what is a message at all (`body`), how many
//! sessions and whose (`sessions`), arrays of messages (`batch`), clients without streams (`plain`).
//! Knows no tool: those belong to the handler.

mod batch;
pub mod bearer;
mod body;
mod cors;
mod metadata;
pub mod methods;
mod places;
mod plain;
pub mod product;
mod refusal;
mod sessions;
mod settings;
pub mod stdio;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Body as HttpBody, Bytes};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use self::body::{Refused, Sent};
use self::sessions::Sessions;
use crate::serve::{self, Body};
pub use settings::Settings;

/// The path of the protocol.
pub const PATH: &str = "/mcp";
/// The header that names a session of the revisions from 2025-03-26 to 2025-11-25.
pub(crate) const SESSION: &str = "mcp-session-id";
/// The header that names the revision spoken, since 2025-06-18.
pub(crate) const VERSION: &str = "mcp-protocol-version";

type Answering = Box<dyn Fn(Request<Full<Bytes>>) -> Answered + Send + Sync>;
type Answered = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// A mounted handler; cheap to clone.
#[derive(Clone)]
pub struct Mcp {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    sessions: Sessions,
    /// With sessions, and per request for 2026-07-28.
    primed: Answering,
    /// With sessions of revisions before 2025-11-25.
    quiet: Answering,
    /// Without sessions and streams: a request, its answer.
    plain: Answering,
    streams: Arc<Semaphore>,
}

impl std::fmt::Debug for Mcp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mcp").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl Mcp {
    /// Mounts the handlers that `make` makes, one for each session and one for each request without a session.
    pub fn new<H: ServerHandler>(make: impl Fn() -> H + Send + Sync + 'static, settings: Settings) -> Self {
        let make = Arc::new(make);
        let sessions = Sessions::new(settings.sessions_max, settings.session_idle);
        // Origin and Host are checked by `places`, which knows the rule of this house.
        let config = StreamableHttpServerConfig::default()
            .disable_allowed_hosts()
            .with_max_request_body_bytes(settings.body_max_bytes);
        let once = config.clone().with_legacy_session_mode(false).with_json_response(true);
        let never = Arc::new(NeverSessionManager::default());
        let inner = Inner {
            primed: answering(&make, sessions.primed(), config.clone()),
            quiet: answering(&make, sessions.quiet(), config.with_sse_retry(None)),
            plain: answering(&make, never, once),
            sessions,
            streams: Arc::new(Semaphore::new(settings.streams_max)),
            settings,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether a path is answered here.
    #[must_use]
    pub fn takes(path: &str) -> bool {
        path == PATH || metadata::is_path(path)
    }

    /// Serves the protocol, and nothing else, until `shutdown` resolves.
    ///
    /// # Errors
    /// When the listener has no address any more.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send,
    ) -> std::io::Result<()> {
        let handler = move |request: Request<hyper::body::Incoming>| {
            let mcp = self.clone();
            async move {
                if Self::takes(request.uri().path()) {
                    mcp.answer(request).await
                } else {
                    refusal::text(StatusCode::NOT_FOUND, "there is /mcp here\n")
                }
            }
        };
        serve::run(listener, handler, shutdown).await
    }

    /// Answers a request to one of the paths that [`Mcp::takes`] names, so that the page of an allowed origin can read it.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        let origin = cors::origin(request.headers(), &self.inner.settings);
        let is_preflight = cors::is_preflight(request.method(), request.headers());
        match origin {
            None => self.answered(request).await,
            // Under a foreign name nobody is told what may be sent.
            Some(origin) if is_preflight => match places::check(request.headers(), &self.inner.settings) {
                Ok(()) => cors::preflight(origin),
                Err(refused) => *refused,
            },
            Some(origin) => cors::readable(self.answered(request).await, origin),
        }
    }

    async fn answered<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        let (mut head, body) = request.into_parts();
        if metadata::is_path(head.uri.path()) {
            return match places::check(&head.headers, &self.inner.settings) {
                Ok(()) => metadata::answer(&head, &self.inner.settings),
                Err(refused) => *refused,
            };
        }
        if let Err(refused) = self.entered(&mut head) {
            return *refused;
        }
        if let Some(id) = head.headers.get(SESSION)
            && !self.inner.sessions.is_owned(id, head.extensions.get()).await
        {
            return refusal::text(StatusCode::NOT_FOUND, "no such session: initialize again\n");
        }
        match head.method {
            Method::POST => self.post(head, body).await,
            // Who has no session listens to nothing, and has none to end.
            Method::GET if head.headers.contains_key(SESSION) => {
                let permit = Arc::clone(&self.inner.streams).try_acquire_owned();
                let answered = self.streamed(Request::from_parts(head, Full::default())).await;
                bounded(permit, answered).await
            }
            Method::DELETE if head.headers.contains_key(SESSION) => {
                let mut response = self.streamed(Request::from_parts(head, Full::default())).await.await;
                // The library accepts, and clients look for the word that it is done.
                if response.status() == StatusCode::ACCEPTED {
                    *response.status_mut() = StatusCode::OK;
                }
                response
            }
            _ => refusal::method(),
        }
    }

    /// Answers one message, without a session or a stream, in JSON.
    pub(crate) async fn answer_one<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        let (mut head, body) = request.into_parts();
        if head.method != Method::POST {
            return refusal::method();
        }
        if let Err(refused) = self.entered(&mut head) {
            return *refused;
        }
        let bytes = match body::read(body, self.inner.settings.body_max_bytes).await {
            Ok(bytes) => bytes,
            Err(refused) => return *refused,
        };
        head.headers.remove(SESSION);
        let version = head.headers.get(VERSION).cloned();
        plain::complete(&mut head.headers);
        // Who names a revision is answered in it.
        if let Some(version) = version {
            head.headers.insert(VERSION, version);
        }
        (self.inner.plain)(Request::from_parts(head, Full::new(bytes))).await
    }

    /// Lets a request in, or says why not.
    fn entered(&self, head: &mut Parts) -> Result<(), Refused> {
        let settings = &self.inner.settings;
        places::check(&head.headers, settings)?;
        if let Some(check) = &settings.bearer {
            match check.principal(&head.headers) {
                Ok(principal) => drop(head.extensions.insert(principal)),
                Err(refusal) => return Err(Box::new(refusal.answer(&head.headers, settings))),
            }
        }
        Ok(())
    }

    async fn post<B>(&self, head: Parts, body: B) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send,
        B::Error: std::fmt::Display,
    {
        let bytes = match body::read(body, self.inner.settings.body_max_bytes).await {
            Ok(bytes) => bytes,
            Err(refused) => return *refused,
        };
        match body::parse(&bytes) {
            Ok(Sent::One(message)) => self.one(head, &message, bytes).await,
            Ok(Sent::Many(messages)) => batch::answer(self, head, &messages).await,
            Err(refused) => *refused,
        }
    }

    /// Answers one message.
    async fn one(&self, mut head: Parts, message: &Value, bytes: Bytes) -> Response<Body> {
        let method = message.get("method").and_then(Value::as_str);
        if plain::is_plain(&head.headers, message) {
            plain::complete(&mut head.headers);
            return (self.inner.plain)(Request::from_parts(head, Full::new(bytes))).await;
        }
        let request = Request::from_parts(head, Full::new(bytes));
        if method == Some("initialize") && !request.headers().contains_key(SESSION) {
            let principal = request.extensions().get().cloned();
            let asked = message.pointer("/params/protocolVersion").and_then(Value::as_str);
            let version = asked.and_then(sessions::negotiated);
            let is_quiet = version.as_deref().is_some_and(sessions::is_quiet);
            let open = if is_quiet { &self.inner.quiet } else { &self.inner.primed };
            return self.inner.sessions.open(principal, version, open(request)).await;
        }
        let answered = self.streamed(request).await;
        if method == Some("subscriptions/listen") {
            return bounded(Arc::clone(&self.inner.streams).try_acquire_owned(), answered).await;
        }
        answered.await
    }

    /// Hands a request to whoever keeps its session, or serves requests without one.
    async fn streamed(&self, request: Request<Full<Bytes>>) -> Answered {
        let version = match text(request.headers(), SESSION) {
            Some(id) => self.inner.sessions.version(id).await,
            None => None,
        };
        match version {
            Some(version) if sessions::is_quiet(&version) => (self.inner.quiet)(request),
            _ => (self.inner.primed)(request),
        }
    }
}

/// The library's service over `make` and `sessions`, with its types forgotten.
fn answering<H: ServerHandler, M: SessionManager>(
    make: &Arc<impl Fn() -> H + Send + Sync + 'static>,
    sessions: Arc<M>,
    config: StreamableHttpServerConfig,
) -> Answering {
    let make = Arc::clone(make);
    let service = StreamableHttpService::new(move || Ok(make()), sessions, config);
    Box::new(move |request| {
        let service = service.clone();
        Box::pin(async move { service.handle(request).await.map(BodyExt::boxed_unsync) })
    })
}

/// Answers with a stream that holds its place among the streams as long as it lasts.
async fn bounded<P: Send + 'static, E>(permit: Result<P, E>, answered: Answered) -> Response<Body> {
    let Ok(permit) = permit else {
        return refusal::busy("too many streams are open; read one you have, or come again\n");
    };
    answered.await.map(|body| {
        body.map_frame(move |frame| {
            let _held = &permit;
            frame
        })
        .boxed_unsync()
    })
}

/// The text of a header, if it has one.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(HeaderValue::to_str).and_then(Result::ok)
}
