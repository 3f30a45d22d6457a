//! Answers `trace`: all spans of one trace, complete or not.

use std::sync::Arc;

use telemetry::answer::TraceRow;
use telemetry::trace::{Node, assemble};
use telemetry::{Answer, AskError, Span, Table};

use super::Asking;
use crate::rollup::Key;

/// Characters of an attribute shown.
const VALUE_CHARS_MAX: usize = 200;

pub(super) fn answer(spans: &[Arc<Span>], asking: &Asking<'_>) -> Result<Answer, AskError> {
    asking.look_at(spans.len() as u64)?;
    let trace = assemble(spans.iter().map(|span| &**span));
    let rows = trace.nodes.iter().map(row).collect();
    let left_out = trace.orphans as u64;
    Ok(Answer { left_out, ..asking.exact(rows, Table::Trace) })
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
