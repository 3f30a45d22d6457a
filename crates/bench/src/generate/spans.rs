//! Trace requests: one instance a request, 512 spans of 64 traces under way.
//!
//! About 569 bytes a span, as in the measurements that the bounds were derived from. Events and links are rare.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status, span};
use prost::Message as _;

use super::{BATCH, Draws, Made, Stream, int, resource, scope, service, text};

/// Traces that get spans at one time.
const OPEN: u64 = 64;
/// Operations of a service.
const OPERATIONS: u64 = 24;
/// Spans of a trace, at most: then another one begins in its place.
const TRACE_SPANS_MAX: u64 = 24;
/// Between the ends of two spans of a request: 512 of them cover some 5 ms.
const STEP_NS: u64 = 10_000;

/// Makes trace requests.
#[derive(Debug)]
pub struct Spans {
    draws: Draws,
    open: Vec<Trace>,
    number: u64,
    now_ns: u64,
    batch: usize,
    unlike: bool,
}

#[derive(Debug, Clone)]
struct Trace {
    id: [u8; 16],
    parents: Vec<[u8; 8]>,
    left: u64,
}

impl Trace {
    fn new(draws: &mut Draws) -> Self {
        let mut id = [0; 16];
        let halves = draws.id().into_iter().chain(draws.id());
        id.iter_mut().zip(halves).for_each(|(to, from)| *to = from);
        Self { id, parents: Vec::new(), left: 1 + draws.below(TRACE_SPANS_MAX) }
    }
}

impl Spans {
    /// The requests of `seed`, whose spans end from `from_ns` on.
    #[must_use]
    pub fn new(seed: u64, from_ns: u64) -> Self {
        Self::of_batches(seed, from_ns, BATCH)
    }

    /// Like [`Self::new`], `batch` spans a request.
    #[must_use]
    pub fn of_batches(seed: u64, from_ns: u64, batch: usize) -> Self {
        let mut draws = Draws::new(seed);
        let open = (0..OPEN).map(|_| Trace::new(&mut draws)).collect();
        Self { draws, open, number: 0, now_ns: from_ns, batch, unlike: false }
    }

    /// Every span has a name, a key and values of its own: what a dictionary cannot help with.
    #[must_use]
    pub fn unlike(mut self) -> Self {
        self.unlike = true;
        self
    }

    fn span(&mut self) -> Span {
        self.now_ns += STEP_NS;
        let place = usize::try_from(self.draws.below(OPEN)).unwrap_or(0);
        let id = self.draws.id();
        let mut fresh = Trace::new(&mut self.draws);
        let Some(trace) = self.open.get_mut(place) else { return Span::default() };
        if trace.left == 0 {
            std::mem::swap(trace, &mut fresh);
        }
        trace.left = trace.left.saturating_sub(1);
        let chosen = usize::try_from(self.draws.below(trace.parents.len() as u64)).unwrap_or(0);
        let parent = trace.parents.get(chosen).map(|parent| parent.to_vec()).unwrap_or_default();
        trace.parents.push(id);
        let trace_id = trace.id.to_vec();
        let operation = self.draws.skewed(OPERATIONS);
        let is_entry = parent.is_empty() || self.draws.below(3) == 0;
        let has_failed = self.draws.below(50) == 0;
        let lasted = 200_000 + self.draws.skewed(80_000_000);
        Span {
            trace_id,
            span_id: id.to_vec(),
            parent_span_id: parent,
            name: self.name(operation),
            kind: if is_entry { 2 } else { 3 },
            start_time_unix_nano: self.now_ns - lasted,
            end_time_unix_nano: self.now_ns,
            flags: 0x101,
            attributes: self.attributes(operation, has_failed),
            events: self.events(has_failed),
            status: has_failed.then(|| Status { message: "upstream request timed out".to_owned(), code: 2 }),
            ..Span::default()
        }
    }

    fn name(&mut self, operation: u64) -> String {
        if self.unlike {
            return format!("GET /unlike/{:016x}", self.draws.bits());
        }
        format!("{} /api/v1/things-{operation:02}/{{id}}", method(operation))
    }

    fn attributes(&mut self, operation: u64, has_failed: bool) -> Vec<KeyValue> {
        let thing = self.draws.bits();
        let mut attributes = vec![
            text("http.request.method", method(operation)),
            text("http.route", format!("/api/v1/things-{operation:02}/{{id}}")),
            text("url.path", format!("/api/v1/things-{operation:02}/{thing:016x}")),
            text(
                "http.request.header.x-request-id",
                format!("{:016x}{:016x}", self.draws.bits(), self.draws.bits()),
            ),
            int("http.response.status_code", if has_failed { 504 } else { 200 + operation % 2 * 4 }),
            text("server.address", format!("{}.shop.svc.cluster.local", service(operation * 7))),
            int("server.port", 8080),
            text("network.protocol.version", "1.1"),
            text("user_agent.original", user_agent(self.draws.skewed(30))),
            int("thread.id", 20 + self.draws.below(16)),
            text("customer.tier", tier(self.draws.below(10))),
        ];
        if self.unlike {
            let key = format!("unlike.{:016x}", self.draws.bits());
            attributes.push(text(&key, format!("{:016x}", self.draws.bits())));
        }
        attributes
    }

    fn events(&mut self, has_failed: bool) -> Vec<span::Event> {
        if !has_failed {
            return Vec::new();
        }
        let attributes = vec![
            text("exception.type", "TimeoutError"),
            text("exception.message", format!("no answer within {} ms", 100 + self.draws.below(5) * 100)),
        ];
        let name = "exception".to_owned();
        vec![span::Event { time_unix_nano: self.now_ns, name, attributes, ..span::Event::default() }]
    }
}

fn method(operation: u64) -> &'static str {
    match operation % 4 {
        0 | 1 => "GET",
        2 => "POST",
        _ => "PUT",
    }
}

fn user_agent(draw: u64) -> String {
    let version = 100 + draw;
    format!("Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
}

fn tier(draw: u64) -> &'static str {
    match draw {
        0 => "gold",
        1..=3 => "silver",
        _ => "free",
    }
}

impl Stream for Spans {
    fn next_request(&mut self) -> Made {
        let spans: Vec<Span> = (0..self.batch).map(|_| self.span()).collect();
        let items = spans.len() as u64;
        let scope_spans = vec![ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() }];
        let resource_spans = vec![ResourceSpans {
            resource: Some(resource(self.number)),
            scope_spans,
            ..ResourceSpans::default()
        }];
        self.number += 1;
        Made { bytes: ExportTraceServiceRequest { resource_spans }.encode_to_vec().into(), items }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn spans_of(made: &Made) -> Vec<Span> {
        let request = ExportTraceServiceRequest::decode(made.bytes.clone()).unwrap();
        request.resource_spans[0].scope_spans[0].spans.clone()
    }

    #[test]
    fn a_seed_gives_the_same_bytes_and_another_one_others() {
        let first = |seed| Spans::new(seed, 1_700_000_000_000_000_000).next_request().bytes;
        assert_eq!(first(1), first(1));
        assert_ne!(first(1), first(2));
    }

    #[test]
    fn a_span_has_the_size_and_the_attributes_of_the_table() {
        let requests = Spans::new(1, 1_700_000_000_000_000_000).take_requests(20);
        let per_span = crate::generate::bytes(&requests) / crate::generate::items(&requests);
        assert!((555..585).contains(&per_span), "{per_span} bytes a span");
        let spans: Vec<Span> = requests.iter().flat_map(spans_of).collect();
        assert!(spans.iter().all(|span| span.attributes.len() == 11));
        let distinct = |at: usize| -> usize {
            let values: BTreeSet<String> =
                spans.iter().map(|span| format!("{:?}", span.attributes[at].value)).collect();
            values.len()
        };
        assert_eq!((distinct(2), distinct(3)), (spans.len(), spans.len()), "near-unique");
        assert!((0..11).filter(|at| ![2, 3].contains(at)).all(|at| distinct(at) <= 60));
    }

    #[test]
    fn neighbours_seldom_belong_to_one_trace_and_no_id_comes_twice() {
        let requests = Spans::new(3, 1_700_000_000_000_000_000).take_requests(10);
        let spans: Vec<Span> = requests.iter().flat_map(spans_of).collect();
        let near = spans.windows(2).filter(|pair| pair[0].trace_id == pair[1].trace_id).count();
        assert!(near * 20 < spans.len(), "{near} of {} neighbours", spans.len());
        let ids: BTreeSet<&Vec<u8>> = spans.iter().map(|span| &span.span_id).collect();
        assert_eq!(ids.len(), spans.len());
        let traces: BTreeSet<&Vec<u8>> = spans.iter().map(|span| &span.trace_id).collect();
        let roots = spans.iter().filter(|span| span.parent_span_id.is_empty()).count();
        assert_eq!(roots, traces.len(), "every trace has one root");
    }
}
