//! Connections to the instances of other services: opened when there is none, kept for the next request unless the
//! settings say otherwise, and with a span for each of the two steps of opening one.
//! It deliberately does not choose an instance and does not retry: calls do.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use opentelemetry::trace::{SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::credentials::SERVER_NAME;
use crate::instrument::{Telemetry, fail_span};
use crate::outbound::{self, BodyError};

/// Connections to one instance that are kept though nobody uses them.
const IDLE: usize = 256;

type Sender = SendRequest<Full<Bytes>>;

/// Why an exchange brought no answer.
#[derive(Debug, Error)]
pub(super) enum ExchangeError {
    /// No answer has begun.
    #[error("no answer: {0}")]
    NoAnswer(BodyError),
    /// An answer began and broke off.
    #[error("the answer broke off: {0}")]
    Broken(BodyError),
}

impl From<io::Error> for ExchangeError {
    fn from(error: io::Error) -> Self {
        Self::NoAnswer(error.into())
    }
}

impl From<hyper::Error> for ExchangeError {
    fn from(error: hyper::Error) -> Self {
        Self::NoAnswer(error.into())
    }
}

/// The connections of one client.
#[derive(Debug)]
pub(super) struct Connections {
    idle: Mutex<BTreeMap<SocketAddr, Vec<Sender>>>,
    reuse: bool,
    tls: Option<Arc<ClientConfig>>,
    telemetry: Arc<Telemetry>,
}

impl Connections {
    /// With `tls`, every connection is encrypted and both sides show their certificates.
    pub(super) fn new(reuse: bool, tls: Option<Arc<ClientConfig>>, telemetry: &Arc<Telemetry>) -> Self {
        Self { idle: Mutex::default(), reuse, tls, telemetry: Arc::clone(telemetry) }
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Sends one request and reads the whole answer; a connection that has to be opened gets its spans below
    /// `context`.
    pub(super) async fn exchange(
        &self,
        address: SocketAddr,
        mut request: Request<Full<Bytes>>,
        context: &Context,
    ) -> Result<(StatusCode, Bytes), ExchangeError> {
        while let Some(mut sender) = self.take(address) {
            match sender.try_send_request(request).await {
                Ok(response) => return self.finish(address, sender, response).await,
                // The other side had closed the connection before anything was sent: another one will do.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
        let mut sender = self.open(address, context).await?;
        let response = sender.send_request(request).await?;
        self.finish(address, sender, response).await
    }

    fn take(&self, address: SocketAddr) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = idle.get_mut(&address)?;
        senders.retain(|sender| !sender.is_closed());
        senders.pop()
    }

    async fn finish(
        &self,
        address: SocketAddr,
        mut sender: Sender,
        response: axum::http::Response<hyper::body::Incoming>,
    ) -> Result<(StatusCode, Bytes), ExchangeError> {
        let status = response.status();
        let body = outbound::read_body(response).await.map_err(ExchangeError::Broken)?;
        if self.reuse && sender.ready().await.is_ok() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            let senders = idle.entry(address).or_default();
            if senders.len() < IDLE {
                senders.push(sender);
            }
        }
        Ok((status, body))
    }

    async fn open(&self, address: SocketAddr, context: &Context) -> Result<Sender, ExchangeError> {
        let stream = self.step("tcp.connect", address, context, TcpStream::connect(address)).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return begin(stream).await };
        let name = ServerName::try_from(SERVER_NAME).map_err(io::Error::other)?;
        let connect = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
        begin(self.step("tls.connect", address, context, connect).await?).await
    }

    /// One step of opening a connection, with its span.
    async fn step<T>(
        &self,
        name: &'static str,
        address: SocketAddr,
        context: &Context,
        work: impl Future<Output = io::Result<T>>,
    ) -> io::Result<T> {
        let attributes = vec![
            KeyValue::new("network.transport", "tcp"),
            KeyValue::new("network.peer.address", address.ip().to_string()),
            KeyValue::new("network.peer.port", i64::from(address.port())),
        ];
        let span = self.telemetry.start_span(name.to_owned(), SpanKind::Internal, attributes, context);
        let outcome = work.await;
        if let Err(error) = &outcome {
            fail_span(&span, format!("{:?}", error.kind()), error.to_string());
        }
        span.span().end();
        outcome
    }
}

async fn begin(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<Sender, ExchangeError> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends when either side closes the connection, which whoever sends next is told.
    tokio::spawn(connection);
    Ok(sender)
}
