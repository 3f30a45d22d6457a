//! The spans of one run as a graph of causes: parents first, span links where there is no parent.
//!
//! No edge is ever read from a timestamp, so that clocks which disagree by seconds change nothing (PB-02). A span
//! may have several causes; the first one present is its place in the tree, the others stay as `also_caused_by`.
//! Does not compare anything.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::signal::attribute;
use telemetry::trace::assemble;
use telemetry::{Span, SpanId, SpanKind, TraceId};

/// Who did what in which role: what spans are aligned by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key<'a> {
    pub(crate) service: &'a str,
    pub(crate) operation: &'a str,
    pub(crate) kind: SpanKind,
}

/// One span in its place.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) span: &'a Span,
    pub(crate) parent: Option<usize>,
    pub(crate) children: Vec<usize>,
    /// Causes besides the parent: targets of span links.
    pub(crate) also_caused_by: Vec<usize>,
    /// Whether it names a parent that is not here.
    pub(crate) is_orphan: bool,
    pub(crate) exclusive_ns: i64,
    pub(crate) edge_delay_ns: i64,
}

impl<'a> Node<'a> {
    pub(crate) fn key(&self) -> Key<'a> {
        Key { service: &self.span.resource.service, operation: &self.span.name, kind: self.span.kind }
    }
}

/// The spans of one run.
#[derive(Debug, Default)]
pub(crate) struct Graph<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    /// Spans without a cause in the run, by start.
    pub(crate) roots: Vec<usize>,
}

impl<'a> Graph<'a> {
    /// The graph of `spans`; a span that comes twice counts once.
    pub(crate) fn of(spans: &'a [Span]) -> Self {
        let mut traces: BTreeMap<TraceId, Vec<&'a Span>> = BTreeMap::new();
        for span in spans {
            traces.entry(span.trace_id).or_default().push(span);
        }
        let mut nodes: Vec<Node<'a>> = Vec::new();
        for spans in traces.into_values() {
            nodes.extend(assemble(spans).nodes.into_iter().map(|node| Node {
                span: node.span,
                parent: None,
                children: Vec::new(),
                also_caused_by: Vec::new(),
                is_orphan: false,
                exclusive_ns: node.exclusive_ns.max(0),
                edge_delay_ns: node.edge_delay_ns.unwrap_or(0),
            }));
        }
        nodes.sort_by_key(|node| (node.span.start, node.span.span_id));
        let mut graph = Self { nodes, roots: Vec::new() };
        graph.connect();
        graph.break_cycles();
        graph
    }

    /// The node at `place`.
    pub(crate) fn get(&self, place: usize) -> Option<&Node<'a>> {
        self.nodes.get(place)
    }

    /// The children of `place`, or the roots.
    pub(crate) fn below(&self, place: Option<usize>) -> &[usize] {
        match place {
            None => &self.roots,
            Some(place) => self.get(place).map_or(&[], |node| &node.children),
        }
    }

    /// The places from `place` up to its root, itself first.
    pub(crate) fn upwards(&self, place: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(place), |place| self.get(*place).and_then(|node| node.parent))
    }

    /// `place` and everything below it.
    pub(crate) fn subtree(&self, place: usize) -> Vec<usize> {
        let mut found = vec![place];
        let mut next = 0;
        while let Some(place) = found.get(next).copied() {
            found.extend(self.below(Some(place)));
            next += 1;
        }
        found
    }

    /// The names from the root down to `place`.
    pub(crate) fn path(&self, place: usize) -> String {
        let mut names: Vec<String> =
            self.upwards(place).filter_map(|place| self.get(place)).map(|node| name(node.span)).collect();
        names.reverse();
        names.join(" > ")
    }

    /// Whom the call at `place` reaches: the service of the other side, or what an uninstrumented one is known by.
    /// Nothing for a span that is no call, and for an address that says nothing about who is there.
    pub(crate) fn callee(&self, place: usize) -> Option<String> {
        let node = self.get(place)?;
        if !matches!(node.span.kind, SpanKind::Client | SpanKind::Producer) {
            return None;
        }
        let entry = node.children.iter().filter_map(|child| self.get(*child)).find(|c| c.span.is_entry());
        entry.map(|child| child.span.resource.service.to_string()).or_else(|| peer(node.span))
    }

    /// Whether the call at `place` has its other side in the run.
    pub(crate) fn is_answered(&self, place: usize) -> bool {
        self.below(Some(place)).iter().filter_map(|child| self.get(*child)).any(|c| c.span.is_entry())
    }

    /// The edges between services that begin or end at `place`: to its callee when that is not instrumented, and
    /// from each of its causes in another service.
    pub(crate) fn edges_at(&self, place: usize) -> Vec<(String, String)> {
        let Some(node) = self.get(place) else { return Vec::new() };
        let own = node.span.resource.service.to_string();
        let mut edges: Vec<(String, String)> = Vec::new();
        if !self.is_answered(place) {
            edges.extend(self.callee(place).map(|callee| (own.clone(), callee)));
        }
        for cause in node.parent.iter().chain(&node.also_caused_by) {
            let from = self.get(*cause).map(|cause| cause.span.resource.service.to_string());
            edges.extend(from.map(|from| (from, own.clone())));
        }
        edges.retain(|(from, to)| from != to);
        edges
    }

    /// All edges.
    pub(crate) fn edges(&self) -> BTreeSet<(String, String)> {
        (0..self.nodes.len()).flat_map(|place| self.edges_at(place)).collect()
    }

    /// All services, and what uninstrumented callees are known by.
    pub(crate) fn services(&self) -> BTreeSet<String> {
        let own = self.nodes.iter().map(|node| node.span.resource.service.to_string());
        own.chain(self.edges().into_iter().map(|(_, to)| to)).collect()
    }

    fn connect(&mut self) {
        let places: BTreeMap<(TraceId, SpanId), usize> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(place, node)| ((node.span.trace_id, node.span.span_id), place))
            .collect();
        for place in 0..self.nodes.len() {
            let Some(node) = self.nodes.get(place) else { continue };
            let span = node.span;
            let parent = span.parent.and_then(|id| places.get(&(span.trace_id, id)).copied());
            let linked =
                span.links.iter().filter_map(|link| places.get(&(link.trace_id, link.span_id)).copied());
            let mut causes: Vec<usize> = parent.into_iter().chain(linked).filter(|at| *at != place).collect();
            let mut seen = BTreeSet::new();
            causes.retain(|cause| seen.insert(*cause));
            let first = (!causes.is_empty()).then(|| causes.remove(0));
            if let Some(node) = self.nodes.get_mut(place) {
                node.is_orphan = span.parent.is_some() && parent.is_none();
                node.parent = first;
                node.also_caused_by = causes;
            }
            match first.and_then(|first| self.nodes.get_mut(first)) {
                Some(first) => first.children.push(place),
                None => self.roots.push(place),
            }
        }
    }

    /// Spans that cause each other hang below no root: the first of each ring becomes one, a linked one before others.
    fn break_cycles(&mut self) {
        let mut reached: BTreeSet<usize> =
            self.roots.clone().into_iter().flat_map(|root| self.subtree(root)).collect();
        let mut rest: Vec<usize> = (0..self.nodes.len()).filter(|place| !reached.contains(place)).collect();
        rest.sort_by_key(|place| {
            self.get(*place).is_none_or(|node| node.span.parent.is_some() && !node.is_orphan)
        });
        for place in rest {
            if reached.contains(&place) {
                continue;
            }
            let parent = self.nodes.get_mut(place).and_then(|node| node.parent.take());
            if let Some(parent) = parent.and_then(|parent| self.nodes.get_mut(parent)) {
                parent.children.retain(|child| *child != place);
            }
            self.roots.push(place);
            reached.extend(self.subtree(place));
        }
    }
}

/// `<service> <operation>`, as expectations select spans.
pub(crate) fn name(span: &Span) -> String {
    format!("{} {}", span.resource.service, span.name)
}

/// What an uninstrumented callee is known by: the database, the queue, the service or the host. A literal address
/// differs from run to run and says nothing.
pub(crate) fn peer(span: &Span) -> Option<String> {
    let text = |key: &str| {
        attribute(&span.attributes, key).map(telemetry::Value::render).filter(|text| !text.is_empty())
    };
    if let Some(system) = text("db.system.name").or_else(|| text("db.system")) {
        let part = text("db.namespace").or_else(|| text("db.name"));
        return Some(part.map_or(system.clone(), |part| format!("{system}:{part}")));
    }
    let is_literal = |host: &str| host.contains(':') || host.chars().all(|c| c.is_ascii_digit() || c == '.');
    let is_named = |host: &String| !is_literal(host) && host != "localhost";
    text("messaging.destination.name")
        .or_else(|| text("peer.service"))
        .or_else(|| text("server.address").or_else(|| text("net.peer.name")).filter(is_named))
}

/// Repeated calls after a failure among `group`, the calls of one operation below one span. A failed call excuses one
/// later call that began after it had ended; calls that ran beside it are no retries. Where the client counts by itself
/// (`http.request.resend_count`), the larger figure holds.
pub(crate) fn retries(graph: &Graph<'_>, group: &[usize]) -> usize {
    let mut spans: Vec<&Span> =
        group.iter().filter_map(|place| graph.get(*place)).map(|node| node.span).collect();
    spans.sort_by_key(|span| (span.start, span.span_id));
    let (mut open, mut seen): (Vec<telemetry::UnixNanos>, usize) = (Vec::new(), 0);
    let (mut told, mut resent) = (0_usize, 0_usize);
    for span in spans {
        if let Some(before) = open.iter().position(|end| *end <= span.start) {
            open.remove(before);
            seen += 1;
        }
        if span.is_error() {
            open.push(span.end);
        }
        let count = told_resends(span);
        told = told.max(count);
        resent += usize::from(count > 0);
    }
    seen.max(told).max(resent)
}

/// How often the client says that it sent this request again (OpenTelemetry semantic conventions for HTTP).
pub(crate) fn told_resends(span: &Span) -> usize {
    let count = attribute(&span.attributes, "http.request.resend_count");
    count.and_then(|count| count.render().parse().ok()).unwrap_or(0)
}
