//! The rows of the answer to `trace` as spans again.
//!
//! A row has no trace id, no links, no events, and its attributes are texts: enough for every comparison here but
//! those along links. The trace id is made from its first span, so that one answer stays one trace.

use std::sync::Arc;

use telemetry::answer::TraceRow;
use telemetry::{Resource, Span, TraceId, UnixNanos, Value};

/// The spans of one answer.
#[must_use]
pub fn spans_of(rows: &[TraceRow]) -> Vec<Span> {
    let first = rows.iter().find(|row| row.parent.is_none()).or(rows.first());
    let Some(first) = first else { return Vec::new() };
    let mut id = [0; 16];
    for (slot, byte) in id.iter_mut().zip(first.span_id.0.iter().chain(&first.span_id.0)) {
        *slot = *byte;
    }
    rows.iter().map(|row| span(row, TraceId(id))).collect()
}

fn span(row: &TraceRow, trace_id: TraceId) -> Span {
    let text = |text: &str| Value::Text(Arc::from(text));
    let told = [
        ("service.name", &row.subject.service),
        ("service.instance.id", &row.subject.instance),
        ("service.version", &row.subject.version),
    ];
    let resource = told
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (Arc::from(key), text(value)));
    Span {
        trace_id,
        span_id: row.span_id,
        parent: row.parent,
        name: Arc::from(row.subject.operation.as_str()),
        kind: row.kind,
        start: row.start,
        end: UnixNanos(row.start.0.saturating_add(row.duration_ns)),
        status: row.status,
        message: Arc::from(""),
        attributes: row
            .attributes
            .iter()
            .map(|(key, value)| (Arc::from(key.as_str()), text(value)))
            .collect(),
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::new(Resource::of(resource.collect())),
    }
}
