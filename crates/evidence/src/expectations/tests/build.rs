//! Spans, records and entries for the tests, a line each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use telemetry::signal::{SpanEvent, SpanLink};
use telemetry::{LogRecord, Resource, Span, SpanId, SpanKind, StatusCode, TraceId, UnixNanos, Value};

use super::super::{Claim, Item, Run, Selector, SpanItem, Statement, Texts};

/// Plain containment stands in for the regular expressions of `replay`.
pub(super) struct Plain;

impl Texts for Plain {
    fn is_match(&self, pattern: &str, text: &str) -> bool {
        let literal: String = pattern.chars().filter(|c| *c != '\\').collect();
        literal.split("[0-9]+").all(|part| text.contains(part))
    }
}

fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A root span from `from` to `to` milliseconds, in a trace of its own.
pub(super) fn span(service: &str, name: &str, kind: SpanKind, from: i64, to: i64) -> Span {
    let id = fresh();
    let mut trace = [1; 16];
    trace[8..].copy_from_slice(&id.to_be_bytes());
    Span {
        trace_id: TraceId(trace),
        span_id: SpanId(id.to_be_bytes()),
        parent: None,
        name: Arc::from(name),
        kind,
        start: UnixNanos(from * 1_000_000),
        end: UnixNanos(to * 1_000_000),
        status: StatusCode::Unset,
        message: Arc::from(""),
        attributes: Vec::new(),
        events: Vec::new(),
        links: Vec::new(),
        resource: Arc::new(Resource::of(vec![(Arc::from("service.name"), Value::Text(Arc::from(service)))])),
    }
}

pub(super) fn child(parent: &Span, span: Span) -> Span {
    Span { trace_id: parent.trace_id, parent: Some(parent.span_id), ..span }
}

pub(super) fn linked(cause: &Span, mut span: Span) -> Span {
    span.links.push(SpanLink { trace_id: cause.trace_id, span_id: cause.span_id, attributes: Vec::new() });
    span
}

pub(super) fn failed(span: Span) -> Span {
    Span { status: StatusCode::Error, ..span }
}

pub(super) fn with(mut span: Span, key: &str, value: &str) -> Span {
    span.attributes.push((Arc::from(key), Value::Text(Arc::from(value))));
    span
}

pub(super) fn exception(mut span: Span, message: &str) -> Span {
    let attributes = vec![(Arc::from("exception.message"), Value::Text(Arc::from(message)))];
    span.events.push(SpanEvent { at: span.start, name: Arc::from("exception"), attributes });
    span
}

pub(super) fn log(span: &Span, severity: i32, text: &str) -> LogRecord {
    LogRecord {
        at: span.start,
        trace_id: Some(span.trace_id),
        span_id: Some(span.span_id),
        severity,
        body: Value::Text(Arc::from(text)),
        attributes: Vec::new(),
        resource: Arc::clone(&span.resource),
    }
}

pub(super) fn run(spans: Vec<Span>) -> Run {
    Run { spans, logs: Vec::new() }
}

pub(super) fn item(states: Statement) -> Item {
    Item { line: 1, because: String::new(), states }
}

pub(super) fn claim(span: &str, claims: Vec<Claim>) -> Statement {
    Statement::Span(SpanItem {
        selector: Selector { span: span.to_owned(), ..Selector::default() },
        is_optional: false,
        claims: claims.into_iter().map(|claim| (1, claim)).collect(),
    })
}
