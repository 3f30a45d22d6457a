//! A trace put together from its spans: parents, children, exclusive time, edge delay.
//!
//! Exclusive time of a span is its duration minus the union of its children's intervals, each clipped to the
//! span. A span that called another process has no exclusive time of its own: what its callee does not explain
//! is the *edge delay* (client duration minus server duration), and belongs to the edge. Assembled here once;
//! the store, the evidence, replay and the page all call it.
//!
//! Does not decide when a trace is complete: whoever receives spans knows when they stopped coming.

use std::collections::BTreeMap;

use crate::ids::SpanId;
use crate::signal::{Span, SpanKind};

/// One span in its place within the trace.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// The span itself.
    pub span: &'a Span,
    /// Index of the parent among the trace's nodes.
    pub parent: Option<usize>,
    /// Indices of the children, by start, then by span id.
    pub children: Vec<usize>,
    /// Nanoseconds that no child explains; zero for a call whose other side is in the trace.
    pub exclusive_ns: i64,
    /// For a call whose other side is in the trace: client duration minus server duration and minus what other
    /// children (connecting, say) explain, not below zero.
    pub edge_delay_ns: Option<i64>,
    /// Idle time of the parent right before this span: since the parent began, or since the latest end of the
    /// siblings before it. Zero without a parent in the same process: clocks of two do not compare.
    pub lead_ns: i64,
}

/// A trace as a tree.
#[derive(Debug, Clone)]
pub struct AssembledTrace<'a> {
    /// All spans, by start, then by span id.
    pub nodes: Vec<Node<'a>>,
    /// The one span without a parent, when there is exactly one.
    pub root: Option<usize>,
    /// Spans that name a parent that is not here.
    pub orphans: usize,
}

impl AssembledTrace<'_> {
    /// Whether there is one root and no span lacks its parent.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.root.is_some() && self.orphans == 0
    }
}

/// Puts `spans` of one trace together. A span id that comes twice counts once (delivery is at least once).
#[must_use]
pub fn assemble<'a>(spans: impl IntoIterator<Item = &'a Span>) -> AssembledTrace<'a> {
    let mut unique: BTreeMap<SpanId, &Span> = BTreeMap::new();
    for span in spans {
        unique.entry(span.span_id).or_insert(span);
    }
    let mut ordered: Vec<&Span> = unique.into_values().collect();
    ordered.sort_by_key(|span| (span.start, span.span_id));
    let places: BTreeMap<SpanId, usize> =
        ordered.iter().enumerate().map(|(place, span)| (span.span_id, place)).collect();
    let mut nodes: Vec<Node<'a>> = ordered.into_iter().map(node).collect();
    let (mut roots, mut orphans) = (Vec::new(), 0);
    for place in 0..nodes.len() {
        let parent = nodes.get(place).and_then(|node| node.span.parent);
        match parent.map(|id| places.get(&id).copied().filter(|found| *found != place)) {
            None => roots.push(place),
            Some(None) => orphans += 1,
            Some(Some(found)) => link(&mut nodes, found, place),
        }
    }
    for place in 0..nodes.len() {
        measure(&mut nodes, place);
    }
    let root = match roots.as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    AssembledTrace { nodes, root, orphans }
}

fn node(span: &Span) -> Node<'_> {
    Node { span, parent: None, children: Vec::new(), exclusive_ns: 0, edge_delay_ns: None, lead_ns: 0 }
}

fn link(nodes: &mut [Node<'_>], parent: usize, child: usize) {
    if let Some(node) = nodes.get_mut(child) {
        node.parent = Some(parent);
    }
    if let Some(node) = nodes.get_mut(parent) {
        node.children.push(child);
    }
}

fn measure(nodes: &mut [Node<'_>], place: usize) {
    let Some(node) = nodes.get(place) else { return };
    let span = node.span;
    let children: Vec<&Span> =
        node.children.iter().filter_map(|child| nodes.get(*child)).map(|child| child.span).collect();
    let callee = (span.kind == SpanKind::Client)
        .then(|| children.iter().filter(|child| child.is_entry()).map(|child| child.duration_ns()).max())
        .flatten();
    let leads = leads_ns(node, nodes);
    let own: Vec<&Span> = children.iter().copied().filter(|child| !child.is_entry()).collect();
    let covered = covered_ns(span, if callee.is_some() { &own } else { &children });
    for (child, lead_ns) in leads {
        if let Some(child) = nodes.get_mut(child) {
            child.lead_ns = lead_ns;
        }
    }
    let Some(node) = nodes.get_mut(place) else { return };
    match callee {
        Some(callee_ns) => {
            node.edge_delay_ns = Some((span.duration_ns() - callee_ns - covered).max(0));
        }
        None => node.exclusive_ns = span.duration_ns() - covered,
    }
}

/// For each child of the same process, the idle time of its parent right before it. Children come by start.
fn leads_ns(node: &Node<'_>, nodes: &[Node<'_>]) -> Vec<(usize, i64)> {
    let mut reached = node.span.start.0;
    let mut leads = Vec::new();
    for place in &node.children {
        let Some(child) = nodes.get(*place).map(|child| child.span) else { continue };
        if child.is_entry() || child.resource.service != node.span.resource.service {
            continue;
        }
        leads.push((*place, (child.start.0.min(node.span.end.0) - reached).max(0)));
        reached = reached.max(child.end.0);
    }
    leads
}

/// Length of the union of the children's intervals inside `span`, in nanoseconds.
fn covered_ns(span: &Span, children: &[&Span]) -> i64 {
    let mut intervals: Vec<(i64, i64)> = children
        .iter()
        .map(|child| (child.start.0.max(span.start.0), child.end.0.min(span.end.0)))
        .filter(|(from, to)| from < to)
        .collect();
    intervals.sort_unstable();
    let (mut covered, mut reached) = (0, i64::MIN);
    for (from, to) in intervals {
        let from = from.max(reached);
        covered += (to - from).max(0);
        reached = reached.max(to);
    }
    covered
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ids::TraceId;
    use crate::signal::{Resource, StatusCode};
    use crate::time::UnixNanos;

    fn span(id: u8, parent: u8, kind: SpanKind, start: i64, end: i64) -> Span {
        Span {
            trace_id: TraceId([1; 16]),
            span_id: SpanId([id; 8]),
            parent: (parent > 0).then_some(SpanId([parent; 8])),
            name: Arc::from("work"),
            kind,
            start: UnixNanos(start),
            end: UnixNanos(end),
            status: StatusCode::Unset,
            message: Arc::from(""),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            resource: Arc::new(Resource::default()),
        }
    }

    fn exclusive(trace: &AssembledTrace<'_>) -> Vec<i64> {
        trace.nodes.iter().map(|node| node.exclusive_ns).collect()
    }

    // covers: AT-03
    #[test]
    fn the_slow_child_is_named_and_not_its_equally_long_ancestors() {
        let spans = [
            span(1, 0, SpanKind::Server, 0, 100),
            span(2, 1, SpanKind::Internal, 1, 99),
            span(3, 2, SpanKind::Client, 2, 98),
        ];
        let trace = assemble(&spans);
        assert!(trace.is_whole());
        assert_eq!(exclusive(&trace), [2, 2, 96]);
    }

    #[test]
    fn overlapping_children_are_counted_once_and_clipped_to_the_parent() {
        let spans = [
            span(1, 0, SpanKind::Server, 0, 100),
            span(2, 1, SpanKind::Client, 10, 60),
            span(3, 1, SpanKind::Client, 40, 80),
            span(4, 1, SpanKind::Internal, 90, 150),
        ];
        assert_eq!(exclusive(&assemble(&spans)), [20, 50, 40, 60]);
    }

    #[test]
    fn what_a_remote_callee_does_not_explain_belongs_to_the_edge() {
        let spans = [
            span(1, 0, SpanKind::Server, 0, 100),
            span(2, 1, SpanKind::Client, 0, 100),
            span(3, 2, SpanKind::Server, 30, 70),
        ];
        let trace = assemble(&spans);
        assert_eq!(exclusive(&trace), [0, 0, 40]);
        assert_eq!(trace.nodes[1].edge_delay_ns, Some(60));
    }

    #[test]
    fn connecting_is_no_delay_of_the_edge_and_a_wait_stands_before_the_child() {
        let spans = [
            span(1, 0, SpanKind::Server, 0, 100),
            span(2, 1, SpanKind::Client, 40, 100),
            span(3, 2, SpanKind::Internal, 40, 70),
            span(4, 2, SpanKind::Server, 75, 95),
        ];
        let trace = assemble(&spans);
        assert_eq!(trace.nodes[1].edge_delay_ns, Some(10));
        assert_eq!(exclusive(&trace), [40, 0, 30, 20]);
        assert_eq!(trace.nodes.iter().map(|node| node.lead_ns).collect::<Vec<_>>(), [0, 40, 0, 0]);
    }

    #[test]
    fn a_repeated_span_counts_once_and_a_missing_parent_is_seen() {
        let first = span(1, 0, SpanKind::Server, 0, 10);
        let orphan = span(3, 9, SpanKind::Server, 2, 4);
        let spans = [first.clone(), first, orphan];
        let trace = assemble(&spans);
        assert_eq!((trace.nodes.len(), trace.orphans, trace.is_whole()), (2, 1, false));
    }

    #[test]
    fn a_span_that_is_its_own_parent_does_not_loop() {
        let trace = [span(1, 1, SpanKind::Server, 0, 10)];
        assert_eq!(assemble(&trace).orphans, 1);
    }
}
