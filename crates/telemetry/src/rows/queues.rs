//! The queues of `edges`: what became of the messages that were sent.
//!
//! A message is known by the span that sent it; who takes it says so by a link, or is its child. A delivery may
//! come long after the trace of the sender ended, so deliveries are looked for in every trace, not in the window.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{blocks, exact_quantile};
use crate::answer::{EdgeRow, QueueFigures};
use crate::ids::{SpanId, TraceId};
use crate::question::Scope;
use crate::signal::{Span, SpanKind, Value, attribute};
use crate::time::UnixNanos;
use crate::trace::AssembledTrace;

/// One taking of a message.
#[derive(Debug, Clone)]
struct Delivery {
    service: Arc<str>,
    operation: Arc<str>,
    at: UnixNanos,
    is_error: bool,
}

/// Deliveries by the span that sent the message.
#[derive(Debug, Default)]
pub struct Deliveries(BTreeMap<(TraceId, SpanId), Vec<Delivery>>);

impl Deliveries {
    /// Takes in a span of any trace, if it takes a message.
    pub fn take(&mut self, span: &Span) {
        if !is_delivery(span) {
            return;
        }
        let delivery = Delivery {
            service: Arc::clone(&span.resource.service),
            operation: Arc::clone(&span.name),
            at: span.start,
            is_error: span.is_error(),
        };
        for sender in origins(span) {
            self.0.entry(sender).or_default().push(delivery.clone());
        }
    }
}

/// The spans that a delivery may come from. Some instrumentations say it twice, as parent and as link.
#[must_use]
pub fn origins(span: &Span) -> BTreeSet<(TraceId, SpanId)> {
    let parent = span.parent.map(|parent| (span.trace_id, parent));
    parent.into_iter().chain(span.links.iter().map(|link| (link.trace_id, link.span_id))).collect()
}

/// Fetching a batch is no delivery of a message; working on one is.
fn is_delivery(span: &Span) -> bool {
    span.kind == SpanKind::Consumer && !is_fetch(span)
}

/// Whether a consumer's span only fetches.
#[must_use]
pub fn is_fetch(span: &Span) -> bool {
    let operation = attribute(&span.attributes, "messaging.operation.type")
        .or_else(|| attribute(&span.attributes, "messaging.operation"));
    operation.is_some_and(|operation| operation.as_text() == Some("receive"))
}

#[derive(Debug, Default)]
struct Queue {
    takers: BTreeMap<Arc<str>, u64>,
    sent: u64,
    failed_sends: u64,
    processed: u64,
    failed: u64,
    deliveries: u64,
    most: (u64, Option<TraceId>),
    waits_ns: Vec<i64>,
    blocks: BTreeMap<UnixNanos, (u64, i64)>,
}

/// The queues between services, taken in trace by trace.
#[derive(Debug)]
pub(super) struct Queues {
    deliveries: Deliveries,
    queues: BTreeMap<(Arc<str>, String), Queue>,
}

impl Queues {
    pub(super) fn new(deliveries: Deliveries) -> Self {
        Self { deliveries, queues: BTreeMap::new() }
    }

    /// Takes in the messages that `trace` sends, and that the scope admits by sender or taker.
    pub(super) fn take(&mut self, trace: &AssembledTrace<'_>, scope: &Scope) {
        for node in trace.nodes.iter().filter(|node| node.span.kind == SpanKind::Producer) {
            let span = node.span;
            let taken =
                self.deliveries.0.get(&(span.trace_id, span.span_id)).map(Vec::as_slice).unwrap_or_default();
            let is_meant = scope.admits(&span.resource.service, &span.name, &span.resource.instance)
                || taken.iter().any(|delivery| scope.admits(&delivery.service, &delivery.operation, ""));
            if is_meant {
                let name = attribute(&span.attributes, "messaging.destination.name")
                    .map_or_else(|| span.name.to_string(), Value::render);
                let queue = self.queues.entry((Arc::clone(&span.resource.service), name)).or_default();
                queue.take(span, taken);
            }
        }
    }

    /// The queues as edges, by sender and name.
    pub(super) fn rows(self) -> impl Iterator<Item = EdgeRow> {
        self.queues.into_iter().map(|((sender, name), queue)| queue.row(&sender, name))
    }
}

impl Queue {
    fn take(&mut self, sender: &Span, taken: &[Delivery]) {
        self.sent += 1;
        self.failed_sends += u64::from(sender.is_error());
        self.deliveries += taken.len() as u64;
        self.processed += u64::from(taken.iter().any(|delivery| !delivery.is_error));
        self.failed += u64::from(!taken.is_empty() && taken.iter().all(|delivery| delivery.is_error));
        // Several subscribers of one message are no repeated delivery; failures are.
        let failures = taken.iter().filter(|delivery| delivery.is_error).count() as u64;
        if failures > self.most.0 {
            self.most = (failures, Some(sender.trace_id));
        }
        for delivery in taken {
            *self.takers.entry(Arc::clone(&delivery.service)).or_default() += 1;
        }
        if let Some(first) = taken.iter().map(|delivery| delivery.at).min() {
            let wait_ns = first.since(sender.end).max(0);
            self.waits_ns.push(wait_ns);
            let block = self.blocks.entry(sender.start.floor_second()).or_default();
            block.0 += 1;
            block.1 = block.1.saturating_add(wait_ns);
        }
    }

    fn row(mut self, sender: &str, name: String) -> EdgeRow {
        self.waits_ns.sort_unstable();
        // The most frequent taker; the first by name among equals.
        let taker = self.takers.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        EdgeRow {
            caller: sender.to_owned(),
            callee: taker.map(|(service, _)| service.to_string()).unwrap_or_default(),
            is_instrumented: taker.is_some(),
            count: self.sent,
            errors: self.failed_sends,
            client_sum_ns: self.waits_ns.iter().fold(0, |sum: i64, wait| sum.saturating_add(*wait)),
            server_sum_ns: 0,
            delay_p50_ns: exact_quantile(&self.waits_ns, 0.5),
            clock_offset_p50_ns: 0,
            blocks: blocks(self.blocks),
            resends: 0,
            queue: Some(QueueFigures {
                name,
                processed: self.processed,
                failed: self.failed,
                untaken: self.sent - self.processed - self.failed,
                deliveries: self.deliveries,
                deliveries_max: self.most.0,
                most_delivered: self.most.1,
            }),
        }
    }
}
