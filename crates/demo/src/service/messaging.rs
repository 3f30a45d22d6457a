//! Messages as telemetry sees them: a producer span where one is sent, and for each delivery a consumer span that
//! begins a trace of its own and links to the producer's, as the semantic conventions for messaging have it.
//! It deliberately decides nothing about a message: the worker does.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue};
use opentelemetry::metrics::Counter;
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{SpanContext, SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;

use super::database::DatabaseError;
use super::queue::{Delivery, Queue};
use crate::instrument::{Telemetry, fail_span};

/// The one queue of the demo: every new order is announced in it.
pub(super) const QUEUE: &str = "order-events";
/// The header that carries the origin of a message.
const TRACEPARENT: &str = "traceparent";

/// The end that sends.
#[derive(Debug)]
pub(super) struct Producer {
    queue: Queue,
    telemetry: Arc<Telemetry>,
    sent: Counter<u64>,
}

impl Producer {
    pub(super) fn new(queue: Queue, telemetry: &Arc<Telemetry>) -> Self {
        let description = "Number of messages producer attempted to send to the broker.";
        let sent = telemetry.counter("messaging.client.sent.messages", description, "{message}");
        Self { queue, telemetry: Arc::clone(telemetry), sent }
    }

    /// Sends one message, with a span below the current one.
    pub(super) async fn send(&self, body: String) -> Result<(), DatabaseError> {
        let attributes = attributes("send", "send");
        let name = format!("send {QUEUE}");
        let context =
            self.telemetry.start_span(name, SpanKind::Producer, attributes.clone(), &Context::current());
        let mut headers = HeaderMap::new();
        self.telemetry.inject(&context, &mut headers);
        let origin = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let sent = self.queue.send(body, origin.to_owned()).await;
        match &sent {
            Ok(id) => context.span().set_attribute(message_id(*id)),
            Err(error) => fail_span(&context, "queue_error".to_owned(), error.to_string()),
        }
        context.span().end();
        self.sent.add(1, &attributes);
        sent.map(drop)
    }
}

/// The end that receives.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) queue: Queue,
    telemetry: Arc<Telemetry>,
    consumed: Counter<u64>,
}

impl Consumer {
    pub(super) fn new(queue: Queue, telemetry: &Arc<Telemetry>) -> Self {
        let description = "Number of messages that were delivered to the application.";
        let consumed = telemetry.counter("messaging.client.consumed.messages", description, "{message}");
        Self { queue, telemetry: Arc::clone(telemetry), consumed }
    }

    /// Takes the next delivery, if there is one.
    pub(super) async fn receive(&self) -> Result<Option<Delivery>, DatabaseError> {
        let delivery = self.queue.receive().await?;
        if delivery.is_some() {
            self.consumed.add(1, &attributes("receive", "receive"));
        }
        Ok(delivery)
    }

    /// Starts the span in which `delivery` is processed: the root of a new trace that links to the producer's span.
    pub(super) fn start_processing(&self, delivery: &Delivery) -> Context {
        let mut attributes = attributes("process", "process");
        attributes.push(message_id(delivery.id));
        let name = format!("process {QUEUE}");
        self.telemetry.start_linked_root(name, SpanKind::Consumer, attributes, origin(delivery))
    }
}

/// The span that sent the message.
fn origin(delivery: &Delivery) -> SpanContext {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&delivery.traceparent) {
        headers.insert(TRACEPARENT, value);
    }
    let context =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(&headers));
    context.span().span_context().clone()
}

fn attributes(operation_type: &'static str, operation: &'static str) -> Vec<KeyValue> {
    vec![
        KeyValue::new("messaging.system", "sqlite_queue"),
        KeyValue::new("messaging.destination.name", QUEUE),
        KeyValue::new("messaging.operation.type", operation_type),
        KeyValue::new("messaging.operation.name", operation),
    ]
}

fn message_id(id: i64) -> KeyValue {
    KeyValue::new("messaging.message.id", format!("{QUEUE}-{id}"))
}
