//! Calls to the instances of another party: round robin, one span for each attempt, at once to the sibling when an
//! instance does not answer, so that a rolling restart loses no request, and again after a failure as often as the
//! settings say.
//! It deliberately does not wait between attempts, and an attempt that is given up goes on at the other end: that
//! is how many clients are, and what a retry storm is made of.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::{Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::Full;
use opentelemetry::trace::{SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;

pub(super) use super::call::{Answer, Call, CallError, Document};
use super::connections::{Connections, ExchangeError};
use super::settings::{CALL_LIMIT, Calling};
use crate::clock;
use crate::instrument::{Telemetry, fail_span};

/// The instances of one party.
#[derive(Debug)]
pub(super) struct Upstream {
    name: &'static str,
    addresses: Vec<SocketAddr>,
    turn: AtomicUsize,
    calling: Calling,
    connections: Arc<Connections>,
    telemetry: Arc<Telemetry>,
}

impl Upstream {
    pub(super) fn new(
        name: &'static str,
        addresses: &[SocketAddr],
        calling: Calling,
        tls: Option<Arc<ClientConfig>>,
        telemetry: &Arc<Telemetry>,
    ) -> Self {
        Self {
            name,
            addresses: addresses.to_vec(),
            turn: AtomicUsize::new(0),
            calling,
            connections: Arc::new(Connections::new(calling.reuse, tls, telemetry)),
            telemetry: Arc::clone(telemetry),
        }
    }

    /// Asks one instance and, if that one does not answer at all, the next.
    pub(super) async fn call(&self, call: Call) -> Result<Answer, CallError> {
        match timeout(CALL_LIMIT, self.attempts(&call)).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::Timeout { service: self.name }),
        }
    }

    async fn attempts(&self, call: &Call) -> Result<Answer, CallError> {
        let (mut unreachable, mut failed) = (0, 0);
        for (resend, address) in self.order().enumerate() {
            match self.attempt(call, address, resend).await {
                Err(CallError::Unreachable { .. }) => {
                    unreachable += 1;
                    if unreachable >= self.addresses.len() {
                        break;
                    }
                }
                Err(CallError::Timeout { .. } | CallError::Status { .. })
                    if failed < self.calling.retries =>
                {
                    failed += 1;
                }
                answered => return answered,
            }
        }
        Err(CallError::Unreachable { service: self.name })
    }

    /// The instances, beginning with the one whose turn it is, again and again.
    pub(super) fn order(&self) -> impl Iterator<Item = SocketAddr> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.addresses.len().max(1);
        self.addresses.iter().cycle().skip(first).copied()
    }

    /// How many instances there are.
    pub(super) fn instances(&self) -> usize {
        self.addresses.len()
    }

    async fn attempt(&self, call: &Call, address: SocketAddr, resend: usize) -> Result<Answer, CallError> {
        let attempt = self.begin(call, address, resend);
        let service = self.name;
        let request = request(call, address, &self.telemetry, &attempt.context);
        let (connections, context) = (Arc::clone(&self.connections), attempt.context.clone());
        let mut exchange = Exchange(Some(tokio::spawn(timeout(CALL_LIMIT, async move {
            connections.exchange(address, request, &context).await
        }))));
        let exchanged = match timeout(self.calling.attempt_limit, exchange.outcome()).await {
            Ok(Ok(Ok(Ok((status, body))))) => Ok((status, body)),
            Ok(Ok(Ok(Err(error)))) => Err(CallError::of(service, error)),
            Ok(Err(cut_off)) => Err(CallError::of(service, ExchangeError::NoAnswer(cut_off.into()))),
            Ok(Ok(Err(_))) => Err(CallError::Timeout { service }),
            Err(_) => {
                exchange.leave();
                Err(CallError::Timeout { service })
            }
        };
        attempt.finish(exchanged)
    }

    /// Begins the span of an attempt.
    pub(super) fn begin(&self, call: &Call, address: SocketAddr, resend: usize) -> Attempt {
        let labels = vec![
            KeyValue::new("http.request.method", call.method.as_str().to_owned()),
            KeyValue::new("server.address", self.name),
            KeyValue::new("server.port", i64::from(address.port())),
            KeyValue::new("url.scheme", self.connections.scheme()),
            KeyValue::new("url.template", call.template),
        ];
        let mut attributes = labels.clone();
        attributes.extend([
            KeyValue::new("network.peer.address", address.ip().to_string()),
            KeyValue::new("network.peer.port", i64::from(address.port())),
            KeyValue::new("url.full", call.url(self.connections.scheme(), address)),
        ]);
        if let Some(resend) = i64::try_from(resend).ok().filter(|resend| *resend > 0) {
            attributes.push(KeyValue::new("http.request.resend_count", resend));
        }
        let context =
            self.telemetry.start_span(call.name(), SpanKind::Client, attributes, &Context::current());
        Attempt {
            service: self.name,
            context,
            started: clock::monotonic(),
            labels,
            is_finished: false,
            telemetry: Arc::clone(&self.telemetry),
        }
    }
}

fn request(
    call: &Call,
    address: SocketAddr,
    telemetry: &Telemetry,
    context: &Context,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(call.body.clone()));
    *request.method_mut() = call.method.clone();
    // Targets are made of numbers: one that is no path becomes the root, which no service has.
    *request.uri_mut() = call.target.parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    if let Ok(host) = address.to_string().parse() {
        headers.insert(header::HOST, host);
    }
    telemetry.inject(context, headers);
    request
}

type Exchanged = Result<Result<(StatusCode, Bytes), ExchangeError>, Elapsed>;

/// An exchange in a task of its own, so that it can outlive the attempt: one that takes too long for its attempt is
/// left to itself. When the whole call is given up, because the caller has gone away, so is the exchange.
struct Exchange(Option<JoinHandle<Exchanged>>);

impl Exchange {
    async fn outcome(&mut self) -> Result<Exchanged, JoinError> {
        match &mut self.0 {
            Some(task) => task.await,
            None => std::future::pending().await,
        }
    }

    fn leave(&mut self) {
        self.0 = None;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// One attempt under way: its span says so when it was abandoned, because a timeout drops the future and not the
/// explanation.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) service: &'static str,
    pub(super) context: Context,
    started: Instant,
    labels: Vec<KeyValue>,
    is_finished: bool,
    telemetry: Arc<Telemetry>,
}

impl Attempt {
    /// Ends the span with what came of the attempt.
    pub(super) fn finish(
        mut self,
        exchanged: Result<(StatusCode, Bytes), CallError>,
    ) -> Result<Answer, CallError> {
        let service = self.service;
        let answer = exchanged.and_then(|(status, body)| {
            let status_code = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
            self.context.span().set_attribute(status_code.clone());
            self.labels.push(status_code);
            if status.is_server_error() {
                Err(CallError::Status { service, status })
            } else {
                Ok(Answer { status, body })
            }
        });
        match &answer {
            Ok(answer) if answer.status.is_client_error() => {
                self.end(Some((answer.status.as_str().to_owned(), String::new())));
            }
            Ok(_) => self.end(None),
            Err(error) => self.end(Some((error.error_type(), error.to_string()))),
        }
        answer
    }

    fn end(&mut self, failure: Option<(String, String)>) {
        self.is_finished = true;
        if let Some((error_type, description)) = failure {
            self.labels.push(KeyValue::new("error.type", error_type.clone()));
            fail_span(&self.context, error_type, description);
        }
        self.context.span().end();
        let elapsed: Duration = self.started.elapsed();
        self.telemetry.instruments.client_duration.record(elapsed.as_secs_f64(), &self.labels);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_finished {
            self.end(Some(("timeout".to_owned(), "the call was abandoned".to_owned())));
        }
    }
}
