//! Answers `message`: the spans that sent, fetched and processed one message.
//!
//! A span is of the message when it says its id, or when it takes what such a span sent: not every taker repeats the
//! id. Does not follow what the takers send on: those are other messages.

use std::collections::BTreeSet;
use std::sync::Arc;

use telemetry::answer::{MessageRow, MessageStep};
use telemetry::rows::queues;
use telemetry::signal::attribute;
use telemetry::{Answer, AskError, Span, SpanId, SpanKind, Table, TraceId};

use super::Asking;
use crate::kept::Parts;
use crate::rollup::Key;

pub(super) fn answer(parts: &Parts<'_>, message_id: &str, asking: &Asking<'_>) -> Result<Answer, AskError> {
    let mut named: Vec<Arc<Span>> = Vec::new();
    let mut takers: Vec<Arc<Span>> = Vec::new();
    for trace in parts.traces() {
        asking.look_at(trace.len())?;
        for span in trace.spans().filter(|span| step(span).is_some()) {
            let id = attribute(&span.attributes, "messaging.message.id").map(telemetry::Value::render);
            match id {
                Some(id) if id == message_id => named.push(Arc::clone(span)),
                None if span.kind == SpanKind::Consumer => takers.push(Arc::clone(span)),
                _ => {}
            }
        }
    }
    let sent: BTreeSet<(TraceId, SpanId)> = named
        .iter()
        .filter(|span| span.kind == SpanKind::Producer)
        .map(|span| (span.trace_id, span.span_id))
        .collect();
    takers.retain(|span| !queues::origins(span).is_disjoint(&sent));
    let mut rows: Vec<MessageRow> = named.iter().chain(&takers).filter_map(|span| row(span)).collect();
    rows.sort_by_key(|row| (row.at, row.step, row.trace_id, row.span_id));
    Ok(asking.exact(rows, Table::Message))
}

fn step(span: &Span) -> Option<MessageStep> {
    match span.kind {
        SpanKind::Producer => Some(MessageStep::Sent),
        SpanKind::Consumer if queues::is_fetch(span) => Some(MessageStep::Received),
        SpanKind::Consumer => Some(MessageStep::Processed),
        _ => None,
    }
}

fn row(span: &Span) -> Option<MessageRow> {
    let queue = attribute(&span.attributes, "messaging.destination.name");
    Some(MessageRow {
        at: span.start,
        step: step(span)?,
        subject: Key::of(span).subject(),
        queue: queue.map(telemetry::Value::render).unwrap_or_default(),
        trace_id: span.trace_id,
        span_id: span.span_id,
        duration_ns: span.duration_ns(),
        is_error: span.is_error(),
    })
}
