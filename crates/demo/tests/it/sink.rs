//! A collector in the test: takes OTLP over HTTP and keeps what the assertions need.
//! It deliberately answers success to everything it can decode, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use prost::Message as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Attributes, as text.
pub(crate) type Attributes = BTreeMap<String, String>;

#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) resource: Attributes,
    pub(crate) trace: Vec<u8>,
    pub(crate) id: Vec<u8>,
    pub(crate) parent: Vec<u8>,
    pub(crate) name: String,
    pub(crate) kind: i32,
    /// The trace and span of each link.
    pub(crate) links: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) failed: bool,
    pub(crate) attributes: Attributes,
}

#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) spans: Vec<Span>,
    /// The service and the trace of each record.
    pub(crate) logs: Vec<(String, Vec<u8>)>,
    /// The instance and the name of each metric.
    pub(crate) metrics: BTreeSet<(String, String)>,
}

#[derive(Clone)]
struct Shared {
    received: Arc<Mutex<Received>>,
    changed: watch::Sender<()>,
}

pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    shared: Shared,
    server: JoinHandle<()>,
}

impl Sink {
    pub(crate) async fn start() -> Self {
        let shared = Shared { received: Arc::default(), changed: watch::Sender::new(()) };
        let router = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(metrics))
            .route("/v1/logs", post(logs))
            .with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, server }
    }

    /// Waits until what was received satisfies `find`, and returns what that found.
    pub(crate) async fn until<T>(&self, what: &str, mut find: impl FnMut(&Received) -> Option<T>) -> T {
        let mut changed = self.shared.changed.subscribe();
        let found = tokio::time::timeout(Duration::from_secs(15), async {
            loop {
                if let Some(found) = find(&self.shared.received.lock().unwrap()) {
                    return found;
                }
                changed.changed().await.unwrap();
            }
        });
        found.await.unwrap_or_else(|_| panic!("{what} did not arrive"))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn traces(State(shared): State<Shared>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let mut received = shared.received.lock().unwrap();
    for group in request.resource_spans {
        let resource = attributes(group.resource.unwrap_or_default().attributes);
        for span in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            received.spans.push(Span {
                resource: resource.clone(),
                trace: span.trace_id,
                id: span.span_id,
                parent: span.parent_span_id,
                name: span.name,
                kind: span.kind,
                links: span.links.into_iter().map(|link| (link.trace_id, link.span_id)).collect(),
                failed: span.status.is_some_and(|status| status.code == 2),
                attributes: attributes(span.attributes),
            });
        }
    }
    drop(received);
    shared.changed.send_replace(());
}

async fn metrics(State(shared): State<Shared>, body: Bytes) {
    let request = ExportMetricsServiceRequest::decode(body).unwrap();
    let mut received = shared.received.lock().unwrap();
    for group in request.resource_metrics {
        let resource = attributes(group.resource.unwrap_or_default().attributes);
        for metric in group.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
            received.metrics.insert((resource["service.instance.id"].clone(), metric.name));
        }
    }
    drop(received);
    shared.changed.send_replace(());
}

async fn logs(State(shared): State<Shared>, body: Bytes) {
    let request = ExportLogsServiceRequest::decode(body).unwrap();
    let mut received = shared.received.lock().unwrap();
    for group in request.resource_logs {
        let resource = attributes(group.resource.unwrap_or_default().attributes);
        for record in group.scope_logs.into_iter().flat_map(|scope| scope.log_records) {
            received.logs.push((resource["service.name"].clone(), record.trace_id));
        }
    }
    drop(received);
    shared.changed.send_replace(());
}

fn attributes(attributes: Vec<KeyValue>) -> Attributes {
    attributes.into_iter().map(|attribute| (attribute.key, text(attribute.value))).collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    }
}
