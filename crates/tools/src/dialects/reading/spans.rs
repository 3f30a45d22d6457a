//! Traces that stand for a window, span by span, and what a filter sees of a span.

use std::collections::BTreeSet;

use telemetry::answer::{Choice, ExemplarRow, TraceRow};
use telemetry::{Ask, Scope, SpanKind, StatusCode, TraceId, Window};

use super::told::{self, Told};
use crate::dialects::Record;
use crate::tool::Context;

/// The fields that every span carries, beside its attributes.
pub(crate) const FIELDS: [&str; 12] = [
    "@timestamp",
    "service.name",
    "transaction.name",
    "service.node.name",
    "service.version",
    "trace.id",
    "span.id",
    "parent.id",
    "span.kind",
    "duration",
    "event.outcome",
    "processor.event",
];

/// Examples that a question gives of each kind.
const EXAMPLES: u8 = 10;

/// What a filter sees of a span. One that does not tell how it ended was no failure, and is unknown as well.
pub(crate) fn record(trace: TraceId, row: &TraceRow) -> Record {
    let is_entry = matches!(row.kind, SpanKind::Server | SpanKind::Consumer);
    let record = super::requests::record(&row.subject)
        .with_time("@timestamp", row.start)
        .with("trace.id", &trace.to_string())
        .with("span.id", &row.span_id.to_string())
        .with("parent.id", &row.parent.map(|id| id.to_string()).unwrap_or_default())
        .with("span.kind", row.kind.name())
        .with_number("duration", row.duration_ns as f64)
        .with("processor.event", if is_entry { "transaction" } else { "span" });
    let record = match row.status {
        StatusCode::Error => record.with("event.outcome", "failure"),
        StatusCode::Ok => record.with("event.outcome", "success"),
        StatusCode::Unset => record.with("event.outcome", "success").with("event.outcome", "unknown"),
    };
    record.with_all(&row.attributes)
}

/// The traces that stand for a window, the worst first, each once: at most ten of the worst and ten typical ones.
pub(crate) async fn examples(context: &Context, window: Window, scopes: Vec<Scope>) -> Told<Vec<TraceId>> {
    let asks = scopes.into_iter().map(|scope| Ask::Exemplars { window, scope, limit: EXAMPLES }).collect();
    let told = told::each::<Vec<ExemplarRow>>(context, asks, told::rows!(Exemplars)).await;
    let mut whole: Told<Vec<ExemplarRow>> = Told::default();
    for told in told {
        whole.rows.extend(told.rows);
        whole.is_truncated |= told.is_truncated;
        whole.is_answered |= told.is_answered;
        whole.gaps.extend(told.gaps);
    }
    whole.gaps.dedup();
    whole.map(|mut rows| {
        rows.sort_by_key(|row| {
            (row.choice != Choice::Worst, std::cmp::Reverse((row.is_error, row.duration_ns)))
        });
        let mut seen = BTreeSet::new();
        rows.into_iter().map(|row| row.trace_id).filter(|id| seen.insert(*id)).collect()
    })
}

/// The spans of each of these traces.
pub(crate) async fn traces(context: &Context, ids: &[TraceId]) -> Vec<(TraceId, Told<Vec<TraceRow>>)> {
    let asks = ids.iter().map(|id| Ask::Trace { trace_id: *id }).collect();
    let told = told::each::<Vec<TraceRow>>(context, asks, told::rows!(Trace)).await;
    ids.iter().copied().zip(told).collect()
}
