//! The rows of `edges`: calls from one service to another, and what the callee does not explain of them.
//!
//! A callee without spans is known by what the caller says about it; its duration counts as zero, so that the
//! whole call is delay. Messages over a queue are edges, too: see [`super::queues`]. The scope admits an edge by its caller or by its callee.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::queues::{Deliveries, Queues};
use super::{blocks, exact_quantile};
use crate::answer::EdgeRow;
use crate::peer;
use crate::question::Scope;
use crate::signal::{Span, SpanKind, Value, attribute};
use crate::time::UnixNanos;
use crate::trace::{AssembledTrace, Node};

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct EdgeKey {
    caller: Arc<str>,
    callee: String,
    is_instrumented: bool,
}

#[derive(Debug, Default)]
struct Edge {
    errors: u64,
    resends: u64,
    client_sum_ns: i64,
    server_sum_ns: i64,
    delays_ns: Vec<i64>,
    offsets_ns: Vec<i64>,
    blocks: BTreeMap<UnixNanos, (u64, i64)>,
}

/// Edges and queues, taken in trace by trace.
#[derive(Debug)]
pub struct Edges {
    edges: BTreeMap<EdgeKey, Edge>,
    queues: Queues,
}

impl Edges {
    /// No edges yet; `deliveries` are those of every trace, since a message may be taken much later.
    #[must_use]
    pub fn new(deliveries: Deliveries) -> Self {
        Self { edges: BTreeMap::new(), queues: Queues::new(deliveries) }
    }

    /// Takes in a complete trace.
    pub fn take(&mut self, trace: &AssembledTrace<'_>, scope: &Scope) {
        self.queues.take(trace, scope);
        for node in trace.nodes.iter().filter(|node| node.span.kind == SpanKind::Client) {
            let callee = peer::callee(trace, node);
            if is_meant(scope, node.span, callee) {
                let edge = self.edges.entry(key_of(node.span, callee)).or_default();
                edge.take(node, callee);
                edge.resends += u64::from(is_resend(trace, node));
            }
        }
    }

    /// The rows: calls, then queues, each sorted.
    #[must_use]
    pub fn rows(self) -> Vec<EdgeRow> {
        let mut rows: Vec<EdgeRow> = self.edges.into_iter().map(|(key, edge)| edge.row(key)).collect();
        rows.extend(self.queues.rows());
        rows
    }
}

fn is_meant(scope: &Scope, caller: &Span, callee: Option<&Span>) -> bool {
    let admits = |span: &Span| scope.admits(&span.resource.service, &span.name, &span.resource.instance);
    admits(caller) || callee.is_some_and(admits)
}

/// Whether a call repeats a failed one: it says so, or the call of the same name right before it failed. Siblings that
/// ran side by side are no repetition, and neither is a loop that goes on after one failure.
fn is_resend(trace: &AssembledTrace<'_>, node: &Node<'_>) -> bool {
    let span = node.span;
    let count = attribute(&span.attributes, "http.request.resend_count").map(Value::render);
    if count.is_some_and(|count| count.parse::<u64>().is_ok_and(|count| count > 0)) {
        return true;
    }
    let siblings = node.parent.and_then(|parent| trace.nodes.get(parent)).map(|parent| &parent.children);
    let before = siblings.into_iter().flatten().filter_map(|place| trace.nodes.get(*place)).filter(|other| {
        other.span.kind == SpanKind::Client
            && other.span.name == span.name
            && other.span.span_id != span.span_id
            && other.span.end <= span.start
            && peer::name(other.span) == peer::name(span)
    });
    before.max_by_key(|other| (other.span.end, other.span.span_id)).is_some_and(|other| other.span.is_error())
}

fn middle_ns(span: &Span) -> i64 {
    span.start.0.saturating_add(span.duration_ns() / 2)
}

fn key_of(caller: &Span, callee: Option<&Span>) -> EdgeKey {
    EdgeKey {
        caller: Arc::clone(&caller.resource.service),
        callee: callee.map_or_else(|| peer::name(caller), |span| span.resource.service.to_string()),
        is_instrumented: callee.is_some(),
    }
}

impl Edge {
    fn take(&mut self, node: &Node<'_>, callee: Option<&Span>) {
        let client_ns = node.span.duration_ns();
        let server_ns = callee.map_or(0, Span::duration_ns);
        let delay_ns = node.edge_delay_ns.unwrap_or(client_ns);
        self.errors += u64::from(node.span.is_error());
        self.client_sum_ns = self.client_sum_ns.saturating_add(client_ns);
        self.server_sum_ns = self.server_sum_ns.saturating_add(server_ns);
        self.delays_ns.push(delay_ns);
        self.offsets_ns.extend(callee.map(|callee| middle_ns(callee).saturating_sub(middle_ns(node.span))));
        let block = self.blocks.entry(node.span.start.floor_second()).or_default();
        block.0 += 1;
        block.1 = block.1.saturating_add(delay_ns);
    }

    fn row(mut self, key: EdgeKey) -> EdgeRow {
        self.delays_ns.sort_unstable();
        self.offsets_ns.sort_unstable();
        EdgeRow {
            caller: key.caller.to_string(),
            callee: key.callee,
            is_instrumented: key.is_instrumented,
            count: self.delays_ns.len() as u64,
            errors: self.errors,
            client_sum_ns: self.client_sum_ns,
            server_sum_ns: self.server_sum_ns,
            delay_p50_ns: exact_quantile(&self.delays_ns, 0.5),
            clock_offset_p50_ns: exact_quantile(&self.offsets_ns, 0.5),
            blocks: blocks(self.blocks),
            resends: self.resends,
            queue: None,
        }
    }
}
