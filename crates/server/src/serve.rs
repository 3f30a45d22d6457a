//! Answers HTTP requests until told to stop; one page at `/` is the simplest case.
//!
//! Knows nothing of what is answered. No TLS: it is meant for the loopback of the machine that shows a report, or
//! to stand behind a proxy.

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// How long a client may take to send the head of a request; an idle kept connection is closed by the same limit.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one connection may live: a client that asks and never reads must not hold its place for ever. A stream of
/// events ends with it too; its reader comes again and says which it saw last.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(300);
/// How long an answer may still be sent after the word to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// How long to wait when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Connections at a time; further ones wait in the queue of the system.
const CONNECTIONS_MAX: usize = 64;
/// The page may style itself and do nothing else, and nobody may frame it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// The body of an answer: whole, or one that goes on.
pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Serves `html` at `/` until `shutdown` resolves, then ends kept connections and returns.
///
/// # Errors
/// When the listener has no address any more, which is to say never once it listens.
pub async fn page(
    listener: TcpListener,
    html: String,
    shutdown: impl Future<Output = ()> + Send,
) -> std::io::Result<()> {
    let html = Bytes::from(html);
    let handler = move |request: Request<Incoming>| std::future::ready(answer(&request, html.clone()));
    run(listener, handler, shutdown).await
}

/// Answers every request with `handler` until `shutdown` resolves, then ends kept connections and returns.
///
/// # Errors
/// When the listener has no address any more, which is to say never once it listens.
pub(crate) async fn run<H, F>(
    listener: TcpListener,
    handler: H,
    shutdown: impl Future<Output = ()> + Send,
) -> std::io::Result<()>
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let mut open = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = open.join_next(), if !open.is_empty() => {}
            accepted = listener.accept(), if open.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    open.spawn(connection(stream, handler.clone(), stopped.clone()));
                }
                // A client that gave up, or no socket left: neither ends the service.
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
        }
    }
    drop(listener);
    stop.send_replace(true);
    let drained = async { while open.join_next().await.is_some() {} };
    // Whoever still reads after the limit is cut off when `open` is dropped.
    drop(tokio::time::timeout(STOP_TIMEOUT, drained).await);
    Ok(())
}

async fn connection<H, F>(stream: TcpStream, handler: H, mut stopped: watch::Receiver<bool>)
where
    H: Fn(Request<Incoming>) -> F + Send,
    F: Future<Output = Response<Body>> + Send,
{
    let service = service_fn(move |request| {
        let answer = handler(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(16 * 1024)
            .serve_connection(TokioIo::new(stream), service)
    );
    let stop = async move { drop(stopped.wait_for(|is_stopped| *is_stopped).await) };
    // How a connection ends is the client's affair: there is nobody to tell.
    tokio::select! {
        ended = connection.as_mut() => drop(ended),
        () = tokio::time::sleep(CONNECTION_TIMEOUT) => {}
        () = stop => {
            connection.as_mut().graceful_shutdown();
            drop(connection.await);
        }
    }
}

fn answer(request: &Request<Incoming>, html: Bytes) -> Response<Body> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match (request.uri().path(), is_read) {
        ("/", true) => reply(StatusCode::OK, "text/html; charset=utf-8", html),
        ("/", false) => {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "this page can only be read\n");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            // A body that nobody reads must not be taken for the next request.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
        _ => plain(StatusCode::NOT_FOUND, "there is one page here, at /\n"),
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    reply(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

/// For HEAD hyper sends the head alone, with the length of the body that GET would have.
pub(crate) fn reply(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Body> {
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length);
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A server-sent event (WHATWG HTML, section 9.2.6); `data` has no line feed.
pub(crate) fn event(name: &str, data: &impl std::fmt::Display) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// A stream of server-sent events, which ends when nobody sends any more.
pub(crate) fn events(receiver: mpsc::Receiver<Bytes>) -> Response<Body> {
    let mut response = reply(StatusCode::OK, "text/event-stream", Bytes::new());
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    *response.body_mut() = Streamed { events: receiver }.boxed_unsync();
    response
}

/// The body of a stream.
struct Streamed {
    events: mpsc::Receiver<Bytes>,
}

impl hyper::body::Body for Streamed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.get_mut().events.poll_recv(context).map(|event| event.map(|bytes| Ok(Frame::data(bytes))))
    }
}
