//! All spans of one trace as rows, complete or not.

use super::Key;
use crate::answer::TraceRow;
use crate::trace::{AssembledTrace, Node};

/// Characters of an attribute shown.
const VALUE_CHARS_MAX: usize = 200;

/// The rows, by start.
#[must_use]
pub fn rows(trace: &AssembledTrace<'_>) -> Vec<TraceRow> {
    trace.nodes.iter().map(row).collect()
}

fn row(node: &Node<'_>) -> TraceRow {
    let span = node.span;
    let mut attributes: Vec<(String, String)> = span
        .attributes
        .iter()
        .map(|(key, value)| (key.to_string(), value.render().chars().take(VALUE_CHARS_MAX).collect()))
        .collect();
    attributes.sort();
    TraceRow {
        span_id: span.span_id,
        parent: span.parent,
        subject: Key::of(span).subject(),
        kind: span.kind,
        start: span.start,
        duration_ns: span.duration_ns(),
        exclusive_ns: node.exclusive_ns,
        edge_delay_ns: node.edge_delay_ns,
        status: span.status,
        attributes,
    }
}
