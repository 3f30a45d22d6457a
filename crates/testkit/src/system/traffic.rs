//! The spans of a generated system: every request walks the graph from the front, one call after the other.
//!
//! Work, queries and ways are log-normal around their medians. From the onset on, the fault is in them.

use std::sync::Arc;

use telemetry::time::SECOND_NS;
use telemetry::{Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

use super::fault::{FAILING, Fault, FaultKind, REPEATED};
use super::graph::{Graph, Operation, Query, Shape};
use crate::dice::Dice;

/// Spread of the logarithm of every duration.
const SPREAD: f64 = 0.25;

/// A deploy: since when a service runs its next version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deploy {
    pub(super) at: UnixNanos,
    pub(super) service: usize,
}

/// What the requests of one system meet.
#[derive(Debug)]
pub(super) struct Traffic<'a> {
    graph: &'a Graph,
    fault: Option<&'a Fault>,
    onset: UnixNanos,
    deploys: &'a [Deploy],
    dice: Dice,
    texts: Vec<Arc<str>>,
    /// By service, instance and version.
    resources: Vec<Vec<[Arc<Resource>; 2]>>,
    spans: Vec<Span>,
    trace: TraceId,
}

/// The spans of all requests, in the order in which they are made.
pub(super) fn spans(
    seed: u64,
    (graph, shape): (&Graph, &Shape),
    fault: Option<&Fault>,
    onset: UnixNanos,
    deploys: &[Deploy],
) -> Vec<Span> {
    let mut traffic = Traffic {
        graph,
        fault,
        onset,
        deploys,
        dice: Dice::part(seed, 3),
        texts: graph.operations.iter().map(|operation| Arc::from(operation.name.as_str())).collect(),
        resources: graph
            .services
            .iter()
            .map(|service| (0..service.instances).map(|place| resources(&service.name, place)).collect())
            .collect(),
        spans: Vec::new(),
        trace: TraceId([0; 16]),
    };
    for second in -shape.seconds_before..shape.seconds_after {
        for _ in 0..traffic.dice.poisson(shape.requests_per_second) {
            let within = traffic.dice.below(SECOND_NS as usize) as i64;
            let start = UnixNanos(onset.plus_seconds(second).0 + within);
            let bits = u128::from(traffic.dice.bits()) << 64 | u128::from(traffic.dice.bits());
            traffic.trace = TraceId(bits.to_be_bytes());
            if let Some(front) = traffic.dice.pick(&graph.front).copied() {
                traffic.serve(front, start, None);
            }
        }
    }
    traffic.spans
}

fn resources(service: &str, place: usize) -> [Arc<Resource>; 2] {
    ["1", "2"].map(|version| {
        let text = |key: &str, text: String| (Arc::from(key), Value::Text(Arc::from(text)));
        Arc::new(Resource::of(vec![
            text("service.name", service.to_owned()),
            text("service.instance.id", format!("{service}-{place}")),
            text("service.version", version.to_owned()),
        ]))
    })
}

fn nanos(ms: f64) -> i64 {
    (ms * 1e6) as i64
}

/// How a piece of work went.
#[derive(Debug, Clone, Copy)]
struct Done {
    end: UnixNanos,
    failed: bool,
}

/// What a span is, beside its times.
struct Kind<'a> {
    name: Arc<str>,
    kind: SpanKind,
    query: Option<&'a Query>,
}

impl Traffic<'_> {
    fn is(&self, kind: FaultKind, service: usize, at: UnixNanos) -> bool {
        self.fault.is_some_and(|fault| fault.kind == kind && fault.service == service && at >= self.onset)
    }

    fn extra_ms(&mut self) -> f64 {
        let extra = self.fault.map_or(0.0, |fault| fault.extra_ms);
        self.dice.log_normal(extra, 0.1)
    }

    /// Serves `operation` from `start` on; gives when the answer leaves.
    fn serve(&mut self, place: usize, start: UnixNanos, parent: Option<SpanId>) -> Done {
        let graph = self.graph;
        let Some(operation) = graph.operations.get(place) else { return Done { end: start, failed: false } };
        let span = self.open(operation.service, parent, start);
        let mut work = self.dice.log_normal(operation.work_ms, SPREAD);
        if self.is(FaultKind::SlowWork, operation.service, start)
            || (self.is(FaultKind::BadDeploy, operation.service, start))
        {
            work += self.extra_ms();
        }
        let mut now = UnixNanos(start.0 + nanos(work / 2.0));
        let mut failed = self.is(FaultKind::Errors, operation.service, start) && self.dice.happens(FAILING);
        if !failed {
            now = self.queries(operation, now, span);
            for call in &operation.calls {
                if self.dice.happens(call.probability) {
                    let done = self.call(operation, call, now, span);
                    now = done.end;
                    failed |= done.failed;
                }
            }
        }
        let end = UnixNanos(now.0 + nanos(work / 2.0));
        let name = self.texts.get(place).map_or_else(|| Arc::from(""), Arc::clone);
        self.close(span, end, failed, Kind { name, kind: SpanKind::Server, query: None });
        Done { end, failed }
    }

    fn queries(&mut self, operation: &Operation, mut now: UnixNanos, parent: usize) -> UnixNanos {
        for query in &operation.queries {
            let is_statement = !query.database.is_empty();
            let repeated = is_statement && self.is(FaultKind::MoreQueries, operation.service, now);
            for _ in 0..if repeated { REPEATED } else { 1 } {
                let mut ms = self.dice.log_normal(query.ms, SPREAD);
                let slow_party = self.fault.is_some_and(|fault| {
                    fault.kind == FaultKind::SlowParty && fault.name == query.target && now >= self.onset
                });
                if slow_party || (is_statement && self.is(FaultKind::SlowQuery, operation.service, now)) {
                    ms += self.extra_ms();
                }
                let parent = self.id(parent);
                let span = self.open(operation.service, parent, now);
                now = UnixNanos(now.0 + nanos(ms));
                let kind =
                    Kind { name: Arc::from(query.name.as_str()), kind: SpanKind::Client, query: Some(query) };
                self.close(span, now, false, kind);
            }
        }
        now
    }

    fn call(&mut self, caller: &Operation, call: &super::graph::Call, now: UnixNanos, parent: usize) -> Done {
        let callee = self.graph.operations.get(call.operation).map_or(0, |operation| operation.service);
        let mut delay = self.dice.log_normal(call.delay_ms, SPREAD);
        let one_edge = self.is(FaultKind::SlowEdge, callee, now)
            && self.fault.is_some_and(|fault| fault.caller == caller.service);
        let all_edges = self.is(FaultKind::SlowNetwork, callee, now)
            || self.is(FaultKind::SlowNetwork, caller.service, now);
        if one_edge || all_edges {
            delay += self.extra_ms();
        }
        let half = nanos(delay / 2.0);
        let parent = self.id(parent);
        let span = self.open(caller.service, parent, now);
        let id = self.id(span);
        let done = self.serve(call.operation, UnixNanos(now.0 + half), id);
        let end = UnixNanos(done.end.0 + half);
        let name = self.texts.get(call.operation).map_or_else(|| Arc::from(""), Arc::clone);
        self.close(span, end, done.failed, Kind { name, kind: SpanKind::Client, query: None });
        Done { end, ..done }
    }

    fn id(&self, span: usize) -> Option<SpanId> {
        self.spans.get(span).map(|span| span.span_id)
    }

    /// Begins a span of `service`; spans of one request come from one instance of each service.
    fn open(&mut self, service: usize, parent: Option<SpanId>, start: UnixNanos) -> usize {
        let instances = self.resources.get(service).map_or(1, Vec::len);
        let instance = usize::from(self.trace.0[15]) % instances.max(1);
        let has_new = self.deploys.iter().any(|deploy| deploy.service == service && start >= deploy.at);
        let versions = self.resources.get(service).and_then(|service| service.get(instance));
        let resource = versions.map(|versions| Arc::clone(if has_new { &versions[1] } else { &versions[0] }));
        let place = self.spans.len();
        self.spans.push(Span {
            trace_id: self.trace,
            span_id: SpanId((place as u64 + 1).to_be_bytes()),
            parent,
            name: Arc::from(""),
            kind: SpanKind::Internal,
            start,
            end: start,
            status: StatusCode::Unset,
            message: Arc::from(""),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            resource: resource.unwrap_or_default(),
        });
        place
    }

    fn close(&mut self, place: usize, end: UnixNanos, failed: bool, what: Kind<'_>) {
        let Some(span) = self.spans.get_mut(place) else { return };
        span.end = end;
        span.name = what.name;
        span.kind = what.kind;
        if failed {
            span.status = StatusCode::Error;
            span.message = Arc::from("500");
        }
        let text = |key: &str, text: &str| (Arc::from(key), Value::Text(Arc::from(text)));
        if let Some(query) = what.query {
            if query.database.is_empty() {
                span.attributes.push(text("server.address", &query.target));
            } else {
                span.attributes.push(text("db.system.name", query.database));
                span.attributes.push(text("db.query.summary", &query.target));
            }
        }
    }
}
