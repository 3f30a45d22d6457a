//! Accepts connections, serves them, and lets them finish at the end.
//!
//! The listener and the end are passed in, so that a test binds port 0 and stops when it likes. A listener speaks
//! HTTP/1.1 or gRPC over HTTP/2, not both. TLS is not here.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time;

use crate::exchange::Exchange;
use crate::grpc;
use crate::pace::{Pace, PacedStream};

/// Bytes of a request head: OTLP needs a few hundred.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Pause after a failed accept, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often a connection's pace is looked at.
const PACE_PERIOD: Duration = Duration::from_millis(500);

/// Bytes that a sender may have under way on one gRPC connection before they are read and charged.
const WINDOW_BYTES: u32 = 256 << 10;
/// Calls at one time on one gRPC connection; exporters make one.
const STREAMS_MAX: u32 = 64;
/// How often a silent gRPC connection is asked whether it is there.
const PING_PERIOD: Duration = Duration::from_secs(30);

/// What a listener speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// OTLP/HTTP over HTTP/1.1.
    Http,
    /// OTLP/gRPC over HTTP/2 without TLS.
    Grpc,
}

/// Why serving did not end as it should.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Connections that were still busy when the time to finish was over were cut.
    #[error("{connections} connections did not finish in time and were cut")]
    DrainTimedOut {
        /// How many.
        connections: usize,
    },
}

/// Serves OTLP on `listener` through `exchange`, until `shutdown` completes and the connections have finished.
///
/// # Errors
/// When connections had to be cut at the end.
pub async fn serve(
    listener: TcpListener,
    protocol: Protocol,
    exchange: Arc<Exchange>,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    let limits = *exchange.limits();
    let permits = Arc::new(Semaphore::new(limits.connections_max));
    let (stop, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, permit) = accept(&listener, &permits) => {
                let (exchange, stopped) = (Arc::clone(&exchange), stopped.clone());
                match protocol {
                    Protocol::Http => connections.spawn(http_connection(stream, exchange, stopped, permit)),
                    Protocol::Grpc => connections.spawn(grpc_connection(stream, exchange, stopped, permit)),
                };
            }
            Some(_ended) = connections.join_next() => {}
        }
    }
    drop(listener);
    stop.send_replace(true);
    let drained =
        time::timeout(limits.drain_timeout, async { while connections.join_next().await.is_some() {} });
    match drained.await {
        Ok(()) => Ok(()),
        Err(_) => {
            let connections_left = connections.len();
            connections.shutdown().await;
            Err(ServeError::DrainTimedOut { connections: connections_left })
        }
    }
}

/// The next connection, once there is room for it. Failures to accept pass; the listener stays.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> (TcpStream, OwnedSemaphorePermit) {
    let permit = loop {
        if let Ok(permit) = Arc::clone(permits).acquire_owned().await {
            break permit;
        }
        // The semaphore is never closed; should it be, nothing may be accepted.
        std::future::pending::<()>().await;
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(_) => time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn http_connection(
    stream: TcpStream,
    exchange: Arc<Exchange>,
    stopped: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) {
    // Small answers must not wait for more; when the option cannot be set they only come later.
    let _outcome = stream.set_nodelay(true);
    let limits = *exchange.limits();
    let pace = Pace::new();
    let paced = PacedStream { stream, pace: pace.clone() };
    let service = service_fn(|request| {
        let (exchange, pace) = (Arc::clone(&exchange), pace.clone());
        async move {
            pace.head_was_read();
            let response = exchange.answer(request).await;
            pace.answer_is_ready();
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.idle_timeout).max_buf_size(HEAD_BYTES_MAX);
    let is_lost = || pace.is_too_slow(limits.header_timeout);
    attend(builder.serve_connection(TokioIo::new(paced), service), is_lost, stopped).await;
}

/// Serves one connection until it ends, `is_lost` says so, or it has finished after the stop.
async fn attend(
    connection: impl GracefulConnection,
    is_lost: impl Fn() -> bool,
    mut stopped: watch::Receiver<bool>,
) {
    let mut serving = std::pin::pin!(connection);
    let mut period = time::interval(PACE_PERIOD);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            // Whatever goes wrong on the wire is the sender's to see and ends this connection only.
            _ended = serving.as_mut() => return,
            _tick = period.tick() => {
                if is_lost() {
                    return;
                }
            }
            _changed = stopped.changed(), if !is_stopping => {
                is_stopping = true;
                // HTTP/2 says GOAWAY, and ends when the calls under way are answered.
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn grpc_connection(
    stream: TcpStream,
    exchange: Arc<Exchange>,
    stopped: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
) {
    let _outcome = stream.set_nodelay(true);
    let limits = *exchange.limits();
    let pace = Pace::new();
    let paced = PacedStream { stream, pace: pace.clone() };
    let service = service_fn(|request| {
        let exchange = Arc::clone(&exchange);
        async move { Ok::<_, Infallible>(grpc::answer(&exchange, request).await) }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .keep_alive_interval(PING_PERIOD.min(limits.idle_timeout / 3))
        .keep_alive_timeout(limits.idle_timeout);
    // Who is there answers pings.
    let is_lost = || pace.is_silent_for(limits.idle_timeout);
    attend(builder.serve_connection(TokioIo::new(paced), service), is_lost, stopped).await;
}
